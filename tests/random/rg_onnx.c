/* A random graph as an ONNX file: an encoder of its own, so that reading is tested against other hands than weir's. */
#include "rg.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put(rg_bytes *b, const void *data, size_t n) {
    if (b->n + n > b->cap) {
        size_t cap = (b->n + n) * 2 + 64;
        uint8_t *p = realloc(b->data, cap);
        if (!p) {
            b->bad = true;
            return;
        }
        b->data = p;
        b->cap = cap;
    }
    if (n) memcpy(b->data + b->n, data, n);
    b->n += n;
}

static void varint(rg_bytes *b, uint64_t v) {
    uint8_t byte;
    for (; v >= 0x80; v >>= 7) {
        byte = (uint8_t)(v & 0x7f) | 0x80;
        put(b, &byte, 1);
    }
    byte = (uint8_t)v;
    put(b, &byte, 1);
}

static void num(rg_bytes *b, int tag, int64_t v) {
    varint(b, (uint64_t)tag << 3);
    varint(b, (uint64_t)v);
}

static void raw(rg_bytes *b, int tag, const void *data, size_t n) {
    varint(b, (uint64_t)tag << 3 | 2);
    varint(b, n);
    put(b, data, n);
}

static void text(rg_bytes *b, int tag, const char *s) { raw(b, tag, s, strlen(s)); }

/* A message inside another; it is used up. */
static void nest(rg_bytes *b, int tag, rg_bytes *m) {
    raw(b, tag, m->data, m->n);
    b->bad |= m->bad;
    free(m->data);
    *m = (rg_bytes){0};
}

static void real(rg_bytes *b, int tag, float f) {
    varint(b, (uint64_t)tag << 3 | 5);
    put(b, &f, 4);
}

static void typed_list(rg_bytes *b, const rg_value *v) {
    rg_bytes l = {0};
    int64_t n = rg_count(v);
    if (v->type == RG_F32) {
        put(&l, v->data, (size_t)n * 4);
        nest(b, 4, &l);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        if (v->type == RG_F16) varint(&l, ((const uint16_t *)v->data)[i]);
        else if (v->type == RG_S64) varint(&l, (uint64_t)((const int64_t *)v->data)[i]);
        else varint(&l, (uint64_t)(int64_t)rg_number(v, i));
    }
    nest(b, v->type == RG_S64 ? 7 : 5, &l);
}

static void tensor(rg_bytes *b, int tag, const rg_value *v, const char *name) {
    rg_bytes t = {0};
    bool exact = v->type != RG_S32 || rg_count(v) == 0; /* rg_number gives floats: large s32 go raw */
    for (int i = 0; i < v->rank; i++) num(&t, 1, v->dim[i]);
    num(&t, 2, v->type);
    if (name) text(&t, 8, name);
    if (v->list && exact) typed_list(&t, v);
    else raw(&t, 9, v->data, (size_t)rg_count(v) * rg_size(v->type));
    nest(b, tag, &t);
}

static void info(rg_bytes *b, int tag, const rg_graph *g, const char *name, const rg_value *v) {
    rg_bytes shape = {0}, tt = {0}, type = {0}, m = {0};
    for (int i = 0; i < v->rank; i++) {
        rg_bytes d = {0};
        if (i == 0 && v->batch && g->batch) text(&d, 2, "N");
        else num(&d, 1, v->dim[i]);
        nest(&shape, 1, &d);
    }
    num(&tt, 1, v->type);
    nest(&tt, 2, &shape);
    nest(&type, 1, &tt);
    text(&m, 1, name);
    nest(&m, 2, &type);
    nest(b, tag, &m);
}

static void attribute(rg_bytes *b, const rg_attr *a) {
    rg_bytes m = {0}, list = {0};
    text(&m, 1, a->name);
    switch (a->kind) {
    case 'i': num(&m, 3, a->i[0]), num(&m, 20, 2); break;
    case 'f': real(&m, 2, a->f), num(&m, 20, 1); break;
    case 's': text(&m, 4, a->s), num(&m, 20, 3); break;
    default:
        for (int i = 0; i < a->n; i++) varint(&list, (uint64_t)a->i[i]);
        nest(&m, 8, &list), num(&m, 20, 7);
        break;
    }
    nest(b, 5, &m);
}

void rg_value_name(int id, char name[16]) { snprintf(name, 16, "v%d", id); }

static void node(rg_bytes *b, const rg_op *n, int index) {
    rg_bytes m = {0};
    char name[40], v[16];
    for (int i = 0; i < n->nin; i++) {
        if (n->in[i] >= 0) rg_value_name(n->in[i], v);
        text(&m, 1, n->in[i] >= 0 ? v : "");
    }
    for (int o = 0; o < n->nout; o++) {
        rg_value_name(n->out[o], v);
        text(&m, 2, v);
    }
    if (index % 5 != 4) { /* some nodes go without */
        snprintf(name, sizeof name, "%s_%d", n->op, index);
        text(&m, 3, name);
    }
    text(&m, 4, n->op);
    for (int i = 0; i < n->nattr; i++) attribute(&m, &n->attr[i]);
    nest(b, 1, &m);
}

static void constant_node(rg_bytes *b, const rg_value *v, const char *name) {
    rg_bytes a = {0}, m = {0};
    text(&m, 2, name);
    text(&m, 4, "Constant");
    text(&a, 1, "value");
    tensor(&a, 5, v, NULL);
    num(&a, 20, 4);
    nest(&m, 5, &a);
    nest(b, 1, &m);
}

static void used(const rg_graph *g, bool use[RG_VALUES]) {
    memset(use, 0, RG_VALUES * sizeof *use);
    for (int k = 0; k < g->nnode; k++)
        for (int i = 0; i < g->node[k].nin; i++)
            if (g->node[k].in[i] >= 0) use[g->node[k].in[i]] = true;
    for (int i = 0; i < g->noutput; i++) use[g->output[i]] = true;
}

/* ir_version of the time of the opset, as the checker of ONNX demands; before 4, initializers are listed as inputs. */
static int64_t ir_version(int opset) { return opset < 9 ? 3 : opset < 10 ? 4 : opset < 11 ? 5 : opset < 12 ? 6 : opset < 15 ? 7 : 8; }

static void borders(rg_bytes *b, const rg_graph *g, const bool *use) {
    char name[16];
    for (int i = 0; i < g->nvalue; i++) {
        const rg_value *v = &g->value[i];
        rg_value_name(i, name);
        if (v->kind == RG_INPUT && use[i]) info(b, 11, g, name, v);
        if (v->kind == RG_CONST && use[i] && !v->as_node && g->opset < 9) info(b, 11, g, name, v);
    }
    for (int i = 0; i < g->noutput; i++) {
        rg_value_name(g->output[i], name);
        info(b, 12, g, name, &g->value[g->output[i]]);
    }
}

bool rg_encode(const rg_graph *g, rg_bytes *out) {
    rg_bytes m = {0}, opset = {0};
    bool use[RG_VALUES];
    char name[16];
    used(g, use);
    for (int i = 0; i < g->nvalue; i++) {
        rg_value_name(i, name);
        if (g->value[i].kind != RG_CONST || !use[i]) continue;
        if (g->value[i].as_node) constant_node(&m, &g->value[i], name);
        else tensor(&m, 5, &g->value[i], name);
    }
    for (int k = 0; k < g->nnode; k++) node(&m, &g->node[k], k);
    text(&m, 2, "random");
    borders(&m, g, use);
    *out = (rg_bytes){0};
    num(out, 1, ir_version(g->opset));
    nest(out, 7, &m);
    num(&opset, 2, g->opset);
    nest(out, 8, &opset);
    return !out->bad;
}

/* ---- for people ---- */

static void print_value(const rg_graph *g, int id) {
    const rg_value *v = &g->value[id];
    printf(" v%d%s:%s[", id, v->kind == RG_CONST ? "(const)" : v->kind == RG_INPUT ? "(input)" : "",
           v->type == RG_F32 ? "f32" : v->type == RG_F16 ? "f16" : v->type == RG_U8 ? "u8" : v->type == RG_S8 ? "s8" : v->type == RG_S32 ? "s32" : "s64");
    for (int i = 0; i < v->rank; i++) printf(i ? "x%lld%s" : "%lld%s", (long long)v->dim[i], i == 0 && v->batch ? "(N)" : "");
    printf("]");
    if (v->kind != RG_CONST || !v->data || rg_count(v) > 8) return;
    for (int64_t i = 0; i < rg_count(v); i++) printf(i ? ",%g" : "={%g", (double)rg_number(v, i));
    printf("}");
}

static void print_attr(const rg_attr *a) {
    if (a->kind == 'i') printf(" %s=%lld", a->name, (long long)a->i[0]);
    if (a->kind == 'f') printf(" %s=%g", a->name, (double)a->f);
    if (a->kind == 's') printf(" %s=%s", a->name, a->s);
    if (a->kind != 'I') return;
    printf(" %s=", a->name);
    for (int i = 0; i < a->n; i++) printf(i ? ",%lld" : "[%lld", (long long)a->i[i]);
    printf("]");
}

void rg_print(const rg_graph *g) {
    printf("  opset %d%s\n", g->opset, g->batch ? ", symbolic batch" : "");
    for (int k = 0; k < g->nnode; k++) {
        printf("  %s", g->node[k].op);
        for (int i = 0; i < g->node[k].nattr; i++) print_attr(&g->node[k].attr[i]);
        for (int i = 0; i < g->node[k].nin; i++)
            if (g->node[k].in[i] >= 0) print_value(g, g->node[k].in[i]);
            else printf(" -");
        printf("  ->");
        for (int o = 0; o < g->node[k].nout; o++) print_value(g, g->node[k].out[o]);
        printf("\n");
    }
    printf("  outputs");
    for (int i = 0; i < g->noutput; i++) printf(" v%d", g->output[i]);
    printf("\n");
}
