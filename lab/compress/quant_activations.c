/* Where activations become unsigned 8-bit.
 *
 * A value is *wanted* in 8 bits when a chosen node reads it as data or as residual, directly or through an operator that
 * works on 8-bit values as they are. It is *made* in 8 bits by its producer when that is a chosen node or such an
 * operator on 8-bit inputs; otherwise a QuantizeLinear makes an 8-bit copy for those who want it. Readers that cannot take
 * 8 bits, and graph outputs, get real numbers. */
#include "quant.h"
#include <stdio.h>
#include <string.h>

typedef enum role {
    ROLE_REAL,    /* reads and writes real numbers only */
    ROLE_CHOSEN,  /* integer kernel: 8-bit data and residual in, either out */
    ROLE_CARRY,   /* output has the scale of its input: views, MaxPool */
    ROLE_RESCALE, /* 8-bit in, 8-bit out with its own scale: Add, averages */
} role;

typedef struct state {
    w_graph *g;
    const w_calibration *c;
    w_calibrate how;
    double percentile;
    role *role;        /* by node */
    bool *wanted;      /* by value */
    bool *made;        /* by value: becomes 8-bit in place */
    bool *output;      /* by value: is a graph output */
} state;

static role role_of(const w_graph *g, const w_node *n, bool chosen) {
    if (chosen) return ROLE_CHOSEN;
    switch (n->op) {
    case W_OP_MaxPool: return n->nout == 1 && ((const w_pool_attr *)n->attr)->ep.act == W_ACT_NONE ? ROLE_CARRY : ROLE_REAL;
    case W_OP_Reshape: case W_OP_Flatten: case W_OP_Squeeze: case W_OP_Unsqueeze: case W_OP_Identity: return ROLE_CARRY;
    case W_OP_GlobalAveragePool: return ROLE_RESCALE;
    case W_OP_Add:
        return g->value[n->in[0]].kind != W_VALUE_CONST && g->value[n->in[1]].kind != W_VALUE_CONST &&
               w_shape_equal(&g->value[n->in[0]].shape, &g->value[n->in[1]].shape) &&
               w_epilogue_is_integer(&((const w_eltwise_attr *)n->attr)->ep) ? ROLE_RESCALE : ROLE_REAL;
    default: return ROLE_REAL;
    }
}

/* Input slots of a node that can be 8-bit activations. */
static bool takes_slot(role r, const w_node *n, uint32_t i) {
    if (n->in[i] == W_NONE) return false;
    switch (r) {
    case ROLE_CHOSEN: return i == 0 || i == 3;
    case ROLE_CARRY: return i == 0;
    case ROLE_RESCALE: return n->op == W_OP_Add ? i < 2 : i == 0;
    default: return false;
    }
}

/* Walks back once: users come after producers, so one pass settles what is wanted. */
static void mark_wanted(state *s) {
    for (size_t k = s->g->nnode; k-- > 0;) {
        const w_node *n = &s->g->node[k];
        if (n->op == W_OP_NONE || s->role[k] == ROLE_REAL) continue;
        bool spread = s->role[k] == ROLE_CHOSEN || s->wanted[n->out[0]];
        for (uint32_t i = 0; spread && i < n->nin; i++)
            if (takes_slot(s->role[k], n, i) && w_calibration_range(s->c, w_value_name(s->g, n->in[i]))) s->wanted[n->in[i]] = true;
    }
}

static void mark_made(state *s) {
    for (size_t k = 0; k < s->g->nnode; k++) {
        const w_node *n = &s->g->node[k];
        if (n->op == W_OP_NONE || n->nout == 0) continue;
        w_id v = n->out[0];
        bool can = s->role[k] == ROLE_CHOSEN;
        if (s->role[k] == ROLE_CARRY) can = s->wanted[n->in[0]];  /* made, or a quantised copy exists */
        if (s->role[k] == ROLE_RESCALE) {
            can = true;
            for (uint32_t i = 0; i < n->nin; i++) can = can && s->wanted[n->in[i]];
        }
        s->made[v] = can && s->wanted[v] && !s->output[v];
    }
}

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

static w_affine affine_of(const state *s, w_id v) {
    return w_affine_choose(w_calibration_range(s->c, w_value_name(s->g, v)), s->how, s->percentile);
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

/* Readers of v among the original nodes that take (or do not take) it in 8 bits read `to` instead. */
static void redirect(state *s, size_t nnode, w_id v, w_id to, bool takers) {
    for (size_t k = 0; k < nnode; k++) {
        w_node *n = &s->g->node[k];
        if (n->op == W_OP_NONE) continue;
        for (uint32_t i = 0; i < n->nin; i++) {
            bool active = s->role[k] == ROLE_CHOSEN || (s->role[k] != ROLE_REAL && s->made[n->out[0]]);
            bool takes = active && takes_slot(s->role[k], n, i);
            if (n->in[i] == v && takes == takers) n->in[i] = to;
        }
    }
}

static bool has_reader(const state *s, size_t nnode, w_id v, bool takers) {
    for (size_t k = 0; k < nnode; k++) {
        const w_node *n = &s->g->node[k];
        if (n->op == W_OP_NONE) continue;
        bool active = s->role[k] == ROLE_CHOSEN || (s->role[k] != ROLE_REAL && s->made[n->out[0]]);
        for (uint32_t i = 0; i < n->nin; i++)
            if (n->in[i] == v && (active && takes_slot(s->role[k], n, i)) == takers) return true;
    }
    return false;
}

static weir_status settle_value(state *s, size_t nnode, w_id v, w_affine a, weir_error *e) {
    w_id copy;
    if (s->made[v]) {
        W_TRY(set_quant(s, v, a, e));
        if (!has_reader(s, nnode, v, false)) return WEIR_OK;
        W_TRY(add_border(s, W_OP_DequantizeLinear, v, a, &copy, e));
        redirect(s, nnode, v, copy, false);
        return WEIR_OK;
    }
    if (!has_reader(s, nnode, v, true)) return WEIR_OK;
    W_TRY(add_border(s, W_OP_QuantizeLinear, v, a, &copy, e));
    redirect(s, nnode, v, copy, true);
    return WEIR_OK;
}

static weir_status settle(state *s, weir_error *e) {
    size_t nnode = s->g->nnode, nvalue = s->g->nvalue;
    w_affine *of = w_arena_array(&s->g->arena, nvalue, sizeof *of);
    if (!of) return w_oom(e, nvalue * sizeof *of, "scales");
    for (w_id v = 0; v < nvalue; v++) {
        if (!s->wanted[v]) continue;
        of[v] = affine_of(s, v);
        w_id p = s->g->value[v].producer;
        if (s->g->value[v].kind == W_VALUE_NODE && p < nnode && s->role[p] == ROLE_CARRY && s->made[v]) continue;
        W_TRY(settle_value(s, nnode, v, of[v], e));
    }
    for (size_t k = 0; k < nnode; k++) { /* carriers share the scale of what they read, in order */
        const w_node *n = &s->g->node[k];
        if (n->op == W_OP_NONE || s->role[k] != ROLE_CARRY || !s->made[n->out[0]]) continue;
        const w_quant *q = s->g->value[n->in[0]].quant;
        if (!q) return w_fail(e, WEIR_INTERNAL, "node '%s': its input should be quantised", w_node_label(s->g, n));
        W_TRY(settle_value(s, nnode, n->out[0], (w_affine){q->scale[0], q->zero[0]}, e));
    }
    return w_graph_toposort(s->g, e);
}

weir_status w_quantise_activations(w_graph *g, const bool *chosen, const w_calibration *c, w_calibrate how, double percentile, weir_error *e) {
    state s = {.g = g, .c = c, .how = how, .percentile = percentile};
    s.role = w_arena_array(&g->arena, g->nnode, sizeof *s.role);
    s.wanted = w_arena_array(&g->arena, g->nvalue, sizeof *s.wanted);
    s.made = w_arena_array(&g->arena, g->nvalue, sizeof *s.made);
    s.output = w_arena_array(&g->arena, g->nvalue, sizeof *s.output);
    if (!s.role || !s.wanted || !s.made || !s.output) return w_oom(e, g->nvalue, "the quantised graph");
    for (size_t i = 0; i < g->noutput; i++) s.output[g->output[i]] = true;
    for (size_t k = 0; k < g->nnode; k++)
        if (g->node[k].op != W_OP_NONE) s.role[k] = role_of(g, &g->node[k], chosen[k]);
    mark_wanted(&s);
    mark_made(&s);
    return settle(&s, e);
}
