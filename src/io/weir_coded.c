/* A coded tensor: lossless, smaller than its dense bytes.
 *
 *   byte     bit 0: zeros are left out; bits 1..2: alphabet (0 codebook index, 1 bytes); other bits 0
 *   if zeros are left out: a plane with 1 for each element that is not zero
 *   the elements that are there: a plane of codebook indices, or one plane for each byte of the element, low byte first
 *
 * Zero means all bits 0. Planes are weir_plane.c's. The writer codes with and without the zeros and keeps the smaller. */
#include "weir_format.h"
#include <math.h>
#include <string.h>

enum { ALPHABET_CODEBOOK, ALPHABET_BYTES };

typedef struct source {
    const uint8_t *data;
    size_t count, size;       /* elements, bytes of one */
    unsigned alphabet;
    w_axes axes;
    const w_coding *coding;
    w_type type;
    uint8_t *present;         /* not zero, per element */
    size_t npresent;
    uint8_t *sym;
    float magnitude[256];
    bool has_magnitude;
} source;

static bool is_zero(const uint8_t *p, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (p[i]) return false;
    }
    return true;
}

static void find_present(source *s) {
    for (size_t i = 0; i < s->count; i++) {
        s->present[i] = !is_zero(s->data + i * s->size, s->size);
        s->npresent += s->present[i];
    }
}

/* Index of each element in the codebook, false when one is not in it. The entry before is tried first. */
static bool index_codebook(source *s) {
    uint32_t n = s->coding->ncodebook, last = 0;
    for (size_t i = 0; i < s->count; i++) {
        uint32_t k = last;
        if (memcmp(s->data + i * 4, &s->coding->codebook[k], 4) != 0) {
            for (k = 0; k < n && memcmp(s->data + i * 4, &s->coding->codebook[k], 4) != 0; k++) {}
        }
        if (k == n) return false;
        s->sym[i] = (uint8_t)(last = k);
    }
    for (uint32_t k = 0; k < n; k++) s->magnitude[k] = fabsf(s->coding->codebook[k]);
    s->has_magnitude = true;
    return true;
}

static void take_bytes(source *s, size_t plane) {
    for (size_t i = 0; i < s->count; i++) s->sym[i] = s->data[i * s->size + plane];
    s->has_magnitude = s->size == 1;
    for (int k = 0; k < 256 && s->has_magnitude; k++) s->magnitude[k] = fabsf(s->type == WEIR_S8 ? (float)(int8_t)k : (float)k - 128);
}

static weir_status put_values(w_wbuf *out, source *s, bool sparse, weir_error *e) {
    size_t planes = s->alphabet == ALPHABET_CODEBOOK ? 1 : s->size;
    for (size_t k = 0; k < planes; k++) {
        size_t n = s->count;
        if (s->alphabet == ALPHABET_BYTES) take_bytes(s, k);
        else index_codebook(s);
        if (sparse) {
            n = 0;
            for (size_t i = 0; i < s->count; i++) {
                s->sym[n] = s->sym[i];
                n += s->present[i];
            }
        }
        w_plane p = {.axes = s->axes, .total = s->count, .mask = sparse ? s->present : NULL, .sym = s->sym, .n = n,
                     .magnitude = s->has_magnitude ? s->magnitude : NULL, .ans = s->coding->ans};
        if (n) W_TRY(w_plane_encode(out, &p, e));
    }
    return WEIR_OK;
}

static weir_status put_form(w_wbuf *out, source *s, bool sparse, weir_error *e) {
    static const float one_zero[256] = {0, 1};
    w_put_u8(out, (uint8_t)((sparse ? 1 : 0) | s->alphabet << 1));
    if (sparse) {
        w_plane p = {.axes = s->axes, .total = s->count, .sym = s->present, .n = s->count, .magnitude = one_zero, .ans = s->coding->ans};
        W_TRY(w_plane_encode(out, &p, e));
    }
    W_TRY(put_values(out, s, sparse, e));
    return out->bad ? w_oom(e, s->count, "a coded tensor") : WEIR_OK;
}

static weir_status put_smaller(w_wbuf *out, source *s, weir_error *e) {
    w_wbuf sparse = {.ctx = out->ctx};
    size_t start = out->n;
    weir_status st = put_form(out, s, false, e);
    if (st == WEIR_OK && s->npresent < s->count - s->count / 16) st = put_form(&sparse, s, true, e);
    if (st == WEIR_OK && sparse.n && sparse.n < out->n - start) {
        out->n = start;
        w_put_bytes(out, sparse.p, sparse.n);
        if (out->bad) st = w_oom(e, sparse.n, "a coded tensor");
    }
    w_wbuf_fini(&sparse);
    return st;
}

weir_status w_coded_write(w_wbuf *out, const w_graph *g, w_id value, weir_error *e) {
    const w_value *v = &g->value[value];
    size_t bytes = w_value_bytes(g, value), start = out->n;
    source s = {.data = v->data, .size = w_type_size(v->type), .coding = v->coding, .axes = w_axes_of(&v->shape), .type = v->type};
    w_arena a;
    if (bytes == 0) return WEIR_OK;
    s.count = bytes / s.size;
    w_arena_init(&a, g->ctx);
    s.present = w_arena_alloc(&a, s.count);
    s.sym = w_arena_alloc(&a, s.count);
    weir_status st = s.present && s.sym ? WEIR_OK : w_oom(e, s.count, "coding a tensor");
    if (st == WEIR_OK) {
        bool indexed = v->type == WEIR_F32 && v->coding->ncodebook && v->coding->ncodebook <= 256 && index_codebook(&s);
        s.alphabet = indexed ? ALPHABET_CODEBOOK : ALPHABET_BYTES;
        find_present(&s);
        st = put_smaller(out, &s, e);
    }
    w_arena_fini(&a);
    size_t size = out->n - start;
    if (st == WEIR_OK && (size >= bytes || bytes > size * W_WEIR_MAX_RATIO + W_WEIR_FREE_BYTES)) out->n = start;
    return st;
}

/* ---- reading ---- */

typedef struct sink {
    weir_context *ctx;
    w_rbuf in;
    uint8_t *data, *present, *sym;
    size_t count, size, n;    /* n elements are there */
    w_axes axes;
    const w_coding *coding;
    weir_error *e;
} sink;

static weir_status get_present(sink *s, w_arena *a) {
    s->present = w_arena_alloc(a, s->count);
    if (!s->present) return w_oom(s->e, s->count, "decoding a tensor");
    W_TRY(w_plane_decode(s->ctx, &s->in, &s->axes, s->count, NULL, s->present, s->count, s->e));
    s->n = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (s->present[i] > 1) return w_fail(s->e, WEIR_BAD_INPUT, "an element is present %u times", s->present[i]);
        s->n += s->present[i];
    }
    return WEIR_OK;
}

static weir_status spread_codebook(sink *s) {
    size_t k = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (s->present && !s->present[i]) continue;
        uint8_t c = s->sym[k++];
        if (c >= s->coding->ncodebook) return w_fail(s->e, WEIR_BAD_INPUT, "codebook index %u, the codebook has %u entries", c, s->coding->ncodebook);
        memcpy(s->data + i * 4, &s->coding->codebook[c], 4);
    }
    return WEIR_OK;
}

static void spread_bytes(sink *s, size_t plane) {
    size_t k = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (!s->present || s->present[i]) s->data[i * s->size + plane] = s->sym[k++];
    }
}

static weir_status get_values(sink *s, unsigned alphabet) {
    size_t planes = alphabet == ALPHABET_CODEBOOK ? 1 : s->size;
    for (size_t k = 0; k < planes; k++) {
        W_TRY(w_plane_decode(s->ctx, &s->in, &s->axes, s->count, s->present, s->sym, s->n, s->e));
        if (alphabet == ALPHABET_CODEBOOK) W_TRY(spread_codebook(s));
        else spread_bytes(s, k);
    }
    return WEIR_OK;
}

static weir_status get_tensor(sink *s, w_arena *a) {
    uint8_t head = w_get_u8(&s->in);
    unsigned alphabet = head >> 1;
    if (s->in.bad || alphabet > ALPHABET_BYTES) return w_fail(s->e, WEIR_BAD_INPUT, "the head of a coded tensor is wrong");
    if (alphabet == ALPHABET_CODEBOOK && (!s->coding || !s->coding->ncodebook || s->size != 4)) {
        return w_fail(s->e, WEIR_BAD_INPUT, "indices without an f32 codebook");
    }
    if (head & 1) W_TRY(get_present(s, a));
    s->sym = w_arena_alloc(a, s->n + 1);
    if (!s->sym) return w_oom(s->e, s->n, "decoding a tensor");
    W_TRY(get_values(s, alphabet));
    return s->in.at == s->in.n ? WEIR_OK : w_fail(s->e, WEIR_BAD_INPUT, "%zu bytes follow a coded tensor", s->in.n - s->in.at);
}

weir_status w_coded_read(weir_context *ctx, const uint8_t *p, size_t size, const w_value *v, void *data, size_t bytes, weir_error *e) {
    sink s = {.ctx = ctx, .in = {.p = p, .n = size}, .data = data, .size = w_type_size(v->type), .axes = w_axes_of(&v->shape), .coding = v->coding, .e = e};
    w_arena a;
    s.n = s.count = bytes / s.size;
    memset(data, 0, bytes);
    w_arena_init(&a, ctx);
    weir_status st = get_tensor(&s, &a);
    w_arena_fini(&a);
    return st;
}
