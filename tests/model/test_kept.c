/* .weir files of version 1, kept as they were written: every later weir must read the same constants, bit for bit, and give
 * the same results, within the rounding of floats; and it must refuse what only a newer one can read.
 *
 * usage: test-kept SCRATCH FILE.weir ...     beside each file FILE.txt, what it holds, and FILE.npy, what it gives
 *        test-kept --write FILE.weir ...     writes those two (for a new file; never again for an old one) */
#include "context.h"
#include "hash.h"
#include "io.h"
#include "weir_format.h"
#include "weir_lab.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS = 4, MOST = 1000 };

static bool fail_with(const char *path, const char *why) { return printf("FAIL %s: %s\n", path, why), false; }

static void beside(char out[4096], const char *path, const char *extension) {
    snprintf(out, 4096, "%.*s%s", (int)(strlen(path) - strlen(".weir")), path, extension);
}

/* ---- what a file holds ---- */

static void list_constant(FILE *f, const w_graph *g, w_id id) {
    const w_value *v = &g->value[id];
    fprintf(f, "constant %s %s", w_value_name(g, id), w_type_name(v->type));
    for (int k = 0; k < v->shape.rank; k++) fprintf(f, "%s%lld", k ? "x" : " ", (long long)v->shape.dim[k]);
    fprintf(f, " %016llx", (unsigned long long)w_hash64(v->data, w_value_bytes(g, id), 0));
    if (v->quant) {
        fprintf(f, " scales %u axis %d %016llx", v->quant->n, v->quant->axis, (unsigned long long)w_hash64(v->quant->scale, v->quant->n * sizeof(float), 0));
        for (uint32_t i = 0; i < v->quant->n && i < 4; i++) fprintf(f, " %d", v->quant->zero[i]);
    }
    if (v->coding) {
        fprintf(f, " coded %d density %.9g codebook %u", v->coding->ans, (double)v->coding->density, v->coding->ncodebook);
        if (v->coding->ncodebook) fprintf(f, " %016llx", (unsigned long long)w_hash64(v->coding->codebook, v->coding->ncodebook * sizeof(float), 0));
    }
    fprintf(f, "\n");
}

static void list_graph(FILE *f, const w_graph *g, const char *recipe) {
    for (size_t i = 0; i < g->ninput; i++) fprintf(f, "input %s %s\n", w_value_name(g, g->input[i]), w_type_name(g->value[g->input[i]].type));
    for (size_t i = 0; i < g->noutput; i++) fprintf(f, "output %s\n", w_value_name(g, g->output[i]));
    for (size_t i = 0; i < g->nvalue; i++)
        if (g->value[i].kind == W_VALUE_CONST) list_constant(f, g, (w_id)i);
    for (size_t i = 0; i < g->nnode; i++) {
        const w_node *n = &g->node[i];
        fprintf(f, "node %s %s", w_node_label(g, n), w_op_get(n->op)->name);
        for (uint32_t k = 0; k < n->nin; k++) fprintf(f, " %s", n->in[k] == W_NONE ? "-" : w_value_name(g, n->in[k]));
        for (uint32_t k = 0; k < n->nout; k++) fprintf(f, " > %s", n->out[k] == W_NONE ? "-" : w_value_name(g, n->out[k]));
        fprintf(f, "\n");
    }
    fprintf(f, "recipe %s\n", recipe ? recipe : "none");
}

/* The list as text, which the caller frees; NULL after saying why. */
static char *list(weir_context *ctx, const char *path) {
    w_map map;
    w_graph *g = NULL;
    char *recipe, *text = NULL;
    size_t size;
    weir_error e = {0};
    if (w_map_open(ctx, path, &map, &e) != WEIR_OK) return fail_with(path, e.message), NULL;
    if (w_weir_read(ctx, path, &map, &g, &recipe, &e) != WEIR_OK) fail_with(path, e.message);
    FILE *f = g ? open_memstream(&text, &size) : NULL;
    if (f) list_graph(f, g, recipe), fclose(f);
    w_graph_destroy(g);
    w_map_close(ctx, &map);
    return text;
}

static char *read_file(const char *path, size_t *size) {
    FILE *f = fopen(path, "rb");
    char *data = calloc(1, 1 << 20);
    if (f && data) *size = fread(data, 1, (1 << 20) - 1, f);
    else free(data), data = NULL;
    if (f) fclose(f);
    return data;
}

static bool test_contents(weir_context *ctx, const char *path) {
    char name[4096];
    size_t size;
    beside(name, path, ".txt");
    char *want = read_file(name, &size), *found = list(ctx, path);
    bool ok = want && found && strcmp(want, found) == 0;
    if (!ok && want && found) {
        size_t at = 0;
        while (want[at] && want[at] == found[at]) at++;
        while (at && want[at - 1] != '\n') at--;
        printf("FAIL %s\n     held  %.*s\n     holds %.*s\n", path, (int)strcspn(want + at, "\n"), want + at, (int)strcspn(found + at, "\n"), found + at);
    } else if (!ok) {
        fail_with(name, "cannot be read");
    }
    free(want);
    free(found);
    return ok;
}

/* ---- what it gives ---- */

typedef struct results { size_t width; float v[RUNS * MOST]; } results;

static void fill(void *to, const weir_tensor_info *t, uint32_t seed) {
    uint32_t x = seed * 2654435761u + 1;
    size_t n = t->bytes / (t->type == WEIR_F16 ? 2 : 4);
    for (size_t i = 0; i < n; i++) {
        x = x * 1664525u + 1013904223u;
        float v = (float)(x >> 8) / (float)(1 << 24);
        if (t->type == WEIR_F16) ((uint16_t *)to)[i] = w_f32_to_f16(v);
        else ((float *)to)[i] = v;
    }
}

static weir_status run(const weir_model *m, results *r, weir_error *e) {
    weir_session *s;
    W_TRY(weir_session_create(m, NULL, &s, e));
    weir_tensor_info in = weir_session_input_info(s, 0), out = weir_session_output_info(s, 0);
    bool half = out.type == WEIR_F16;
    weir_status st = out.bytes / (half ? 2 : 4) <= MOST ? WEIR_OK : w_fail(e, WEIR_INTERNAL, "more results than the test takes");
    r->width = out.bytes / (half ? 2 : 4);
    for (uint32_t k = 0; k < RUNS && st == WEIR_OK; k++) {
        fill(weir_session_input(s, 0), &in, k);
        st = weir_session_run(s, e);
        const void *y = weir_session_output(s, 0);
        for (size_t i = 0; st == WEIR_OK && i < r->width; i++)
            r->v[k * r->width + i] = half ? w_f16_to_f32(((const uint16_t *)y)[i]) : ((const float *)y)[i];
    }
    weir_session_destroy(s);
    return st;
}

static weir_status open_and_run(const char *path, const char *cpu, results *r, weir_error *e) {
    weir_context_options o = weir_context_options_default();
    weir_context *ctx;
    weir_model *m = NULL;
    o.cpu = cpu, o.threads = 1;
    W_TRY(weir_context_create(&o, &ctx, e));
    weir_status st = weir_model_open(ctx, path, &m, e);
    if (st == WEIR_OK) st = run(m, r, e);
    weir_model_destroy(m);
    weir_context_destroy(ctx);
    return st;
}

/* f32 sums in other orders differ by some units in the last place; f16 keeps 11 bits. Integer kernels give the same bits. */
static bool test_results(weir_context *ctx, const char *path) {
    static results now;
    char name[4096];
    bool ok = true;
    beside(name, path, ".npy");
    for (int i = 0; i < 2; i++) {
        weir_array want;
        weir_error e = {0};
        double most = 0, apart = 0, allowed = strstr(path, "f16") ? 1e-3 : 1e-5;
        if (open_and_run(path, i ? NULL : "ref", &now, &e) != WEIR_OK || weir_array_read(ctx, name, NULL, &want, &e) != WEIR_OK) return fail_with(path, e.message);
        if (want.bytes != RUNS * now.width * sizeof(float)) return weir_array_destroy(ctx, &want), fail_with(name, "another number of results");
        for (size_t k = 0; k < RUNS * now.width; k++) {
            double w = (double)((const float *)want.data)[k], d = fabs((double)now.v[k] - w);
            most = fmax(most, fabs(w));
            apart = isfinite(d) ? fmax(apart, d) : INFINITY;
        }
        weir_array_destroy(ctx, &want);
        bool good = most > 0 && apart <= allowed * most;
        printf("%s %s on %s: results differ by %.2g of the largest, allowed %.2g\n", good ? "ok  " : "FAIL", path, i ? "all that the CPU has" : "ref", apart / most, allowed);
        ok &= good;
    }
    return ok;
}

/* ---- what only a newer weir reads ---- */

static bool test_refusal(weir_context *ctx, const char *path, const char *scratch, size_t at, uint8_t value, const char *says) {
    char copy[4096];
    size_t size = 0;
    weir_model *m = NULL;
    weir_error e = {0};
    char *data = read_file(path, &size);
    snprintf(copy, sizeof copy, "%s/newer.weir", scratch);
    if (!data || size < W_WEIR_HEADER) return free(data), fail_with(path, "cannot be read");
    data[at] = (char)value;
    uint64_t hash = w_hash64(data, W_WEIR_HEADER - 8, 0);
    memcpy(data + W_WEIR_HEADER - 8, &hash, 8);
    FILE *f = fopen(copy, "wb");
    bool written = f && fwrite(data, 1, size, f) == size;
    if (f) written &= fclose(f) == 0;
    free(data);
    if (!written) return fail_with(copy, "cannot be written");
    weir_status st = weir_model_open(ctx, copy, &m, &e);
    weir_model_destroy(m);
    remove(copy);
    bool ok = says ? st == WEIR_BAD_INPUT && strstr(e.message, says) && strstr(e.message, "newer.weir") : st == WEIR_OK;
    return ok || (printf("FAIL %s with byte %zu %u: '%s', expected '%s'\n", path, at, value, e.message, says ? says : "to open"), false);
}

static bool test_newer(weir_context *ctx, const char *path, const char *scratch) {
    return test_refusal(ctx, path, scratch, 8, 1, NULL) && test_refusal(ctx, path, scratch, 14, 1, NULL) &&
           test_refusal(ctx, path, scratch, 8, 2, "a newer weir wrote this") && test_refusal(ctx, path, scratch, 9, 1, "format version 257") &&
           test_refusal(ctx, path, scratch, 12, 1 << 5, "needs feature bit 5");
}

static bool write_both(weir_context *ctx, const char *path) {
    static results now;
    char name[4096];
    weir_error e = {0};
    beside(name, path, ".txt");
    char *text = list(ctx, path);
    FILE *f = text ? fopen(name, "wb") : NULL;
    bool ok = f && fputs(text, f) >= 0;
    if (f) ok &= fclose(f) == 0;
    free(text);
    beside(name, path, ".npy");
    if (!ok || open_and_run(path, "ref", &now, &e) != WEIR_OK) return fail_with(path, e.message);
    weir_array a = {.type = WEIR_F32, .rank = 2, .dims = {RUNS, (int64_t)now.width}, .data = now.v, .bytes = RUNS * now.width * sizeof(float)};
    return weir_array_write(ctx, name, &a, NULL, 1, &e) == WEIR_OK || fail_with(name, e.message);
}

int main(int argc, char **argv) {
    weir_context *ctx;
    weir_error e = {0};
    bool ok = argc > 2;
    if (weir_context_create(NULL, &ctx, &e) != WEIR_OK) return fprintf(stderr, "%s\n", e.message), 1;
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[1], "--write") == 0) {
            ok &= write_both(ctx, argv[i]);
        } else {
            ok &= test_contents(ctx, argv[i]);
            ok &= test_results(ctx, argv[i]);
            ok &= test_newer(ctx, argv[i], argv[1]);
        }
    }
    weir_context_destroy(ctx);
    return ok ? 0 : 1;
}
