/* Shorthand for attribute tables; each expands to one w_attr_def. Internal to src/ops. */
#ifndef W_OP_ATTR_TABLE_H
#define W_OP_ATTR_TABLE_H
#include "ops.h"
#include <float.h>
#define A_INT(st, field, value) {#field, W_ATTR_INT, offsetof(st, field), value, 0.0f, NULL, false}
#define A_INT_REQUIRED(st, field) {#field, W_ATTR_INT, offsetof(st, field), 0, 0.0f, NULL, true}
#define A_FLOAT(st, field, value) {#field, W_ATTR_FLOAT, offsetof(st, field), 0, value, NULL, false}
#define A_STRING(st, field, value) {#field, W_ATTR_STRING, offsetof(st, field), 0, 0.0f, value, false}
#define A_INTS(st, field) {#field, W_ATTR_INTS, offsetof(st, field), 0, 0.0f, NULL, false}
#define A_FLOATS(st, field) {#field, W_ATTR_FLOATS, offsetof(st, field), 0, 0.0f, NULL, false}
#define A_TENSOR(st, field) {#field, W_ATTR_TENSOR, offsetof(st, field), 0, 0.0f, NULL, false}
#define A_EPILOGUE(st) \
    {"weir_act", W_ATTR_INT, offsetof(st, ep.act), W_ACT_NONE, 0.0f, NULL, false}, \
    {"weir_act_a", W_ATTR_FLOAT, offsetof(st, ep.a), 0, 0.0f, NULL, false}, \
    {"weir_act_b", W_ATTR_FLOAT, offsetof(st, ep.b), 0, 0.0f, NULL, false}
#define W_AXIS_BY_OPSET INT64_MIN /* the default depends on the opset; infer makes it explicit */
#endif
