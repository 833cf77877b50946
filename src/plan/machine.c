/* machine.c: where the machine model of a context comes from: a file the caller names, the cache, or a measurement.
 *
 * The cache file is named by a hash of CPU model, instruction set and threads, and is believed only when it names the
 * same three itself. A cache that cannot be read or written costs a measurement, never an error. */
#include "machine_parts.h"
#include "hash.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool cache_dir(char *out, size_t n) {
    const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int len = xdg && xdg[0] == '/' ? snprintf(out, n, "%s/weir", xdg)
              : home && home[0] == '/' ? snprintf(out, n, "%s/.cache/weir", home) : -1;
    return len > 0 && (size_t)len < n;
}

static bool cache_path(const w_machine *key, char *out, size_t n) {
    char dir[3000], text[200];
    if (!cache_dir(dir, sizeof dir))
        return false;
    int len = snprintf(text, sizeof text, "%d|%s|%s|%d", W_MACHINE_VERSION, key->cpu_model, key->isa, key->threads);
    uint64_t h = w_hash64(text, (size_t)W_MIN(len, (int)sizeof text - 1), 0);
    int m = snprintf(out, n, "%s/machine-%016llx.json", dir, (unsigned long long)h);
    return m > 0 && (size_t)m < n;
}

static bool same_key(const w_machine *a, const w_machine *b) {
    return strcmp(a->cpu_model, b->cpu_model) == 0 && strcmp(a->isa, b->isa) == 0 && a->threads == b->threads;
}

/* The machine of `key` as it is cached, for w_free; NULL: it is not. */
static w_machine *load_cached(weir_context *ctx, const w_machine *key) {
    char path[4096];
    w_machine *m = cache_path(key, path, sizeof path) ? w_alloc(ctx, sizeof *m) : NULL;
    if (m && w_machine_read(ctx, path, m, NULL) == WEIR_OK && same_key(key, m))
        return m;
    w_free(ctx, m, sizeof *m);
    return NULL;
}

static void make_parents(const char *path) {
    char dir[4096];
    snprintf(dir, sizeof dir, "%s", path);
    for (char *c = dir + 1; *c; c++)
        if (*c == '/') {
            *c = 0;
            if (mkdir(dir, 0755) != 0 && errno != EEXIST)
                return;
            *c = '/';
        }
}

static void store_cached(weir_context *ctx, const w_machine *m) {
    char path[4096];
    weir_error err;
    w_out *o;
    weir_document *doc;
    if (!cache_path(m, path, sizeof path) || w_machine_doc(m, &doc, NULL) != WEIR_OK)
        return;
    make_parents(path);
    weir_status s = w_out_open(ctx, path, &o, &err);
    if (s == WEIR_OK) {
        const char *text = weir_document_text(doc);
        w_out_write(o, text, strlen(text));
        s = w_out_commit(o, &err);
    }
    if (s != WEIR_OK)
        w_log(ctx, "the machine model is not cached: %s", err.message);
    weir_document_destroy(doc);
}

static void set_key(const weir_context *ctx, w_machine *m, w_topology *t) {
    w_topology_read(t);
    memcpy(m->cpu_model, t->model, sizeof m->cpu_model);
    m->cpu_model[sizeof m->cpu_model - 1] = 0;
    snprintf(m->isa, sizeof m->isa, "%s", w_cpu_name(ctx->cpu));
    m->threads = ctx->threads;
}

/* Into *m, whose fields say nothing yet. */
static weir_status obtain(weir_context *ctx, bool refresh, w_machine *m, weir_error *e) {
    if (ctx->machine_file)
        return w_machine_read(ctx, ctx->machine_file, m, e);
    w_topology t;
    memset(m, 0, sizeof *m);
    set_key(ctx, m, &t);
    w_machine *cached = refresh ? NULL : load_cached(ctx, m);
    if (cached) {
        *m = *cached;
        w_free(ctx, cached, sizeof *cached);
        return WEIR_OK;
    }
    W_TRY(w_machine_measure(ctx, &t, m, e));
    store_cached(ctx, m);
    return WEIR_OK;
}

weir_status w_machine_get(weir_context *ctx, bool refresh, const w_machine **out, weir_error *e) {
    if (!ctx->machine || refresh) {
        w_machine *m = w_alloc(ctx, sizeof *m);
        weir_status s = m ? obtain(ctx, refresh, m, e) : w_oom(e, sizeof *m, "the machine model");
        if (s == WEIR_OK && !ctx->machine) {
            ctx->machine = m;
            m = NULL;
        }
        if (s == WEIR_OK && m)
            *ctx->machine = *m;
        w_free(ctx, m, sizeof *m);
        W_TRY(s);
    }
    *out = ctx->machine;
    return WEIR_OK;
}

double w_machine_share(const w_machine *m, const char *kernel, double bound_s) {
    const w_kernel_share *below = NULL, *above = NULL;
    for (size_t i = 0; i < m->nkernel; i++) {
        const w_kernel_share *k = &m->kernel[i];
        if (strcmp(k->kernel, kernel) != 0)
            continue;
        if (k->bound_s <= bound_s && (!below || k->bound_s > below->bound_s))
            below = k;
        if (k->bound_s >= bound_s && (!above || k->bound_s < above->bound_s))
            above = k;
    }
    if (!below || !above)
        return below ? below->share : above ? above->share : 0;
    double wide = log(above->bound_s / below->bound_s);
    return wide > 0 ? below->share + (above->share - below->share) * log(bound_s / below->bound_s) / wide : below->share;
}

bool w_same_bound(double a, double b) { return a * a <= 2 * b * b && b * b <= 2 * a * a; }

bool w_machine_met(const w_machine *m, const char *kernel, double bound_s) {
    for (size_t i = 0; i < m->nkernel; i++)
        if (strcmp(m->kernel[i].kernel, kernel) == 0 && w_same_bound(m->kernel[i].bound_s, bound_s))
            return true;
    return false;
}

static void add_kernel(w_machine *m, const w_kernel_share *k) {
    if (m->nkernel < W_KERNEL_SHARES && !w_machine_met(m, k->kernel, k->bound_s))
        m->kernel[m->nkernel++] = *k;
}

void w_machine_learn(weir_context *ctx, const w_kernel_share *k, size_t n) {
    w_machine *m = ctx->machine;
    if (!m || ctx->machine_file)
        return;
    w_machine *cached = load_cached(ctx, m);
    for (size_t i = 0; cached && i < cached->nkernel; i++)
        add_kernel(m, &cached->kernel[i]);
    w_free(ctx, cached, sizeof *cached);
    for (size_t i = 0; i < n; i++)
        add_kernel(m, &k[i]);
    store_cached(ctx, m);
}

/* Between one thread and all of them, bandwidth is taken to grow evenly. */
static double between(const w_machine *m, const double v[2], int threads) {
    if (threads <= 1 || m->threads <= 1)
        return v[0];
    if (threads >= m->threads)
        return v[1];
    return v[0] + (v[1] - v[0]) * (threads - 1) / (m->threads - 1);
}

double w_machine_bw(const w_machine *m, int level, int threads, bool write) {
    return 1e9 * between(m, write ? m->level[level].write_gbs : m->level[level].read_gbs, threads);
}

/* A type without instructions of its own runs as f32. */
double w_machine_peak(const w_machine *m, int what, int threads) {
    return 1e9 * between(m, m->gops[what][0] > 0 ? m->gops[what] : m->gops[W_PEAK_F32], threads);
}
