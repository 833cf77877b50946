/* JPEG by libjpeg-turbo. Its errors come as a longjmp, which never leaves decode_into; damage that it would only warn
 * about (data that ends early) counts as an error here. */
#include "data.h"
#include <stdio.h>
#include <jpeglib.h>
#include <jerror.h>
#include <setjmp.h>
#include <string.h>

#define SCANS_MAX 200 /* a progressive file repeats its work once a scan */

bool w_image_is_jpeg(const uint8_t *data, size_t size) { return size > 3 && memcmp(data, "\xff\xd8\xff", 3) == 0; }

typedef struct decoder {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf out;
    char message[JMSG_LENGTH_MAX];
    bool no_memory;
    uint8_t *row; /* one line; NULL until known */
    size_t row_bytes;
} decoder;

static void on_error(j_common_ptr info) {
    decoder *d = info->client_data;
    info->err->format_message(info, d->message);
    d->no_memory = info->err->msg_code == JERR_OUT_OF_MEMORY;
    longjmp(d->out, 1);
}

static void on_message(j_common_ptr info, int level) {
    int code = info->err->msg_code;
    if (level < 0 && (code == JWRN_HIT_MARKER || code == JWRN_JPEG_EOF)) on_error(info);
}

static void on_progress(j_common_ptr info) {
    decoder *d = info->client_data;
    if (d->jpeg.input_scan_number <= SCANS_MAX) return;
    snprintf(d->message, sizeof d->message, "more than %d scans", SCANS_MAX);
    longjmp(d->out, 1);
}

static weir_status start(decoder *d, weir_context *ctx, const char *what, w_image *out, weir_error *e) {
    d->jpeg.out_color_space = d->jpeg.num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
    W_TRY(w_image_alloc(ctx, (int)W_MIN(d->jpeg.image_height, 1u << 20), (int)W_MIN(d->jpeg.image_width, 1u << 20),
                        d->jpeg.num_components == 1 ? 1 : 3, what, out, e));
    d->row_bytes = (size_t)out->w * (size_t)out->c;
    d->row = w_alloc(ctx, d->row_bytes);
    return d->row ? WEIR_OK : w_oom(e, d->row_bytes, what);
}

static weir_status decode_into(decoder *d, weir_context *ctx, const uint8_t *data, size_t size, const char *what, w_image *out,
                               weir_error *e) {
    if (setjmp(d->out)) {
        if (d->no_memory) return w_oom(e, 0, what);
        return w_fail(e, WEIR_BAD_INPUT, "%s: JPEG: %s", what, d->message);
    }
    jpeg_create_decompress(&d->jpeg);
    d->jpeg.client_data = d;
    d->jpeg.progress = &d->progress;
    jpeg_mem_src(&d->jpeg, data, size);
    jpeg_read_header(&d->jpeg, TRUE);
    W_TRY(start(d, ctx, what, out, e));
    jpeg_start_decompress(&d->jpeg);
    while (d->jpeg.output_scanline < d->jpeg.output_height) {
        float *to = out->pixel + d->jpeg.output_scanline * d->row_bytes;
        jpeg_read_scanlines(&d->jpeg, &d->row, 1);
        for (size_t i = 0; i < d->row_bytes; i++) to[i] = d->row[i];
    }
    jpeg_finish_decompress(&d->jpeg);
    return WEIR_OK;
}

weir_status w_image_decode_jpeg(weir_context *ctx, const uint8_t *data, size_t size, const char *what, w_image *out,
                                weir_error *e) {
    decoder d = {.row = NULL};
    *out = (w_image){0};
    d.jpeg.err = jpeg_std_error(&d.errors);
    d.jpeg.client_data = &d;
    d.errors.error_exit = on_error;
    d.errors.emit_message = on_message;
    d.progress.progress_monitor = on_progress;
    weir_status s = decode_into(&d, ctx, data, size, what, out, e);
    jpeg_destroy_decompress(&d.jpeg);
    w_free(ctx, d.row, d.row_bytes);
    if (s != WEIR_OK) w_image_drop(ctx, out);
    return s;
}

weir_status w_image_decode(weir_context *ctx, const uint8_t *data, size_t size, const char *what, w_image *out, weir_error *e) {
    if (w_image_is_jpeg(data, size)) return w_image_decode_jpeg(ctx, data, size, what, out, e);
    if (w_image_is_png(data, size)) return w_image_decode_png(ctx, data, size, what, out, e);
    return w_fail(e, WEIR_BAD_INPUT, "%s: neither JPEG nor PNG", what);
}
