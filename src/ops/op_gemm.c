/* Gemm and MatMul: matrix products with the bias, residual and activation that fusion gives them; MatMulInteger: the exact
 * product of 8-bit integers. */
#include "op_attr_table.h"
#include "op_util.h"

enum { A, B, C, R };

/* ---- Gemm ---- */

static weir_status gemm_residual(const w_graph *g, const w_node *n, const w_shape *out, weir_error *e) {
    const w_value *r = w_node_in(g, n, R);
    char t[W_SHAPE_TEXT], u[W_SHAPE_TEXT];
    if (!r || (r->shape.rank == 2 && w_dims_agree(r->shape.dim[0], out->dim[0]) && w_dims_agree(r->shape.dim[1], out->dim[1]))) return WEIR_OK;
    return w_node_fail(e, g, n, "the residual has shape %s, expected %s as the output", w_shape_text(g, &r->shape, t), w_shape_text(g, out, u));
}

static weir_status gemm_infer(w_graph *g, w_node *n, weir_error *e) {
    W_BEGIN(g, n, e);
    const w_gemm_attr *at = n->attr;
    w_type t;
    W_TRY(w_check_product(g, n, "A", &t, e));
    W_TRY(w_check_rank(g, n, A, "A", 2, 2, e));
    W_TRY(w_check_rank(g, n, B, "B", 2, 2, e));
    const w_shape *a = &w_node_in(g, n, A)->shape, *b = &w_node_in(g, n, B)->shape;
    const w_value *c = w_node_in(g, n, C);
    int ta = at->transA != 0, tb = at->transB != 0;
    W_TRY(w_check_dim_equal(g, n, "the inner dimension of B", b->dim[tb], "in A", a->dim[!ta], e));
    w_shape s = {.rank = 2, .known = true, .dim = {a->dim[ta], b->dim[!tb]}}, joined;
    if (c) {
        char c_text[W_SHAPE_TEXT], y_text[W_SHAPE_TEXT];
        W_TRY(w_broadcast(g, n, &c->shape, &s, &joined, e));
        if (joined.rank != 2 || !w_dims_agree(joined.dim[0], s.dim[0]) || !w_dims_agree(joined.dim[1], s.dim[1]))
            return w_node_fail(e, g, n, "C has shape %s, expected one that broadcasts to %s", w_shape_text(g, &c->shape, c_text), w_shape_text(g, &s, y_text));
    }
    W_TRY(gemm_residual(g, n, &s, e));
    return w_set_out(g, n, 0, t, &s, e);
}

static w_tag gemm_map(const w_graph *g, const w_node *n, uint32_t o, const w_box *out, uint32_t i, w_box *in) {
    (void)o;
    const w_gemm_attr *at = n->attr;
    const w_value *v = w_node_in(g, n, i);
    *in = (w_box){0};
    if (!v) return W_UNUSED;
    if (i == C) return w_box_end(in, w_box_broadcast(&v->shape, out, in));
    if (i == R) return *in = *out, W_EXACT;
    if (i > R) return w_box_whole(&v->shape, W_EXACT, in);
    bool transposed = i == A ? at->transA != 0 : at->transB != 0;
    int outer = i == A ? transposed : !transposed, from = i == A ? 0 : 1;
    in->rank = 2;
    w_box_axis(in, outer, out->lo[from], out->n[from], out->step[from]);
    w_box_axis(in, !outer, 0, v->shape.dim[!outer], 1);
    return w_box_end(in, W_EXACT);
}

static int64_t gemm_work(const w_graph *g, const w_node *n, uint32_t o, const w_box *box) {
    (void)o;
    const w_gemm_attr *at = n->attr;
    return w_sat_mul(w_box_count(box), w_node_in(g, n, A)->shape.dim[at->transA ? 0 : 1]);
}

static weir_status gemm_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    (void)g;
    (void)e;
    const w_gemm_attr *at = n->attr;
    int64_t rows = out->shape.dim[0], cols = out->shape.dim[1], depth = in[A].shape.dim[at->transA ? 0 : 1];
    int64_t ai = at->transA ? 1 : depth, ak = at->transA ? rows : 1, bk = at->transB ? 1 : cols, bj = at->transB ? depth : 1;
    double unit;
    w_numbers a = w_product_data(n, in, &unit);
    const float *b = in[B].data, *c = n->nin > C ? in[C].data : NULL, *res = n->nin > R ? in[R].data : NULL;
    float *y = out->data;
    w_walk k;
    w_walk_init(&k, &out->shape);
    if (c) w_walk_broadcast(&k, 0, &in[C].shape);
    for (int64_t p = 0; p < rows * cols; p++, w_walk_step(&k)) {
        const float *pb = b + k.at[1] * bj;
        double sum = 0.0;
        for (int64_t d = 0; d < depth; d++) sum += w_number(&a, k.at[0] * ai + d * ak) * pb[d * bk];
        sum *= unit * at->alpha;
        if (c) sum += (double)at->beta * c[k.off[0]];
        if (res) sum += res[p];
        y[p] = w_act_apply(&at->ep, (float)sum);
    }
    return WEIR_OK;
}

static const w_attr_def gemm_attrs[] = {
    A_FLOAT(w_gemm_attr, alpha, 1.0f), A_FLOAT(w_gemm_attr, beta, 1.0f), A_INT(w_gemm_attr, transA, 0), A_INT(w_gemm_attr, transB, 0),
    A_EPILOGUE(w_gemm_attr),
};

/* Op: Gemm
 * ONNX: 7, 9, 11, 13
 * Inputs: A, B, C (optional from 11 on), residual (optional, weir's: shape of the output, added before the activation), scale and zero point of A (optional, weir's: A is u8)
 * Attributes: alpha, beta, transA, transB; weir_act, weir_act_a, weir_act_b
 * Limits: floating-point types
 * Map: A exact: the rows of the box; B exact: its columns; C and residual exact
 */
W_OP_DEFINE(Gemm, "Gemm", 2, 6, 1, 1, 7, w_gemm_attr, gemm_attrs, gemm_infer, gemm_map, gemm_work, gemm_ref);

/* ---- MatMul ---- */

/* Rows, depth, columns and batch axes of numpy's matmul: a vector on the left is a row, on the right a column. */
typedef struct matmul_form { w_shape a, b; bool row, column; } matmul_form;

static matmul_form form_of(const w_shape *a, const w_shape *b) {
    matmul_form f = {*a, *b, a->rank == 1, b->rank == 1};
    if (f.row) f.a = (w_shape){.rank = 2, .known = true, .dim = {1, a->dim[0]}};
    if (f.column) f.b = (w_shape){.rank = 2, .known = true, .dim = {b->dim[0], 1}};
    return f;
}

static void drop_last2(w_shape *s) { s->rank -= 2; }

static weir_status matmul_bias(const w_graph *g, const w_node *n, const w_shape *out, weir_error *e) {
    const w_value *c = w_node_in(g, n, C);
    char t[W_SHAPE_TEXT];
    if (!c) return WEIR_OK;
    if (c->shape.rank == 1 && out->rank && w_dims_agree(c->shape.dim[0], out->dim[out->rank - 1])) return WEIR_OK;
    return w_node_fail(e, g, n, "the bias has shape %s, expected a vector as long as the last axis of the output", w_shape_text(g, &c->shape, t));
}

static weir_status matmul_shape(const w_graph *g, const w_node *n, w_shape *s, weir_error *e) {
    for (uint32_t i = A; i <= B; i++) W_TRY(w_check_rank(g, n, i, i == A ? "A" : "B", 1, W_MAX_RANK, e));
    matmul_form f = form_of(&w_node_in(g, n, A)->shape, &w_node_in(g, n, B)->shape);
    W_TRY(w_check_dim_equal(g, n, "the inner dimension of B", f.b.dim[f.b.rank - 2], "in A", f.a.dim[f.a.rank - 1], e));
    int64_t rows = f.a.dim[f.a.rank - 2], cols = f.b.dim[f.b.rank - 1];
    drop_last2(&f.a);
    drop_last2(&f.b);
    W_TRY(w_broadcast(g, n, &f.a, &f.b, s, e));
    if (!f.row) s->dim[s->rank++] = rows;
    if (!f.column) s->dim[s->rank++] = cols;
    return WEIR_OK;
}

static weir_status matmul_infer(w_graph *g, w_node *n, weir_error *e) {
    W_BEGIN(g, n, e);
    w_shape s;
    w_type t;
    W_TRY(w_check_product(g, n, "A", &t, e));
    if (w_node_in(g, n, R)) return w_node_fail(e, g, n, "has a residual, which MatMul cannot take");
    W_TRY(matmul_shape(g, n, &s, e));
    W_TRY(matmul_bias(g, n, &s, e));
    return w_set_out(g, n, 0, t, &s, e);
}

static void take_axis(w_box *in, int axis, const w_box *out, int from) {
    w_box_axis(in, axis, out->lo[from], out->n[from], out->step[from]);
}

/* What v holds for the rows (left) or columns of the box: an operand, or one number a row or column that is shaped like it. */
static w_tag matmul_operand(const w_graph *g, const w_node *n, bool left, const w_shape *v, const w_box *out, w_box *in) {
    const w_shape *a = &w_node_in(g, n, A)->shape, *b = &w_node_in(g, n, B)->shape;
    int row_axis = a->rank == 1 ? -1 : out->rank - (b->rank == 1 ? 1 : 2), col_axis = b->rank == 1 ? -1 : out->rank - 1;
    int batch = out->rank - (a->rank > 1) - (b->rank > 1), own = v->rank - 2, inner = left ? v->rank - 1 : W_MAX(own, 0);
    in->rank = v->rank;
    w_box_axis(in, inner, 0, v->dim[inner], 1);
    if (own >= 0) take_axis(in, left ? own : own + 1, out, left ? row_axis : col_axis);
    for (int k = 0; k < own; k++) {
        if (v->dim[k] == 1) w_box_axis(in, k, 0, 1, 1);
        else take_axis(in, k, out, batch - own + k);
    }
    return w_box_end(in, W_EXACT);
}

static w_tag matmul_map(const w_graph *g, const w_node *n, uint32_t o, const w_box *out, uint32_t i, w_box *in) {
    (void)o;
    const w_value *v = w_node_in(g, n, i);
    *in = (w_box){0};
    if (!v) return W_UNUSED;
    if (i <= B) return matmul_operand(g, n, i == A, &v->shape, out, in);
    if (i > R) return w_box_whole(&v->shape, W_EXACT, in);
    in->rank = 1;
    take_axis(in, 0, out, out->rank - 1);
    return w_box_end(in, W_EXACT);
}

static int64_t matmul_work(const w_graph *g, const w_node *n, uint32_t o, const w_box *box) {
    (void)o;
    const w_shape *a = &w_node_in(g, n, A)->shape;
    return w_sat_mul(w_box_count(box), a->dim[a->rank - 1]);
}

static void product(const w_numbers *a, int64_t a0, double unit, const float *b, int64_t rows, int64_t depth, int64_t cols, const float *bias, const w_epilogue *ep, float *y) {
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < cols; c++) {
            double sum = 0.0;
            for (int64_t d = 0; d < depth; d++) sum += w_number(a, a0 + r * depth + d) * b[d * cols + c];
            y[r * cols + c] = w_act_apply(ep, (float)(unit * sum + (bias ? bias[c] : 0.0)));
        }
}

/* All the pairs of matrices: walk.off[0] and [1] count matrices of A and B. */
typedef struct matmul_pairs { int64_t rows, depth, cols, count; w_walk walk; } matmul_pairs;

static matmul_pairs pairs_of(const w_tensor *in, const w_tensor *out) {
    matmul_form f = form_of(&in[A].shape, &in[B].shape);
    matmul_pairs m = {.rows = f.a.dim[f.a.rank - 2], .depth = f.a.dim[f.a.rank - 1], .cols = f.b.dim[f.b.rank - 1], .count = 1};
    w_shape lead = {.rank = (uint8_t)W_MAX(f.a.rank, f.b.rank), .known = true};
    drop_last2(&lead);
    drop_last2(&f.a);
    drop_last2(&f.b);
    for (int i = 0; i < lead.rank; i++) m.count *= lead.dim[i] = out->shape.dim[i];
    w_walk_init(&m.walk, &lead);
    w_walk_broadcast(&m.walk, 0, &f.a);
    w_walk_broadcast(&m.walk, 1, &f.b);
    return m;
}

static weir_status matmul_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    (void)g;
    (void)e;
    const w_matmul_attr *at = n->attr;
    matmul_pairs m = pairs_of(in, out);
    const float *bias = n->nin > C ? in[C].data : NULL;
    double unit;
    w_numbers a = w_product_data(n, in, &unit);
    for (int64_t p = 0; p < m.count; p++, w_walk_step(&m.walk))
        product(&a, m.walk.off[0] * m.rows * m.depth, unit, (const float *)in[B].data + m.walk.off[1] * m.depth * m.cols,
                m.rows, m.depth, m.cols, bias, &at->ep, (float *)out->data + p * m.rows * m.cols);
    return WEIR_OK;
}

static const w_attr_def matmul_attrs[] = {A_EPILOGUE(w_matmul_attr)};

/* Op: MatMul
 * ONNX: 1, 9, 13
 * Inputs: A, B, bias (optional, weir's: along the last axis of the output), none, scale and zero point of A (optional, weir's: A is u8)
 * Attributes: weir_act, weir_act_a, weir_act_b
 * Limits: floating-point types
 * Map: A exact: the rows of the box in its batches; B exact: its columns; bias exact
 */
W_OP_DEFINE(MatMul, "MatMul", 2, 6, 1, 1, 1, w_matmul_attr, matmul_attrs, matmul_infer, matmul_map, matmul_work, matmul_ref);

/* ---- MatMulInteger ---- */

enum { A_ZERO = 2, B_ZERO = 3 };

/* One number; one a row of A (a column of B); or those of every matrix, shaped like the operand with the depth 1. */
static weir_status check_zero(const w_graph *g, const w_node *n, uint32_t i, const char *what, weir_error *e) {
    const w_value *z = w_node_in(g, n, i), *v = w_node_in(g, n, i - A_ZERO);
    char t[W_SHAPE_TEXT], u[W_SHAPE_TEXT];
    if (!z) return WEIR_OK;
    if (z->type != v->type) return w_node_fail(e, g, n, "%s has type %s, expected %s as its operand", what, w_type_name(z->type), w_type_name(v->type));
    if (z->shape.rank == 0 || (z->shape.rank == 1 && z->shape.dim[0] == 1)) return WEIR_OK;
    int rank = v->shape.rank, outer = i == A_ZERO ? W_MAX(rank - 2, 0) : rank - 1, depth = i == A_ZERO ? rank - 1 : rank - 2;
    bool fits = rank > 1 && (z->shape.rank == 1 || z->shape.rank == rank);
    if (fits && z->shape.rank == 1) fits = w_dims_agree(z->shape.dim[0], v->shape.dim[outer]);
    for (int k = 0; fits && z->shape.rank > 1 && k < rank; k++) fits = w_dims_agree(z->shape.dim[k], k == depth ? 1 : v->shape.dim[k]);
    if (fits) return WEIR_OK;
    return w_node_fail(e, g, n, "%s has shape %s, expected one number, or one a %s of the operand's %s", what, w_shape_text(g, &z->shape, t),
                       i == A_ZERO ? "row" : "column", w_shape_text(g, &v->shape, u));
}

static weir_status integer_infer(w_graph *g, w_node *n, weir_error *e) {
    W_BEGIN(g, n, e);
    w_shape s;
    W_TRY(w_check_bytes(g, n, A, "A", e));
    W_TRY(w_check_bytes(g, n, B, "B", e));
    W_TRY(matmul_shape(g, n, &s, e));
    W_TRY(check_zero(g, n, A_ZERO, "a_zero_point", e));
    W_TRY(check_zero(g, n, B_ZERO, "b_zero_point", e));
    return w_set_out(g, n, 0, WEIR_S32, &s, e);
}

static w_tag integer_map(const w_graph *g, const w_node *n, uint32_t o, const w_box *out, uint32_t i, w_box *in) {
    (void)o;
    const w_value *v = w_node_in(g, n, i);
    *in = (w_box){0};
    if (!v) return W_UNUSED;
    bool left = i == A || i == A_ZERO;
    if (i <= B || v->shape.rank > 1) return matmul_operand(g, n, left, &v->shape, out, in);
    if (w_shape_count(&v->shape) == 1) return w_box_whole(&v->shape, W_EXACT, in);
    in->rank = 1;
    take_axis(in, 0, out, out->rank - (left && w_node_in(g, n, B)->shape.rank > 1 ? 2 : 1));
    return w_box_end(in, W_EXACT);
}

/* Zero point of row (column) number `at`, counted over all matrices: there is one, one a row, or one for each. */
static int64_t zero_of(const w_node *n, const w_tensor *in, uint32_t i, int64_t at) {
    return n->nin > i && in[i].data ? w_load_int(in[i].data, in[i].type, (size_t)(at % w_count(&in[i]))) : 0;
}

static int64_t integer_element(const w_node *n, const w_tensor *in, const matmul_pairs *m, int64_t row, int64_t c) {
    int64_t za = zero_of(n, in, A_ZERO, row), zb = zero_of(n, in, B_ZERO, m->walk.off[1] * m->cols + c), sum = 0;
    for (int64_t d = 0; d < m->depth; d++) {
        int64_t a = w_load_int(in[A].data, in[A].type, (size_t)(row * m->depth + d));
        int64_t b = w_load_int(in[B].data, in[B].type, (size_t)((m->walk.off[1] * m->depth + d) * m->cols + c));
        sum += (a - za) * (b - zb);
    }
    return sum;
}

static weir_status integer_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    (void)g;
    (void)e;
    matmul_pairs m = pairs_of(in, out);
    size_t at = 0;
    for (int64_t p = 0; p < m.count; p++, w_walk_step(&m.walk))
        for (int64_t r = 0; r < m.rows; r++)
            for (int64_t c = 0; c < m.cols; c++) w_store_int(out->data, WEIR_S32, at++, integer_element(n, in, &m, m.walk.off[0] * m.rows + r, c));
    return WEIR_OK;
}

/* Op: MatMulInteger
 * ONNX: 10
 * Inputs: A, B, a_zero_point (optional), b_zero_point (optional)
 * Attributes: none
 * Limits: operands of 8 bits; sums wrap at 32 bits
 * Map: A exact: the rows of the box in its batches; B exact: its columns; zero points exact: those of the rows and columns
 */
W_OP_DEFINE_PLAIN(MatMulInteger, "MatMulInteger", 2, 4, 1, 1, 10, integer_infer, integer_map, matmul_work, integer_ref);
