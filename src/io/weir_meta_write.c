/* The metadata of a .weir file: operators, symbols, values, nodes, ends, recipe (docs/format.md has the grammar). Constants
 * that are coded go to `coded` on the way; dense ones are only marked, the caller writes them.
 *
 * Values are numbered anew: those that nothing produces any more are left out. */
#include "weir_format.h"
#include "attr.h"
#include <string.h>

typedef struct writer {
    const w_graph *g;
    w_wbuf *meta, *coded;
    uint8_t *storage;
    w_id *number;             /* of each value in the file, W_NONE: left out */
    uint32_t op[W_OP_COUNT];  /* index in the operator table + 1 */
    uint64_t attrs[W_OP_COUNT]; /* attributes that some node sets */
    w_arena scratch;
    weir_error *e;
} writer;

/* ---- attributes ---- */

static uint64_t attrs_set(const w_node *n) {
    const w_op_def *def = w_op_get(n->op);
    uint64_t set = 0;
    for (uint32_t i = 0; n->attr && i < def->nattrs && i < 64; i++) set |= (uint64_t)w_attr_is_set(&def->attrs[i], n->attr) << i;
    return set;
}

static void put_shape(w_wbuf *b, const w_shape *s) {
    w_put_u8(b, s->rank);
    for (uint8_t k = 0; k < s->rank; k++) w_put_signed(b, s->dim[k]);
}

/* Elements in the metadata; f32 as floats, which are shorter when 16 bits hold them. */
static void put_inline(w_wbuf *b, w_type t, const void *data, size_t bytes, w_arena *scratch) {
    if (t != WEIR_F32 || bytes == 0) {
        w_put_bytes(b, data, bytes);
        return;
    }
    float *aligned = w_arena_alloc_aligned(scratch, bytes);
    if (!aligned) {
        b->bad = true;
        return;
    }
    memcpy(aligned, data, bytes);
    w_put_floats(b, aligned, bytes / sizeof *aligned);
}

static void put_attr(w_wbuf *b, const w_attr_def *d, const void *attr, w_arena *scratch) {
    const void *field = (const char *)attr + d->offset;
    const w_ints *ints = field;
    const w_floats *floats = field;
    switch (d->kind) {
    case W_ATTR_INT: w_put_signed(b, *(const int64_t *)field); break;
    case W_ATTR_FLOAT: w_put_floats(b, field, 1); break;
    case W_ATTR_STRING: w_put_string(b, *(const char *const *)field); break;
    case W_ATTR_INTS:
        w_put_varint(b, ints->n);
        for (uint32_t i = 0; i < ints->n; i++) w_put_signed(b, ints->v[i]);
        break;
    case W_ATTR_FLOATS:
        w_put_varint(b, floats->n);
        w_put_floats(b, floats->v, floats->n);
        break;
    case W_ATTR_TENSOR: {
        const w_tensor *t = *(w_tensor *const *)field;
        w_put_u8(b, (uint8_t)t->type);
        put_shape(b, &t->shape);
        put_inline(b, t->type, t->data, w_tensor_bytes(t), scratch);
        break;
    }
    }
}

/* ---- tables ---- */

static void count_ops(writer *w) {
    for (size_t k = 0; k < w->g->nnode; k++) {
        const w_node *n = &w->g->node[k];
        if (!n->op) continue;
        w->op[n->op] = 1;
        w->attrs[n->op] |= attrs_set(n);
    }
}

static void put_ops(writer *w) {
    uint32_t count = 0;
    for (size_t i = 0; i < W_OP_COUNT; i++) {
        if (w->op[i]) w->op[i] = ++count;
    }
    w_put_varint(w->meta, count);
    for (size_t i = 0; i < W_OP_COUNT; i++) {
        if (!w->op[i]) continue;
        const w_op_def *def = w_op_get((uint16_t)i);
        w_put_string(w->meta, def->name);
        w_put_varint(w->meta, (uint64_t)__builtin_popcountll(w->attrs[i]));
        for (uint32_t a = 0; a < def->nattrs && a < 64; a++) {
            if (w->attrs[i] >> a & 1) w_put_string(w->meta, def->attrs[a].name);
        }
    }
}

static void put_symbols(writer *w) {
    w_put_varint(w->meta, w->g->nsymbol);
    for (size_t i = 0; i < w->g->nsymbol; i++) w_put_string(w->meta, w->g->symbol[i]);
}

/* ---- values ---- */

static void put_quant(w_wbuf *b, const w_quant *q) {
    bool any = false;
    w_put_varint(b, q->n);
    w_put_signed(b, q->axis);
    w_put_floats(b, q->scale, q->n);
    for (uint32_t i = 0; q->zero && i < q->n; i++) any |= q->zero[i] != 0;
    w_put_u8(b, any);
    for (uint32_t i = 0; any && i < q->n; i++) w_put_signed(b, q->zero[i]);
}

static void put_coding(w_wbuf *b, const w_coding *c) {
    w_put_u8(b, c->ans);
    w_put_floats(b, &c->density, 1);
    w_put_varint(b, c->ncodebook);
    if (c->ncodebook) w_put_floats(b, c->codebook, c->ncodebook);
}

/* Chooses the storage of a constant; a coded one is written to w->coded. */
static weir_status store(writer *w, w_id id, size_t *coded) {
    const w_value *v = &w->g->value[id];
    size_t bytes = w_value_bytes(w->g, id), start = w->coded->n;
    if (v->coding && bytes) W_TRY(w_coded_write(w->coded, w->g, id, w->e));
    *coded = w->coded->n - start;
    w->storage[id] = *coded ? W_STORE_CODED : bytes < W_WEIR_INLINE ? W_STORE_INLINE : W_STORE_DENSE;
    return WEIR_OK;
}

static weir_status put_value(writer *w, w_id id) {
    const w_value *v = &w->g->value[id];
    size_t coded = 0;
    if (v->layout != W_ROW) return w_fail(w->e, WEIR_INTERNAL, "tensor '%s' is channels-last: a model is written before layouts are chosen", w_value_name(w->g, id));
    if (v->kind == W_VALUE_CONST) W_TRY(store(w, id, &coded));
    w_put_u8(w->meta, (uint8_t)(v->kind | (v->shape.known ? 4 : 0) | (v->quant ? 8 : 0) | (v->coding ? 16 : 0) | w->storage[id] << 5));
    w_put_string(w->meta, w_value_name(w->g, id));
    w_put_u8(w->meta, (uint8_t)v->type);
    if (v->shape.known) put_shape(w->meta, &v->shape);
    if (v->quant) put_quant(w->meta, v->quant);
    if (v->coding) put_coding(w->meta, v->coding);
    if (v->kind != W_VALUE_CONST) return WEIR_OK;
    if (w->storage[id] == W_STORE_INLINE) put_inline(w->meta, v->type, v->data, w_value_bytes(w->g, id), &w->scratch);
    if (w->storage[id] == W_STORE_CODED) w_put_varint(w->meta, coded);
    return WEIR_OK;
}

static weir_status put_values(writer *w) {
    w_id count = 0;
    for (size_t i = 0; i < w->g->nvalue; i++) {
        const w_value *v = &w->g->value[i];
        bool dead = v->kind == W_VALUE_NODE && v->producer == W_NONE;
        w->number[i] = dead ? W_NONE : count++;
    }
    w_put_varint(w->meta, count);
    for (size_t i = 0; i < w->g->nvalue; i++) {
        if (w->number[i] != W_NONE) W_TRY(put_value(w, (w_id)i));
    }
    return WEIR_OK;
}

/* ---- nodes and ends ---- */

static void put_ids(writer *w, const w_id *id, size_t n) {
    w_put_varint(w->meta, n);
    for (size_t i = 0; i < n; i++) w_put_varint(w->meta, id[i] == W_NONE ? 0 : (uint64_t)w->number[id[i]] + 1);
}

/* The attributes of a node: a bit for each of its operator's entries in the table, then the values of those set. */
static void put_attrs(writer *w, const w_node *n) {
    const w_op_def *def = w_op_get(n->op);
    uint64_t set = attrs_set(n), bits = 0;
    for (uint32_t a = 0, k = 0; a < def->nattrs && a < 64; a++) {
        if (w->attrs[n->op] >> a & 1) bits |= (set >> a & 1) << k++;
    }
    w_put_varint(w->meta, bits);
    for (uint32_t a = 0; a < def->nattrs && a < 64; a++) {
        if (set >> a & 1) put_attr(w->meta, &def->attrs[a], n->attr, &w->scratch);
    }
}

static weir_status put_nodes(writer *w) {
    size_t count = 0;
    for (size_t k = 0; k < w->g->nnode; k++) count += w->g->node[k].op != W_OP_NONE;
    w_put_varint(w->meta, count);
    for (size_t k = 0; k < w->g->nnode; k++) {
        const w_node *n = &w->g->node[k];
        if (!n->op) continue;
        if (n->op == W_OP_Layout) return w_fail(w->e, WEIR_INTERNAL, "node '%s' is a layout border: a model is written before layouts are chosen", w_node_label(w->g, n));
        w_put_varint(w->meta, w->op[n->op] - 1);
        w_put_string(w->meta, w_graph_name(w->g, n->name));
        put_ids(w, n->in, n->nin);
        put_ids(w, n->out, n->nout);
        put_attrs(w, n);
    }
    return WEIR_OK;
}

static weir_status put_all(writer *w, const char *recipe) {
    w_put_varint(w->meta, (uint64_t)w->g->opset);
    w_put_u8(w->meta, 1); /* nodes are in canonical form */
    count_ops(w);
    put_ops(w);
    put_symbols(w);
    W_TRY(put_values(w));
    W_TRY(put_nodes(w));
    put_ids(w, w->g->input, w->g->ninput);
    put_ids(w, w->g->output, w->g->noutput);
    w_put_u8(w->meta, recipe != NULL);
    if (recipe) w_put_string(w->meta, recipe);
    return w->meta->bad || w->coded->bad ? w_oom(w->e, w->meta->n + w->coded->n, "the file to write") : WEIR_OK;
}

weir_status w_meta_write(const w_graph *g, const char *recipe, w_wbuf *meta, w_wbuf *coded, uint8_t *storage, weir_error *e) {
    writer w = {.g = g, .meta = meta, .coded = coded, .storage = storage, .e = e};
    w_arena_init(&w.scratch, g->ctx);
    w.number = w_arena_array(&w.scratch, g->nvalue + 1, sizeof *w.number);
    weir_status st = w.number ? put_all(&w, recipe) : w_oom(e, g->nvalue * sizeof *w.number, "the file to write");
    w_arena_fini(&w.scratch);
    return st;
}
