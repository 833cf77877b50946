/* PNG by libpng's simplified interface: grey or RGB, 8 bits a channel, transparency over black. */
#include "data.h"
#include <png.h>
#include <string.h>

bool w_image_is_png(const uint8_t *data, size_t size) { return size > 8 && memcmp(data, "\x89PNG\r\n\x1a\n", 8) == 0; }

static weir_status png_failed(const png_image *p, const char *what, weir_error *e) {
    if (strstr(p->message, "emory")) return w_oom(e, 0, what);
    return w_fail(e, WEIR_BAD_INPUT, "%s: PNG: %s", what, p->message);
}

static weir_status finish(png_image *p, weir_context *ctx, const char *what, w_image *out, weir_error *e) {
    size_t n = (size_t)out->h * (size_t)out->w * (size_t)out->c;
    uint8_t *bytes = w_alloc(ctx, n);
    if (!bytes) return w_oom(e, n, what);
    weir_status s = WEIR_OK;
    if (!png_image_finish_read(p, &(png_color){0, 0, 0}, bytes, 0, NULL)) s = png_failed(p, what, e);
    for (size_t i = 0; s == WEIR_OK && i < n; i++) out->pixel[i] = bytes[i];
    w_free(ctx, bytes, n);
    return s;
}

weir_status w_image_decode_png(weir_context *ctx, const uint8_t *data, size_t size, const char *what, w_image *out,
                               weir_error *e) {
    png_image p = {.version = PNG_IMAGE_VERSION};
    *out = (w_image){0};
    if (!png_image_begin_read_from_memory(&p, data, size)) return png_failed(&p, what, e);
    bool colour = p.format & PNG_FORMAT_FLAG_COLOR;
    p.format = colour ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
    weir_status s = w_image_alloc(ctx, (int)W_MIN(p.height, 1u << 20), (int)W_MIN(p.width, 1u << 20), colour ? 3 : 1, what,
                                  out, e);
    if (s == WEIR_OK) s = finish(&p, ctx, what, out, e);
    png_image_free(&p);
    if (s != WEIR_OK) w_image_drop(ctx, out);
    return s;
}
