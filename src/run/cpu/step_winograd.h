/* Convolution by Winograd's tiles as a step: what f32 and u8 images share. The tiles of an image are cut into chunks; a chunk is
 * transformed, multiplied and transformed back by one thread in its own slot of scratch. */
#ifndef W_STEP_WINOGRAD_H
#define W_STEP_WINOGRAD_H
#include "kernels.h"
#include "step.h"
#include "step_window.h"

#define WEIGHTS_IN_L2 (256u << 10)

/* A chunk: tiles t0 <= t < t1 of an image whose operands these are; v and m are the slot's places of the input and the output. */
typedef struct wino_part {
    const void *in, *res;
    void *out, *v, *m;
    size_t v_apart, m_apart;   /* elements */
    size_t t0, t1;
} wino_part;

typedef struct wino {
    w_window w;
    size_t images, c, n, edge, places, tiles_x, tiles; /* tiles: of an image */
    size_t run, chunks;        /* tiles of a chunk, chunks of an image */
    size_t in_elem, out_elem, v_elem, w_elem; /* bytes of a number: of the images, of the input's places, of the weights there */
    size_t slot_bytes, slots;
    const void *weights;       /* a packed matrix for each place, place_elements from one to the next */
    size_t place_elements, nr; /* nr: columns of a block of the product */
    const float *bias;         /* [n] */
    float unit;                /* of the output: w_target */
    uint32_t res;
    void (*chunk)(const struct wino *m, const wino_part *part);
    w_u8_igemm to;             /* residual, activation and output, as the implicit GEMM describes them */
    w_wino_tile tile;          /* f32; the rest is for u8 */
    w_fn_f32_igemm *product;
    w_u8_wino_tile tile_u8;
    w_fn_s16_gemm *product_u8;
    const float *mul;
    int32_t zero;
} wino;

static inline size_t w_winograd_tiles(size_t outputs, size_t edge) { return (outputs + edge - 1) / edge; }
bool w_winograd_window(const w_graph *g, const w_node *n, w_window *w);
const char *w_winograd_refuse_f32(const w_plan *p, const w_node *n, w_arena *a);
const char *w_winograd_refuse_u8(const w_plan *p, const w_node *n, w_arena *a);
/* What w_winograd_share found for a node; 0: nothing. */
size_t w_winograd_edge(const w_plan *p, const w_node *n);

/* Sets the geometry and the output; then, once v_elem and w_elem are set, the chunks; then describes the step. */
wino *w_winograd_begin(w_plan *p, w_step *s, weir_error *e);
void w_winograd_set_chunks(const w_plan *p, w_step *s, wino *m);
weir_status w_winograd_bias(w_plan *p, const w_step *s, wino *m, weir_error *e); /* zeros without one */
weir_status w_winograd_end(w_plan *p, w_step *s, const wino *m, weir_error *e);
void w_winograd_run(const w_step *s, const w_bindings *b);
void w_winograd_touch(const w_plan *p, const w_step *s, w_touch *t);
#endif
