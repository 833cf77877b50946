/* Table: weir's own function of one byte, given by its 256 results. Passes make it of what a plan would compute from one 8-bit
 * value in several steps. */
#include "op_util.h"
#include <math.h>

enum { ENTRIES = 256 };

static weir_status infer(w_graph *g, w_node *n, weir_error *e) {
    W_BEGIN(g, n, e);
    const w_value *x = w_node_in(g, n, 0), *t = w_node_in(g, n, 1), *y = w_node_out(g, n, 0);
    if (x->type != WEIR_U8 || (x->quant && x->quant->n != 1) || (y->quant && (y->type != WEIR_U8 || y->quant->n != 1)))
        return w_node_fail(e, g, n, "input X and the output must be u8, with one scale if they stand for real numbers");
    if (t->type != WEIR_U8 || t->quant || w_shape_count(&t->shape) != ENTRIES) return w_node_fail(e, g, n, "input T must be %d bytes", ENTRIES);
    return w_set_out(g, n, 0, y->quant ? WEIR_F32 : WEIR_U8, &x->shape, e);
}

/* The table counts as read whole by every element. */
static w_tag map(const w_graph *g, const w_node *n, uint32_t o, const w_box *out, uint32_t i, w_box *in) {
    return i ? w_map_all(g, n, o, out, i, in) : w_map_same(g, n, o, out, i, in);
}

static int64_t work(const w_graph *g, const w_node *n, uint32_t o, const w_box *box) { return 0; }

static weir_status ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    const w_quant *x = w_node_in(g, n, 0)->quant, *y = w_node_out(g, n, 0)->quant;
    for (int64_t i = 0, count = w_count(out); i < count; i++) {
        int64_t at = x ? lrintf(((const float *)in[0].data)[i] / x->scale[0]) + x->zero[0] : w_load_int(in[0].data, WEIR_U8, (size_t)i);
        int64_t byte = w_load_int(in[1].data, WEIR_U8, (size_t)W_MIN(W_MAX(at, 0), ENTRIES - 1));
        if (y) ((float *)out->data)[i] = (float)(byte - y->zero[0]) * y->scale[0];
        else w_store_int(out->data, WEIR_U8, (size_t)i, byte);
    }
    return WEIR_OK;
}

/* Op: Table
 * ONNX: none (weir's)
 * Inputs: X, T (256 bytes)
 * Attributes: none
 * Limits: X and Y are u8, with one scale if they stand for real numbers
 * Map: exact, element by element; T: all
 */
W_OP_DEFINE_PLAIN(Table, "weir.Table", 2, 2, 1, 1, 1, infer, map, work, ref);
