/* The graph: the one in-memory form of a model.
 *
 * Invariants (w_graph_verify checks them):
 *  - values and nodes are dense 32-bit ids; names are interned and stay those of the ONNX file;
 *  - every value has one producer: a node output, a graph input, or constant data;
 *  - nodes are kept in a topological order (inputs before users); dead nodes have op W_OP_NONE;
 *  - dims are logical ONNX coordinates whatever the layout; a negative dim is a symbol: -(symbol id + 1);
 *  - layout, type and storage belong to the value; passes and techniques only set them;
 *  - attributes are op-specific structs described by the op's attribute table (ops.h), in the graph's arena.
 */
#ifndef W_GRAPH_H
#define W_GRAPH_H
#include "arena.h"
#include "file.h"

typedef uint32_t w_id;
#define W_NONE UINT32_MAX
#define W_MAX_RANK 8
#define W_MAX_DIM INT64_C(0x7fffffff)

typedef weir_type w_type; /* WEIR_F32 ... */
size_t w_type_size(w_type t);
const char *w_type_name(w_type t); /* "f32", "u8" ... */

typedef struct w_shape {
    uint8_t rank;
    bool known;               /* false: rank and dims not known yet */
    int64_t dim[W_MAX_RANK];  /* >= 0, or -(symbol+1) */
} w_shape;

/* How the logical coordinates lie in memory. */
typedef enum w_layout {
    W_ROW,      /* row-major in ONNX order (NCHW for images) */
    W_NHWC,     /* rank 4: channels last */
} w_layout;

/* Affine quantisation: real = scale[k] * (q - zero[k]); k runs along axis when n > 1. */
typedef struct w_quant {
    uint32_t n;         /* 1, or dims[axis] */
    int32_t axis;
    const float *scale;
    const int32_t *zero; /* all 0 for symmetric */
} w_quant;

/* How a constant is coded in the .weir file (and, once kernels read it, in memory). Data in memory is dense. */
typedef struct w_coding {
    bool ans;                 /* entropy-coded */
    uint32_t ncodebook;       /* 0: none; else data takes only these values (f32), index = position */
    const float *codebook;
    float density;            /* nonzeros / elements, 1 if not pruned */
} w_coding;

/* Where constant bytes come from; src/io implements sources that decode on demand. */
typedef struct w_tensor {
    w_type type;
    w_shape shape;            /* fully known */
    void *data;               /* row-major in ONNX order; const for constants */
} w_tensor;
size_t w_tensor_count(const w_tensor *t);
size_t w_tensor_bytes(const w_tensor *t);

typedef enum w_value_kind { W_VALUE_NODE, W_VALUE_INPUT, W_VALUE_CONST } w_value_kind;

typedef struct w_value {
    w_id name;                /* interned; see w_graph_name */
    w_value_kind kind;
    w_id producer;            /* node, or W_NONE */
    w_type type;              /* 0 until inferred */
    w_shape shape;
    w_layout layout;
    const w_quant *quant;     /* NULL: real numbers */
    const w_coding *coding;   /* constants only; NULL: dense */
    const void *data;         /* constants: row-major ONNX order, in the file mapping or the graph's arena; may be unaligned when is_mapped */
    bool is_mapped;           /* data lies in a file mapping, any alignment */
} w_value;

#define W_MAX_IN 8            /* operators with more (Concat, Sum) use the arena array all the same: no fixed limit */

typedef struct w_node {
    uint16_t op;              /* w_op, ops.h */
    w_id name;                /* interned, may be empty */
    w_id part_of;             /* name of the layer that a technique split this one off; W_NONE: none. In no file */
    uint32_t nin, nout;
    w_id *in;                 /* W_NONE: an absent optional input */
    w_id *out;
    void *attr;               /* op-specific struct, NULL if the op has none */
} w_node;

typedef struct w_graph {
    weir_context *ctx;
    w_arena arena;
    w_value *value; size_t nvalue, cap_value;
    w_node *node;   size_t nnode, cap_node;   /* order = array order */
    w_id *input;    size_t ninput, cap_input;
    w_id *output;   size_t noutput, cap_output;
    struct w_names *names;    /* interner */
    char **symbol; size_t nsymbol, cap_symbol; /* names of symbolic dims */
    const char *source;       /* file name for messages */
    const w_map *file;        /* holds the mapped constants; NULL: none. Outlives the graph and its clones */
    int64_t opset;            /* default-domain opset of the source file */
} w_graph;

/* What copying and printing a graph ask of the operator table, which lies above this room. src/ops fills in the one
 * instance, in ops.c, with thin wrappers of w_op_get / w_op_attr_clone / w_op_attr_print. */
struct w_text;
typedef struct w_graph_vt {
    const char *(*op_name)(uint16_t op);                                        /* never NULL; "none" for op 0, "?" out of range */
    void *(*attr_clone)(w_graph *g, uint16_t op, const void *attr);             /* deep, into g's arena; NULL: out of memory */
    void (*attr_print)(const w_graph *g, const w_node *n, struct w_text *out);  /* " name=value"..., leading space each, defaults left out */
} w_graph_vt;
extern const w_graph_vt w_ops_vt;

/* ---- building (graph.c); all may fail with WEIR_NO_RESOURCE ---- */
weir_status w_graph_create(weir_context *ctx, const char *source, w_graph **out, weir_error *e);
void w_graph_destroy(w_graph *g);
/* A copy that shares constant data with `g`: g must outlive it. */
weir_status w_graph_clone(const w_graph *g, w_graph **out, weir_error *e);
weir_status w_graph_intern(w_graph *g, const char *s, size_t n, w_id *out, weir_error *e);
const char *w_graph_name(const w_graph *g, w_id name);
const char *w_value_name(const w_graph *g, w_id value);
const char *w_node_label(const w_graph *g, const w_node *n); /* its name, else the name of its first output */
/* id of the value with that name, or W_NONE */
w_id w_graph_find(const w_graph *g, const char *name);
/* Gives a value another, unused name. */
weir_status w_graph_rename(w_graph *g, w_id value, const char *name, weir_error *e);
weir_status w_graph_symbol(w_graph *g, const char *name, int64_t *dim, weir_error *e); /* interned symbol as a dim */
weir_status w_graph_add_value(w_graph *g, const char *name, w_id *out, weir_error *e); /* name must be unused; "" makes a fresh one */
weir_status w_graph_add_input(w_graph *g, const char *name, w_type t, const w_shape *s, w_id *out, weir_error *e);
/* Like add_value, with the first unused name of BASE SUFFIX, BASE SUFFIX.2, ... */
weir_status w_graph_add_derived(w_graph *g, const char *base, const char *suffix, w_id *out, weir_error *e);
/* data is not copied: it must live as long as the graph (its arena, or the mapping). */
weir_status w_graph_add_const(w_graph *g, const char *name, w_type t, const w_shape *s, const void *data, w_id *out, weir_error *e);
weir_status w_graph_add_output(w_graph *g, w_id value, weir_error *e);
/* Appends at the end; attr is an arena pointer (see w_op_attr_new) or NULL. Sets producers. */
weir_status w_graph_add_node(w_graph *g, uint16_t op, const char *name, const w_id *in, uint32_t nin, const w_id *out, uint32_t nout, void *attr, w_id *node, weir_error *e);
/* Inserts before position `at` (node ids >= at shift by one: only passes that expect it call this). */
weir_status w_graph_insert_node(w_graph *g, size_t at, uint16_t op, const char *name, const w_id *in, uint32_t nin, const w_id *out, uint32_t nout, void *attr, weir_error *e);
void w_graph_replace_uses(w_graph *g, w_id from, w_id to);  /* node inputs and graph outputs */
void w_node_kill(w_graph *g, w_id node);
weir_status w_graph_compact(w_graph *g, weir_error *e);     /* drops dead nodes and unused values; ids change */
weir_status w_graph_toposort(w_graph *g, weir_error *e);    /* stable; WEIR_BAD_INPUT names a node on a cycle */

/* ---- use information, rebuilt on demand ---- */
typedef struct w_uses {
    uint32_t *count;          /* graph outputs count as a use */
    w_id *only;               /* the single user node or W_NONE */
    bool *output;             /* a graph output */
    size_t n;                 /* values counted; later ones are not covered */
} w_uses;
weir_status w_graph_uses(const w_graph *g, w_arena *a, w_uses *out, weir_error *e);

/* ---- shapes ---- */
int64_t w_shape_count(const w_shape *s);                    /* elements; -1 if symbolic, unknown or overflowing */
bool w_shape_equal(const w_shape *a, const w_shape *b);
bool w_shape_bound(const w_shape *s);                       /* known and without symbols */
size_t w_value_bytes(const w_graph *g, w_id v);             /* dense storage; 0 if not known */
float w_f16_to_f32(uint16_t h);
uint16_t w_f32_to_f16(float f);                             /* to nearest, ties to even */
bool w_quant_equal(const w_quant *a, const w_quant *b);     /* by content; NULL equals NULL only */
bool w_coding_equal(const w_coding *a, const w_coding *b);
bool w_graph_is_output(const w_graph *g, w_id v);
/* Replaces a symbol by a number in all graph inputs; shapes are inferred again by w_pass_infer. */
weir_status w_graph_bind(w_graph *g, const char *symbol, int64_t n, weir_error *e);
/* Copies constant data into aligned arena memory converted to f32 / s64; works for unaligned mapped data. */
weir_status w_const_f32(const w_graph *g, w_id v, w_arena *a, float **out, size_t *n, weir_error *e); /* dequantises when quantised */
bool w_const_one_f32(const w_graph *g, w_id v, float *x); /* the same for a constant of one element, without memory; false: it is none */
/* The same, without a copy where the constant holds just these numbers: read only, at any alignment. */
weir_status w_const_view_f32(const w_graph *g, w_id v, w_arena *a, const void **out, size_t *n, weir_error *e);
weir_status w_const_i64(const w_graph *g, w_id v, w_arena *a, int64_t **out, size_t *n, weir_error *e);
/* Nobody will read these bytes of constants soon: pages of the file leave memory, and come back for who reads them after all.
 * Bytes that lie elsewhere stay. */
void w_const_rest(const w_graph *g, const void *data, size_t bytes);

/* ---- verifier and printer ---- */
weir_status w_graph_verify(const w_graph *g, weir_error *e);
/* One line a node, stable, for tests and `weir plan`-style reading. Appends to a growable text. */
typedef struct w_text { weir_context *ctx; char *s; size_t n, cap; bool bad; } w_text;
void w_text_init(w_text *t, weir_context *ctx);
void w_text_add(w_text *t, const char *fmt, ...) WEIR_PRINTF(2, 3);
void w_text_fini(w_text *t);
void w_graph_print(const w_graph *g, w_text *out);
#endif
