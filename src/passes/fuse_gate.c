/* Gates: activations that models spell with several nodes. Each is recognised at its last node.
 *
 *   (x+3 clipped to 0..6) / 6        -> HardSigmoid(1/6, 1/2), then
 *   x * hardsigmoid(x)               -> HardSwish
 *   (x * clip(x+3)) / 6              -> HardSwish
 *   x * sigmoid(x)                   -> the producer's SILU epilogue
 *   0.5 * x * (1 + erf(x/sqrt(2)))   -> Gelu, in any order of the factors */
#include "passfuse.h"
#include <math.h>

static bool near(float x, float to) { return fabsf(x - to) <= 1e-5f * fabsf(to); }

static bool plain_value(const w_fuser *f, w_id v) { return v != W_NONE && w_fuse_single(f, v) && !f->g->value[v].quant; }

/* The producer of v when it is `op`, serves this user only and carries no epilogue. */
static w_node *link_of(const w_fuser *f, w_id v, uint16_t op) {
    w_node *p = plain_value(f, v) ? w_producer(f->g, v) : NULL;
    if (!p || p->op != op) return NULL;
    const w_epilogue *ep = w_epilogue_of(p);
    return ep && ep->act != W_ACT_NONE ? NULL : p;
}

/* n = x op scalar: gives x and the scalar. */
static bool with_scalar(const w_graph *g, const w_node *n, bool commutes, w_id *x, float *c) {
    if (n->nin < 2) return false;
    if (w_const_scalar(g, n->in[1], c)) return *x = n->in[0], true;
    return commutes && w_const_scalar(g, n->in[0], c) && (*x = n->in[1], true);
}

/* n divides its operand x by 6, one way or the other. */
static bool is_sixth(const w_graph *g, const w_node *n, w_id *x) {
    float c;
    if (!w_epilogue_free(n) || g->value[n->out[0]].quant) return false;
    if (n->op == W_OP_Div) return with_scalar(g, n, false, x, &c) && c == 6;
    return n->op == W_OP_Mul && with_scalar(g, n, true, x, &c) && near(c, 1.0f / 6);
}

/* v = clip(x + 3, 0, 6) made for one user: gives x. */
static bool is_relu6_plus3(const w_fuser *f, w_id v, w_id *x) {
    const w_node *clip = link_of(f, v, W_OP_Clip);
    float lo, hi, c;
    if (!clip || !w_clip_bounds(f->g, clip, &lo, &hi) || lo != 0 || hi != 6) return false;
    const w_node *add = link_of(f, clip->in[0], W_OP_Add);
    return add && with_scalar(f->g, add, true, x, &c) && c == 3;
}

/* Node k becomes `op` of x. What made its old operands dies with them. */
static weir_status become(w_fuser *f, w_id k, uint16_t op, w_id x, weir_error *e) {
    w_graph *g = f->g;
    w_node *n = &g->node[k];
    void *attr = w_op_attr_new(g, op);
    if (w_op_get(op)->attr_size && !attr) return w_oom(e, w_op_get(op)->attr_size, "attributes");
    w_id *in = w_arena_array(&g->arena, 1, sizeof *in);
    if (!in) return w_oom(e, sizeof *in, "node inputs");
    w_id old[2] = {n->in[0], n->in[1]};
    f->uses.count[x]++;
    *in = x;
    n->op = op;
    n->attr = attr;
    n->in = in;
    n->nin = 1;
    for (unsigned i = 0; i < 2; i++) {
        if (--f->uses.count[old[i]] || !w_producer(g, old[i])) continue;
        w_fuse_kill(f, g->value[old[i]].producer);
    }
    return WEIR_OK;
}

static bool same_shape(const w_graph *g, w_id a, w_id b) { return w_shape_equal(&g->value[a].shape, &g->value[b].shape); }

static weir_status hard_sigmoid(w_fuser *f, w_id k, w_id x, weir_error *e) {
    W_TRY(become(f, k, W_OP_HardSigmoid, x, e));
    w_hardsigmoid_attr *a = f->g->node[k].attr;
    *a = (w_hardsigmoid_attr){1.0f / 6, 0.5f};
    return WEIR_OK;
}

/* The root divides by six: a hard sigmoid, or a hard swish when what is divided is a product. */
static weir_status divided(w_fuser *f, w_id k, w_id x, weir_error *e) {
    const w_graph *g = f->g;
    w_id y, out = g->node[k].out[0];
    if (is_relu6_plus3(f, x, &y) && same_shape(g, y, out)) return hard_sigmoid(f, k, y, e);
    const w_node *mul = link_of(f, x, W_OP_Mul);
    for (unsigned side = 0; mul && side < 2; side++)
        if (is_relu6_plus3(f, mul->in[side], &y) && y == mul->in[1 - side] && same_shape(g, y, out))
            return become(f, k, W_OP_HardSwish, y, e);
    return WEIR_OK;
}

static bool is_sixth_hard_sigmoid(const w_node *n) {
    const w_hardsigmoid_attr *a = n->attr;
    return n->op == W_OP_HardSigmoid && a && near(a->alpha, 1.0f / 6) && a->beta == 0.5f;
}

/* Mul k of x and sigmoid(x): the producer of x takes both, if nothing else reads x. */
static void silu(w_fuser *f, w_id k, w_id x) {
    w_graph *g = f->g;
    w_node *p = w_producer(g, x);
    if (!p || !w_epilogue_free(p) || f->uses.count[x] != 2 || g->value[x].quant || !w_fuse_may_take(g, p, W_ACT_SILU)) return;
    w_id y = g->node[k].out[0], pk = g->value[x].producer;
    w_epilogue_of(p)->act = W_ACT_SILU;
    f->uses.count[x] = 0;
    w_id gate = g->node[k].in[g->node[k].in[0] == x];
    w_node_kill(g, g->value[gate].producer);
    w_node_kill(g, k);
    w_node_retarget(g, pk, y);
}

static weir_status product(w_fuser *f, w_id k, weir_error *e) {
    const w_graph *g = f->g;
    const w_node *n = &g->node[k];
    if (n->op != W_OP_Mul || !w_epilogue_free(n)) return WEIR_OK;
    for (unsigned side = 0; side < 2; side++) {
        w_id x = n->in[1 - side];
        const w_node *p = plain_value(f, n->in[side]) ? w_producer(g, n->in[side]) : NULL;
        if (!p || !p->nin || p->in[0] != x) continue;
        if (is_sixth_hard_sigmoid(p)) return become(f, k, W_OP_HardSwish, x, e);
        if (p->op == W_OP_Sigmoid) return silu(f, k, x), WEIR_OK;
    }
    return WEIR_OK;
}

/* v = 1 + erf(x / sqrt(2)): gives x. */
static bool is_erf_term(const w_fuser *f, w_id v, w_id *x) {
    const w_graph *g = f->g;
    const w_node *add = link_of(f, v, W_OP_Add), *erf, *arg;
    w_id t;
    float c;
    if (!add || !with_scalar(g, add, true, &t, &c) || c != 1 || !(erf = link_of(f, t, W_OP_Erf))) return false;
    if ((arg = link_of(f, erf->in[0], W_OP_Div))) return with_scalar(g, arg, false, x, &c) && near(c, (float)M_SQRT2);
    return (arg = link_of(f, erf->in[0], W_OP_Mul)) && with_scalar(g, arg, true, x, &c) && near(c, (float)M_SQRT1_2);
}

/* v = x / 2. */
static bool is_half_of(const w_fuser *f, w_id v, w_id x) {
    const w_node *mul = link_of(f, v, W_OP_Mul);
    w_id y;
    float c;
    return mul && with_scalar(f->g, mul, true, &y, &c) && c == 0.5f && y == x;
}

/* 0.5 * (x * term), (0.5 * x) * term, x * (0.5 * term). */
static weir_status gelu(w_fuser *f, w_id k, weir_error *e) {
    const w_graph *g = f->g;
    const w_node *n = &g->node[k], *inner;
    w_id t, x;
    float c;
    if (n->op != W_OP_Mul || !w_epilogue_free(n) || g->value[n->out[0]].quant) return WEIR_OK;
    if (with_scalar(g, n, true, &t, &c) && c == 0.5f && (inner = link_of(f, t, W_OP_Mul))) {
        for (unsigned side = 0; side < 2; side++)
            if (is_erf_term(f, inner->in[side], &x) && inner->in[1 - side] == x) return become(f, k, W_OP_Gelu, x, e);
        return WEIR_OK;
    }
    for (unsigned side = 0; side < 2; side++) {
        w_id a = n->in[side], b = n->in[1 - side], half;
        if (is_erf_term(f, a, &x) && is_half_of(f, b, x)) return become(f, k, W_OP_Gelu, x, e);
        inner = link_of(f, a, W_OP_Mul);
        if (inner && with_scalar(g, inner, true, &half, &c) && c == 0.5f && is_erf_term(f, half, &x) && x == b)
            return become(f, k, W_OP_Gelu, x, e);
    }
    return WEIR_OK;
}

weir_status w_fuse_gate(w_fuser *f, w_id k, weir_error *e) {
    w_id x;
    if (is_sixth(f->g, &f->g->node[k], &x)) W_TRY(divided(f, k, x, e));
    W_TRY(gelu(f, k, e));
    return product(f, k, e);
}
