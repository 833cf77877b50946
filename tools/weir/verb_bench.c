/* weir bench: latency, throughput, memory, load time, bytes, fraction of the bound. Lists and ranges of threads and
 * batches make rows; their runs are interleaved, so that a drifting clock hits all alike. */
#include "cli.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define MAX_ROWS 64

static const char *batches, *threads_list, *warmup = "10", *percentiles = "50,90,99", *input;
static int iterations;
static double duration = 1;
static opt_list shapes;

static size_t options(const opt **rows) {
    static const opt r[] = {
        {"batch", 'b', OPT_TEXT, &batches, "LIST", "batch sizes: 1, 1,8 or 1-8*2 (default 1)"},
        {"threads", 0, OPT_TEXT, &threads_list, "LIST", "thread counts: 1, 1,2 or 1-4*2 (default: physical cores)"},
        {"warmup", 'w', OPT_TEXT, &warmup, "N|TIME", "runs (10) or time (200ms) before the measurement"},
        {"iterations", 'n', OPT_INT, &iterations, "N", "at least so many runs a row (default 50)"},
        {"duration", 'd', OPT_NUM, &duration, "TIME", "and at least so long (default 1s)"},
        {"percentile", 0, OPT_TEXT, &percentiles, "LIST", "percentiles to print (default 50,90,99)"},
        {"input", 'i', OPT_TEXT, &input, "IN", "a .npy or image as input instead of noise (batch 1)"},
        {"shape", 0, OPT_LIST, &shapes, "NAME:1x3x224x224", "bind the shape of an input"}};
    *rows = r;
    return sizeof r / sizeof r[0];
}

typedef struct row {
    int threads, batch;
    weir_context *ctx;
    weir_model *model;
    weir_session *session;
    double load_ms, first_ms, *sample;
    size_t n, cap, peak;
} row;

static double now_ms(void) { return 1e3 * seconds(); }

/* "1,2,8" and "1-8*2" and "1-4"; returns how many, or -1. */
static int parse_list(const char *text, int *out, int max) {
    int n = 0;
    while (*text) {
        char *end;
        long a = strtol(text, &end, 10), b = a, factor = 0;
        if (end == text || a < 1) return -1;
        if (*end == '-') b = strtol(end + 1, &end, 10);
        if (*end == '*') factor = strtol(end + 1, &end, 10);
        if (b < a || b > 1 << 20 || (factor && factor < 2)) return -1;
        for (long x = a; x <= b; x = factor ? x * factor : x + 1) {
            if (n == max) return -1;
            out[n++] = (int)x;
        }
        if (*end == ',') end++;
        else if (*end) return -1;
        text = end;
    }
    return n ? n : -1;
}

static void fill(weir_session *s) {
    uint32_t x = 1;
    for (int i = 0; i < weir_session_input_count(s); i++) {
        weir_tensor_info t = weir_session_input_info(s, i);
        float *f = weir_session_input(s, i);
        for (size_t k = 0; t.type == WEIR_F32 && k < t.bytes / sizeof *f; k++) {
            x = x * 1664525u + 1013904223u;
            f[k] = (float)(x >> 8) / (float)(1 << 24);
        }
    }
}

static weir_status set_input(row *r, weir_error *e) {
    weir_array a;
    fill(r->session);
    if (!input) return WEIR_OK;
    weir_status st = weir_array_read(r->ctx, input, NULL, &a, e);
    if (st != WEIR_OK) return st;
    weir_tensor_info t = weir_session_input_info(r->session, 0);
    if (a.bytes == t.bytes && a.type == t.type) memcpy(weir_session_input(r->session, 0), a.data, t.bytes);
    else {
        snprintf(e->message, sizeof e->message, "%s: input '%s' takes %zu bytes, the array has %zu (or another type)", input, t.name, t.bytes, a.bytes);
        st = e->status = WEIR_BAD_INPUT;
    }
    weir_array_destroy(r->ctx, &a);
    return st;
}

static weir_status open_row(const common *c, const char *path, row *r, weir_error *e) {
    common mine = *c;
    mine.threads = r->threads;
    r->ctx = open_context(&mine, r->threads, e);
    if (!r->ctx) return e->status;
    r->threads = weir_context_threads(r->ctx);
    double t0 = now_ms();
    weir_session_options so = weir_session_options_default();
    so.batch = r->batch;
    so.shapes = shapes.item;
    so.nshapes = shapes.n;
    weir_status st = weir_model_open(r->ctx, path, &r->model, e);
    if (st == WEIR_OK) st = weir_session_create(r->model, &so, &r->session, e);
    r->load_ms = now_ms() - t0;
    if (st == WEIR_OK) st = set_input(r, e);
    t0 = now_ms();
    if (st == WEIR_OK) st = weir_session_run(r->session, e);
    r->first_ms = now_ms() - t0;
    r->peak = weir_context_peak_bytes(r->ctx);
    return st;
}

static weir_status run_once(row *r, bool keep, weir_error *e) {
    double t0 = now_ms();
    weir_status st = weir_session_run(r->session, e);
    double ms = now_ms() - t0;
    if (!keep || st != WEIR_OK) return st;
    if (r->n == r->cap) {
        size_t cap = r->cap ? 2 * r->cap : 256;
        double *p = realloc(r->sample, cap * sizeof *p);
        if (!p) return snprintf(e->message, sizeof e->message, "out of memory"), e->status = WEIR_NO_RESOURCE;
        r->sample = p;
        r->cap = cap;
    }
    r->sample[r->n++] = ms;
    return WEIR_OK;
}

static weir_status measure(row *rows, int n, weir_error *e) {
    char *end;
    double w = strtod(warmup, &end), t0 = now_ms();
    double until = !strcmp(end, "ms") ? w : !strcmp(end, "s") ? w * 1000 : 0;
    weir_status st = WEIR_OK;
    for (int k = 0; st == WEIR_OK && (until > 0 ? now_ms() - t0 < until * n : k < (int)w); k++)
        for (int i = 0; st == WEIR_OK && i < n; i++) st = run_once(&rows[i], false, e);
    t0 = now_ms();
    int least = iterations ? iterations : 50;
    for (int k = 0; st == WEIR_OK && (k < least || now_ms() - t0 < 1e3 * duration * n) && k < 1000000; k++)
        for (int i = 0; st == WEIR_OK && i < n; i++) st = run_once(&rows[i], true, e);
    return st;
}

static int compare_double(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double percentile(const double *sorted, size_t n, double p) {
    double at = p / 100 * (double)(n - 1);
    size_t i = (size_t)at;
    return i + 1 < n ? sorted[i] + (at - (double)i) * (sorted[i + 1] - sorted[i]) : sorted[n - 1];
}

static void moments(const row *r, double *mean, double *sd) {
    double sum = 0, square = 0;
    for (size_t i = 0; i < r->n; i++) sum += r->sample[i];
    *mean = sum / (double)r->n;
    for (size_t i = 0; i < r->n; i++) square += (r->sample[i] - *mean) * (r->sample[i] - *mean);
    *sd = r->n > 1 ? sqrt(square / (double)(r->n - 1)) : 0;
}

static json_t *latency_json(row *r, json_t *samples) {
    double mean, sd;
    moments(r, &mean, &sd);
    for (size_t i = 0; i < r->n; i++) json_array_append_new(samples, json_integer((json_int_t)(r->sample[i] * 1e6)));
    qsort(r->sample, r->n, sizeof(double), compare_double);
    json_t *l = json_pack("{s:f,s:f,s:f}", "min", r->sample[0], "mean", mean, "sd", sd);
    int n = 0;
    for (const char *p = percentiles; l && *p; n++) {
        char *end, key[32];
        double v = strtod(p, &end);
        if (end == p || v < 0 || v > 100) break;
        snprintf(key, sizeof key, "p%g", v);
        json_object_set_new(l, key, json_real(percentile(r->sample, r->n, v)));
        p = *end == ',' ? end + 1 : end;
    }
    if (l) json_object_set_new(l, "p50", json_real(percentile(r->sample, r->n, 50)));
    return l;
}

static json_t *row_json(row *r, weir_error *e) {
    weir_document *d = NULL;
    if (weir_session_ledger(r->session, &d, e) != WEIR_OK) return NULL;
    json_t *j = take_document(d, e), *samples = json_array();
    json_t *l = j && samples ? latency_json(r, samples) : NULL;
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    double p50 = jnum(l, "p50");
    json_t *own = json_pack("{s:i,s:i,s:s,s:f,s:f,s:f,s:I,s:I,s:f,s:o,s:o}", "threads", r->threads, "batch", r->batch, "isa",
                            weir_context_cpu(r->ctx), "throughput_per_s", 1e3 * r->batch / p50, "load_ms", r->load_ms, "first_ms", r->first_ms,
                            "peak_rss_bytes", (json_int_t)u.ru_maxrss * 1024, "allocator_peak_bytes", (json_int_t)r->peak,
                            "fraction_of_bound", jnum(j, "bound_ms") / p50, "latency_ms", l, "samples_ns", samples);
    if (j && own) json_object_update(j, own);
    else json_decref(j), j = NULL, snprintf(e->message, sizeof e->message, "out of memory"), e->status = WEIR_NO_RESOURCE;
    json_decref(own);
    return j;
}

/* One cell for each percentile asked for but the median; j NULL: their heads. */
static const char *percentile_cells(const json_t *j, char out[256]) {
    size_t at = 0;
    out[0] = 0;
    for (const char *p = percentiles; *p && at + 16 < 256;) {
        char *end, key[32];
        double v = strtod(p, &end);
        if (end == p) break;
        snprintf(key, sizeof key, "p%g", v); /* may hold a dot: no path */
        if (v != 50 && j) at += (size_t)snprintf(out + at, 256 - at, " %9.4f", json_number_value(json_object_get(jget(j, "latency_ms"), key)));
        else if (v != 50) at += (size_t)snprintf(out + at, 256 - at, " %9s", key);
        p = *end == ',' ? end + 1 : end;
    }
    return out;
}

static void print_row(const json_t *j, bool first) {
    char a[32], b[32], c[256];
    if (first)
        printf("%7s %5s %-7s %22s %9s %s %11s %8s %8s %9s %9s %6s\n", "threads", "batch", "isa", "mean ± sd ms", "median", percentile_cells(NULL, c), "per second", "load ms", "first ms", "peak RSS", "DRAM cold", "bound");
    printf("%7.0f %5.0f %-7s %12.4f ± %7.4f %9.4f %s %11.1f %8.2f %8.3f %9s %9s %5.0f%%\n", jnum(j, "threads"), jnum(j, "batch"),
           jstr(j, "isa"), jnum(j, "latency_ms.mean"), jnum(j, "latency_ms.sd"), jnum(j, "latency_ms.p50"), percentile_cells(j, c), jnum(j, "throughput_per_s"), jnum(j, "load_ms"), jnum(j, "first_ms"),
           human_bytes(jnum(j, "peak_rss_bytes"), a), human_bytes(jnum(j, "bytes.dram"), b), 100 * jnum(j, "fraction_of_bound"));
}

/* Few runs, or a spread that a steady clock would not give. */
static void warn(const json_t *j) {
    double p50 = jnum(j, "latency_ms.p50");
    if (json_array_size(jget(j, "samples_ns")) < 20) fprintf(stderr, "weir: note: few runs; --iterations or --duration give more\n");
    if ((jnum(j, "latency_ms.sd") > 0.5 * p50) || jnum(j, "latency_ms.min") < 0.7 * p50)
        fprintf(stderr, "weir: note: the clock was unstable (median %.4f ms, fastest %.4f, sd %.4f); compare only inside one run\n", p50,
                jnum(j, "latency_ms.min"), jnum(j, "latency_ms.sd"));
}

static int report(const common *c, row *rows, int n, weir_error *e) {
    json_t *list = json_array();
    int rc = 0;
    for (int i = 0; i < n && !rc; i++) {
        json_t *j = row_json(&rows[i], e);
        if (!j) rc = fail(e);
        else if (!c->json) print_row(j, i == 0);
        if (j && !c->quiet) warn(j);
        if (j) json_array_append_new(list, j);
    }
    if (!rc && c->json) {
        json_t *body = n == 1 ? json_incref(json_array_get(list, 0)) : json_pack("{s:O}", "rows", list);
        rc = print_json(c, rows[0].ctx, body);
        json_decref(body);
    }
    json_decref(list);
    return rc;
}

static bool percentiles_ok(void) {
    const char *p = percentiles;
    for (;;) {
        char *end;
        double v = strtod(p, &end);
        if (end == p || !(v >= 0 && v <= 100) || (*end && *end != ',')) return false;
        if (!*end) return true;
        p = end + 1;
    }
}

static int run(const common *c, int nargs, const char *const *args) {
    static row rows[MAX_ROWS];
    int b[8], t[8], n = 0;
    weir_error e = {0};
    if (nargs != 1) return usage("bench takes one MODEL");
    int nb = parse_list(batches ? batches : "1", b, 8), nt = threads_list ? parse_list(threads_list, t, 8) : (t[0] = 0, 1);
    if (!percentiles_ok()) return usage("--percentile '%s': numbers from 0 to 100, like 50,90,99", percentiles);
    if (nb < 0 || nt < 0) return usage("lists are like 1,2,8 or 1-8*2, at most 8 entries");
    weir_status st = WEIR_OK;
    for (int i = 0; i < nt; i++)
        for (int k = 0; k < nb && st == WEIR_OK; k++, n++) {
            rows[n].threads = t[i];
            rows[n].batch = b[k];
            st = open_row(c, args[0], &rows[n], &e);
        }
    if (st == WEIR_OK) st = measure(rows, n, &e);
    int rc = st == WEIR_OK ? report(c, rows, n, &e) : fail(&e);
    for (int i = 0; i < n; i++) {
        free(rows[i].sample);
        weir_session_destroy(rows[i].session);
        weir_model_destroy(rows[i].model);
        weir_context_destroy(rows[i].ctx);
    }
    return rc;
}

const verb verb_bench = {"bench", "bench MODEL [options]", "measure latency, throughput, memory and load time",
                         "Steady-state latency, beside the planned bytes (cold) and the fraction of the machine's bound (warm).",
                         "weir bench examples/models/resnet8.onnx --threads 1,2 --batch 1,8", options, run};
