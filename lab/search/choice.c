/* Choices, and the recipes that they stand for: one rule for each layer and technique, technique by technique, so that the
 * recipe of a trial and that of the result are the same but for the remarks about cost. */
#include "search.h"
#include <math.h>
#include <string.h>

w_choice *w_choice_new(w_search *s) {
    w_choice *c = w_arena_array(&s->arena, s->nlayer * W_LADDERS, sizeof *c);
    for (size_t i = 0; c && i < s->nlayer; i++)
        for (size_t k = 0; k < W_LADDERS; k++) {
            const w_ladder *d = &s->layer[i].ladder[k];
            c[i * W_LADDERS + k] = d->technique && (d->fixed || d->technique->lossless) ? 0 : W_OFF;
        }
    return c;
}

w_choice *w_choice_copy(w_search *s, const w_choice *c) {
    size_t n = s->nlayer * W_LADDERS * sizeof *c;
    w_choice *d = w_arena_alloc(&s->arena, n);
    return d ? memcpy(d, c, n) : NULL;
}

double w_choice_kl(const w_search *s, const w_choice *c) {
    double kl = 0;
    for (size_t i = 0; i < s->nlayer; i++)
        for (size_t k = 0; k < W_LADDERS; k++)
            if (c[i * W_LADDERS + k] >= 0) kl += s->layer[i].ladder[k].rung[c[i * W_LADDERS + k]].kl;
    return kl;
}

/* Four digits are enough for a figure that people read, and print the same everywhere. */
static json_t *short_real(double x) { return json_real(round(x * 1e4) / 1e4); }

static json_t *cost_of(const w_search *s, const w_rung *r) {
    return json_pack("{s:o,s:o,s:I,s:o,s:I}", "drop_points", short_real(r->drop), "kl", json_real(r->kl), "saved_bytes",
                     (json_int_t)(r->saved_bits / 8), "saved_ms", json_real(round(r->saved_s * 1e9) / 1e6), "samples", (json_int_t)s->quick.n);
}

static int set_draft(json_t *rule, const w_technique *t) {
    json_t *draft = t->draft ? json_loads(t->draft, 0, NULL) : json_object();
    int bad = draft ? json_object_update(rule, draft) : -1;
    json_decref(draft);
    return bad;
}

static int add_rule(const w_search *s, json_t *rules, const w_layer *l, const w_technique *t, const w_rung *r, w_recipe_kind kind) {
    json_t *rule = w_json_copy(r->params);
    int bad = !rule || json_object_set_new(rule, "technique", json_string(t->name)) ||
              json_object_set_new(rule, "nodes", json_pack("[s]", l->label));
    if (!bad && kind == W_RECIPE_ANNOTATED) bad = json_object_set_new(rule, "cost", cost_of(s, r));
    if (!bad && kind == W_RECIPE_DRAFT) bad = set_draft(rule, t);
    if (!bad) return json_array_append_new(rules, rule);
    json_decref(rule);
    return -1;
}

/* What loses nothing is one rule for all layers. */
static int add_lossless(const w_search *s, json_t *rules, size_t k) {
    json_t *names = json_array(), *rule = NULL;
    int bad = !names;
    for (size_t i = 0; !bad && i < s->nlayer; i++)
        if (s->layer[i].ladder[k].technique) {
            if (!rule) rule = w_json_copy(s->layer[i].ladder[k].rung[0].params);
            bad = !rule || json_array_append_new(names, json_string(s->layer[i].label));
        }
    if (!bad && rule) bad = json_object_set_new(rule, "technique", json_string(w_techniques[k]->name)) || json_object_set(rule, "nodes", names);
    if (!bad && rule) bad = json_array_append(rules, rule);
    json_decref(rule);
    json_decref(names);
    return bad;
}

json_t *w_choice_recipe(const w_search *s, const w_choice *c, w_recipe_kind kind) {
    json_t *rules = json_array(), *r = NULL;
    int bad = !rules;
    for (size_t k = 0; w_techniques[k] && !bad; k++) {
        if (w_techniques[k]->lossless) {
            bad = kind == W_RECIPE_DRAFT ? 0 : add_lossless(s, rules, k);
            continue;
        }
        for (size_t i = 0; i < s->nlayer && !bad; i++) {
            int at = c[i * W_LADDERS + k];
            if (at >= 0) bad = add_rule(s, rules, &s->layer[i], w_techniques[k], &s->layer[i].ladder[k].rung[at], kind);
        }
    }
    if (!bad) r = json_pack("{s:i,s:O}", "version", 1, "rules", rules);
    json_decref(rules);
    return r;
}
