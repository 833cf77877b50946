/* Whole models through the public interface, on one CPU set. Usage: test-model [--images N] SET GOLDEN_DIR MODEL.onnx ...
 * The results must be those of the reference graph and those that ONNX Runtime gave once (make_golden.py), and the same
 * bits with one thread and with two. Exit 77: the machine lacks the set. A model that is not there is left out, with a word.
 * --images: no more than N of the images, for CPUs that are emulated. */
#include "model.h"
#include "planner.h"
#include "weir_lab.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_INPUTS 32
#define MOST_LOGITS 1000
typedef struct results { size_t n, width; float v[MOST_INPUTS * MOST_LOGITS]; } results;

static size_t images = MOST_INPUTS;

static uint32_t mix(uint32_t h) {
    h *= 0x9e3779b1u;
    h ^= h >> 15;
    h *= 0x85ebca77u;
    return (h ^ h >> 13) >> 10;
}

/* Image k: a smooth picture with some noise, in [-1, 2). */
static void fill(void *to, weir_type type, const int64_t *dims, uint32_t k) {
    size_t at = 0;
    for (uint32_t c = 0; c < dims[1]; c++)
        for (uint32_t y = 0; y < dims[2]; y++)
            for (uint32_t x = 0; x < dims[3]; x++, at++) {
                uint32_t coarse = mix(((k * 16 + c) * 64 + y / 7) * 64 + x / 7 + 1);
                uint32_t fine = mix(((k * 16 + c) * 1024 + y) * 1024 + x + 77777);
                float v = (float)(3 * coarse + fine) * 0x1p-24f * 3.0f - 1.0f;
                if (type == WEIR_F16) ((uint16_t *)to)[at] = w_f32_to_f16(v);
                else ((float *)to)[at] = v;
            }
}

static void take(results *r, const void *from, weir_type type, size_t width) {
    r->width = width;
    for (size_t i = 0; i < width; i++)
        r->v[r->n * width + i] = type == WEIR_F16 ? w_f16_to_f32(((const uint16_t *)from)[i]) : ((const float *)from)[i];
    r->n++;
}

static size_t elements(const weir_tensor_info *t) { return t->bytes / (t->type == WEIR_F16 ? 2 : 4); }

static weir_status run_weir(const weir_model *m, size_t n, results *r, weir_error *e) {
    weir_session *s;
    weir_status status = weir_session_create(m, NULL, &s, e);
    if (status != WEIR_OK) return status;
    weir_tensor_info in = weir_session_input_info(s, 0), out = weir_session_output_info(s, 0);
    r->n = 0;
    for (uint32_t k = 0; k < n && status == WEIR_OK; k++) {
        fill(weir_session_input(s, 0), in.type, in.dims, k);
        status = weir_session_run(s, e);
        if (status == WEIR_OK) take(r, weir_session_output(s, 0), out.type, elements(&out));
    }
    weir_session_destroy(s);
    return status;
}

static weir_status reference_once(w_graph *g, uint32_t k, results *r, weir_error *e) {
    w_arena a;
    w_arena_init(&a, g->ctx);
    w_tensor *values = w_arena_array(&a, g->nvalue, sizeof *values);
    const w_value *in = &g->value[g->input[0]];
    void *data = w_arena_alloc_aligned(&a, w_value_bytes(g, g->input[0]));
    weir_status status = WEIR_NO_RESOURCE;
    if (values && data) {
        fill(data, in->type, in->shape.dim, k);
        values[g->input[0]] = (w_tensor){in->type, in->shape, data};
        status = w_ref_graph(g, values, &a, e);
    }
    if (status == WEIR_OK) take(r, values[g->output[0]].data, values[g->output[0]].type, w_tensor_count(&values[g->output[0]]));
    w_arena_fini(&a);
    return status;
}

static weir_status run_reference(const weir_model *m, size_t n, results *r, weir_error *e) {
    w_graph *g;
    weir_session_options so = weir_session_options_default();
    W_TRY(w_graph_clone(m->graph, &g, e));
    weir_status status = w_plan_bind(g, &so, e);
    if (status == WEIR_OK) status = w_passes_canonical(g, e);
    r->n = 0;
    for (uint32_t k = 0; k < n && status == WEIR_OK; k++) status = reference_once(g, k, r, e);
    w_graph_destroy(g);
    return status;
}

/* Largest difference as a part of the largest number of b. */
static double apart(const results *a, const results *b) {
    double most = 0, d = 0;
    for (size_t i = 0; i < b->n * b->width; i++) {
        most = fmax(most, fabs((double)b->v[i]));
        d = isfinite(a->v[i]) ? fmax(d, fabs((double)a->v[i] - (double)b->v[i])) : INFINITY;
    }
    return d / most;
}

static bool check(const char *name, const char *what, double found, double allowed) {
    printf("%s %s: %s differs by %.3g of the largest, allowed %.3g\n", found <= allowed ? "ok  " : "FAIL", name, what, found, allowed);
    return found <= allowed;
}

static weir_status golden(weir_context *ctx, const char *dir, const char *stem, results *r, weir_error *e) {
    char path[4096];
    weir_array a;
    snprintf(path, sizeof path, "%s/%s.npy", dir, stem);
    W_TRY(weir_array_read(ctx, path, NULL, &a, e));
    r->n = W_MIN((size_t)a.dims[0], images), r->width = (size_t)a.dims[1];
    memcpy(r->v, a.data, W_MIN(a.bytes, sizeof r->v));
    weir_array_destroy(ctx, &a);
    return WEIR_OK;
}

/* ---- 8-bit integers ---- */

static const char *const int8_recipe[2] = {
    "{\"rules\": [{\"technique\": \"int8\", \"nodes\": \".*\"}]}",
    "{\"rules\": [{\"technique\": \"int8\", \"nodes\": \".*\", \"activations\": \"dynamic\"}]}"};

/* The images of the test as a data set, by way of a file in the current folder. */
static weir_status calibration(weir_context *ctx, const weir_model *m, weir_dataset **out, weir_error *e) {
    char spec[64], *path = spec + 4;
    int64_t label[MOST_INPUTS] = {0}, n = (int64_t)images;
    weir_session *s;
    *out = NULL;
    W_TRY(weir_session_create(m, NULL, &s, e));
    weir_tensor_info in = weir_session_input_info(s, 0);
    weir_array a[2] = {{.type = WEIR_F32, .rank = 4, .dims = {n, in.dims[1], in.dims[2], in.dims[3]}, .bytes = images * in.bytes},
                       {WEIR_S64, 1, {n}, label, images * sizeof *label}};
    a[0].data = w_alloc(ctx, a[0].bytes);
    weir_status status = a[0].data ? WEIR_OK : w_oom(e, a[0].bytes, "the images");
    for (uint32_t k = 0; k < images && status == WEIR_OK; k++) fill((uint8_t *)a[0].data + k * in.bytes, WEIR_F32, in.dims, k);
    snprintf(spec, sizeof spec, "npz:test-model-%ld.npz", (long)getpid());
    if (status == WEIR_OK) status = weir_array_write(ctx, path, a, (const char *const[]){"images", "labels"}, 2, e);
    if (status == WEIR_OK) status = weir_dataset_open(ctx, spec, out, e);
    unlink(path);
    w_free(ctx, a[0].data, a[0].bytes);
    weir_session_destroy(s);
    return status;
}

/* Quantises on the reference set, so that every set then runs the same numbers. */
static weir_status quantise(const char *path, const char *to, bool dynamic, weir_error *e) {
    weir_context_options o = weir_context_options_default();
    weir_context *ctx;
    weir_model *m = NULL, *small = NULL;
    weir_dataset *data = NULL;
    o.cpu = "ref", o.threads = 1;
    W_TRY(weir_context_create(&o, &ctx, e));
    weir_status status = weir_model_open(ctx, path, &m, e);
    if (status == WEIR_OK && !dynamic) status = calibration(ctx, m, &data, e);
    if (status == WEIR_OK) status = weir_compress(m, int8_recipe[dynamic], data, &small, e);
    if (status == WEIR_OK) status = weir_model_save(small, to, e);
    weir_dataset_destroy(data);
    weir_model_destroy(small);
    weir_model_destroy(m);
    weir_context_destroy(ctx);
    return status;
}

/* In a context of its own: nothing is shared between runs. */
static weir_status open_and_run(const char *set, int threads, const char *path, size_t n, results *r, weir_error *e) {
    weir_context_options o = weir_context_options_default();
    weir_context *ctx;
    weir_model *m = NULL;
    o.cpu = set, o.threads = threads;
    W_TRY(weir_context_create(&o, &ctx, e));
    weir_status status = weir_model_open(ctx, path, &m, e);
    if (status == WEIR_OK) status = run_weir(m, n, r, e);
    weir_model_destroy(m);
    weir_context_destroy(ctx);
    return status;
}

static size_t class_of(const results *r, size_t k) {
    size_t best = 0;
    for (size_t i = 1; i < r->width; i++)
        if (r->v[k * r->width + i] > r->v[k * r->width + best]) best = i;
    return best;
}

static bool same_bits(const results *a, const results *b) {
    return a->n == b->n && a->width == b->width && memcmp(a->v, b->v, a->n * a->width * sizeof *a->v) == 0;
}

/* Integer layers give the same bits on every set. A float layer left between them may round differently and shift a value by a
 * step, so what is required is the class and a small difference; the line says whether the bits were the same. */
static bool test_int8(const char *set, const char *stem, const char *path, bool dynamic, const results *f32) {
    static results ref, one, two;
    weir_error e = {0};
    char small[64];
    const char *kind = dynamic ? "dynamic int8" : "int8";
    snprintf(small, sizeof small, "test-model-%ld.weir", (long)getpid());
    weir_status s = quantise(path, small, dynamic, &e);
    if (s == WEIR_OK) s = open_and_run("ref", 1, small, images, &ref, &e);
    if (s == WEIR_OK) s = open_and_run(set, 1, small, images, &one, &e);
    if (s == WEIR_OK) s = open_and_run(set, 2, small, images, &two, &e);
    unlink(small);
    if (s != WEIR_OK) return printf("FAIL %s %s: %s\n", stem, kind, e.message), false;
    size_t equal = 0, kept = 0;
    for (size_t k = 0; k < images; k++) equal += class_of(&ref, k) == class_of(&one, k), kept += class_of(f32, k) == class_of(&one, k);
    bool ok = check(stem, dynamic ? "dynamic int8 on the reference set" : "int8 on the reference set", apart(&one, &ref), 0.02) && equal + 1 >= images && same_bits(&one, &two);
    printf("%s %s %s: %s as on the reference set, classes equal %zu of %zu; %zu as in float; one and two threads %s\n", ok ? "ok  " : "FAIL",
           stem, kind, same_bits(&one, &ref) ? "bit for bit" : "not bit for bit", equal, images, kept, same_bits(&one, &two) ? "the same bits" : "DIFFER");
    return ok;
}

static bool test_model(weir_context *ctx, const char *set, const char *dir, const char *path) {
    static results want, one, two, ref;
    weir_error e = {0};
    weir_model *m = NULL;
    char stem[256];
    const char *base = strrchr(path, '/');
    snprintf(stem, sizeof stem, "%s", base ? base + 1 : path);
    if (strrchr(stem, '.')) *strrchr(stem, '.') = 0;
    bool half = strstr(stem, "fp16") != NULL;
    /* 16-bit floats: ONNX Runtime rounds every value between nodes to 11 bits, weir computes in 32; the reference is as slow
     * as a large network is large, so it sees fewer images. */
    weir_status s = golden(ctx, dir, stem, &want, &e);
    if (s == WEIR_OK) s = open_and_run(set, 1, path, want.n, &one, &e);
    if (s == WEIR_OK) s = open_and_run(set, 2, path, want.n, &two, &e);
    if (s == WEIR_OK) s = weir_model_open(ctx, path, &m, &e);
    if (s == WEIR_OK) s = run_reference(m, half ? 1 : W_MIN(want.n, 8), &ref, &e);
    weir_model_destroy(m);
    if (s != WEIR_OK) return printf("FAIL %s: %s\n", stem, e.message), false;
    if (one.width != want.width || ref.width != want.width) return printf("FAIL %s: another number of results\n", stem), false;
    bool ok = check(stem, "ONNX Runtime", apart(&one, &want), half ? 2e-2 : 1e-4);
    ok &= check(stem, "the reference", apart(&one, &ref), half ? 2e-3 : 1e-4);
    bool same = same_bits(&one, &two);
    printf("%s %s: one and two threads give the same bits\n", same ? "ok  " : "FAIL", stem);
    if (want.n == images && strstr(path, "examples/models"))
        for (int late = 0; late < 2; late++) ok &= test_int8(set, stem, path, late, &one);
    return ok && same;
}

/* Takes --images from the front of the arguments. */
static bool take_images(int *argc, char ***argv) {
    if (*argc < 3 || strcmp((*argv)[1], "--images") != 0) return true;
    images = strtoul((*argv)[2], NULL, 10);
    *argc -= 2, *argv += 2;
    return images >= 1 && images <= MOST_INPUTS;
}

int main(int argc, char **argv) {
    weir_context_options o = weir_context_options_default();
    weir_context *ctx;
    weir_error e = {0};
    bool ok = true;
    if (!take_images(&argc, &argv) || argc < 4) return 2;
    o.cpu = argv[1], o.threads = 1;
    if (weir_context_create(&o, &ctx, &e) != WEIR_OK) return fprintf(stderr, "%s\n", e.message), 77;
    if (strcmp(weir_context_cpu(ctx), argv[1]) != 0) {
        printf("the machine lacks the instruction set %s\n", argv[1]);
        weir_context_destroy(ctx);
        return 77;
    }
    for (int i = 3; i < argc; i++) {
        if (access(argv[i], R_OK) == 0) ok &= test_model(ctx, argv[1], argv[2], argv[i]);
        else printf("left out: %s is not there\n", argv[i]);
    }
    weir_context_destroy(ctx);
    return ok ? 0 : 1;
}
