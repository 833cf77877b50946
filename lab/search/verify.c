/* Verification: the only place where a recipe meets the evaluation samples. At most three looks, each at 98.33 % so that
 * together they keep 95 %; looks are counted in the trial store, across resumes. */
#include "search.h"
#include "hash.h"
#include <math.h>
#include <stdio.h>

/* The end of the interval that is reported has 95 % where the point value is compared, and no look is spent on it. */
static double confidence(const w_search *s) { return s->o->accept_point ? 0.95 : w_look_confidence(s); }

double w_verify_limit(const w_search *s, const w_paired *p) {
    return s->o->relative ? s->o->max_drop * p->base_top1 / 100 : s->o->max_drop;
}

static w_paired from_json(const json_t *j) {
    return (w_paired){.n = (size_t)json_integer_value(json_object_get(j, "n")),
                      .lost = (size_t)json_integer_value(json_object_get(j, "lost")),
                      .won = (size_t)json_integer_value(json_object_get(j, "won")),
                      .top1 = json_number_value(json_object_get(j, "top1")),
                      .base_top1 = json_number_value(json_object_get(j, "base")),
                      .kl = json_number_value(json_object_get(j, "kl"))};
}

static json_t *to_json(const w_paired *p) {
    return json_pack("{s:I,s:I,s:I,s:f,s:f,s:f}", "n", (json_int_t)p->n, "lost", (json_int_t)p->lost, "won", (json_int_t)p->won, "top1",
                     p->top1, "base", p->base_top1, "kl", p->kl);
}

static weir_status look(w_search *s, const weir_model *m, w_paired *out, weir_error *e) {
    const w_outputs *base;
    w_outputs now;
    w_progress(s->ctx, "verification", 0, 2);
    W_TRY(w_base_outputs(s, W_SET_VERIFY, &base, e));
    w_progress(s->ctx, "verification", 1, 2);
    weir_status st = w_outputs_run(m, &s->verify, &now, e);
    if (st == WEIR_OK) {
        *out = w_paired_compare(base, &now);
        w_outputs_fini(s->ctx, &now);
    }
    w_progress(s->ctx, "verification", 2, 2);
    return st;
}

weir_status w_verify(w_search *s, const weir_model *m, uint64_t recipe_hash, w_verdict *out, weir_error *e) {
    char key[80], prefix[40];
    json_t *known;
    snprintf(prefix, sizeof prefix, "look-%016llx-", (unsigned long long)s->looked_at);
    snprintf(key, sizeof key, "%s%016llx", prefix, (unsigned long long)w_hash64(&recipe_hash, sizeof recipe_hash, s->identity));
    W_TRY(w_store_get(s->store, key, &known, e));
    W_TRY(w_store_count(s->store, prefix, &out->looks, e));
    if (!known && out->looks >= W_LOOKS)
        return w_fail(e, WEIR_UNMET, "the evaluation data has been looked at %d times, which is all that the stated confidence allows", W_LOOKS);
    if (known) {
        static const char *const fields[] = {"n", "lost", "won", "top1", "base", "kl", NULL};
        weir_status st = w_store_numbers(s->store, key, known, fields, e);
        if (st == WEIR_OK) out->p = from_json(known);
        json_decref(known);
        W_TRY(st);
    } else {
        W_TRY(look(s, m, &out->p, e));
        s->looks_taken++;
        json_t *j = to_json(&out->p);
        weir_status st = j ? w_store_put(s->store, key, j, e) : w_oom(e, 0, "a verification");
        json_decref(j);
        W_TRY(st);
    }
    W_TRY(w_store_count(s->store, prefix, &out->looks, e));
    out->looks = W_MAX(out->looks, s->looks_taken); /* another search may have emptied the store */
    out->drop = w_paired_drop(&out->p);
    out->upper = w_paired_upper(&out->p, confidence(s));
    out->excess = (s->o->accept_point ? out->drop : out->upper) - w_verify_limit(s, &out->p);
    out->met = out->excess <= 0;
    out->last = out->looks >= W_LOOKS;
    return WEIR_OK;
}
