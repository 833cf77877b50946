/* Where activations become unsigned 8-bit.
 *
 * A node is *active* when it reads and writes 8 bits: a chosen one always; one that works on 8-bit values as they are, when
 * all its data is or can be had in 8 bits, some of it is made so anyway, and somebody wants its result so. A value is
 * *wanted* in 8 bits when an active node reads it, and *made* so when an active node writes it; a value that is wanted and
 * not made gets a QuantizeLinear copy, one that is made and read by others or leaves the graph a DequantizeLinear copy.
 *
 * Values around nodes that cannot change a scale (views, Concat, maxima) share one: that of the widest of them. */
#include "quant.h"
#include <stdio.h>
#include <string.h>

typedef struct state {
    w_graph *g;
    const w_calibration *c;
    w_calibrate how;
    double percentile;
    w_quant_role *role; /* by node */
    bool *active;       /* by node */
    bool *wanted;       /* by value */
    bool *made;         /* by value: becomes 8-bit in place */
    bool *output;       /* by value: is a graph output */
    w_id *same;         /* by value: a value with the same scale; itself at the root */
} state;

static bool has_range(const state *s, w_id v) { return w_calibration_range(s->c, w_value_name(s->g, v)) != NULL; }

/* ---- who works on 8 bits ---- */

static bool any_wanted(const state *s, const w_node *n) {
    for (uint32_t i = 0; i < n->nout; i++)
        if (n->out[i] != W_NONE && s->wanted[n->out[i]]) return true;
    return false;
}

/* A residual that is real anyway is added as it is: an 8-bit copy would only lose something. */
static bool worth_having(const state *s, const w_node *n, size_t k, uint32_t i) {
    const w_value *v = &s->g->value[n->in[i]];
    if (s->role[k] != W_QROLE_CHOSEN || i != 3) return true;
    return v->kind == W_VALUE_NODE && v->producer != W_NONE && s->active[v->producer];
}

/* Walks back once: users come after producers, so one pass settles what is wanted if the active nodes are those. */
static void mark_wanted(state *s) {
    memset(s->wanted, 0, s->g->nvalue);
    for (size_t k = s->g->nnode; k-- > 0;) {
        const w_node *n = &s->g->node[k];
        if (!s->active[k] || (s->role[k] != W_QROLE_CHOSEN && !any_wanted(s, n))) continue;
        for (uint32_t i = 0; i < n->nin; i++)
            if (w_quant_takes_slot(s->role[k], n, i) && has_range(s, n->in[i]) && worth_having(s, n, k, i)) s->wanted[n->in[i]] = true;
    }
}

/* Whether a node that is not chosen can stay active, its producers' state known. */
static bool stays_active(const state *s, const w_node *n) {
    bool some = false;
    for (uint32_t i = 0; i < w_quant_data_inputs(n); i++) {
        if (n->in[i] == W_NONE || !s->wanted[n->in[i]]) return false;
        some |= s->made[n->in[i]];
    }
    for (uint32_t i = 0; i < n->nout; i++)
        if (n->out[i] != W_NONE && (s->output[n->out[i]] || !has_range(s, n->out[i]))) return false;
    return some && any_wanted(s, n);
}

/* Walks forward once; true if fewer nodes are active than before. */
static bool mark_active(state *s) {
    bool fewer = false;
    memset(s->made, 0, s->g->nvalue);
    for (size_t k = 0; k < s->g->nnode; k++) {
        const w_node *n = &s->g->node[k];
        if (!s->active[k]) continue;
        if (s->role[k] != W_QROLE_CHOSEN && !stays_active(s, n)) {
            s->active[k] = false;
            fewer = true;
            continue;
        }
        for (uint32_t i = 0; i < n->nout; i++) {
            w_id v = n->out[i];
            if (v != W_NONE) s->made[v] = (s->role[k] != W_QROLE_CHOSEN || s->wanted[v]) && !s->output[v];
        }
    }
    return fewer;
}

/* ---- who shares a scale ---- */

static w_id root_of(const state *s, w_id v) {
    while (s->same[v] != v) v = s->same[v];
    return v;
}

static float width_of(const state *s, w_id v) {
    const w_range *r = w_calibration_range(s->c, w_value_name(s->g, v));
    return r ? r->max - r->min : 0;
}

static void join(state *s, w_id a, w_id b) {
    a = root_of(s, a);
    b = root_of(s, b);
    if (a == b) return;
    bool first = width_of(s, a) > width_of(s, b) || (width_of(s, a) == width_of(s, b) && a < b);
    s->same[first ? b : a] = first ? a : b;
}

static void join_scales(state *s) {
    for (w_id v = 0; v < s->g->nvalue; v++) s->same[v] = v;
    for (size_t k = 0; k < s->g->nnode; k++) {
        const w_node *n = &s->g->node[k];
        if (!s->active[k] || s->role[k] != W_QROLE_CARRY) continue;
        for (uint32_t i = 0; i < w_quant_data_inputs(n); i++) join(s, n->in[i], n->out[0]);
        for (uint32_t i = 1; i < n->nout; i++)
            if (n->out[i] != W_NONE) join(s, n->out[i], n->out[0]);
    }
}

/* ---- surgery ---- */

static weir_status set_quant(state *s, w_id v, w_affine a, weir_error *e) {
    w_quant *q = w_arena_alloc(&s->g->arena, sizeof *q);
    float *scale = w_arena_array(&s->g->arena, 1, sizeof *scale);
    int32_t *zero = w_arena_array(&s->g->arena, 1, sizeof *zero);
    if (!q || !scale || !zero) return w_oom(e, sizeof *q, "a scale");
    *scale = a.scale;
    *zero = a.zero;
    *q = (w_quant){.n = 1, .scale = scale, .zero = zero};
    s->g->value[v].type = WEIR_U8;
    s->g->value[v].quant = q;
    return WEIR_OK;
}

static weir_status add_scalar(state *s, const char *base, const char *what, w_type t, const void *data, size_t bytes, w_id *out, weir_error *e) {
    char name[400];
    snprintf(name, sizeof name, "%.300s.%s", base, what);
    void *d = w_arena_alloc_aligned(&s->g->arena, bytes);
    if (!d) return w_oom(e, bytes, "a scale");
    memcpy(d, data, bytes);
    w_shape scalar = {.rank = 0, .known = true};
    return w_graph_add_const(s->g, name, t, &scalar, d, out, e);
}

/* A QuantizeLinear or DequantizeLinear of v: *out is the new value. */
static weir_status add_border(state *s, uint16_t op, w_id v, w_affine a, w_id *out, weir_error *e) {
    char base[300], name[400];
    bool down = op == W_OP_QuantizeLinear;
    snprintf(base, sizeof base, "%.250s.%s", w_value_name(s->g, v), down ? "u8" : "f32");
    snprintf(name, sizeof name, "%s", base);
    w_id in[3] = {v};
    uint8_t zero = (uint8_t)a.zero;
    W_TRY(add_scalar(s, base, "scale", WEIR_F32, &a.scale, sizeof a.scale, &in[1], e));
    W_TRY(add_scalar(s, base, "zero", WEIR_U8, &zero, sizeof zero, &in[2], e));
    W_TRY(w_graph_add_value(s->g, name, out, e));
    s->g->value[*out].shape = s->g->value[v].shape;
    s->g->value[*out].type = WEIR_F32;
    if (down) W_TRY(set_quant(s, *out, a, e));
    void *attr = w_op_attr_new(s->g, op);
    if (!attr) return w_oom(e, 64, "a node");
    return w_graph_add_node(s->g, op, name, in, 3, out, 1, attr, NULL, e);
}

static bool reads(const state *s, size_t k, uint32_t i, w_id v, bool takers) {
    const w_node *n = &s->g->node[k];
    return n->in[i] == v && (s->active[k] && w_quant_takes_slot(s->role[k], n, i)) == takers;
}

/* Readers of v among the original nodes that take (or do not take) it in 8 bits read `to` instead. */
static void redirect(state *s, size_t nnode, w_id v, w_id to, bool takers) {
    for (size_t k = 0; k < nnode; k++)
        for (uint32_t i = 0; i < s->g->node[k].nin; i++)
            if (reads(s, k, i, v, takers)) s->g->node[k].in[i] = to;
}

static bool has_reader(const state *s, size_t nnode, w_id v, bool takers) {
    for (size_t k = 0; k < nnode; k++)
        for (uint32_t i = 0; i < s->g->node[k].nin; i++)
            if (reads(s, k, i, v, takers)) return true;
    return false;
}

static weir_status settle_value(state *s, size_t nnode, w_id v, weir_error *e) {
    w_affine a = w_affine_choose(w_calibration_range(s->c, w_value_name(s->g, root_of(s, v))), s->how, s->percentile);
    bool made = s->made[v];
    w_id copy;
    if (made) W_TRY(set_quant(s, v, a, e));
    if (!has_reader(s, nnode, v, !made)) return WEIR_OK;
    W_TRY(add_border(s, made ? W_OP_DequantizeLinear : W_OP_QuantizeLinear, v, a, &copy, e));
    redirect(s, nnode, v, copy, !made);
    return WEIR_OK;
}

static weir_status settle(state *s, weir_error *e) {
    size_t nnode = s->g->nnode, nvalue = s->g->nvalue;
    join_scales(s);
    for (w_id v = 0; v < nvalue; v++)
        if (s->wanted[v] || s->made[v]) W_TRY(settle_value(s, nnode, v, e));
    return w_graph_toposort(s->g, e);
}

weir_status w_quantise_activations(w_graph *g, const bool *chosen, const w_calibration *c, w_calibrate how, double percentile, weir_error *e) {
    state s = {.g = g, .c = c, .how = how, .percentile = percentile};
    s.role = w_arena_array(&g->arena, g->nnode, sizeof *s.role);
    s.active = w_arena_array(&g->arena, g->nnode, sizeof *s.active);
    s.wanted = w_arena_array(&g->arena, g->nvalue, sizeof *s.wanted);
    s.made = w_arena_array(&g->arena, g->nvalue, sizeof *s.made);
    s.output = w_arena_array(&g->arena, g->nvalue, sizeof *s.output);
    s.same = w_arena_array(&g->arena, g->nvalue, sizeof *s.same);
    if (!s.role || !s.active || !s.wanted || !s.made || !s.output || !s.same) return w_oom(e, g->nvalue, "the quantised graph");
    for (size_t i = 0; i < g->noutput; i++) s.output[g->output[i]] = true;
    for (size_t k = 0; k < g->nnode; k++) {
        if (g->node[k].op != W_OP_NONE) s.role[k] = w_quant_role_of(g, &g->node[k], chosen[k]);
        s.active[k] = s.role[k] != W_QROLE_REAL;
    }
    do mark_wanted(&s);
    while (mark_active(&s));
    return settle(&s, e);
}
