/* Files: read-only mappings, and outputs that appear whole or not at all. */
#ifndef W_FILE_H
#define W_FILE_H
#include "context.h"

typedef struct w_map {
    const uint8_t *data; /* NULL when the file is empty */
    size_t size;
    bool mapped;         /* false: a plain allocation (pipes, tests) */
} w_map;

weir_status w_map_open(weir_context *ctx, const char *path, w_map *out, weir_error *e);
void w_map_close(weir_context *ctx, w_map *m);
/* Tell the kernel that these bytes of the mapping are not needed again (MADV_DONTNEED on whole pages). */
void w_map_forget(const w_map *m, size_t offset, size_t size);

/* Written to PATH.tmp-PID, synced, renamed on commit; removed on abort. Errors are sticky: write calls may be
 * unchecked, commit reports the first one (disk full: WEIR_NO_RESOURCE, others: WEIR_BAD_INPUT). */
typedef struct w_out w_out;
weir_status w_out_open(weir_context *ctx, const char *path, w_out **out, weir_error *e);
void w_out_write(w_out *o, const void *data, size_t size);
uint64_t w_out_tell(const w_out *o);
void w_out_pad(w_out *o, size_t align); /* zero bytes up to a multiple of align */
weir_status w_out_commit(w_out *o, weir_error *e); /* frees o in every case */
void w_out_abort(w_out *o);                        /* NULL is allowed */
#endif
