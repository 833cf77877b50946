/* What works channel by channel goes in front of DepthToSpace: there it becomes part of the convolution that makes the blocks, as a
 * transposed one does. Constants repeat, once for each place of a block. */
#include "passutil.h"
#include <string.h>

typedef struct mover {
    w_graph *g;
    w_arena a;
    w_uses uses;
    size_t left; /* bytes of new constants still allowed */
} mover;

/* How channels of blocks follow from those of the image. */
typedef struct blocks { int64_t channels, places; bool outermost; /* places, else channels */ } blocks;

static bool blocks_of(const w_graph *g, const w_node *d, blocks *b) {
    const w_depth_attr *at = d->attr;
    const w_value *x = &g->value[d->in[0]], *y = &g->value[d->out[0]];
    if (x->type != WEIR_F32 || x->quant || y->quant || x->shape.rank != 4 || y->shape.rank != 4) return false;
    b->channels = y->shape.dim[1];
    b->places = at->blocksize * at->blocksize;
    b->outermost = strcmp(at->mode, "CRD") != 0;
    return b->channels > 0 && x->shape.dim[1] == b->channels * b->places;
}

static bool is_pair(uint16_t op) { return op == W_OP_Add || op == W_OP_Sub || op == W_OP_Mul || op == W_OP_Div; }

/* by[channels], as a constant of all blocks' channels: of rank 1, or of four beside an image. */
static weir_status repeat(mover *o, const blocks *b, w_id like, const double *by, bool flat, w_id *out, weir_error *e) {
    size_t n = (size_t)(b->channels * b->places);
    float *to = w_arena_array(&o->g->arena, n, sizeof *to);
    if (!to) return w_oom(e, n * sizeof *to, "a constant");
    for (size_t k = 0; k < n; k++) to[k] = (float)by[b->outermost ? k % (size_t)b->channels : k / (size_t)b->places];
    w_shape s = flat ? w_shape_1d((int64_t)n) : (w_shape){.rank = 4, .known = true, .dim = {1, (int64_t)n, 1, 1}};
    return w_const_new_f32(o->g, w_value_name(o->g, like), ".blocks", &s, to, out, e);
}

static bool is_norm(const w_node *n) {
    return n->op == W_OP_BatchNormalization && (n->nout < 2 || n->out[1] == W_NONE) && ((const w_bn_attr *)n->attr)->spatial;
}

/* One number a channel from operand i of n, a constant beside y; *by stays NULL where it is not such. */
static weir_status by_channel(mover *o, const w_node *n, uint32_t i, w_id y, size_t channels, double **by, weir_error *e) {
    float *p;
    size_t m;
    if (!is_norm(n)) return w_const_by_channel(o->g, n->in[i], y, channels, &o->a, by, e);
    if (!w_is_plain(o->g, n->in[i]) || w_shape_count(&o->g->value[n->in[i]].shape) != (int64_t)channels) return WEIR_OK;
    W_TRY(w_const_f32(o->g, n->in[i], &o->a, &p, &m, e));
    *by = w_arena_array(&o->a, m, sizeof **by);
    if (!*by) return w_oom(e, m * sizeof **by, "a constant");
    for (size_t k = 0; k < m; k++) (*by)[k] = p[k];
    return WEIR_OK;
}

/* Number of the operand that is y, when all others are constants of a channel or of one element: of[] has what each becomes, W_NONE
 * where it stays. W_NONE: n is no such node. */
static weir_status operands_of(mover *o, const w_node *n, w_id y, const blocks *b, w_id of[W_MAX_IN], uint32_t *data, weir_error *e) {
    uint32_t found = W_NONE;
    size_t bytes = (size_t)(b->channels * b->places) * sizeof(float);
    *data = W_NONE;
    if ((!is_norm(n) && !w_is_function(n->op) && !(is_pair(n->op) && w_epilogue_free(n))) || n->nin > W_MAX_IN) return WEIR_OK;
    if (!w_shape_equal(&o->g->value[y].shape, &o->g->value[n->out[0]].shape) || o->g->value[n->out[0]].quant) return WEIR_OK;
    for (uint32_t i = 0; i < n->nin; i++) {
        double *by = NULL;
        of[i] = W_NONE;
        if (n->in[i] == y) found = i;
        if (n->in[i] == y || n->in[i] == W_NONE || (!is_norm(n) && w_const_scalar(o->g, n->in[i], &(float){0}))) continue;
        if (w_is_function(n->op)) return WEIR_OK;
        W_TRY(by_channel(o, n, i, y, (size_t)b->channels, &by, e));
        if (!by || bytes > o->left) return WEIR_OK;
        o->left -= bytes;
        W_TRY(repeat(o, b, n->in[i], by, is_norm(n), &of[i], e));
    }
    *data = found;
    return WEIR_OK;
}

static w_id only_user(const mover *o, w_id y) { return y < o->uses.n && o->uses.count[y] == 1 && !o->uses.output[y] ? o->uses.only[y] : W_NONE; }

/* x -> d -> y -> user -> z becomes x -> user -> t -> d -> z; true in *moved. */
static weir_status move_one(mover *o, w_id d, bool *moved, weir_error *e) {
    w_graph *g = o->g;
    blocks b;
    w_id x = g->node[d].in[0], y = g->node[d].out[0], user = only_user(o, y), of[W_MAX_IN], t;
    uint32_t data = W_NONE;
    *moved = false;
    if (user == W_NONE || only_user(o, x) != d || !blocks_of(g, &g->node[d], &b)) return WEIR_OK;
    W_TRY(operands_of(o, &g->node[user], y, &b, of, &data, e));
    if (data == W_NONE) return WEIR_OK;
    w_id z = g->node[user].out[0];
    W_TRY(w_graph_add_derived(g, w_value_name(g, z), ".blocks", &t, e));
    g->value[t].type = WEIR_F32;
    g->value[t].shape = g->value[x].shape;
    w_node *n = &g->node[user];
    for (uint32_t i = 0; i < n->nin; i++)
        if (of[i] != W_NONE) n->in[i] = of[i];
    n->in[data] = x;
    w_node_retarget(g, user, t);
    g->node[d].in[0] = t;
    w_node_retarget(g, d, z);
    return *moved = true, WEIR_OK;
}

weir_status w_norm_blocks(w_graph *g, weir_error *e) {
    mover o = {.g = g, .left = w_weights_allowed(g)};
    bool any = false;
    w_arena_init(&o.a, g->ctx);
    weir_status s = w_graph_uses(g, &o.a, &o.uses, e);
    size_t nnode = g->nnode;
    for (size_t k = 0; s == WEIR_OK && k < nnode; k++)
        if (g->node[k].op == W_OP_DepthToSpace) {
            bool moved;
            s = move_one(&o, (w_id)k, &moved, e);
            any |= moved;
        }
    if (s == WEIR_OK && any) s = w_graph_toposort(g, e);
    w_arena_fini(&o.a);
    return s;
}
