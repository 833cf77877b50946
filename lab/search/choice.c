/* From the chosen rungs to a recipe. */
#include "search.h"
#include <math.h>

static json_t *name_list(const char *label) { return json_pack("[s]", label); }

/* Four digits are enough for a density, and print the same everywhere. */
static json_t *short_real(double x) { return json_real(round(x * 1e4) / 1e4); }

static int add_rule(json_t *rules, json_t *rule) { return rule ? json_array_append_new(rules, rule) : -1; }

static json_t *prune_rule(const w_layer *l, float density) {
    return json_pack("{s:s,s:o,s:o,s:s}", "technique", "prune", "nodes", name_list(l->label), "density", short_real(density), "method", "obs");
}

static json_t *bits_rule(const w_layer *l, int bits) {
    if (l->integer)
        return json_pack("{s:s,s:o,s:i,s:s,s:s}", "technique", "int8", "nodes", name_list(l->label), "bits", bits, "rounding",
                         "feedback", "calibration", "mse");
    return json_pack("{s:s,s:o,s:i}", "technique", "cluster", "nodes", name_list(l->label), "codebook", W_MIN(1 << bits, 255));
}

static json_t *cost_of(const w_rung *r, double from_bits, size_t n) {
    return json_pack("{s:o,s:o,s:I,s:I}", "drop_points", short_real(r->drop), "kl", json_real(r->kl), "saved_bytes",
                     (json_int_t)((from_bits - r->file_bits) / 8), "samples", (json_int_t)n);
}

/* Joins a rule with an earlier one of the same settings: nodes move over. True when joined (rule is then freed). */
static bool join(json_t *rules, json_t *rule) {
    size_t i;
    json_t *r;
    json_t *nodes = json_incref(json_object_get(rule, "nodes"));
    json_object_del(rule, "nodes");
    json_array_foreach(rules, i, r) {
        json_t *theirs = json_incref(json_object_get(r, "nodes"));
        json_object_del(r, "nodes");
        bool same = json_equal(r, rule);
        int bad = json_object_set_new(r, "nodes", theirs);
        if (same && !bad && json_array_extend(json_object_get(r, "nodes"), nodes) == 0) {
            json_decref(nodes);
            json_decref(rule);
            return true;
        }
    }
    json_object_set_new(rule, "nodes", nodes);
    return false;
}

static int add_layer_rule(json_t *rules, json_t *rule, json_t *cost) {
    if (!rule) return -1;
    if (cost) json_object_set_new(rule, "cost", cost);
    if (!cost && join(rules, rule)) return 0;
    return json_array_append_new(rules, rule);
}

static int add_ans(const w_layer *l, size_t n, json_t *rules) {
    json_t *names = json_array();
    for (size_t i = 0; names && i < n; i++)
        if (json_array_append_new(names, json_string(l[i].label))) return json_decref(names), -1;
    return names ? add_rule(rules, json_pack("{s:s,s:o}", "technique", "ans", "nodes", names)) : -1;
}

static json_t *finish(json_t *rules, int bad) {
    json_t *r = bad ? NULL : json_pack("{s:i,s:O}", "version", 1, "rules", rules);
    json_decref(rules);
    return r;
}

json_t *w_rung_recipe(const w_layer *l, const w_rung *r) {
    json_t *rules = json_array();
    int bad = !rules;
    if (!bad && r->density < 1) bad = add_rule(rules, prune_rule(l, r->density));
    if (!bad) bad = add_rule(rules, bits_rule(l, r->bits));
    if (!bad) bad = add_ans(l, 1, rules);
    return finish(rules, bad);
}

json_t *w_search_recipe(const w_search *s, bool annotate) {
    json_t *rules = json_array();
    int bad = !rules;
    for (size_t i = 0; !bad && i < s->nlayer; i++) {
        const w_layer *l = &s->layer[i];
        const w_rung *r = &l->sparse[l->at_sparse];
        if (l->at_sparse > 0) bad = add_layer_rule(rules, prune_rule(l, r->density), annotate ? cost_of(r, l->sparse[0].file_bits, s->quick.n) : NULL);
    }
    for (size_t i = 0; !bad && i < s->nlayer; i++) {
        const w_layer *l = &s->layer[i];
        const w_rung *r = &l->bits[l->at_bits];
        bad = add_layer_rule(rules, bits_rule(l, r->bits), annotate ? cost_of(r, 32 * l->weights, s->quick.n) : NULL);
    }
    if (!bad) bad = add_ans(s->layer, s->nlayer, rules);
    return finish(rules, bad);
}
