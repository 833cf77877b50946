/* Channels that can only leave a network together: what the files of channel pruning share.
 *
 * Every value has at most one channel axis; each entry along it is a *slot*. Operators tie slots: a residual sum ties those
 * of its two inputs one by one, a depthwise convolution those of input and output, Concat puts two lists behind each other,
 * Flatten repeats each entry. A set of tied slots is a *unit*: it leaves as a whole or not at all. Units that the same
 * layers make form a *group*, of which any number of units may leave. What is not understood fixes its slots, with a reason.
 *
 * While slots are tied, the flow also writes down the *cuts*: which constant loses entries along which axis when slots go.
 * Removal (channel_remove.c) follows the cuts and knows operators only where attributes count channels. */
#ifndef W_CHANNELS_H
#define W_CHANNELS_H
#include "lab.h"

typedef struct w_channel_axis {
    int axis;                      /* -1: no channels known */
    uint32_t n;
    const uint32_t *slot;          /* [n] */
} w_channel_axis;

typedef struct w_channel_cut {     /* constant input `input` of `node`: entries along `axis` belong to these slots */
    w_id node;
    uint32_t input, axis, n;
    const uint32_t *slot;
} w_channel_cut;

typedef struct w_channel_layer {   /* a Conv, Gemm or MatMul whose outputs are channels of their own */
    w_id node;
    const uint32_t *in;            /* [nin] slots of the reduction, `taps` columns of the weights each; the same in all groups */
    uint32_t nin, taps;
    const uint32_t *out;           /* [nout] */
    uint32_t nout;
} w_channel_layer;

typedef struct w_channel_group {
    w_id *node;                    /* layers that make these channels */
    size_t nnode;
    uint32_t *unit, nunit;         /* those that may leave */
    uint32_t nfixed;               /* and how many may not */
    const char *fixed;             /* nunit 0: why */
} w_channel_group;

typedef struct w_channels {
    const w_graph *g;
    w_arena *a;
    w_uses uses;
    w_channel_axis *of;            /* [g->nvalue] */
    uint32_t *parent;              /* [nslot] union-find */
    const char **fixed;            /* [nslot], of roots: why it must stay */
    size_t nslot, cap_slot;
    w_channel_cut *cut;
    size_t ncut, cap_cut;
    w_channel_layer *layer;
    size_t nlayer, cap_layer;
    uint32_t *unit;                /* [nslot] */
    uint32_t nunit;
    const char **why;              /* [nunit] NULL: may leave */
    w_channel_group *group;
    size_t ngroup;
} w_channels;

/* Everything lies in `a`. The graph may be symbolic or planned; channels must be numbers. */
weir_status w_channels_find(const w_graph *g, w_arena *a, w_channels *out, weir_error *e);
const w_channel_layer *w_channels_layer(const w_channels *c, w_id node);   /* NULL: makes no channels */
const w_channel_group *w_channels_group(const w_channels *c, w_id node);   /* whose channels the layer makes; NULL: none */
bool w_channels_read(const w_channels *c, const w_channel_layer *l, const w_channel_group *g); /* the layer reads channels of g */

/* ---- flow (channel_flow.c, channel_flow_shape.c): one function an operator ---- */
#define W_MAX_CHANNELS (1u << 22)
typedef weir_status (*w_channel_flow)(w_channels *c, w_id node, weir_error *e);
weir_status w_channels_new(w_channels *c, uint32_t n, uint32_t **slot, weir_error *e);  /* n fresh slots */
weir_status w_channels_set(w_channels *c, w_id value, int axis, const uint32_t *slot, uint32_t n, weir_error *e);
void w_channels_tie(w_channels *c, uint32_t a, uint32_t b);
void w_channels_fix(w_channels *c, w_id value, const char *why);
weir_status w_channels_cut(w_channels *c, w_id node, uint32_t input, uint32_t axis, const uint32_t *slot, uint32_t n, weir_error *e);
weir_status w_channels_add_layer(w_channels *c, const w_channel_layer *l, weir_error *e);
/* All channels that the node reads and makes stay: "<op> '<label>' <why>". */
weir_status w_channels_barrier(w_channels *c, w_id node, const char *why, weir_error *e);
const w_value *w_channels_input(const w_channels *c, const w_node *n, uint32_t i); /* NULL: absent */

weir_status w_flow_conv(w_channels *c, w_id node, weir_error *e);
weir_status w_flow_dense(w_channels *c, w_id node, weir_error *e);
weir_status w_flow_batchnorm(w_channels *c, w_id node, weir_error *e);
weir_status w_flow_broadcast(w_channels *c, w_id node, weir_error *e);
weir_status w_flow_same(w_channels *c, w_id node, weir_error *e);
weir_status w_flow_softmax(w_channels *c, w_id node, weir_error *e);
weir_status w_flow_merge(w_channels *c, w_id node, weir_error *e);
weir_status w_flow_transpose(w_channels *c, w_id node, weir_error *e);
weir_status w_flow_concat(w_channels *c, w_id node, weir_error *e);
weir_status w_flow_split(w_channels *c, w_id node, weir_error *e);
weir_status w_flow_slice(w_channels *c, w_id node, weir_error *e);
weir_status w_flow_pad(w_channels *c, w_id node, weir_error *e);
weir_status w_flow_reduce(w_channels *c, w_id node, weir_error *e);

/* ---- removal (channel_remove.c, channel_renumber.c) ---- */
/* Takes the units with drop[unit] out of g, the graph of c; shapes are inferred again. Fails if a value would lose all. */
weir_status w_channels_remove(const w_channels *c, w_graph *g, const bool *drop, weir_error *e);
weir_status w_channels_renumber(const w_channels *c, w_graph *g, w_id node, const bool *drop, weir_error *e);
weir_status w_channels_fresh_const(w_graph *g, w_id old, bool shared, w_type t, const w_shape *s, const void *data, w_id *out, weir_error *e);

/* ---- choice and reconstruction (channel_choose.c, channel_moments.c, channel_rebuild.c) ---- */
/* Second moments of a layer's inputs about their mean, a little damped: what a column of weights can stand in for. */
typedef struct w_channel_moments {
    uint32_t k, groups;
    double **cov, **mean;          /* [groups] k*k and k */
} w_channel_moments;
/* *out NULL: none can be had (no data, no 2-D window). In scratch. */
weir_status w_channels_moments(w_graph *g, const w_channel_layer *l, w_calibration *c, w_arena *scratch, w_channel_moments **out, weir_error *e);
/* Marks in drop[unit] those of the group to take out so that `keep` units (fixed ones counted) stay. */
weir_status w_channels_choose(const w_channels *c, w_graph *g, const w_channel_group *gr, uint32_t keep, w_calibration *cal, w_arena *scratch, bool *drop, weir_error *e);
/* Solves the weights of every layer that reads dropped units again, so that its output changes least. */
weir_status w_channels_rebuild(const w_channels *c, w_graph *g, const bool *drop, w_calibration *cal, w_arena *scratch, weir_error *e);
/* How many of `total` channels stay for a share, as this machine's kernels like them. */
uint32_t w_channels_keep(const weir_context *ctx, uint32_t total, double share);
#endif
