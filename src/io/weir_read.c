/* Opening a .weir file: header, checksums, decompressed metadata, graph. Types and shapes are inferred at once, so that a
 * graph which contradicts itself is refused here, with the name of the file. */
#include "weir_format.h"
#include "hash.h"
#include "passes.h"
#include <string.h>
#include <zstd.h>

bool w_weir_is(const w_map *map) { return map->size >= 8 && memcmp(map->data, W_WEIR_MAGIC, 8) == 0; }

static weir_status header_read(const w_map *map, w_weir_header *h, weir_error *e) {
    w_rbuf b = {.p = map->data, .n = map->size};
    if (!w_weir_is(map)) return w_fail(e, WEIR_BAD_INPUT, "not a .weir file");
    if (map->size < W_WEIR_HEADER) return w_fail(e, WEIR_BAD_INPUT, "%zu bytes, the header has %d", map->size, W_WEIR_HEADER);
    w_get_bytes(&b, 8);
    uint64_t version = w_get_u64(&b);
    h->version = (uint32_t)version, h->features = (uint32_t)(version >> 32);
    W_TRY(w_features_check(h->version, h->features, e));
    h->file_size = w_get_u64(&b);
    h->meta_size = w_get_u64(&b), h->meta_raw = w_get_u64(&b);
    h->coded_size = w_get_u64(&b), h->dense_size = w_get_u64(&b);
    h->meta_hash = w_get_u64(&b), h->coded_hash = w_get_u64(&b), h->dense_hash = w_get_u64(&b);
    uint64_t hash = w_get_u64(&b);
    if (hash != w_hash64(map->data, W_WEIR_HEADER - 8, 0)) return w_fail(e, WEIR_BAD_INPUT, "the header is damaged (checksum)");
    if (h->file_size != map->size) return w_fail(e, WEIR_BAD_INPUT, "%zu bytes, its header says %llu", map->size, (unsigned long long)h->file_size);
    return WEIR_OK;
}

/* Where the sections lie; each size is checked against what is left of the file. */
static weir_status sections_find(const w_map *map, const w_weir_header *h, const uint8_t **meta, w_weir_sections *s, weir_error *e) {
    uint64_t left = map->size - W_WEIR_HEADER;
    if (h->meta_size > left || h->coded_size > left - h->meta_size) return w_fail(e, WEIR_BAD_INPUT, "its sections are longer than the file");
    size_t at = W_WEIR_HEADER + (size_t)h->meta_size + (size_t)h->coded_size;
    size_t dense = h->dense_size ? W_ALIGN_UP(at, W_WEIR_ALIGN) : at;
    if (dense > map->size || h->dense_size != map->size - dense) return w_fail(e, WEIR_BAD_INPUT, "its sections do not add up to the file");
    *meta = map->data + W_WEIR_HEADER;
    *s = (w_weir_sections){.features = h->features, .coded = *meta + h->meta_size, .coded_size = (size_t)h->coded_size, .dense = map->data + dense, .dense_size = (size_t)h->dense_size};
    for (size_t i = at; i < dense; i++) {
        if (map->data[i]) return w_fail(e, WEIR_BAD_INPUT, "byte %zu between its sections is not 0", i);
    }
    const char *bad = w_hash64(*meta, (size_t)h->meta_size, 0) != h->meta_hash       ? "metadata"
                      : w_hash64(s->coded, s->coded_size, 0) != h->coded_hash ? "coded tensors"
                      : w_hash64(s->dense, s->dense_size, 0) != h->dense_hash ? "dense tensors"
                                                                               : NULL;
    return bad ? w_fail(e, WEIR_BAD_INPUT, "the section of %s is damaged (checksum)", bad) : WEIR_OK;
}

static weir_status meta_unpack(weir_context *ctx, const uint8_t *p, const w_weir_header *h, uint8_t **out, weir_error *e) {
    if (h->meta_raw > W_WEIR_MAX_META || (h->meta_raw > W_WEIR_FREE_BYTES && h->meta_raw / W_WEIR_MAX_RATIO > h->meta_size)) {
        return w_fail(e, WEIR_BAD_INPUT, "%llu bytes of metadata in %llu compressed ones, more than weir reads", (unsigned long long)h->meta_raw,
                      (unsigned long long)h->meta_size);
    }
    uint8_t *raw = w_alloc(ctx, (size_t)h->meta_raw + 1);
    ZSTD_DCtx *zstd = ZSTD_createDCtx();
    weir_status st = WEIR_OK;
    if (!raw || !zstd) {
        st = w_oom(e, (size_t)h->meta_raw, "the metadata");
    } else {
        size_t n = ZSTD_decompressDCtx(zstd, raw, (size_t)h->meta_raw, p, (size_t)h->meta_size);
        if (ZSTD_isError(n)) st = w_fail(e, WEIR_BAD_INPUT, "its metadata cannot be decompressed: %s", ZSTD_getErrorName(n));
        else if (n != h->meta_raw) st = w_fail(e, WEIR_BAD_INPUT, "%zu bytes of metadata, its header says %llu", n, (unsigned long long)h->meta_raw);
    }
    ZSTD_freeDCtx(zstd);
    if (st != WEIR_OK) {
        w_free(ctx, raw, (size_t)h->meta_raw + 1);
        return st;
    }
    *out = raw;
    return WEIR_OK;
}

static weir_status file_read(w_graph *g, const w_map *map, char **recipe, weir_error *e) {
    w_weir_header h = {0};
    w_weir_sections s = {0};
    const uint8_t *meta = NULL;
    uint8_t *raw = NULL;
    W_TRY(header_read(map, &h, e));
    W_TRY(sections_find(map, &h, &meta, &s, e));
    W_TRY(meta_unpack(g->ctx, meta, &h, &raw, e));
    weir_status st = w_meta_read(g, raw, (size_t)h.meta_raw, &s, recipe, e);
    w_free(g->ctx, raw, (size_t)h.meta_raw + 1);
    return st == WEIR_OK ? w_pass_infer(g, e) : st;
}

weir_status w_weir_read(weir_context *ctx, const char *path, const w_map *map, w_graph **out, char **recipe, weir_error *e) {
    w_graph *g = NULL;
    *out = NULL;
    *recipe = NULL;
    W_TRY(w_graph_create(ctx, path, &g, e));
    weir_status st = file_read(g, map, recipe, e);
    if (st != WEIR_OK) {
        w_graph_destroy(g);
        *recipe = NULL;
        return w_fail_prefix(e, st, "%s", path);
    }
    *out = g;
    return WEIR_OK;
}
