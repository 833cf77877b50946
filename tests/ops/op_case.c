/* Reading cases: see op_case.h. */
#include "op_case.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* ---- reading a case ---- */

static w_type type_named(const char *name) {
    for (int t = WEIR_F32; t <= WEIR_BOOL; t++)
        if (strcmp(w_type_name((w_type)t), name) == 0) return (w_type)t;
    return (w_type)0;
}

static int base64_value(char c) {
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *p = c ? strchr(alphabet, c) : NULL;
    return p ? (int)(p - alphabet) : -1;
}

static void base64(const char *text, uint8_t *out, size_t n) {
    uint32_t bits = 0;
    size_t have = 0, at = 0;
    for (; *text && *text != '=' && at < n; text++) {
        bits = bits << 6 | (uint32_t)base64_value(*text);
        have += 6;
        if (have < 8) continue;
        have -= 8;
        out[at++] = (uint8_t)(bits >> have);
    }
    assert_int_equal(at, n);
}

w_tensor op_case_tensor(w_arena *a, const json_t *j) {
    w_tensor t = {.type = type_named(json_string_value(json_object_get(j, "t"))), .shape = {.known = true}};
    size_t i;
    json_t *d;
    assert_true(t.type != 0);
    json_array_foreach(json_object_get(j, "d"), i, d) t.shape.dim[t.shape.rank++] = json_integer_value(d);
    t.data = w_arena_alloc(a, W_MAX(w_tensor_bytes(&t), 1));
    assert_non_null(t.data);
    const char *text = json_string_value(json_object_get(j, "x"));
    if (text) base64(text, t.data, w_tensor_bytes(&t));
    return t;
}

static void read_attribute(w_graph *g, const w_attr_def *d, void *attr, const json_t *j) {
    void *f = (uint8_t *)attr + d->offset;
    size_t n = json_array_size(j);
    w_ints *ints = f;
    w_floats *floats = f;
    switch (d->kind) {
    case W_ATTR_INT: *(int64_t *)f = json_integer_value(j); break;
    case W_ATTR_FLOAT: *(float *)f = (float)json_number_value(j); break;
    case W_ATTR_STRING: *(const char **)f = w_arena_strdup(&g->arena, json_string_value(j)); break;
    case W_ATTR_INTS:
        *ints = (w_ints){w_arena_array(&g->arena, n + 1, sizeof(int64_t)), (uint32_t)n, true};
        for (size_t i = 0; i < n; i++) ints->v[i] = json_integer_value(json_array_get(j, i));
        break;
    case W_ATTR_FLOATS:
        *floats = (w_floats){w_arena_array(&g->arena, n + 1, sizeof(float)), (uint32_t)n, true};
        for (size_t i = 0; i < n; i++) floats->v[i] = (float)json_number_value(json_array_get(j, i));
        break;
    case W_ATTR_TENSOR:
        *(w_tensor **)f = w_arena_alloc(&g->arena, sizeof(w_tensor));
        **(w_tensor **)f = op_case_tensor(&g->arena, j);
        break;
    }
}

static void *read_attributes(w_graph *g, w_op op, const json_t *attrs) {
    const w_op_def *def = w_op_get((uint16_t)op);
    void *attr = w_op_attr_new(g, op);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)attrs, key, value) {
        bool found = false;
        for (uint32_t i = 0; i < def->nattrs; i++)
            if (strcmp(def->attrs[i].name, key) == 0) {
                read_attribute(g, &def->attrs[i], attr, value);
                found = true;
            }
        if (!found) print_error("%s: attribute %s is not in the table\n", def->name, key);
        assert_true(found);
    }
    return attr;
}

/* ---- building its graph ---- */

void op_case_build(weir_context *ctx, const json_t *c, op_case *b) {
    weir_error e;
    size_t i;
    json_t *j;
    char name[32];
    w_op op = w_op_find(json_string_value(json_object_get(c, "op")), NULL);
    assert_int_not_equal(op, W_OP_NONE);
    *b = (op_case){0};
    assert_int_equal(w_graph_create(ctx, "case", &b->g, &e), WEIR_OK);
    b->g->opset = json_integer_value(json_object_get(c, "opset"));
    json_array_foreach(json_object_get(c, "in"), i, j) {
        b->in_id[b->nin++] = W_NONE;
        if (json_is_null(j)) continue;
        w_tensor *t = &b->in[i];
        *t = op_case_tensor(&b->g->arena, j);
        snprintf(name, sizeof name, "i%zu", i);
        if (i == 0 && op != W_OP_ConstantOfShape)
            assert_int_equal(w_graph_add_input(b->g, name, t->type, &t->shape, &b->in_id[i], &e), WEIR_OK);
        else assert_int_equal(w_graph_add_const(b->g, name, t->type, &t->shape, t->data, &b->in_id[i], &e), WEIR_OK);
    }
    json_array_foreach(json_object_get(c, "out"), i, j) {
        snprintf(name, sizeof name, "o%zu", i);
        b->out_id[b->nout++] = W_NONE;
        if (!json_is_null(j)) assert_int_equal(w_graph_add_value(b->g, name, &b->out_id[i], &e), WEIR_OK);
    }
    void *attr = read_attributes(b->g, op, json_object_get(c, "attrs"));
    w_id node;
    assert_int_equal(w_graph_add_node(b->g, (uint16_t)op, json_string_value(json_object_get(c, "name")), b->in_id, b->nin, b->out_id,
                                      b->nout, attr, &node, &e), WEIR_OK);
}
