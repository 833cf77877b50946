/* plan_doc.c: the plan and its ledger as JSON. */
#include "planner.h"
#include <math.h>
#include <string.h>

static const char *const bound_names[W_LEVELS + 1] = {"l1", "l2", "llc", "dram", "compute"};
static const char *const place_names[] = {"none", "arena", "const", "input", "output"};

static void put_bytes(w_doc *d, json_t *parent, const w_bytes *b) {
    json_t *o = w_doc_obj(d, parent, "bytes");
    w_doc_int(d, o, "compulsory", llround(b->compulsory));
    for (int l = 0; l < W_LEVELS; l++)
        w_doc_int(d, o, bound_names[l], llround(b->level[l]));
    w_doc_str(d, o, "source", "model");
    w_doc_str(d, o, "state", "cold");
    json_t *warm = w_doc_obj(d, o, "warm");
    for (int l = 0; l < W_LEVELS; l++)
        w_doc_int(d, warm, bound_names[l], llround(b->warm[l]));
}

static void put_shape(w_doc *d, json_t *parent, const w_graph *g, w_id v) {
    json_t *a = w_doc_arr(d, parent, "shape");
    for (int i = 0; i < g->value[v].shape.rank; i++)
        w_doc_int(d, a, NULL, g->value[v].shape.dim[i]);
}

static void put_operand(w_doc *d, json_t *list, const w_plan *p, const w_loc *l) {
    if (l->value == W_NONE)
        return;
    json_t *o = w_doc_obj(d, list, NULL);
    w_doc_str(d, o, "name", w_value_name(p->graph, l->value));
    w_doc_str(d, o, "type", w_type_name(p->graph->value[l->value].type));
    put_shape(d, o, p->graph, l->value);
    w_doc_str(d, o, "layout", p->graph->value[l->value].layout == W_NHWC ? "nhwc" : "row");
    w_doc_str(d, o, "place", place_names[l->place]);
    if (l->place != W_PLACE_CONST)
        w_doc_int(d, o, "offset", (int64_t)l->offset);
    w_doc_int(d, o, "bytes", (int64_t)l->bytes);
    if (l->pitch)
        w_doc_int(d, o, "pitch", (int64_t)l->pitch);
}

/* The step that makes v, through views (which are no steps), or -1: an input or a constant. */
static int64_t maker_of(const w_plan *p, w_id v) {
    const w_graph *g = p->graph;
    while (v != W_NONE && g->value[v].producer != W_NONE) {
        w_id node = g->value[v].producer;
        for (size_t i = 0; i < p->nstep; i++)
            if (p->step[i].node == node)
                return (int64_t)i;
        v = g->node[node].nin ? g->node[node].in[0] : W_NONE;
    }
    return -1;
}

/* "from": the steps whose results this one reads, -1 for what is given from outside. */
static void put_makers(w_doc *d, json_t *step, const w_plan *p, const w_step *s) {
    json_t *from = w_doc_arr(d, step, "from");
    for (uint32_t i = 0; i < s->nin; i++)
        if (s->in[i].value != W_NONE && s->in[i].place != W_PLACE_CONST)
            w_doc_int(d, from, NULL, maker_of(p, s->in[i].value));
}

static void put_step(w_doc *d, json_t *steps, const w_plan *p, const w_step *s) {
    const w_node *n = &p->graph->node[s->node];
    json_t *o = w_doc_obj(d, steps, NULL);
    w_doc_str(d, o, "name", w_node_label(p->graph, n));
    w_doc_str(d, o, "op", w_op_get(n->op)->name);
    w_doc_str(d, o, "kernel", s->kernel);
    w_doc_str(d, o, "impl", s->impl->name);
    w_doc_str(d, o, "tile", s->tile);
    w_doc_int(d, o, "threads", s->threads);
    w_doc_int(d, o, "macs", s->macs);
    put_bytes(d, o, &s->bytes);
    w_doc_num(d, o, "bound_ms", 1e3 * s->bound_s);
    w_doc_str(d, o, "bound_by", bound_names[s->bound_by]);
    json_t *in = w_doc_arr(d, o, "in"), *out = w_doc_arr(d, o, "out");
    for (uint32_t i = 0; i < s->nin; i++)
        put_operand(d, in, p, &s->in[i]);
    for (uint32_t i = 0; i < s->nout; i++)
        put_operand(d, out, p, &s->out[i]);
    put_makers(d, o, p, s);
    w_doc_int(d, o, "packed_bytes", (int64_t)s->packed_bytes);
    json_t *scratch = w_doc_obj(d, o, "scratch");
    w_doc_int(d, scratch, "offset", (int64_t)s->scratch_offset);
    w_doc_int(d, scratch, "bytes", (int64_t)s->scratch_bytes);
    json_t *refused = w_doc_arr(d, o, "refusals");
    for (uint32_t i = 0; i < s->nrefusals; i++)
        w_doc_str(d, refused, NULL, s->refusals[i]);
}

static void put_buffer(w_doc *d, json_t *buffers, const w_plan *p, const w_buffer *b) {
    json_t *o = w_doc_obj(d, buffers, NULL);
    w_doc_str(d, o, "value", b->value == W_NONE ? NULL : w_value_name(p->graph, b->value));
    w_doc_int(d, o, "bytes", (int64_t)b->bytes);
    w_doc_int(d, o, "first", b->first);
    w_doc_int(d, o, "last", b->last);
    w_doc_int(d, o, "offset", (int64_t)b->offset);
    if (b->shared == UINT32_MAX)
        w_doc_null(d, o, "shared");
    else
        w_doc_int(d, o, "shared", b->shared);
    json_t *may = w_doc_arr(d, o, "may_share");
    for (uint32_t i = 0; i < b->nmay_share; i++)
        w_doc_int(d, may, NULL, b->may_share[i]);
}

int64_t w_plan_macs(const w_plan *p) {
    int64_t macs = 0;
    for (size_t i = 0; i < p->nstep; i++) {
        uint16_t op = p->graph->node[p->step[i].node].op;
        if (op == W_OP_Conv || op == W_OP_Gemm || op == W_OP_MatMul || op == W_OP_MatMulNBits || op == W_OP_Attention || op == W_OP_ConvInteger || op == W_OP_MatMulInteger)
            macs += p->step[i].macs;
    }
    return macs;
}

static void put_totals(w_doc *d, const w_plan *p) {
    w_doc_int(d, d->root, "threads", p->options.threads);
    w_doc_str(d, d->root, "isa", w_cpu_name(p->ctx->cpu));
    w_doc_int(d, d->root, "macs", w_plan_macs(p));
    put_bytes(d, d->root, &p->bytes);
    w_doc_num(d, d->root, "bound_ms", 1e3 * p->bound_s);
    w_doc_num(d, d->root, "bound_cold_ms", 1e3 * p->bound_cold_s);
    w_doc_int(d, d->root, "arena_bytes", (int64_t)p->arena_bytes);
    w_doc_int(d, d->root, "arena_lower_bound", (int64_t)p->arena_lower_bound);
    w_doc_str(d, d->root, "arena_bound_proof", p->arena_bound_proof);
    w_doc_bool(d, d->root, "arena_bound_all_orders", p->order_proved && p->arena_bytes == p->arena_lower_bound && strcmp(p->arena_bound_proof, "max-live") == 0);
}

weir_status w_plan_doc(const w_plan *p, weir_document **out, weir_error *e) {
    w_doc d;
    w_doc_begin(&d);
    w_doc_str(&d, d.root, "model", p->graph->source);
    put_totals(&d, p);
    w_doc_int(&d, d.root, "alignment", 64);
    json_t *steps = w_doc_arr(&d, d.root, "steps");
    for (size_t i = 0; i < p->nstep; i++)
        put_step(&d, steps, p, &p->step[i]);
    json_t *buffers = w_doc_arr(&d, d.root, "buffers");
    for (size_t i = 0; i < p->nbuffer; i++)
        put_buffer(&d, buffers, p, &p->buffer[i]);
    return w_doc_end(&d, out, e);
}

weir_status w_plan_ledger_doc(const w_plan *p, weir_document **out, weir_error *e) {
    w_doc d;
    w_doc_begin(&d);
    put_totals(&d, p);
    return w_doc_end(&d, out, e);
}
