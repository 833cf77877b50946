/* Resize of the two axes of an image: nearest by copying elements of any type, the others by weighted sums of f32, first of
 * rows, then along the row. Which inputs an output reads is a table made at plan time from the operator's own rule. */
#include "op_resize.h"
#include "step.h"
#include "steps_leaf.h"
#include <string.h>

enum { PARTS = 8, HEIGHT = 0, WIDTH = 1 };

/* Taps of every output of one axis: inputs first ... first + n - 1, weights `most` apart. */
typedef struct axis_taps { int64_t in, out, most; int64_t *first; float *weight; } axis_taps;

typedef struct resize_params {
    axis_taps axis[2];
    int64_t images;            /* independent ones: batch, and planes where rows are not interleaved by channel */
    size_t inner, elem;        /* elements that lie together at one pixel, their bytes */
    size_t apart;              /* bytes from an output pixel to the next */
    w_fn_blend_f32 *blend;     /* NULL: nearest */
    size_t parts, row_bytes;   /* of one part's scratch */
} resize_params;

/* ---- plan ---- */

/* The logical axes that are height and width in memory; false when elements of a row are not neighbours or pixels. */
static bool image_axes(const w_value *v, int *height, int *width) {
    if (v->shape.rank < 2) return false;
    bool last = w_value_layout(v) == W_NHWC && !w_layouts_agree(&v->shape);
    *height = v->shape.rank - 2;
    *width = v->shape.rank - 1;
    return !last || v->shape.rank == 4;
}

static const char *resize_refuse(const w_plan *p, const w_node *n, w_arena *a) {
    const w_graph *g = p->graph;
    const w_value *in = w_node_in(g, n, 0), *out = &g->value[n->out[0]];
    w_resize_line line[W_MAX_RANK];
    int height, width;
    for (uint32_t i = 1; i < n->nin; i++)
        if (w_node_in(g, n, i) && w_node_in(g, n, i)->kind != W_VALUE_CONST) return "scales or sizes are not constant";
    if (!image_axes(in, &height, &width)) return "has no two axes";
    if (w_value_layout(in) != out->layout && !w_layouts_agree(&in->shape)) return "input and output lie differently";
    if (w_shape_count(&in->shape) < 1 || w_shape_count(&out->shape) < 1) return "empty";
    w_resize_lines_of(g, n, line);
    for (int i = 0; i < in->shape.rank; i++)
        if (i != height && i != width && !line[i].whole) return "changes more than height and width";
    if (line[0].transform == W_RESIZE_CROP) return "crops";
    if (line[0].mode == W_RESIZE_NEAREST) return w_same_quant(in, out) ? NULL : "input and output are stored differently";
    return w_is_real_f32(in) && w_is_real_f32(out) ? NULL : "not f32";
}

static int64_t most_taps(const w_resize_line *l) {
    int64_t most = 1, lo, hi;
    for (int64_t o = 0; o < l->out; o++)
        if (w_resize_taps(l, o, &lo, &hi)) most = W_MAX(most, hi - lo + 1);
    return most;
}

/* Taps beyond an output's own have weight 0; they start so that all lie inside. */
static weir_status make_taps(w_plan *p, w_step *s, const w_resize_line *l, axis_taps *t, weir_error *e) {
    *t = (axis_taps){.in = l->in, .out = l->out, .most = most_taps(l)};
    t->first = w_step_packed(p, s, (size_t)l->out * sizeof *t->first, e);
    if (!t->first) return WEIR_NO_RESOURCE;
    t->weight = w_step_packed(p, s, (size_t)(l->out * t->most) * sizeof *t->weight, e);
    if (!t->weight) return WEIR_NO_RESOURCE;
    for (int64_t o = 0; o < l->out; o++) {
        int64_t lo = 0, hi = 0;
        w_resize_taps(l, o, &lo, &hi);
        t->first[o] = W_MIN(lo, l->in - t->most);
        for (int64_t k = 0; k < t->most; k++) {
            int64_t i = t->first[o] + k;
            t->weight[o * t->most + k] = i < lo || i > hi ? 0.0f : (float)w_resize_weight(l, o, i);
        }
    }
    return WEIR_OK;
}

static weir_status resize_prepare(w_plan *p, w_step *s, weir_error *e) {
    const w_value *in = w_step_in(p, s, 0);
    const w_leaf_kernels *leaf = &p->ctx->kernels->leaf;
    w_resize_line line[W_MAX_RANK];
    int height = 0, width = 0;
    resize_params *r = w_step_params(p, s, sizeof *r, e);
    if (!r) return WEIR_NO_RESOURCE;
    image_axes(in, &height, &width);
    w_resize_lines_of(p->graph, w_step_node(p, s), line);
    W_TRY(make_taps(p, s, &line[height], &r->axis[HEIGHT], e));
    W_TRY(make_taps(p, s, &line[width], &r->axis[WIDTH], e));
    r->inner = w_value_layout(in) == W_NHWC && in->shape.rank == 4 ? (size_t)in->shape.dim[1] : 1;
    r->elem = w_type_size(in->type);
    r->apart = s->out[0].pitch ? s->out[0].pitch : r->inner * r->elem;
    r->images = w_shape_count(&in->shape) / (r->axis[HEIGHT].in * r->axis[WIDTH].in * (int64_t)r->inner);
    r->blend = line[0].mode == W_RESIZE_NEAREST ? NULL : leaf->blend_f32;
    s->threads = w_step_threads(p, w_step_seconds(0, (r->blend ? 2 : 1) * w_step_io_bytes(s)));
    r->parts = s->threads > 1 ? PARTS : 1;
    r->row_bytes = r->blend ? W_ALIGN_UP((size_t)r->axis[WIDTH].in * r->inner * sizeof(float), (size_t)64) : 0;
    s->scratch_bytes = r->parts * r->row_bytes;
    s->tile = "rows";
    s->kernel = r->blend ? w_arena_printf(&p->arena_mem, "f32_blend__%s", leaf->isa_f32) : "copy_nearest";
    return s->kernel ? WEIR_OK : w_oom(e, 64, "names");
}

/* ---- run ---- */

static void nearest_row(const resize_params *r, const uint8_t *in, uint8_t *out) {
    const axis_taps *w = &r->axis[WIDTH];
    size_t bytes = r->inner * r->elem;
    for (int64_t x = 0; x < w->out; x++) {
        const uint8_t *from = in + (size_t)w->first[x] * bytes;
        if (bytes == 4) memcpy(out + (size_t)x * r->apart, from, 4);
        else memcpy(out + (size_t)x * r->apart, from, bytes);
    }
}

static void blend_row(const resize_params *r, const float *in, float *row, float *out, int64_t y) {
    const axis_taps *h = &r->axis[HEIGHT], *w = &r->axis[WIDTH];
    size_t width = (size_t)w->in * r->inner, apart = r->apart / sizeof *out;
    r->blend(row, in + (size_t)h->first[y] * width, width, h->weight + y * h->most, (size_t)h->most, width);
    for (int64_t x = 0; x < w->out; x++)
        r->blend(out + (size_t)x * apart, row + (size_t)w->first[x] * r->inner, r->inner, w->weight + x * w->most, (size_t)w->most, r->inner);
}

/* A range of the rows of all images. Equal nearest rows are copied from the one before, where their pixels adjoin. */
static void resize_part(void *arg, size_t index) {
    const w_job *j = arg;
    const resize_params *r = j->s->params;
    const axis_taps *h = &r->axis[HEIGHT];
    size_t pixel = r->inner * r->elem, out_row = (size_t)r->axis[WIDTH].out * r->apart, in_row = (size_t)r->axis[WIDTH].in * pixel;
    size_t rows = (size_t)(r->images * h->out), first = rows * index / r->parts, last = rows * (index + 1) / r->parts;
    const uint8_t *in = w_loc_ptr(&j->s->in[0], j->b);
    uint8_t *out = w_loc_ptr(&j->s->out[0], j->b), *scratch = r->blend ? (uint8_t *)w_scratch_ptr(j->s, j->b) + index * r->row_bytes : NULL;
    for (size_t k = first; k < last; k++) {
        int64_t y = (int64_t)k % h->out;
        const uint8_t *image = in + k / (size_t)h->out * (size_t)h->in * in_row;
        uint8_t *to = out + k * out_row;
        if (r->blend) blend_row(r, (const float *)(const void *)image, (float *)(void *)scratch, (float *)(void *)to, y);
        else if (k > first && y && h->first[y] == h->first[y - 1] && r->apart == pixel) memcpy(to, to - out_row, out_row);
        else nearest_row(r, image + (size_t)h->first[y] * in_row, to);
    }
}

static void resize_run(const w_step *s, const w_bindings *b) { w_step_for(s, b, resize_part, ((const resize_params *)s->params)->parts); }

static void resize_touch(const w_plan *p, const w_step *s, w_touch *t) {
    const resize_params *r = s->params;
    double in = (double)s->in[0].bytes, out = (double)s->out[0].bytes;
    w_touch_packed(t, s, 0, s->packed_bytes);
    w_touch_loc(t, &s->in[0], 0, s->in[0].bytes, W_READ);
    w_touch_rows(t, &s->out[0], 0, s->out[0].bytes / (r->inner * r->elem), r->inner * r->elem, W_WRITE);
    double rows = (double)(r->images * r->axis[HEIGHT].out) * (double)r->axis[WIDTH].in * (double)(r->inner * r->elem);
    double read = r->blend ? rows * (double)r->axis[HEIGHT].most + out * (double)r->axis[WIDTH].most : W_MAX(in, out);
    w_touch_l1(t, read + (double)s->packed_bytes, out + (r->blend ? rows : 0));
}

const w_impl w_impl_resize = {"resize_image", W_OP_Resize, resize_refuse, resize_prepare, resize_run, resize_touch};
