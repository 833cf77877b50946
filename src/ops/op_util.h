/* What the operator families share: looking at a node's operands, failing with a message that names them, shape rules that
 * recur, boxes, and strided walks for references. Internal to src/ops.
 *
 * Rules for infer functions: open with w_infer_begin; never touch an output before every check has passed; never write an
 * output's type when the value carries a quantisation (storage belongs to the value). */
#ifndef W_OP_UTIL_H
#define W_OP_UTIL_H
#include "ops.h"

/* ---- operands (op_util.c) ---- */
w_value *w_node_out(const w_graph *g, const w_node *n, uint32_t i);      /* NULL: absent */
/* "node 'x' (Conv): " before the message. */
weir_status w_node_fail(weir_error *e, const w_graph *g, const w_node *n, const char *fmt, ...) WEIR_PRINTF(4, 5);
int64_t w_opset(const w_graph *g);                 /* of the meaning that nodes follow; no opset: the newest */
w_type w_real_type(const w_value *v);              /* what the numbers mean: F32 if quantised */
#define W_T(t) (1u << (t))
#define W_T_FLOATS (W_T(WEIR_F32) | W_T(WEIR_F16) | W_T(WEIR_BF16) | W_T(WEIR_F64))
#define W_T_SIGNED (W_T(WEIR_S8) | W_T(WEIR_S16) | W_T(WEIR_S32) | W_T(WEIR_S64))
#define W_T_NUMBERS (W_T_FLOATS | W_T_SIGNED | W_T(WEIR_U8) | W_T(WEIR_U16))
#define W_T_ALL (W_T_NUMBERS | W_T(WEIR_BOOL))
#define W_T_INDEX (W_T(WEIR_S32) | W_T(WEIR_S64))
#define W_BYTES_LIMIT (INT64_C(1) << 40)           /* of one value */

/* Arity, presence of required operands and attributes. *ready is false if the shape of an input is not known: outputs are then
 * marked unknown and the caller returns at once. */
weir_status w_infer_begin(w_graph *g, w_node *n, bool *ready, weir_error *e);
#define W_BEGIN(g, n, e) do { bool ready_; W_TRY(w_infer_begin(g, n, &ready_, e)); if (!ready_) return WEIR_OK; } while (0)
weir_status w_check_type(const w_graph *g, const w_node *n, uint32_t i, const char *what, unsigned allowed, weir_error *e);
/* Input 0 of Conv, Gemm or MatMul: real numbers, or bytes with a late scale; inputs 1 to 3 mean the same type as it does. *t: that type. */
weir_status w_check_product(const w_graph *g, const w_node *n, const char *what, w_type *t, weir_error *e);
/* Input i, which is there, is stored as 8-bit integers, whatever numbers they mean. */
weir_status w_check_bytes(const w_graph *g, const w_node *n, uint32_t i, const char *what, weir_error *e);
/* Inputs i and j mean numbers of one type. A constant may be stored in a shorter float type than its partner. */
weir_status w_check_same_type(const w_graph *g, const w_node *n, uint32_t i, uint32_t j, weir_error *e);
weir_status w_check_rank(const w_graph *g, const w_node *n, uint32_t i, const char *what, int lo, int hi, weir_error *e);
/* Checks sizes against the limits and writes output o. Absent outputs are skipped. */
weir_status w_set_out(w_graph *g, w_node *n, uint32_t o, w_type t, const w_shape *s, weir_error *e);
void w_set_unknown(w_graph *g, w_node *n, uint32_t o, w_type t); /* type known, shape not */
weir_status w_infer_same(w_graph *g, w_node *n, unsigned allowed, weir_error *e); /* one output like input 0 */

/* ---- integers that steer an operator ---- */
/* Input i as integers. Absent: *n = 0, *known. Not constant: !*known. More than cap elements or not an integer vector: fails. */
weir_status w_in_ints(const w_graph *g, const w_node *n, uint32_t i, const char *what, int64_t *out, uint32_t cap, uint32_t *count,
                      bool *known, weir_error *e);
/* The same, followed back to shapes where it is computed from them (ops_symbolic.c). Bit i of symbols: v[i] is a symbol. */
typedef struct w_dims { int64_t v[W_MAX_RANK]; uint32_t n, symbols; } w_dims;
bool w_follow_dims(const w_graph *g, const w_node *n, uint32_t i, w_dims *out);
uint32_t w_tensor_ints(const w_tensor *t, int64_t *out, uint32_t cap); /* for references: at most cap elements, 0 if absent */
int64_t w_load_int(const void *data, w_type t, size_t i);               /* any alignment; not for floats */
float w_load_real(const void *data, w_type t, size_t i);                /* any alignment; floats and integers */
void w_store_int(void *data, w_type t, size_t i, int64_t x);            /* wraps like C */

/* Numbers of an operand of a sum: f32 as they are, integers less a zero point (exact in a double). */
typedef struct w_numbers { const void *data; w_type type; int64_t zero; } w_numbers;
static inline w_numbers w_numbers_of(const w_tensor *t, int64_t zero) { return (w_numbers){t->data, t->type, zero}; }
static inline double w_number(const w_numbers *v, int64_t i) {
    return v->type == WEIR_F32 ? (double)((const float *)v->data)[i] : (double)(w_load_int(v->data, v->type, (size_t)i) - v->zero);
}
/* Those of input 0 of Conv, Gemm or MatMul, and what a unit of them is worth. */
w_numbers w_product_data(const w_node *n, const w_tensor *in, double *scale);

/* ---- shape rules (ops_shape_util.c) ---- */
#define W_SHAPE_TEXT 160
const char *w_shape_text(const w_graph *g, const w_shape *s, char buf[W_SHAPE_TEXT]); /* "[1, 3, N]"; returns buf */
bool w_dim_is_symbol(int64_t d);
bool w_dims_agree(int64_t a, int64_t b);            /* equal, or a symbol is involved and only binding can tell */
int64_t w_dim_pick(int64_t a, int64_t b);           /* of two that agree: the number, else a */
weir_status w_broadcast(const w_graph *g, const w_node *n, const w_shape *a, const w_shape *b, w_shape *out, weir_error *e);
bool w_shape_positive(const w_shape *s);            /* no dim is 0 */
weir_status w_axis(const w_graph *g, const w_node *n, int64_t axis, int rank, int *out, weir_error *e); /* [-rank, rank) */
/* Axes as a bit mask; duplicates fail. */
weir_status w_axis_mask(const w_graph *g, const w_node *n, const int64_t *axes, uint32_t count, int rank, unsigned *mask, weir_error *e);
uint32_t w_axis_mask_unchecked(const int64_t *axes, uint32_t count, int rank); /* for references, after infer has checked */
weir_status w_check_dim_equal(const w_graph *g, const w_node *n, const char *what, int64_t found, const char *other, int64_t expected, weir_error *e);

/* The sliding window of Conv and the pools, over three spatial axes (missing ones lead, with extent and kernel 1). */
typedef struct w_window { int nsp; int64_t in[3], out[3], k[3], s[3], d[3], lo[3], hi[3]; } w_window;
typedef struct w_window_spec { const w_ints *kernel, *strides, *pads, *dilations; const char *auto_pad; bool ceil_mode; } w_window_spec;
/* x: shape of the input (rank 3..5, spatial dims known). kernel_shape may be absent when w (weights) is given.
 * Checks everything; *win is complete afterwards. */
weir_status w_window_check(const w_graph *g, const w_node *n, const w_window_spec *spec, const w_shape *x, const w_shape *w, w_window *win, weir_error *e);
/* The same for a node that infer has accepted: no checks. */
void w_window_get(const w_window_spec *spec, const w_shape *x, const w_shape *w, w_window *win);

/* ---- boxes (op_box.c) ---- */
w_tag w_box_whole(const w_shape *s, w_tag tag, w_box *in);   /* the whole shape; W_UNUSED if it is empty */
int64_t w_box_count(const w_box *b);
w_tag w_box_end(const w_box *in, w_tag tag);                 /* W_UNUSED if any axis is empty, else tag */
void w_box_axis(w_box *b, int axis, int64_t lo, int64_t n, int64_t step);
/* Axis rule for {a + b}: a in {lo + sa*i, i < na}, b in {sb*j, j < nb}, clipped to [0, dim). Returns W_EXACT if the box holds
 * no other index, else W_COVER. */
w_tag w_box_sum(w_box *b, int axis, int64_t lo, int64_t sa, int64_t na, int64_t sb, int64_t nb, int64_t dim);
/* Element-wise with broadcasting to an out box of rank >= s->rank. */
w_tag w_box_broadcast(const w_shape *s, const w_box *out, w_box *in);
w_tag w_map_window(const w_window *win, const w_box *out, w_box *in, int first_axis); /* the spatial axes of X */
int64_t w_work_elements(const w_graph *g, const w_node *n, uint32_t o, const w_box *box); /* one operation an element */
int64_t w_work_none(const w_graph *g, const w_node *n, uint32_t o, const w_box *box);
int64_t w_sat_mul(int64_t a, int64_t b);                     /* of counts >= 0; stops at INT64_MAX */

/* ---- walks for references (op_walk.c) ---- */
typedef struct w_walk { int rank; int64_t dim[W_MAX_RANK], at[W_MAX_RANK], stride[3][W_MAX_RANK], off[3]; } w_walk;
void w_walk_init(w_walk *k, const w_shape *out);             /* strides all 0 */
void w_walk_broadcast(w_walk *k, int operand, const w_shape *s); /* strides of an operand that broadcasts to out */
void w_walk_step(w_walk *k);                                 /* next element in row-major order */
void w_strides(const w_shape *s, int64_t stride[W_MAX_RANK]); /* row-major, in elements */
/* dst[sum at*ds] = src[sum at*ss] for all at < dim. Sizes in elements of `es` bytes; offsets are already in the pointers. */
void w_copy_strided(void *dst, const int64_t *ds, const void *src, const int64_t *ss, const int64_t *dim, int rank, size_t es);
int64_t w_count(const w_tensor *t);                          /* elements */
#endif
