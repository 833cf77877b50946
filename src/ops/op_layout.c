/* Layout: weir's own border between row-major and channels-last. Logically nothing happens; the layouts belong to the values. */
#include "op_util.h"
#include <string.h>

static weir_status infer(w_graph *g, w_node *n, weir_error *e) { return w_infer_same(g, n, W_T_ALL, e); }

static weir_status ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    size_t bytes = (size_t)w_count(out) * w_type_size(out->type);
    if (bytes) memcpy(out->data, in->data, bytes);
    return WEIR_OK;
}

/* Op: Layout
 * ONNX: none (weir's)
 * Inputs: X
 * Attributes: none
 * Limits: the layouts are those of the operand values
 * Map: exact, element by element
 */
W_OP_DEFINE_PLAIN(Layout, "weir.Layout", 1, 1, 1, 1, 1, infer, w_map_same, w_work_none, ref);
