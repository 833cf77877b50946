/* DynamicQuantizeLinear: one pass finds the ends of the tensor, a second one quantises. Input and output lie in the same layout.
 *
 * Each tile of the first pass keeps its ends in scratch; least and greatest of them do not depend on the order. */
#include "step.h"
#include "steps_leaf.h"
#include <string.h>

#define CHUNK 16384

typedef struct dynamic_params {
    size_t n, tiles;
    w_fn_extent_f32 *extent;
    w_fn_quantize_u8 *quantize;
} dynamic_params;

enum { Y, Y_SCALE, Y_ZERO };
typedef struct ends { float lo, hi; } ends;

static const char *refuse(const w_plan *p, const w_node *n, w_arena *a) {
    const w_graph *g = p->graph;
    const w_value *in = w_node_in(g, n, 0), *out = &g->value[n->out[Y]];
    if (!w_is_real_f32(in)) return "the input is not f32";
    if (w_value_layout(in) != out->layout && !w_layouts_agree(&in->shape)) return "input and output lie differently";
    return NULL;
}

static weir_status prepare(w_plan *p, w_step *s, weir_error *e) {
    const w_leaf_kernels *leaf = &p->ctx->kernels->leaf;
    dynamic_params *d = w_step_params(p, s, sizeof *d, e);
    if (!d) return WEIR_NO_RESOURCE;
    d->n = (size_t)w_shape_count(&w_step_in(p, s, 0)->shape);
    d->tiles = (d->n + CHUNK - 1) / CHUNK;
    d->extent = leaf->extent_f32;
    d->quantize = leaf->quantize_u8;
    s->scratch_bytes = d->tiles * sizeof(ends);
    s->threads = w_step_threads(p, w_step_seconds(0, w_step_io_bytes(s) + (double)s->in[0].bytes));
    s->tile = "16384 elements, twice";
    s->kernel = w_arena_printf(&p->arena_mem, "dynamic_quantize_u8__%s", leaf->isa_f32);
    return s->kernel ? WEIR_OK : w_oom(e, 64, "names");
}

static size_t tile_size(const dynamic_params *d, size_t index) { return W_MIN((size_t)CHUNK, d->n - index * CHUNK); }

static void extent_tile(void *arg, size_t index) {
    const w_job *j = arg;
    const dynamic_params *d = j->s->params;
    float found[2] = {0, 0}; /* zero is in the range always: padding is zero */
    d->extent((const float *)w_loc_ptr(&j->s->in[0], j->b) + index * CHUNK, tile_size(d, index), found);
    ((ends *)w_scratch_ptr(j->s, j->b))[index] = (ends){found[0], found[1]};
}

/* Scale and zero point lie where the outputs do. */
static void quantize_tile(void *arg, size_t index) {
    const w_job *j = arg;
    const dynamic_params *d = j->s->params;
    float scale;
    memcpy(&scale, w_loc_ptr(&j->s->out[Y_SCALE], j->b), sizeof scale);
    d->quantize((const float *)w_loc_ptr(&j->s->in[0], j->b) + index * CHUNK, (uint8_t *)w_loc_ptr(&j->s->out[Y], j->b) + index * CHUNK,
                tile_size(d, index), scale, *(const uint8_t *)w_loc_ptr(&j->s->out[Y_ZERO], j->b));
}

static void run(const w_step *s, const w_bindings *b) {
    const dynamic_params *d = s->params;
    const ends *found = w_scratch_ptr(s, b);
    ends all = {0, 0};
    w_step_for(s, b, extent_tile, d->tiles);
    for (size_t i = 0; i < d->tiles; i++) all = (ends){W_MIN(all.lo, found[i].lo), W_MAX(all.hi, found[i].hi)};
    w_dynamic q = w_dynamic_of(all.lo, all.hi);
    memcpy(w_loc_ptr(&s->out[Y_SCALE], b), &q.scale, sizeof q.scale);
    *(uint8_t *)w_loc_ptr(&s->out[Y_ZERO], b) = (uint8_t)q.zero;
    w_step_for(s, b, quantize_tile, d->tiles);
}

static void touch(const w_plan *p, const w_step *s, w_touch *t) {
    w_touch_loc(t, &s->in[0], 0, s->in[0].bytes, W_READ);
    w_touch_scratch(t, s, 0, s->scratch_bytes, W_WRITE);
    w_touch_loc(t, &s->in[0], 0, s->in[0].bytes, W_READ);
    for (uint32_t o = Y; o <= Y_ZERO; o++) w_touch_loc(t, &s->out[o], 0, s->out[o].bytes, W_WRITE);
    w_touch_l1(t, 2 * (double)s->in[0].bytes + (double)s->scratch_bytes, (double)(s->out[Y].bytes + s->scratch_bytes));
}

const w_impl w_impl_dynamic_quantize = {"dynamic_quantize_u8", W_OP_DynamicQuantizeLinear, refuse, prepare, run, touch};
