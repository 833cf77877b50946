/* Shape rules on one line each: operator, operands, attributes, and the shape of output 0 or a part of the message.
 * Operands: f32[N,3,8,8] is a graph input (letters are symbols), s64{0,-1} a constant vector, - an absent one. */
#include "ops.h"
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char *const lines[][2] = {
    {"Conv f32[N,3,8,8] f32[4,3,3,3] strides=2,2 pads=1,1,1,1", "[N,4,4,4]"},
    {"Conv f32[N,3,8,8] f32[16,16,3,3]", "W has 16 input channels, X has 3 and group is 1"},
    {"Conv f32[N,4,8,8] f32[6,1,3,3] group=4", "6 output channels, group 4 does not divide"},
    {"Conv f32[N,4,8,8] f32[8,1,3,3] group=4 dilations=2,2", "[N,8,4,4]"},
    {"Conv f32[N,3,8,8] f32[4,3,9,9]", "the kernel spans 9 on spatial axis 0, the padded input has only 8"},
    {"Conv f32[N,3,8,8] f32[4,3,3,3] strides=-1,1", "strides[0] is -1"},
    {"Conv f32[N,3,8,8] f32[4,3,3,3] pads=1,1,1", "pads has 3 entries, expected 4"},
    {"Conv f32[N,3,8,8] f32[4,3,3,3] pads=1,-1,1,1", "pads[1] is -1"},
    {"Conv f32[N,3,8,8] f32[4,3,3,3] kernel_shape=5,5", "kernel_shape[0] is 5, W has 3"},
    {"Conv f32[N,3,8,8] f32[4,3,3,3] f32[5]", "B has shape [5], expected [4]"},
    {"Conv f32[N,3,8,8] f32[4,3,3,3] - f32[1,4,7,6]", "the residual has shape"},
    {"Conv f32[N,3,8,8] f32[4,3,3,3] auto_pad=SAME", "auto_pad is 'SAME'"},
    {"Conv f32[N,3,8,8] s32[4,3,3,3]", "has type s32, expected f32"},
    {"Conv f32[N,3,8,8]", "has 1 inputs, expected at least 2"},
    {"Conv - f32[4,3,3,3]", "required input 0 is missing"},
    {"Conv f32[N,3,H,W] f32[4,3,3,3]", "unknown"},
    {"Conv f32[1,1,2147483647,1] f32[4,1,1,1] pads=2147483647,0,2147483647,0", "dimension 6442450941"},
    {"Conv f32[1,1,8,8] f32[4,1,3,3] pads=2147483648,0,0,0", "pads[0] is 2147483648"},
    {"Conv f32[1,1,2147483647,2147483647] f32[1,1,1,1]", "more than 2^40 bytes"},
    {"ConvTranspose f32[N,4,5,5] f32[4,3,3,2] strides=2,3 pads=1,0,0,0 output_padding=1,0", "[N,3,11,14]"},
    {"ConvTranspose f32[N,4,5,5] f32[4,3,3,3] strides=2,2 auto_pad=SAME_UPPER", "[N,3,10,10]"},
    {"ConvTranspose f32[N,4,5,5] f32[4,3,3,3] group=2 output_shape=8,9", "[N,6,8,9]"},
    {"ConvTranspose f32[N,4,H,5] f32[4,3,3,3]", "unknown"},
    {"ConvTranspose f32[N,4,5,5] f32[3,4,3,3]", "the number of channels of X is 4, expected 3"},
    {"ConvTranspose f32[N,4,5,5] f32[4,3,3,3] group=3", "W has 4 input channels, group 3 does not divide them"},
    {"ConvTranspose f32[N,4,5,5] f32[4,3,3,3] f32[4]", "B has shape [4], expected [3]"},
    {"ConvTranspose f32[N,4,1,1] f32[4,3,1,1] pads=1,1,1,1", "axis 2 of the output would have -1 elements"},
    {"ConvTranspose f32[N,4,5,5] f32[4,3,3,3] strides=2147483647,2147483647", "dimension 8589934591, at most"},
    {"DepthToSpace f32[N,12,2,3] blocksize=2", "[N,3,4,6]"},
    {"DepthToSpace f32[N,12,H,3] blocksize=2", "unknown"},
    {"DepthToSpace f32[N,10,2,3] blocksize=2", "the number of channels is 10, expected a multiple of 4"},
    {"DepthToSpace f32[N,12,2,3] blocksize=2 mode=RCD", "mode is 'RCD', expected DCR or CRD"},
    {"SpaceToDepth f32[N,3,4,6] blocksize=2", "[N,12,2,3]"},
    {"SpaceToDepth f32[N,3,4,5] blocksize=2", "width is 5, expected a multiple of 2"},
    {"LayerNormalization f32[N,3,8] f32[8] f32[8]", "[N,3,8]"},
    {"LayerNormalization f32[N,3,8] f32[7]", "Scale has shape [7], expected one that broadcasts to [N, 3, 8]"},
    {"LayerNormalization f32[N,3,8] f32[8] axis=3", "axis is 3"},
    {"Attention f32[N,4,T,8] f32[N,2,S,8] f32[N,2,S,6] f32[T,S]", "[N,4,T,6]"},
    {"Attention f32[N,T,32] f32[N,S,16] f32[N,S,12] q_num_heads=4 kv_num_heads=2", "[N,T,24]"},
    {"Attention f32[N,T,32] f32[N,S,16] f32[N,S,12]", "expected both for operands of rank 3"},
    {"Attention f32[N,T,30] f32[N,S,16] f32[N,S,12] q_num_heads=4 kv_num_heads=2", "the last axis of Q is 30, expected a multiple of 4 heads"},
    {"Attention f32[N,3,5,8] f32[N,2,7,8] f32[N,2,7,8]", "3 heads of Q, expected a multiple of 2 of K"},
    {"Attention f32[N,2,5,8] f32[N,2,7,6] f32[N,2,7,8]", "the head size of K is 6, expected 8"},
    {"Attention f32[N,2,5,8] f32[N,2,7,8] f32[N,2,6,8]", "the number of values is 6, expected 7"},
    {"Attention f32[N,2,5,8] f32[N,2,7,8] f32[N,2,7,8] f32[5,6]", "attn_mask has shape [5, 6], expected one that broadcasts to the scores"},
    {"Attention f32[N,2,5,8] f32[N,2,7,8] f32[N,2,7,8] - f32[N,2,1,8]", "has 5 inputs, expected at most 4"},
    {"Resize f32[N,3,8,8] - - s64{1,3,4,12}", "unknown"},
    {"Resize f32[2,3,8,8] - - s64{2,3,4,12}", "[2,3,4,12]"},
    {"Resize f32[2,3,8,6] - - s64{16,16} axes=2,3 keep_aspect_ratio_policy=not_larger", "[2,3,16,12]"},
    {"Resize f32[2,3,8,8] - - s64{4,4}", "sizes is 2, expected 4"},
    {"Resize f32[2,3,8,8]", "expected scales or sizes, and not both"},
    {"Resize f32[2,3,8,8] - - s64{2,3,-1,8}", "axis 2"},
    {"Resize f32[2,3,8,8] - f32[4]", "unknown"},
    {"Resize f32[2,3,8,8] - - s64{2,3,4,12} mode=area", "mode is 'area', expected nearest, linear or cubic"},
    {"Resize f32[2,3,8,8] - - s64{2,3,4,12} coordinate_transformation_mode=tf_crop_and_resize", "needs roi"},
    {"MaxPool f32[N,3,8,8] kernel_shape=2,2 strides=2,2", "[N,3,4,4]"},
    {"MaxPool f32[N,3,8,8]", "kernel_shape is missing"},
    {"MaxPool f32[N,3,8,8] kernel_shape=2,2 pads=2,2,2,2", "expected less than the kernel's span"},
    {"MaxPool f32[N,3,9] kernel_shape=2 strides=3 ceil_mode=1", "[N,3,3]"},
    {"Gemm f32[N,4] f32[4,5] f32[5]", "[N,5]"},
    {"Gemm f32[N,4] f32[5,6]", "the inner dimension of B is 5, expected 4"},
    {"Gemm f32[N,4] f32[4,5] f32[2,3,5]", "C has shape"},
    {"Gemm f32[4] f32[4,5]", "A has shape [4], expected rank 2"},
    {"MatMul f32[N,1,3,4] f32[7,4,2]", "[N,7,3,2]"},
    {"MatMul f32[4] f32[4]", "[]"},
    {"Add f32[N,3] f32[1,3]", "[N,3]"},
    {"Add f32[N,3] f32[N,1]", "[N,3]"},
    {"Add f32[N,3] f32[N,4]", "do not broadcast: 3 and 4 on axis 1"},
    {"Add f32[3] s64[3]", "has type s64, expected f32"},
    {"Reshape f32[N,4,5] s64{0,-1}", "[N,20]"},
    {"Reshape f32[N,4,5] s64{-1,20}", "[N,20]"},
    {"Reshape f32[N,4,5] s64{-1,10}", "unknown"},
    {"Reshape f32[N,4,5] s64{-1,-1}", "shape has -1 at 0 and at 1"},
    {"Reshape f32[4,5] s64{3,-1}", "20 elements cannot be shaped into a multiple of 3"},
    {"Reshape f32[4,5] s64{3,7}", "has 20 elements"},
    {"Reshape f32[4,5] s64{4,5,0}", "shape[2] is 0 (copy), the input has rank 2"},
    {"Reshape f32[4,5] s64[2]", "unknown"},
    {"Reshape f32[4,5] s64{1,1,1,1,1,1,1,1,20}", "expected at most 8"},
    {"Flatten f32[N,4,5]", "[N,20]"},
    {"Flatten f32[N,4,5] axis=4", "axis is 4, expected -3 to 3"},
    {"Transpose f32[N,4,5] perm=1,2,0", "[4,5,N]"},
    {"Transpose f32[N,4,5] perm=1,1,0", "perm has axis 1 twice"},
    {"Squeeze f32[N,1,5] s64{1}", "[N,5]"},
    {"Squeeze f32[N,2,5] s64{1}", "axis 1 has dimension 2, expected 1"},
    {"Squeeze f32[N,1,5] s64{1,-2}", "axis 1 is given twice"},
    {"Unsqueeze f32[N,5] s64{0,-1}", "[1,N,5,1]"},
    {"Concat f32[N,2] f32[N,3] axis=1", "[N,5]"},
    {"Concat f32[N,2] f32[N,3] axis=0", "input 1 has shape [N, 3], expected [N, 2] except on axis 0"},
    {"Concat f32[N,2] axis=2", "axis is 2, expected -2 to 1"},
    {"Split f32[N,6] s64{2,3} axis=1", "split has 2 lengths, the node has 1 outputs"},
    {"Split f32[N,6] s64{5} axis=1", "add up to 5, the axis has 6"},
    {"Slice f32[N,6] s64{1} s64{4} s64{1}", "[N,3]"},
    {"Slice f32[N,6] s64{5} s64{-9} s64{1} s64{-2}", "[N,3]"},
    {"Slice f32[N,6] s64{1} s64{4} s64{1} s64{0}", "steps[0] is 0"},
    {"Slice f32[N,6] s64{1,1} s64{4}", "ends has 1 entries, starts has 2"},
    {"Slice f32[N,6] s64{0} s64{9223372036854775807} s64{0}", "[N,6]"},
    {"Gather f32[N,6] s64{1,2} axis=1", "[N,2]"},
    {"Gather f32[N,6] s64{6} axis=1", "index 6 is outside the axis, expected -6 to 5"},
    {"Gather f32[N,6] f32[2]", "indices has type f32, expected s32 or s64"},
    {"Pad f32[N,6] s64{0,1,0,2}", "[N,9]"},
    {"Pad f32[N,6] s64{0,-7,0,2}", "take away more than its 6"},
    {"Pad f32[N,6] s64{0,6,0,0} mode=reflect", "reflecting 6 on axis 1"},
    {"Pad f32[N,6] s64{0,1,2}", "pads has 3 entries, expected 4"},
    {"Expand f32[N,1] s64{1,7}", "[N,7]"},
    {"ConstantOfShape s64{2,3}", "[2,3]"},
    {"ConstantOfShape s64{2,-3}", "input[1] is -3"},
    {"ConstantOfShape s64{2147483647,2147483647}", "more than 2^40 bytes"},
    {"ReduceMean f32[N,3,4] axes=-1,2", "axis 2 is given twice"},
    {"ReduceMean f32[N,3,4] axes=2 keepdims=0", "[N,3]"},
    {"ArgMax f32[N,3] axis=1", "[N,1]"},
    {"Softmax f32[N,3] axis=5", "axis is 5"},
    {"BatchNormalization f32[N,3,4] f32[3] f32[3] f32[2] f32[3]", "mean has shape [2], expected one number for each of 3 channels"},
    {"BatchNormalization f32[N,3,4] f32[3] f32[3] f32[3] f32[3] training_mode=1", "only inference"},
    {"Dropout f32[N,3] - bool[]", "training_mode is computed"},
    {"Clip f32[N,3] f32[2]", "min has shape [2], expected a scalar"},
    {"QuantizeLinear f32[N,3] f32[3]", "[N,3]"},
    {"QuantizeLinear f32[N,3] f32[4]", "the length of scale is 4, expected 3"},
    {"DequantizeLinear f32[N,3] f32[]", "x has type f32"},
    {"DynamicQuantizeLinear f32[N,3]", "has 1 outputs, expected at least 3"},
    {"MatMulInteger u8[N,1,3,4] s8[7,4,2]", "[N,7,3,2]"},
    {"MatMulInteger u8[N,3,4] s8[4,2] u8[3] s8[2]", "[N,3,2]"},
    {"MatMulInteger u8[N,3,4] s8[4,2] u8[N,3,1] s8[1,2]", "[N,3,2]"},
    {"MatMulInteger u8[N,3,4] s8[4,2] u8[4]", "a_zero_point has shape [4], expected one number, or one a row of the operand's [N, 3, 4]"},
    {"MatMulInteger u8[N,3,4] s8[4,2] u8[] s8[4,1]", "b_zero_point has shape [4, 1], expected one number, or one a column"},
    {"MatMulInteger u8[N,4] s8[4,2] s8[]", "a_zero_point has type s8, expected u8 as its operand"},
    {"MatMulInteger f32[N,4] s8[4,2]", "A has type f32, expected u8 or s8"},
    {"ConvInteger u8[N,3,8,8] s8[4,3,3,3] strides=2,2 pads=1,1,1,1", "[N,4,4,4]"},
    {"ConvInteger u8[N,3,8,8] s8[4,3,3,3] u8[1] s8[4]", "[N,4,6,6]"},
    {"ConvInteger u8[N,3,H,W] s8[4,3,3,3]", "unknown"},
    {"ConvInteger u8[N,3,8,8] s8[4,3,3,3] u8[3]", "x_zero_point has shape [3], expected one number"},
    {"ConvInteger u8[N,3,8,8] s8[4,3,3,3] u8[] s8[3]", "w_zero_point has shape [3], expected one number, or one an output channel"},
    {"ConvInteger u8[N,3,8,8] f32[4,3,3,3]", "w has type f32, expected u8 or s8"},
    {"MatMulNBits f32[N,3,40] u8[9,2,16] f32[18] K=40 N=9 block_size=32", "[N,3,9]"},
    {"MatMulNBits f32[40] u8[9,3,16] f32[9,3] u8[27] - f32[9] K=40 N=9 bits=8 block_size=16", "[9]"},
    {"MatMulNBits f32[N,40] u8[9,2,16] f32[18] u8[18] K=40 N=9 block_size=32", "zero_points has shape [18], expected 9 elements by bits, block_size, K and N"},
    {"MatMulNBits f32[N,40] u8[9,2,15] f32[18] K=40 N=9 block_size=32", "B has shape [9, 2, 15], expected 288 elements"},
    {"MatMulNBits f32[N,40] u8[9,2,16] f32[9] K=40 N=9 block_size=32", "scales has shape [9], expected 18 elements"},
    {"MatMulNBits f32[N,40] u8[9,2,16] f32[18] - - f32[8] K=40 N=9 block_size=32", "bias has shape [8], expected 9 elements"},
    {"MatMulNBits f32[N,40] u8[9,2,16] f32[18] - s32[40] K=40 N=9 block_size=32", "has g_idx, which is not supported"},
    {"MatMulNBits f32[N,40] u8[9,2,16] f32[18] f32[18] K=40 N=9 block_size=32", "zero_points have type f32, only packed ones (u8) are supported"},
    {"MatMulNBits f32[N,40] s8[9,2,16] f32[18] K=40 N=9 block_size=32", "B has type s8, expected u8"},
    {"MatMulNBits f32[N,41] u8[9,2,16] f32[18] K=40 N=9 block_size=32", "the last dimension of A is 41, expected 40"},
    {"MatMulNBits f32[N,40] u8[9,2,16] f32[18] K=40 N=9 block_size=24", "block_size is 24, expected a power of two"},
    {"MatMulNBits f32[N,40] u8[9,2,16] f32[18] K=40 N=9 bits=3 block_size=32", "bits is 3, expected 2, 4 or 8"},
    {"MatMulNBits f32[N,40] u8[9,2,16] f32[18] K=40 N=0 block_size=32", "K is 40 and N is 0, expected 1 to 2147483647"},
    {"Cast f32[N,3] to=8", "to is 8"},
};

/* ---- one line ---- */

typedef struct parsed { w_graph *g; w_op op; void *attr; w_id in[16]; uint32_t nin; } parsed;

static void add_dims(w_graph *g, w_shape *s, char *list) {
    char *save, *d = strtok_r(list, ",", &save);
    for (; d; d = strtok_r(NULL, ",", &save)) {
        int64_t *dim = &s->dim[s->rank++];
        if (isalpha((unsigned char)*d)) assert_int_equal(w_graph_symbol(g, d, dim, NULL), WEIR_OK);
        else *dim = strtoll(d, NULL, 10);
    }
}

static w_type type_named(const char *name) {
    for (int t = WEIR_F32; t <= WEIR_BOOL; t++)
        if (strcmp(w_type_name((w_type)t), name) == 0) return (w_type)t;
    fail_msg("no type %s", name);
    return (w_type)0;
}

static void add_operand(parsed *p, char *word) {
    w_graph *g = p->g;
    w_shape s = {.known = true};
    char name[16], *open = strpbrk(word, "[{");
    snprintf(name, sizeof name, "in%u", p->nin);
    w_id *id = &p->in[p->nin++];
    *id = W_NONE;
    if (!open) return;
    bool values = *open == '{';
    *open = 0;
    open[1 + strcspn(open + 1, "]}")] = 0;
    if (!values) {
        add_dims(g, &s, open + 1);
        assert_int_equal(w_graph_add_input(g, name, type_named(word), &s, id, NULL), WEIR_OK);
        return;
    }
    int64_t *data = w_arena_array(&g->arena, 16, sizeof *data);
    char *save, *d = strtok_r(open + 1, ",", &save);
    for (s.rank = 1; d; d = strtok_r(NULL, ",", &save)) data[s.dim[0]++] = strtoll(d, NULL, 10);
    assert_int_equal(w_graph_add_const(g, name, WEIR_S64, &s, data, id, NULL), WEIR_OK);
}

static void set_attribute(parsed *p, char *word) {
    const w_op_def *def = w_op_get((uint16_t)p->op);
    char *value = strchr(word, '='), *save;
    *value++ = 0;
    for (uint32_t i = 0; i < def->nattrs; i++) {
        void *f = (uint8_t *)p->attr + def->attrs[i].offset;
        w_ints *list = f;
        if (strcmp(def->attrs[i].name, word) != 0) continue;
        if (def->attrs[i].kind == W_ATTR_STRING) *(const char **)f = w_arena_strdup(&p->g->arena, value);
        if (def->attrs[i].kind == W_ATTR_INT) *(int64_t *)f = strtoll(value, NULL, 10);
        if (def->attrs[i].kind != W_ATTR_INTS) return;
        *list = (w_ints){w_arena_array(&p->g->arena, 16, sizeof(int64_t)), 0, true};
        for (char *d = strtok_r(value, ",", &save); d; d = strtok_r(NULL, ",", &save)) list->v[list->n++] = strtoll(d, NULL, 10);
        return;
    }
    fail_msg("%s has no attribute %s", def->name, word);
}

static void print_shape(const w_graph *g, const w_shape *s, char *out, size_t cap) {
    size_t at = (size_t)snprintf(out, cap, s->known ? "[" : "unknown");
    for (int i = 0; s->known && i < s->rank; i++) {
        if (s->dim[i] < 0) at += (size_t)snprintf(out + at, cap - at, "%s%s", i ? "," : "", g->symbol[-(s->dim[i] + 1)]);
        else at += (size_t)snprintf(out + at, cap - at, "%s%lld", i ? "," : "", (long long)s->dim[i]);
    }
    if (s->known) snprintf(out + at, cap - at, "]");
}

static bool check_line(weir_context *ctx, const char *line, const char *expected) {
    char text[300], got[1200], *save;
    parsed p = {0};
    weir_error e = {0};
    w_id out, node;
    snprintf(text, sizeof text, "%s", line);
    assert_int_equal(w_graph_create(ctx, "line", &p.g, NULL), WEIR_OK);
    p.op = w_op_find(strtok_r(text, " ", &save), NULL);
    assert_int_not_equal(p.op, W_OP_NONE);
    p.attr = w_op_attr_new(p.g, p.op);
    p.g->opset = 21;
    for (char *w = strtok_r(NULL, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
        if (strchr(w, '=')) set_attribute(&p, w);
        else add_operand(&p, w);
    }
    assert_int_equal(w_graph_add_value(p.g, "out", &out, NULL), WEIR_OK);
    assert_int_equal(w_graph_add_node(p.g, (uint16_t)p.op, "n", p.in, p.nin, &out, 1, p.attr, &node, NULL), WEIR_OK);
    weir_status s = w_op_get((uint16_t)p.op)->infer(p.g, &p.g->node[node], &e);
    if (s == WEIR_OK) print_shape(p.g, &p.g->value[out].shape, got, sizeof got);
    else snprintf(got, sizeof got, "%s", e.message);
    bool shape = expected[0] == '[' || strcmp(expected, "unknown") == 0;
    bool ok = shape ? strcmp(got, expected) == 0 : s == WEIR_BAD_INPUT && strstr(got, expected) && strstr(got, "node 'n'");
    if (!ok) print_error("%s\n  gives    %s\n  expected %s\n", line, got, expected);
    w_graph_destroy(p.g);
    return ok;
}

static void test_lines(void **state) {
    weir_context ctx;
    weir_context_options o = {.struct_size = sizeof o, .threads = 1};
    size_t failed = 0;
    assert_int_equal(w_context_init(&ctx, &o, NULL), WEIR_OK);
    for (size_t i = 0; i < W_COUNT(lines); i++) failed += !check_line(&ctx, lines[i][0], lines[i][1]);
    w_context_fini(&ctx);
    assert_int_equal(failed, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lines)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
