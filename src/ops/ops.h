/* Operators: the table of what weir knows, one row each (ops.inc), one file per family.
 *
 * A row carries: names, arity, an attribute table (so that parsing, printing, comparing, storing and
 * exporting attributes is written once), shape rule, access map, work, reference. A row without one of
 * them does not compile: W_OP_DEFINE takes all of them. */
#ifndef W_OPS_H
#define W_OPS_H
#include "graph.h"

typedef enum w_op {
    W_OP_NONE = 0,
#define W_OP(name) W_OP_##name,
#include "ops.inc"
#undef W_OP
    W_OP_COUNT
} w_op;

/* ---- attributes ---- */
typedef enum w_attr_kind { W_ATTR_INT, W_ATTR_FLOAT, W_ATTR_STRING, W_ATTR_INTS, W_ATTR_FLOATS, W_ATTR_TENSOR } w_attr_kind;
typedef struct w_ints { int64_t *v; uint32_t n; bool present; } w_ints;
typedef struct w_floats { float *v; uint32_t n; bool present; } w_floats;
/* Field types in the struct: int64_t, float, const char * (arena; NULL absent), w_ints, w_floats, w_tensor * (NULL absent). */
typedef struct w_attr_def {
    const char *name;         /* ONNX attribute name; "weir_..." for ours, which export turns into nodes or drops */
    w_attr_kind kind;
    uint16_t offset;
    int64_t def_i;            /* default of INT */
    float def_f;              /* default of FLOAT */
    const char *def_s;        /* default of STRING */
    bool required;
} w_attr_def;

/* Epilogue activations fused into a producer (attribute fields of Conv, Gemm, Add ...). */
typedef enum w_act {
    W_ACT_NONE, W_ACT_RELU, W_ACT_CLIP /* a=min b=max */, W_ACT_LEAKY /* a=alpha */, W_ACT_HARDSWISH, W_ACT_HARDSIGMOID /* a=alpha b=beta */,
    W_ACT_SIGMOID, W_ACT_TANH, W_ACT_SILU, W_ACT_GELU, W_ACT_ELU /* a=alpha */
} w_act;
typedef struct w_epilogue { int64_t act; float a, b; } w_epilogue; /* attributes weir_act, weir_act_a, weir_act_b */
float w_act_apply(const w_epilogue *ep, float x); /* the plain C meaning, used by references */
w_type w_type_from_onnx(int64_t data_type);       /* TensorProto.DataType to ours; 0 if weir has no such type */

/* ---- attribute structs that planner, passes and io need to see ---- */
typedef struct w_conv_attr {      /* Conv: in X, W, [B], [residual: same shape as output, added before act] */
    w_ints kernel_shape, strides, pads, dilations; int64_t group; const char *auto_pad;
    w_epilogue ep;
} w_conv_attr;
typedef struct w_convtranspose_attr {
    w_ints kernel_shape, strides, pads, dilations, output_padding, output_shape; int64_t group; const char *auto_pad;
} w_convtranspose_attr;
typedef struct w_gemm_attr {      /* Gemm: A, B, [C], [residual]; MatMul is its own op without these */
    float alpha, beta; int64_t transA, transB; w_epilogue ep;
} w_gemm_attr;
typedef struct w_pool_attr { w_ints kernel_shape, strides, pads, dilations; const char *auto_pad; int64_t ceil_mode, count_include_pad, storage_order; w_epilogue ep; } w_pool_attr;
typedef struct w_eltwise_attr { w_epilogue ep; } w_eltwise_attr;   /* Add, Sub, Mul, Div: optional fused activation */
typedef struct w_matmul_attr { w_epilogue ep; } w_matmul_attr;     /* MatMul: A, B, [bias: last-axis vector], fused act */
/* Attention: Q, K, V, [mask]. scale FLT_MAX: one over the root of the head size. Heads are counted where operands have rank 3. A row
 * that may see no key is 0, as ONNX has it, or NaN (weir_nan) as a Softmax of its own makes it. */
typedef struct w_attention_attr { float scale, softcap; int64_t is_causal, q_num_heads, kv_num_heads, softmax_precision, nan; } w_attention_attr;
typedef struct w_nbits_attr { int64_t K, N, bits, block_size, accuracy_level; w_epilogue ep; } w_nbits_attr;
typedef struct w_gpool_attr { w_epilogue ep; } w_gpool_attr;       /* GlobalAveragePool, GlobalMaxPool */
typedef struct w_alpha_attr { float alpha; } w_alpha_attr;         /* LeakyRelu, Elu */
typedef struct w_hardsigmoid_attr { float alpha, beta; } w_hardsigmoid_attr;
typedef struct w_clip_attr { float min, max; } w_clip_attr;        /* opset < 11; later ones have inputs min, max, which win */
typedef struct w_gelu_attr { const char *approximate; } w_gelu_attr;
typedef struct w_dropout_attr { float ratio; int64_t seed; } w_dropout_attr;
typedef struct w_cast_attr { int64_t to, saturate; } w_cast_attr;  /* `to` in ONNX's numbers: w_type_from_onnx */
typedef struct w_bn_attr { float epsilon, momentum; int64_t training_mode, spatial; } w_bn_attr;
/* infer makes `axis` explicit and sets `coerce` (weir_coerce) where opset < 13 means more than the one axis: all axes from
 * `axis` on are normalised together. */
typedef struct w_softmax_attr { int64_t axis, coerce; } w_softmax_attr;
typedef struct w_lrn_attr { int64_t size; float alpha, beta, bias; } w_lrn_attr;
typedef struct w_layernorm_attr { int64_t axis; float epsilon; int64_t stash_type; } w_layernorm_attr;
typedef struct w_reduce_attr { w_ints axes; int64_t keepdims, noop_with_empty_axes; } w_reduce_attr; /* or input 1: axes */
typedef struct w_arg_attr { int64_t axis, keepdims, select_last_index; } w_arg_attr;
typedef struct w_reshape_attr { int64_t allowzero; } w_reshape_attr;
typedef struct w_axis_attr { int64_t axis; } w_axis_attr;          /* Flatten, Concat, Gather */
typedef struct w_axes_attr { w_ints axes; } w_axes_attr;           /* Squeeze, Unsqueeze (opset < 13), or input 1 */
typedef struct w_transpose_attr { w_ints perm; } w_transpose_attr; /* absent: reversed */
typedef struct w_shape_attr { int64_t start, end; } w_shape_attr;
typedef struct w_constant_attr { w_tensor *value; float value_float; w_floats value_floats; int64_t value_int; w_ints value_ints; } w_constant_attr;
typedef struct w_constant_of_shape_attr { w_tensor *value; } w_constant_of_shape_attr;
typedef struct w_split_attr { int64_t axis, num_outputs; w_ints split; } w_split_attr;   /* or input 1: split */
typedef struct w_slice_attr { w_ints starts, ends, axes; } w_slice_attr;                 /* opset < 10, or inputs 1.. */
typedef struct w_pad_attr { const char *mode; w_ints pads; float value; } w_pad_attr;    /* opset < 11, or inputs 1.. */
typedef struct w_depth_attr { int64_t blocksize; const char *mode; } w_depth_attr; /* DepthToSpace, SpaceToDepth */
typedef struct w_resize_attr {
    const char *mode, *coordinate_transformation_mode, *nearest_mode, *keep_aspect_ratio_policy;
    float cubic_coeff_a, extrapolation_value; int64_t exclude_outside, antialias; w_ints axes;
} w_resize_attr;
typedef struct w_quantize_attr { int64_t axis, saturate, block_size, output_dtype; } w_quantize_attr; /* both directions */
/* MatMulNBits: [n] columns of `blocks` blocks of `block` codes; zero_bytes: of a column's packed zero points. */
typedef struct w_nbits { int64_t k, n, block, blocks, zero_bytes; unsigned bits; } w_nbits;
w_nbits w_nbits_of(const w_node *n);
int64_t w_nbits_zero(const w_nbits *m, const uint8_t *zeros, int64_t column, int64_t block); /* zeros NULL: the middle */
/* Conv, Gemm, MatMul: with these two inputs (weir's) input 0 holds the bytes of DynamicQuantizeLinear, which mean
 * scale * (byte - zero); everything else is as ever. */
enum { W_IN_SCALE = 4, W_IN_ZERO = 5 };
bool w_has_late_scale(const w_node *n);
/* The bias of a Conv or Gemm of 8-bit numbers, in steps of its sums: bias[k] = step[k] * scale[k], scale[k] = sx * sw[k],
 * rounded to whole ones. n == 0: it has no such form. The arrays live in the arena that they were asked from. */
typedef struct w_bias_steps { const float *scale; const int32_t *step; size_t n; } w_bias_steps;
weir_status w_bias_steps_of(const w_graph *g, const w_node *n, w_arena *a, w_bias_steps *out, weir_error *e);
/* Scale and zero point of DynamicQuantizeLinear for numbers between lo <= 0 and hi >= 0. */
typedef struct w_dynamic { float scale; int32_t zero; } w_dynamic;
w_dynamic w_dynamic_of(float lo, float hi);
/* After pass_normalise all auto_pad is NOTSET and kernel_shape/strides/pads/dilations are filled in (2-D: 2,2,4,2 entries). */

/* ---- access maps ---- */
typedef enum w_tag { W_EXACT, W_COVER, W_DATA, W_UNUSED } w_tag;
typedef struct w_box { uint8_t rank; int64_t lo[W_MAX_RANK], n[W_MAX_RANK], step[W_MAX_RANK]; } w_box; /* index = lo + step * [0, n) */
/* Given box `out` of output `o`, the box of input `i` that is read, clipped to its shape; returns its tag. */
typedef w_tag (*w_map_fn)(const w_graph *g, const w_node *n, uint32_t o, const w_box *out, uint32_t i, w_box *in);
w_tag w_map_all(const w_graph *g, const w_node *n, uint32_t o, const w_box *out, uint32_t i, w_box *in); /* MAP_ALL: everything, cover */
w_tag w_map_same(const w_graph *g, const w_node *n, uint32_t o, const w_box *out, uint32_t i, w_box *in); /* element-wise with ONNX broadcasting, exact */
#define MAP_ALL w_map_all

/* ---- the row ---- */
typedef struct w_op_def {
    const char *name;         /* ONNX op_type; "weir." prefix for internal ones */
    uint32_t min_in, max_in, min_out, max_out; /* UINT32_MAX: variadic */
    int64_t since;            /* first opset with this meaning that weir reads */
    uint16_t attr_size;
    const w_attr_def *attrs; uint32_t nattrs;
    /* Checks arity and sets type and shape of every output from inputs and attributes; checks all of ONNX's rules and names node, operand and
     * expectation. Symbolic dims pass through. May read constant inputs (Reshape, Slice). */
    weir_status (*infer)(w_graph *g, w_node *n, weir_error *e);
    w_map_fn map;
    /* multiply-adds for a box of output o (the second traffic function) */
    int64_t (*work)(const w_graph *g, const w_node *n, uint32_t o, const w_box *box);
    /* The meaning, whole dense row-major tensors in ONNX types (f32 arithmetic for floats), plain C. `in[i].data` NULL if absent.
     * out tensors are allocated by the caller from inferred shapes. Quantised values: in/out tensors carry real numbers as f32;
     * the caller (w_ref_node) dequantises and requantises. */
    weir_status (*ref)(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e);
} w_op_def;

#define W_OP_DEFINE(id, onnx, min_i, max_i, min_o, max_o, since_, attr_type, attr_table, infer_, map_, work_, ref_) \
    const w_op_def w_op_def_##id = {onnx, min_i, max_i, min_o, max_o, since_, sizeof(attr_type), attr_table, \
                                    W_COUNT(attr_table), infer_, map_, work_, ref_}
/* for ops without attributes */
typedef struct w_no_attr { char unused; } w_no_attr;
extern const w_attr_def w_no_attrs[1];
#define W_OP_DEFINE_PLAIN(id, onnx, min_i, max_i, min_o, max_o, since_, infer_, map_, work_, ref_) \
    const w_op_def w_op_def_##id = {onnx, min_i, max_i, min_o, max_o, since_, 0, w_no_attrs, 0, infer_, map_, work_, ref_}

#define W_OP(name) extern const w_op_def w_op_def_##name;
#include "ops.inc"
#undef W_OP

const w_value *w_node_in(const w_graph *g, const w_node *n, uint32_t i); /* NULL: absent */
/* Strides, by batch, channel, block row, row in it, block column, column in it, of DepthToSpace's and SpaceToDepth's operand with
 * the fine image (is_space) or of the other. depth, space: strides of the two by axis. */
#define W_DEPTH_RANK 6
void w_depth_strides(const w_node *n, int64_t depth_channels, int64_t to[W_DEPTH_RANK], const int64_t depth[4], const int64_t space[4], bool is_space);
/* Sizes of an Attention whose operands have these shapes: rank 4 [batch, heads, rows, size], or rank 3 [batch, rows, heads * size]. */
typedef struct w_attention { int64_t batch, heads, kv_heads, rows, keys, size, v_size; bool flat /* rank 3 */; float scale; } w_attention;
w_attention w_attention_of(const w_node *n, const w_shape *q, const w_shape *k, const w_shape *v);
bool w_resize_copies(const w_node *n);             /* a Resize that makes no new numbers: nearest, nothing extrapolated */
const w_op_def *w_op_get(uint16_t op);             /* NULL for W_OP_NONE and out of range */
/* The domain that ONNX files name: "", "com.microsoft", or "weir" for ours. */
const char *w_op_domain(uint16_t op);
/* W_OP_NONE if unknown. Domain "" or "ai.onnx": ONNX's operators; else w_op_domain; NULL: any, by the name in the table. */
w_op w_op_find(const char *onnx_name, const char *domain);
/* New attribute struct with defaults, from the graph's arena (NULL on failure or when the op has none). */
void *w_op_attr_new(w_graph *g, w_op op);
bool w_op_attr_equal(w_op op, const void *a, const void *b);
void *w_op_attr_clone(w_graph *g, w_op op, const void *a);      /* deep */
void w_op_attr_print(const w_graph *g, const w_node *n, w_text *out); /* only what differs from the default */

/* Runs the reference of one node on the data of its constant (or given) inputs; quantised and NHWC operands are converted
 * to real row-major f32 before and back after. Used by constant folding and by tests. */
weir_status w_ref_node(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, w_arena *scratch, weir_error *e);
/* The whole graph by references, keyed by value id: the slow truth that tests compare with. values[nvalue], caller gives inputs. */
weir_status w_ref_graph(const w_graph *g, w_tensor *values, w_arena *a, weir_error *e);
int64_t w_node_work(const w_graph *g, const w_node *n);        /* multiply-adds of all outputs, whole */
#endif
