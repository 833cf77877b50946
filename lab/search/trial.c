/* One trial: apply a recipe, measure it against the float network on the search samples, remember the result. */
#include "search.h"
#include "hash.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double w_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Order-0 entropy of bytes, in bits for all of them. */
static double entropy_bits(const size_t *count, size_t kinds, size_t n) {
    double bits = 0;
    for (size_t i = 0; i < kinds; i++)
        if (count[i]) bits -= (double)count[i] * log2((double)count[i] / (double)n);
    return bits;
}

static uint32_t codebook_index(const w_coding *c, float x) {
    uint32_t lo = 0, hi = c->ncodebook - 1;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (c->codebook[mid] < x) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}

/* Bits of one constant in the file: what the entropy of its symbols allows, scales and codebook included. */
static double constant_bits(const w_value *v) {
    size_t n = (size_t)w_shape_count(&v->shape), count[256] = {0};
    const w_coding *c = v->coding;
    double side = v->quant ? 32.0 * v->quant->n : 0;
    if (v->type == WEIR_S8) {
        const int8_t *q = v->data;
        for (size_t i = 0; i < n; i++) count[(uint8_t)q[i]]++;
        return side + (c && c->ans ? entropy_bits(count, 256, n) : 8.0 * (double)n);
    }
    if (v->type == WEIR_F32 && c && c->ncodebook) {
        const float *x = v->data;
        for (size_t i = 0; i < n; i++) count[codebook_index(c, x[i])]++;
        return 32.0 * c->ncodebook + (c->ans ? entropy_bits(count, 256, n) : 8.0 * (double)n);
    }
    return 8.0 * (double)w_type_size(v->type) * (double)n * (c && c->ans ? c->density * 0.9 : 1);
}

double w_graph_bits(const w_graph *g) {
    double bits = 0;
    for (w_id v = 0; v < g->nvalue; v++)
        if (g->value[v].kind == W_VALUE_CONST && g->value[v].data) bits += constant_bits(&g->value[v]);
    return bits;
}

weir_status w_predict(const weir_model *model, double *seconds, double *dram_bytes, weir_error *e) {
    weir_session_options so = weir_session_options_default();
    w_plan_options po = {.threads = 1};
    w_plan *p;
    const w_machine *m;
    W_TRY(w_machine_get(model->ctx, false, &m, e));
    W_TRY(w_plan_create(model->graph, &so, &po, &p, e));
    *seconds = p->bound_s + 1e-6 * m->step_us * (double)p->nstep;
    *dram_bytes = p->bytes.level[W_DRAM];
    w_plan_destroy(p);
    return WEIR_OK;
}

static weir_status measure(w_search *s, const json_t *recipe, bool full, w_trial *t, weir_error *e) {
    weir_model *m;
    w_outputs now;
    W_TRY(w_recipe_apply(s->model, recipe, s->calibration, &m, e));
    weir_status st = w_outputs_run(m, full ? &s->full : &s->quick, &now, e);
    if (st == WEIR_OK) {
        t->p = w_paired_compare(full ? &s->base_full : &s->base_quick, &now);
        t->file_bits = w_graph_bits(m->graph);
        w_outputs_fini(s->ctx, &now);
        st = w_predict(m, &t->predicted_s, &t->dram_bytes, e);
    }
    weir_model_destroy(m);
    return st;
}

static weir_status trial_key(const w_search *s, const json_t *recipe, bool full, char key[64], weir_error *e) {
    char *text = json_dumps(recipe, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(9));
    if (!text) return w_oom(e, 0, "a trial's name");
    snprintf(key, 64, "trial-%016llx-%016llx-%s", (unsigned long long)s->identity,
             (unsigned long long)w_hash64(text, strlen(text), 0), full ? "full" : "quick");
    free(text);
    return WEIR_OK;
}

static json_t *trial_json(const w_trial *t) {
    return json_pack("{s:I,s:I,s:I,s:f,s:f,s:f,s:f,s:f,s:f}", "n", (json_int_t)t->p.n, "lost", (json_int_t)t->p.lost, "won",
                     (json_int_t)t->p.won, "top1", t->p.top1, "base", t->p.base_top1, "kl", t->p.kl, "bits", t->file_bits,
                     "seconds", t->predicted_s, "dram", t->dram_bytes);
}

static double num(const json_t *j, const char *k) { return json_number_value(json_object_get(j, k)); }

static w_trial trial_from(const json_t *j) {
    return (w_trial){.p = {.n = (size_t)num(j, "n"), .lost = (size_t)num(j, "lost"), .won = (size_t)num(j, "won"), .top1 = num(j, "top1"),
                           .base_top1 = num(j, "base"), .kl = num(j, "kl")},
                     .file_bits = num(j, "bits"), .predicted_s = num(j, "seconds"), .dram_bytes = num(j, "dram")};
}

bool w_search_expired(const w_search *s) { return s->o->time_limit_s > 0 && w_now() - s->started > s->o->time_limit_s; }

weir_status w_trial_run(w_search *s, const json_t *recipe, bool full, w_trial *out, weir_error *e) {
    char key[64];
    json_t *known;
    W_TRY(trial_key(s, recipe, full, key, e));
    W_TRY(w_store_get(s->store, key, &known, e));
    if (known) {
        *out = trial_from(known);
        json_decref(known);
        return WEIR_OK;
    }
    if (w_cancelled(s->ctx)) return w_fail(e, WEIR_INTERRUPTED, "interrupted; --resume goes on from here");
    W_TRY(w_store_begin(s->store, key, e));
    W_TRY(measure(s, recipe, full, out, e));
    s->trials_run++;
    json_t *j = trial_json(out);
    if (!j) return w_oom(e, 0, "a trial");
    weir_status st = w_store_put(s->store, key, j, e);
    json_decref(j);
    return st;
}
