/* What the search may change: the layers with weights, after --only, --exclude and --set, and a ladder of settings for
 * each, from mild to harsh. */
#include "search.h"
#include <regex.h>
#include <stdlib.h>
#include <string.h>

static const int bit_rungs[] = {8, 7, 6, 5, 4, 3};
static const float density_rungs[] = {1, 0.75f, 0.55f, 0.4f, 0.3f, 0.2f, 0.14f, 0.1f, 0.07f, 0.05f, 0.035f};
#define SPARSE_FROM 2000   /* weights: below it positions cost what zeros save */
#define DEEP_FROM 20000    /* weights: below it densities under 0.3 are not tried */

static weir_status compile(const char *pattern, const char *option, regex_t *re, weir_error *e) {
    int bad = regcomp(re, pattern, REG_EXTENDED | REG_NOSUB);
    if (bad == REG_ESPACE) return w_oom(e, strlen(pattern), "a regular expression");
    return bad ? w_fail(e, WEIR_USAGE, "%s '%s' is no regular expression", option, pattern) : WEIR_OK;
}

static weir_status matches(const char *pattern, const char *option, const char *label, bool *out, weir_error *e) {
    regex_t re;
    W_TRY(compile(pattern, option, &re, e));
    *out = regexec(&re, label, 0, NULL, 0) == 0;
    regfree(&re);
    return WEIR_OK;
}

/* "REGEX=f32", "REGEX=int8" ... "REGEX=int2"; *bits 0 means f32. */
static weir_status parse_set(const char *text, char *pattern, size_t cap, int *bits, weir_error *e) {
    const char *eq = strrchr(text, '=');
    size_t n = eq ? (size_t)(eq - text) : 0;
    bool f32 = eq && strcmp(eq + 1, "f32") == 0;
    bool integer = eq && strlen(eq + 1) == 4 && strncmp(eq + 1, "int", 3) == 0 && eq[4] >= '2' && eq[4] <= '8';
    if (n == 0 || n >= cap || !(f32 || integer))
        return w_fail(e, WEIR_USAGE, "--set '%s': expected REGEX=f32 or REGEX=int8 (int2 to int8: bits of the weights)", text);
    memcpy(pattern, text, n);
    pattern[n] = 0;
    *bits = f32 ? 0 : eq[4] - '0';
    return WEIR_OK;
}

static weir_status wanted(const w_search *s, const char *label, bool *out, int *fixed_bits, weir_error *e) {
    bool hit;
    *out = true;
    *fixed_bits = -1;
    if (s->o->only) W_TRY(matches(s->o->only, "--only", label, out, e));
    if (*out && s->o->exclude) {
        W_TRY(matches(s->o->exclude, "--exclude", label, &hit, e));
        *out = !hit;
    }
    for (size_t i = 0; i < s->o->nset; i++) {
        char pattern[300];
        int bits = 0;
        W_TRY(parse_set(s->o->set[i], pattern, sizeof pattern, &bits, e));
        W_TRY(matches(pattern, "--set", label, &hit, e));
        if (hit) *fixed_bits = bits;
    }
    return WEIR_OK;
}

static weir_status fill_ladders(w_search *s, w_layer *l, int fixed_bits, weir_error *e) {
    size_t nb = W_COUNT(bit_rungs), nd = W_COUNT(density_rungs);
    l->bits = w_arena_array(&s->arena, nb, sizeof *l->bits);
    l->sparse = w_arena_array(&s->arena, nd, sizeof *l->sparse);
    if (!l->bits || !l->sparse) return w_oom(e, nb * sizeof *l->bits, "the search");
    l->fixed = fixed_bits > 0;
    for (size_t i = 0; i < nb && !l->fixed; i++) l->bits[l->nbits++] = (w_rung){.bits = bit_rungs[i], .density = 1};
    if (l->fixed) l->bits[l->nbits++] = (w_rung){.bits = fixed_bits, .density = 1};
    for (size_t i = 0; i < nd; i++) {
        float d = density_rungs[i];
        if (d < 1 && (l->fixed || l->weights < SPARSE_FROM || (d < 0.3f && l->weights < DEEP_FROM))) continue;
        l->sparse[l->nsparse++] = (w_rung){.bits = l->bits[0].bits, .density = d};
    }
    return WEIR_OK;
}

weir_status w_search_layers(w_search *s, weir_error *e) {
    const w_graph *g = s->model->graph;
    s->layer = w_arena_array(&s->arena, g->nnode + 1, sizeof *s->layer);
    if (!s->layer) return w_oom(e, g->nnode * sizeof *s->layer, "the search");
    for (w_id i = 0; i < g->nnode; i++) {
        const w_node *n = &g->node[i];
        bool take;
        int fixed_bits;
        if (n->op == W_OP_NONE || !w_node_has_weights(g, n) || g->value[n->in[1]].type == WEIR_S8) continue;
        W_TRY(wanted(s, w_node_label(g, n), &take, &fixed_bits, e));
        if (!take || fixed_bits == 0) continue;
        w_layer *l = &s->layer[s->nlayer++];
        *l = (w_layer){.node = i, .label = w_node_label(g, n), .integer = w_technique_int8.takes(g, n)};
        l->weights = (double)w_shape_count(&g->value[n->in[1]].shape);
        W_TRY(fill_ladders(s, l, fixed_bits, e));
    }
    if (s->nlayer == 0) return w_fail(e, WEIR_USAGE, "%s: no layer with weights is left to change", g->source);
    return WEIR_OK;
}
