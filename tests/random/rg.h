/* rg.h: random valid models: a small graph of its own, its ONNX encoder, and what is compared for each.
 *
 * Everything here but rg_bound.c and rg_check*.c knows ONNX and not weir, so that a wrong rule in weir's importer meets an
 * independent one. A graph is a function of its seed alone: the same seed gives the same bytes on every machine. */
#ifndef RG_H
#define RG_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RG_F32 = 1, RG_U8 = 2, RG_S8 = 3, RG_S32 = 6, RG_S64 = 7, RG_BOOL = 9, RG_F16 = 10 }; /* ONNX's numbers */
enum { RG_RANK = 6, RG_VALUES = 512, RG_NODES = 192, RG_IN = 6, RG_OUT = 4, RG_ATTRS = 8, RG_INTS = 16, RG_OUTPUTS = 12 };

typedef enum rg_kind { RG_NODE, RG_INPUT, RG_CONST } rg_kind;
typedef struct rg_value {
    int type, rank;
    int64_t dim[RG_RANK];
    rg_kind kind;
    bool batch;    /* dim[0] is the symbolic batch */
    bool list;     /* constants: written as a typed list, not as raw bytes */
    bool as_node;  /* constants: written as a Constant node */
    float mag;     /* about how large its numbers are */
    uint32_t fill; /* seed of an input's numbers */
    const void *data;
} rg_value;

typedef struct rg_attr { const char *name; char kind; int n; int64_t i[RG_INTS]; float f; const char *s; } rg_attr; /* kind: i f s I */
typedef struct rg_op {
    const char *op;
    int nin, nout, nattr;
    int in[RG_IN], out[RG_OUT]; /* -1: absent */
    rg_attr attr[RG_ATTRS];
} rg_op;

typedef struct rg_block { struct rg_block *next; } rg_block;
typedef struct rg_graph {
    uint64_t seed, state;
    int opset, real;     /* real: RG_F32 or RG_F16 */
    int64_t batch;       /* what the symbolic batch is bound to; 0: no symbol */
    bool large;          /* images so large that steps are split between threads */
    bool quant;          /* QuantizeLinear, DequantizeLinear around most results */
    bool failed;         /* an array ran full or memory out: the graph ends here */
    int nvalue, nnode, noutput;
    rg_value value[RG_VALUES];
    rg_op node[RG_NODES];
    int output[RG_OUTPUTS];
    rg_block *block;     /* constant data; copies of a graph share it */
} rg_graph;

/* rg_graph.c */
uint32_t rg_next(rg_graph *g);
int rg_pick(rg_graph *g, int n);                    /* 0 .. n-1 */
int rg_range(rg_graph *g, int lo, int hi);          /* both inclusive */
bool rg_chance(rg_graph *g, int percent);
float rg_uniform(rg_graph *g, float lo, float hi);
void rg_release(rg_graph *g);
void *rg_alloc(rg_graph *g, size_t bytes);
int64_t rg_count(const rg_value *v);
size_t rg_size(int type);
bool rg_real(int type);                             /* f32 or f16 */
float rg_number(const rg_value *v, int64_t i);
void rg_store(int type, void *data, int64_t i, double x);
int rg_input(rg_graph *g, int type, int rank, const int64_t *dim, bool batch);
int rg_const(rg_graph *g, int type, int rank, const int64_t *dim, float lo, float hi);
int rg_weights(rg_graph *g, int rank, const int64_t *dim, float lo, float hi); /* real numbers, at times through Cast from f16 */
int rg_scalar(rg_graph *g, int type, double x);
int rg_ints(rg_graph *g, int n, const int64_t *v);  /* a vector of s64 */
rg_op *rg_add(rg_graph *g, const char *op, int nin, const int *in, int nout);
void rg_set_i(rg_op *n, const char *name, int64_t v);
void rg_set_f(rg_op *n, const char *name, float v);
void rg_set_s(rg_op *n, const char *name, const char *v);
void rg_set_ints(rg_op *n, const char *name, int count, const int64_t *v);
const rg_attr *rg_get(const rg_op *n, const char *name);
int64_t rg_get_i(const rg_op *n, const char *name, int64_t otherwise);
/* Sets the result's shapes; the first result, or -1 (and the node is gone) when the rules of ONNX forbid the node. */
int rg_done(rg_graph *g, rg_op *n, float mag);
int rg_simple(rg_graph *g, const char *op, int x, int y, float mag); /* a node without attributes; y -1: one operand */

/* rg_shape.c: ONNX's shape rules; false: not valid. */
bool rg_infer(rg_graph *g, rg_op *n);

/* rg_make*.c: each adds nodes behind x and gives the new value, or -1 when x does not suit it. */
typedef int (*rg_maker)(rg_graph *g, int x);
typedef struct rg_choice { rg_maker make; int weight; } rg_choice;
void rg_generate(rg_graph *g, uint64_t seed);
int rg_make_conv(rg_graph *g, int x), rg_make_block(rg_graph *g, int x), rg_make_pool(rg_graph *g, int x), rg_make_global(rg_graph *g, int x);
int rg_make_batchnorm(rg_graph *g, int x), rg_make_lrn(rg_graph *g, int x), rg_make_gate(rg_graph *g, int x);
int rg_make_shuffle(rg_graph *g, int x), rg_make_inception(rg_graph *g, int x), rg_make_head(rg_graph *g, int x);
int rg_make_gemm(rg_graph *g, int x), rg_make_matmul(rg_graph *g, int x), rg_make_softmax(rg_graph *g, int x);
int rg_make_activation(rg_graph *g, int x), rg_make_gated(rg_graph *g, int x), rg_make_unary(rg_graph *g, int x);
int rg_make_binary(rg_graph *g, int x), rg_make_nary(rg_graph *g, int x), rg_make_cast(rg_graph *g, int x);
int rg_make_concat(rg_graph *g, int x), rg_make_split(rg_graph *g, int x), rg_make_slice(rg_graph *g, int x), rg_make_pad(rg_graph *g, int x);
int rg_make_reshape(rg_graph *g, int x), rg_make_flatten(rg_graph *g, int x), rg_make_transpose(rg_graph *g, int x);
int rg_make_squeeze(rg_graph *g, int x), rg_make_unsqueeze(rg_graph *g, int x), rg_make_expand(rg_graph *g, int x);
int rg_make_gather(rg_graph *g, int x), rg_make_reduce(rg_graph *g, int x), rg_make_argmax(rg_graph *g, int x), rg_make_shaped(rg_graph *g, int x);
int rg_make_foreign(rg_graph *g, int x);             /* operators that weir may lack: its refusals are counted */
int rg_make_quantised(rg_graph *g, int x);           /* x through QuantizeLinear and DequantizeLinear */
int rg_quant_bias(rg_graph *g, int x, int w, int64_t n); /* in steps of x times w, as quantisers write it; -1: not both quantised */
int rg_quant_weights(rg_graph *g, int rank, const int64_t *dim, float most, int axis); /* 8-bit constant, dequantised */

/* rg_onnx.c */
typedef struct rg_bytes { uint8_t *data; size_t n, cap; bool bad; } rg_bytes;
bool rg_encode(const rg_graph *g, rg_bytes *out);    /* false: memory; the caller frees out->data */
void rg_value_name(int id, char name[16]);
void rg_print(const rg_graph *g);                    /* one line a node, for people */

/* rg_check.c: all differentials over one graph; false and a message when one fails. */
typedef struct rg_report { char what[64]; char message[1200]; bool refused; int outputs, loose; } rg_report; /* loose: with a bound of more than a twentieth of what they hold */
struct weir_context;
typedef struct rg_set { const char *name; struct weir_context *one, *two; } rg_set; /* contexts of one thread and of two */
typedef struct rg_setup { const char *scratch, *write; int nset; rg_set set[5]; } rg_setup;
bool rg_check(const rg_graph *g, const rg_setup *setup, rg_report *report);
bool rg_complain(rg_report *report, const char *what, const char *format, ...) __attribute__((format(printf, 3, 4))); /* gives false */

/* rg_shrink.c: a smaller graph that fails in the same way, in place. */
void rg_shrink(rg_graph *g, const rg_setup *setup, const char *what);
#endif
