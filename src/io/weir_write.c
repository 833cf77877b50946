/* Writing a .weir file: header | metadata (zstd) | coded tensors | padding | dense tensors. The file appears whole or not. */
#include "weir_format.h"
#include "hash.h"
#include <string.h>
#include <xxhash.h>
#include <zstd.h>

typedef struct file {
    const w_graph *g;
    w_wbuf meta, coded, packed;
    uint8_t *storage;
    uint64_t dense_size, dense_hash;
    weir_error *e;
} file;

static weir_status meta_pack(file *f) {
    size_t bound = ZSTD_compressBound(f->meta.n);
    if (f->meta.n > W_WEIR_MAX_META) return w_fail(f->e, WEIR_BAD_INPUT, "%zu bytes of metadata, at most %d can be written", f->meta.n, W_WEIR_MAX_META);
    uint8_t *p = w_put_space(&f->packed, bound);
    ZSTD_CCtx *zstd = ZSTD_createCCtx();
    size_t n = 0;
    if (p && zstd) {
        ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, 19);
        ZSTD_CCtx_setParameter(zstd, ZSTD_c_contentSizeFlag, 0);
        n = ZSTD_compress2(zstd, p, bound, f->meta.p, f->meta.n);
    }
    ZSTD_freeCCtx(zstd);
    if (!p || !zstd || ZSTD_isError(n)) return w_oom(f->e, bound, "the metadata");
    f->packed.n = n;
    return WEIR_OK;
}

/* Calls fn for every dense tensor with the zero bytes before it. */
static void each_dense(file *f, void (*fn)(void *to, const void *data, size_t size), void *to) {
    static const uint8_t zero[W_WEIR_ALIGN];
    size_t at = 0;
    for (size_t i = 0; i < f->g->nvalue; i++) {
        const w_value *v = &f->g->value[i];
        if (v->kind != W_VALUE_CONST || f->storage[i] != W_STORE_DENSE) continue;
        size_t start = W_ALIGN_UP(at, W_WEIR_ALIGN), bytes = w_value_bytes(f->g, (w_id)i);
        fn(to, zero, start - at);
        fn(to, v->data, bytes);
        at = start + bytes;
    }
    f->dense_size = at;
}

static void hash_some(void *to, const void *data, size_t size) { XXH3_64bits_update(to, data, size); }

static void write_some(void *to, const void *data, size_t size) { w_out_write(to, data, size); }

static weir_status dense_measure(file *f) {
    XXH3_state_t *state = XXH3_createState();
    if (!state) return w_oom(f->e, sizeof(void *), "a checksum");
    XXH3_64bits_reset_withSeed(state, 0);
    each_dense(f, hash_some, state);
    f->dense_hash = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    return WEIR_OK;
}

static weir_status header_make(file *f, w_wbuf *h) {
    uint64_t at = W_WEIR_HEADER + f->packed.n + f->coded.n;
    w_put_bytes(h, W_WEIR_MAGIC, 8);
    w_put_u64(h, W_WEIR_VERSION); /* and no feature: every weir of this version reads what this one writes */
    w_put_u64(h, f->dense_size ? W_ALIGN_UP(at, (uint64_t)W_WEIR_ALIGN) + f->dense_size : at);
    w_put_u64(h, f->packed.n);
    w_put_u64(h, f->meta.n);
    w_put_u64(h, f->coded.n);
    w_put_u64(h, f->dense_size);
    w_put_u64(h, w_hash64(f->packed.p, f->packed.n, 0));
    w_put_u64(h, w_hash64(f->coded.p, f->coded.n, 0));
    w_put_u64(h, f->dense_hash);
    if (!h->bad) w_put_u64(h, w_hash64(h->p, h->n, 0));
    return h->bad ? w_oom(f->e, W_WEIR_HEADER, "the header") : WEIR_OK;
}

static weir_status file_write(file *f, const char *path, const w_wbuf *h, uint64_t *bytes) {
    w_out *o;
    W_TRY(w_out_open(f->g->ctx, path, &o, f->e));
    w_out_write(o, h->p, h->n);
    w_out_write(o, f->packed.p, f->packed.n);
    w_out_write(o, f->coded.p, f->coded.n);
    if (f->dense_size) w_out_pad(o, W_WEIR_ALIGN);
    each_dense(f, write_some, o);
    *bytes = w_out_tell(o);
    return w_out_commit(o, f->e);
}

static weir_status file_make(file *f, const char *recipe, const char *path, uint64_t *bytes) {
    w_wbuf h = {.ctx = f->g->ctx};
    if (f->g->ninput > W_WEIR_MAX_ENDS || f->g->noutput > W_WEIR_MAX_ENDS) {
        return w_fail(f->e, WEIR_BAD_INPUT, "more than %d graph inputs or outputs cannot be written", W_WEIR_MAX_ENDS);
    }
    W_TRY(w_graph_verify(f->g, f->e));
    W_TRY(w_meta_write(f->g, recipe, &f->meta, &f->coded, f->storage, f->e));
    W_TRY(meta_pack(f));
    W_TRY(dense_measure(f));
    weir_status st = header_make(f, &h);
    if (st == WEIR_OK) st = file_write(f, path, &h, bytes);
    w_wbuf_fini(&h);
    return st;
}

weir_status w_weir_write(const w_graph *g, const char *recipe, const char *path, uint64_t *bytes, weir_error *e) {
    weir_context *ctx = g->ctx;
    file f = {.g = g, .meta = {.ctx = ctx}, .coded = {.ctx = ctx}, .packed = {.ctx = ctx}, .e = e};
    uint64_t size = 0;
    f.storage = w_calloc(ctx, g->nvalue + 1, 1);
    weir_status st = f.storage ? file_make(&f, recipe, path, &size) : w_oom(e, g->nvalue, "the file to write");
    w_free(ctx, f.storage, g->nvalue + 1);
    w_wbuf_fini(&f.meta);
    w_wbuf_fini(&f.coded);
    w_wbuf_fini(&f.packed);
    if (st != WEIR_OK) return w_fail_prefix(e, st, "%s", path);
    if (bytes) *bytes = size;
    return WEIR_OK;
}
