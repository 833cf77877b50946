/* What several passes need: attributes by name, constants, redirected values. Private to this room. */
#ifndef W_PASSUTIL_H
#define W_PASSUTIL_H
#include "passes.h"

w_epilogue *w_epilogue_of(const w_node *n); /* NULL: the operator takes none */
bool w_epilogue_free(const w_node *n);      /* takes one and has none yet */
/* An integer layer computes activations of exact arithmetic only: others stay nodes of their own behind it. */
bool w_fuse_may_take(const w_graph *g, const w_node *producer, int64_t act);

w_node *w_producer(const w_graph *g, w_id v);          /* NULL: input, constant, W_NONE */
w_id w_input_of(const w_node *n, uint32_t i);           /* W_NONE when absent */
bool w_is_const(const w_graph *g, w_id v);
bool w_is_plain(const w_graph *g, w_id v);             /* constant, floating point, neither quantised nor coded */
bool w_is_bytes(const w_graph *g, w_id v);             /* a variable stored as u8 with one scale */
bool w_is_function(uint16_t op);                        /* of each element of input 0 alone, on real numbers */
bool w_const_scalar(const w_graph *g, w_id v, float *x); /* a constant of one element */
/* A constant beside x whose elements differ along axis 1 at most, as one number a channel; *out stays NULL where it is not such. */
weir_status w_const_by_channel(const w_graph *g, w_id c, w_id x, size_t channels, w_arena *a, double **out, weir_error *e);
/* Bytes that new weights together may take: some more than twice the constants of the graph. Shared weights, and chains of
 * factors beside one layer, would otherwise multiply a small file. */
size_t w_weights_allowed(const w_graph *g);
/* Gives a node room for `n` inputs; new ones are absent. */
weir_status w_node_widen(w_graph *g, w_node *n, uint32_t count, weir_error *e);
/* The node now makes `to` instead of its output 0. */
void w_node_retarget(w_graph *g, w_id node, w_id to);

/* A constant like `like` with other data (in the arena, f32): `like` itself changes when `sole` (nothing else uses it),
 * else a new value gets a derived name. */
weir_status w_const_update(w_graph *g, w_id like, bool sole, const w_shape *shape, const float *data, w_id *out,
                           weir_error *e);
weir_status w_const_new_f32(w_graph *g, const char *base, const char *suffix, const w_shape *shape, const float *data,
                            w_id *out, weir_error *e);
w_shape w_shape_1d(int64_t n);

/* Values that stand for others; applied to all uses at once. */
typedef struct w_redirect { w_id *to; size_t n; } w_redirect;
weir_status w_redirect_init(const w_graph *g, w_arena *a, w_redirect *r, weir_error *e);
void w_redirect_set(w_redirect *r, w_id from, w_id to);
w_id w_redirect_of(w_redirect *r, w_id v); /* what stands for v now; v itself if nothing, W_NONE for W_NONE */
void w_redirect_apply(w_redirect *r, w_graph *g);

/* One node: arity, types and shapes of its outputs. Half constants beside f32 variables look like f32. */
weir_status w_infer_node(w_graph *g, w_id node, weir_error *e);

/* tables_carry.c: part of w_pass_tables; Concat and Split of 8-bit values move bytes. Ids of nodes change. */
weir_status w_tables_carry(w_graph *g, weir_error *e);
/* The DequantizeLinear that makes v of bytes by the quantisation that those carry; NULL: none does. */
weir_status w_behind_bytes(w_graph *g, w_id v, const w_node **out, weir_error *e);

/* Parts of w_pass_normalise. */
weir_status w_norm_half(w_graph *g, weir_error *e);     /* norm_half.c: f16 and bf16 graphs compute in f32 */
weir_status w_norm_views(w_graph *g, weir_error *e);    /* norm_views.c: nodes that change nothing go away */
weir_status w_norm_windows(w_graph *g, w_node *n, weir_error *e); /* norm_windows.c: Conv and pooling */
weir_status w_norm_forms(w_graph *g, weir_error *e);    /* norm_forms.c: one form per meaning */
weir_status w_norm_blocks(w_graph *g, weir_error *e);   /* norm_blocks.c: what works channel by channel, before DepthToSpace */
weir_status w_norm_bias(w_graph *g, weir_error *e);     /* norm_bias.c: added constants become biases */
#endif
