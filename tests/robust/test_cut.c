/* Every model file cut at every 997th byte: refused with WEIR_BAD_INPUT and a message that names the file, or read if the
 * part is a whole model by itself. Also with bytes overwritten, where anything but a defect of weir's may come out.
 *
 * usage: test_cut SCRATCH_FOLDER MODEL...; each model is taken as it is and as three .weir files. */
#include "robust.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEP = 997, CHANGES = 600 };

static int failures, cuts, whole, changes;

static void fail(const char *name, const char *what, size_t at, weir_status s, const weir_error *e) {
    printf("FAIL %s: %s %zu: status %d: %s\n", name, what, at, s, e->message);
    failures++;
}

static void cut(weir_context *ctx, const char *name, const uint8_t *data, size_t at) {
    uint8_t *part = malloc(at + (at == 0));
    weir_error e = {0};
    w_graph *g;
    if (!part) return;
    if (at) memcpy(part, data, at);
    weir_status s = robust_open(ctx, name, part, at, &g, &e);
    if (s == WEIR_OK) whole++;
    else if (s != WEIR_BAD_INPUT) fail(name, "cut at", at, s, &e);
    else if (!strstr(e.message, name)) fail(name, "message without the file name, cut at", at, s, &e);
    cuts++;
    w_graph_destroy(g);
    free(part);
}

/* xorshift: the same changes in every run. */
static uint32_t next(uint32_t *x) {
    *x ^= *x << 13, *x ^= *x >> 17, *x ^= *x << 5;
    return *x;
}

static void change(weir_context *ctx, const char *name, uint8_t *data, size_t size, uint32_t *x) {
    size_t at[3];
    uint8_t old[3];
    weir_error e = {0};
    w_graph *g;
    size_t near = next(x) & 1 ? size : size < 4096 ? size : 4096; /* headers deserve half of the changes */
    for (int i = 0; i < 3; i++) {
        at[i] = next(x) % near, old[i] = data[at[i]];
        data[at[i]] = (uint8_t)next(x);
    }
    weir_status s = robust_open(ctx, name, data, size, &g, &e);
    if (!robust_allowed(s, &e)) fail(name, "changed at", at[0], s, &e);
    changes++;
    w_graph_destroy(g);
    for (int i = 3; i-- > 0;) data[at[i]] = old[i];
}

static void try_file(weir_context *ctx, const char *path) {
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    uint8_t *data;
    size_t size;
    weir_error e = {0};
    w_graph *g;
    uint32_t x = 2463534242u;
    if (!robust_load(path, &data, &size)) {
        failures++;
        return;
    }
    weir_status s = robust_open(ctx, name, data, size, &g, &e);
    if (s != WEIR_OK) fail(name, "whole", size, s, &e);
    w_graph_destroy(g);
    for (size_t at = 0; at < size; at += STEP) cut(ctx, name, data, at);
    for (size_t at = size > 64 ? size - 64 : 0; at < size; at++) cut(ctx, name, data, at);
    for (int i = 0; i < CHANGES; i++) change(ctx, name, data, size, &x);
    free(data);
}

static void try_coded(weir_context *ctx, const char *folder, const char *path, int how) {
    char out[4096];
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    uint8_t *data;
    size_t size;
    weir_error e = {0};
    w_graph *g;
    if (!robust_load(path, &data, &size)) return;
    weir_status s = robust_open(ctx, name, data, size, &g, &e);
    snprintf(out, sizeof out, "%s/%s.%d.weir", folder, name, how);
    if (s == WEIR_OK && how < 3) s = robust_code(g, how, &e);
    if (s == WEIR_OK) s = w_weir_write(g, "{\"rules\": []}", out, NULL, &e);
    if (s != WEIR_OK) fail(out, "writing", 0, s, &e);
    w_graph_destroy(g);
    free(data);
    if (s == WEIR_OK) try_file(ctx, out);
}

int main(int argc, char **argv) {
    weir_context *ctx = robust_context();
    if (!ctx || argc < 3) return 1;
    size_t before = weir_context_live_bytes(ctx);
    for (int i = 2; i < argc; i++) {
        try_file(ctx, argv[i]);
        for (int how = 0; how < 4; how++) try_coded(ctx, argv[1], argv[i], how);
    }
    size_t live = weir_context_live_bytes(ctx) - before;
    if (live) printf("FAIL %zu bytes leaked\n", live), failures++;
    weir_context_destroy(ctx);
    printf("%d cuts, %d of them whole models, %d changed files, %d failures\n", cuts, whole, changes, failures);
    return failures ? 1 : 0;
}
