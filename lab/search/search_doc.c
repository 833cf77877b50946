/* What the search knows, for the document: settings tried per layer, joint trials, the front. */
#include "search.h"
#include <stdio.h>
#include <string.h>

static void add_option(w_doc *d, json_t *list, const w_search *s, const w_ladder *l, const w_rung *r, bool chosen) {
    json_t *o = w_doc_obj(d, list, NULL);
    w_doc_str(d, o, "technique", l->technique->name);
    w_doc_add(d, o, "parameters", w_json_copy(r->params));
    w_doc_bool(d, o, "chosen", chosen);
    if (!r->measured) return;
    w_doc_num(d, o, "kl", r->kl);
    w_doc_num(d, o, "drop_points", r->drop);
    w_doc_num(d, o, "saved_bytes", r->saved_bits / 8);
    w_doc_num(d, o, "saved_ms", 1e3 * r->saved_s);
    (void)s;
}

void w_doc_layers(w_doc *d, const w_search *s, const w_choice *chosen) {
    json_t *layers = w_doc_arr(d, d->root, "layers");
    for (size_t i = 0; i < s->nlayer; i++) {
        json_t *o = w_doc_obj(d, layers, NULL);
        w_doc_str(d, o, "name", s->layer[i].label);
        w_doc_num(d, o, "weights", s->layer[i].weights);
        json_t *options = w_doc_arr(d, o, "options");
        for (size_t k = 0; w_techniques[k]; k++) {
            const w_ladder *l = &s->layer[i].ladder[k];
            for (size_t r = 0; l->technique && r < l->n; r++) {
                bool taken = chosen[i * W_LADDERS + k] == (int)r;
                if (taken || l->rung[r].measured) add_option(d, options, s, l, &l->rung[r], taken);
            }
        }
    }
}

/* a is at least as good as b in all that counts, and better in something (or the earlier of two equals). */
static bool beats(const w_search *s, const w_point *a, const w_point *b) {
    double x[] = {a->t.predicted_s, a->t.dram_bytes, a->t.stock.bits, w_predicted_drop(s, &a->t.p)};
    double y[] = {b->t.predicted_s, b->t.dram_bytes, b->t.stock.bits, w_predicted_drop(s, &b->t.p)};
    bool better = a < b;
    for (size_t i = 0; i < W_COUNT(x); i++) {
        if (x[i] > y[i]) return false;
        better = better || x[i] < y[i];
    }
    return better;
}

static void add_point(w_doc *d, json_t *list, const w_search *s, const w_point *p, const w_choice *chosen) {
    json_t *o = w_doc_obj(d, list, NULL), *families = w_doc_arr(d, o, "families");
    uint32_t used = w_point_families(s, p);
    w_doc_num(d, o, "predicted_ms", 1e3 * p->t.predicted_s);
    w_doc_num(d, o, "dram_bytes", p->t.dram_bytes);
    w_doc_num(d, o, "file_bytes", p->t.stock.bits / 8);
    w_doc_num(d, o, "drop_points", w_predicted_drop(s, &p->t.p));
    w_doc_num(d, o, "drop_upper95", w_predicted_upper(s, &p->t.p));
    w_doc_num(d, o, "kl", p->t.p.kl);
    w_doc_num(d, o, "kl_sum", p->kl_sum);
    for (size_t k = 0; w_techniques[k]; k++)
        if (used >> k & 1) w_doc_str(d, families, NULL, w_techniques[k]->name);
    w_doc_bool(d, o, "inside", p->inside);
    w_doc_bool(d, o, "chosen", !memcmp(p->choice, chosen, s->nlayer * W_LADDERS));
}

void w_doc_pareto(w_doc *d, const w_search *s, const w_choice *chosen) {
    json_t *front = w_doc_arr(d, d->root, "pareto"), *all = w_doc_arr(d, d->root, "joint_trials");
    for (size_t i = 0; i < s->npoint; i++) {
        const w_point *p = &s->point[i];
        bool beaten = false;
        for (size_t k = 0; k < s->npoint && !beaten; k++) beaten = k != i && beats(s, &s->point[k], p);
        add_point(d, all, s, p, chosen);
        if (!beaten || !memcmp(p->choice, chosen, s->nlayer * W_LADDERS)) add_point(d, front, s, p, chosen);
    }
}
