/* The .weir container, as its reader and its writer share it. The byte layout is docs/format.md.
 *
 * Invariants: a writing buffer is sticky (after a failed allocation `bad` is set and nothing more is added), a reading
 * buffer is sticky (after a read past its end `bad` is set and reads give 0), so call sites check once per object. */
#ifndef W_WEIR_FORMAT_H
#define W_WEIR_FORMAT_H
#include "io.h"

#define W_WEIR_MAGIC "\x89WEIR\r\n\x1a"
enum {
    W_WEIR_VERSION = 1,
    W_WEIR_NAMED = 1,              /* feature bit: the metadata begin with a list of features by name */
    W_WEIR_FEATURES = W_WEIR_NAMED,/* bits that this version knows */
    W_WEIR_NEEDED = 0xffff,        /* unknown bits among these: the file cannot be read; among the others: it can */
    W_WEIR_HEADER = 88,
    W_WEIR_ALIGN = 64,             /* dense tensors start at multiples of this in the file */
    W_WEIR_INLINE = 4096,          /* dense tensors below this many bytes lie in the metadata */
    W_WEIR_MAX_META = 1 << 28,     /* bytes of metadata after decompression */
    W_WEIR_MAX_CONTEXTS = 32,
    W_WEIR_MAX_ENDS = 4096,        /* graph inputs, graph outputs */
};
/* A coded tensor is at most this much larger in memory than in the file: a small file cannot ask for all memory. */
#define W_WEIR_MAX_RATIO ((size_t)4096)
#define W_WEIR_FREE_BYTES ((size_t)1 << 16)

typedef struct w_weir_header {
    uint32_t version, features;
    uint64_t file_size;
    uint64_t meta_size, meta_raw;  /* compressed and not */
    uint64_t coded_size, dense_size;
    uint64_t meta_hash, coded_hash, dense_hash;
} w_weir_header;

/* ---- weir_bytes.c ---- */
typedef struct w_wbuf { weir_context *ctx; uint8_t *p; size_t n, cap; bool bad; } w_wbuf;
typedef struct w_rbuf { const uint8_t *p; size_t n, at; bool bad; } w_rbuf;

void w_put_bytes(w_wbuf *b, const void *data, size_t n);
uint8_t *w_put_space(w_wbuf *b, size_t n);             /* n bytes to fill in, NULL on failure */
void w_put_u8(w_wbuf *b, uint8_t v);
void w_put_u64(w_wbuf *b, uint64_t v);                 /* 8 bytes, little endian */
void w_put_varint(w_wbuf *b, uint64_t v);
void w_put_signed(w_wbuf *b, int64_t v);               /* zigzag varint */
void w_put_string(w_wbuf *b, const char *s);           /* length and bytes */
void w_put_floats(w_wbuf *b, const float *v, size_t n);/* in 2 bytes each where bf16 or f16 holds them all exactly */
void w_wbuf_fini(w_wbuf *b);

const uint8_t *w_get_bytes(w_rbuf *b, uint64_t n);     /* NULL past the end */
uint8_t w_get_u8(w_rbuf *b);
uint64_t w_get_u64(w_rbuf *b);
uint64_t w_get_varint(w_rbuf *b);
int64_t w_get_signed(w_rbuf *b);
size_t w_get_count(w_rbuf *b, size_t least);           /* a count of things of at least `least` bytes each: never more than fit */
/* A string in arena `a`, checked for NUL; NULL and bad on a damaged one, NULL alone when out of memory. */
char *w_get_string(w_rbuf *b, w_arena *a);
bool w_get_floats(w_rbuf *b, float *out, size_t n);

/* ---- weir_features.c ---- */
/* Refuses a newer version and unknown bits that are needed; reads the list of names and refuses an unknown one that is. */
weir_status w_features_check(uint32_t version, uint32_t features, weir_error *e);
weir_status w_features_read(w_rbuf *in, w_arena *scratch, weir_error *e);

/* ---- weir_plane.c ---- */
/* The elements of a tensor as rows x cols x pos, row-major: the axes along which statistics differ. */
typedef struct w_axes { size_t rows, cols, pos; } w_axes;
w_axes w_axes_of(const w_shape *s);
/* Codes one symbol per element with mask[i] != 0 (mask NULL: all), in order; n symbols. magnitude: a size per symbol for the
 * choice of contexts, NULL: none. ans false: packed bits only. */
typedef struct w_plane { w_axes axes; size_t total; const uint8_t *mask; const uint8_t *sym; size_t n; const float *magnitude; bool ans; } w_plane;
weir_status w_plane_encode(w_wbuf *out, const w_plane *p, weir_error *e);
/* Reads what encode wrote into sym[n]. Scratch memory comes from the context and is given back. */
weir_status w_plane_decode(weir_context *ctx, w_rbuf *in, const w_axes *axes, size_t total, const uint8_t *mask, uint8_t *sym, size_t n, weir_error *e);

/* ---- weir_context.c: which context an element is coded in ---- */
/* Levels along the axes that `mask` names (bit 0 rows, 1 cols, 2 pos); the context of an element is their clipped sum. */
typedef struct w_levels { unsigned mask, contexts; uint8_t *level[3]; } w_levels;
enum { W_LEVEL_ZERO = 8, W_LEVEL_MAX = 15 };
/* Calls per row are avoided by filling one row of contexts at a time: ctx[cols * pos]. */
void w_levels_row(const w_levels *l, const w_axes *a, size_t row, uint8_t *ctx);

/* ---- weir_coded.c ---- */
/* The bytes of a coded tensor. Returns WEIR_OK with out->n 0 when this tensor has no coded form. */
weir_status w_coded_write(w_wbuf *out, const w_graph *g, w_id value, weir_error *e);
weir_status w_coded_read(weir_context *ctx, const uint8_t *p, size_t size, const w_value *v, void *data, size_t bytes, weir_error *e);

/* ---- weir_meta_*.c ---- */
/* Storage of a constant; the record follows its value in the metadata. Offsets are implied: tensors lie in value order. */
typedef enum w_storage { W_STORE_INLINE, W_STORE_DENSE, W_STORE_CODED, W_STORE_COUNT } w_storage;
typedef struct w_weir_sections { uint32_t features; const uint8_t *coded; size_t coded_size; const uint8_t *dense; size_t dense_size; } w_weir_sections;
/* meta and coded are filled; storage[value] says where each constant goes (arena or caller's). */
weir_status w_meta_write(const w_graph *g, const char *recipe, w_wbuf *meta, w_wbuf *coded, uint8_t *storage, weir_error *e);
weir_status w_meta_read(w_graph *g, const uint8_t *meta, size_t size, const w_weir_sections *s, char **recipe, weir_error *e);
#endif
