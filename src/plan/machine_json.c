/* machine_json.c: the machine model as JSON, out and in.
 *
 * What is read may be anything: a field that is missing, of another type, not finite or out of its range fails the whole
 * file, with its name and what was expected. */
#include "machine_parts.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const level_names[W_LEVELS] = {"l1", "l2", "llc", "dram"};
static const char *const peak_names[W_PEAKS] = {"f32", "bf16", "int8"};

static void put_pair(w_doc *d, json_t *parent, const char *key, const double v[2]) {
    json_t *a = w_doc_arr(d, parent, key);
    w_doc_num(d, a, NULL, v[0]);
    w_doc_num(d, a, NULL, v[1]);
}

static void put_peaks(w_doc *d, const w_machine *m) {
    json_t *peaks = w_doc_obj(d, d->root, "peak_gmacs");
    for (int i = 0; i < W_PEAKS; i++) {
        if (m->gops[i][0] > 0)
            put_pair(d, peaks, peak_names[i], m->gops[i]);
        else
            w_doc_null(d, peaks, peak_names[i]);
    }
    if (m->gops[W_PEAK_BF16][0] <= 0)
        w_doc_str(d, d->root, "bf16_reason", "no bfloat16 instructions in this set");
}

static void put_kernels(w_doc *d, const w_machine *m) {
    json_t *o = w_doc_obj(d, d->root, "kernel_share");
    for (size_t i = 0; i < m->nkernel; i++) {
        const w_kernel_share *k = &m->kernel[i];
        json_t *met = json_object_get(o, k->kernel);
        json_t *point = json_pack("[f, f]", 1e6 * k->bound_s, k->share);
        if (json_array_append_new(met ? met : w_doc_arr(d, o, k->kernel), point) != 0)
            d->bad = true;
    }
}

weir_status w_machine_doc(const w_machine *m, weir_document **out, weir_error *e) {
    w_doc d;
    w_doc_begin(&d);
    w_doc_int(&d, d.root, "version", W_MACHINE_VERSION);
    w_doc_str(&d, d.root, "cpu_model", m->cpu_model);
    w_doc_str(&d, d.root, "isa", m->isa);
    w_doc_int(&d, d.root, "threads", m->threads);
    if (m->ghz > 0)
        w_doc_num(&d, d.root, "ghz", m->ghz);
    else
        w_doc_null(&d, d.root, "ghz");
    json_t *levels = w_doc_obj(&d, d.root, "levels");
    for (int l = 0; l < W_LEVELS; l++) {
        json_t *o = w_doc_obj(&d, levels, level_names[l]);
        w_doc_int(&d, o, "bytes", (int64_t)m->level[l].bytes);
        put_pair(&d, o, "read_gbs", m->level[l].read_gbs);
        put_pair(&d, o, "write_gbs", m->level[l].write_gbs);
    }
    w_doc_str(&d, d.root, "llc_policy", m->llc_victim ? "victim" : "inclusive");
    put_peaks(&d, m);
    w_doc_num(&d, d.root, "barrier_us", m->barrier_us);
    w_doc_num(&d, d.root, "step_us", m->step_us);
    put_kernels(&d, m);
    return w_doc_end(&d, out, e);
}

/* ---- reading: the first thing wrong is kept, the rest then does nothing ---- */

typedef struct reader {
    const char *path;
    weir_error *e;
    weir_status status;
} reader;

static void bad(reader *r, const char *where, const char *key, const char *expected) {
    if (r->status == WEIR_OK)
        r->status = w_fail(r->e, WEIR_BAD_INPUT, "%s: machine model: field '%s%s%s': expected %s", r->path, where, *where ? "." : "",
                           key, expected);
}

static double number(reader *r, const char *where, const char *key, const json_t *v, double lo, double hi) {
    char text[100];
    double x = json_is_number(v) ? json_number_value(v) : NAN;
    if (x >= lo && x <= hi)
        return x;
    snprintf(text, sizeof text, "a number from %g to %g", lo, hi);
    bad(r, where, key, text);
    return lo;
}

static void pair(reader *r, const char *where, const json_t *o, const char *key, double hi, double out[2]) {
    const json_t *a = json_object_get(o, key);
    if (!json_is_array(a) || json_array_size(a) != 2) {
        bad(r, where, key, "two numbers: one thread, all threads");
        return;
    }
    for (size_t i = 0; i < 2; i++)
        out[i] = number(r, where, key, json_array_get(a, i), 1e-6, hi);
}

static void text(reader *r, const json_t *o, const char *key, char *out, size_t n) {
    const char *s = json_string_value(json_object_get(o, key));
    if (!s || strlen(s) >= n) {
        bad(r, "", key, "a short text");
        return;
    }
    snprintf(out, n, "%s", s);
}

static void read_levels(reader *r, const json_t *o, w_machine *m) {
    const json_t *levels = json_object_get(o, "levels");
    if (!json_is_object(levels))
        bad(r, "", "levels", "an object with l1, l2, llc, dram");
    for (int l = 0; l < W_LEVELS; l++) {
        char where[40];
        snprintf(where, sizeof where, "levels.%s", level_names[l]);
        const json_t *v = json_object_get(levels, level_names[l]);
        double least = l == W_DRAM ? 0 : 1024;
        m->level[l].bytes = (size_t)number(r, where, "bytes", json_object_get(v, "bytes"), least, 1e13);
        pair(r, where, v, "read_gbs", 1e7, m->level[l].read_gbs);
        pair(r, where, v, "write_gbs", 1e7, m->level[l].write_gbs);
    }
    if (m->level[W_L1].bytes > m->level[W_L2].bytes || m->level[W_L2].bytes > m->level[W_LLC].bytes)
        bad(r, "", "levels", "capacities that grow from l1 to llc");
}

static void read_peaks(reader *r, const json_t *o, w_machine *m) {
    const json_t *peaks = json_object_get(o, "peak_gmacs");
    if (!json_is_object(peaks))
        bad(r, "", "peak_gmacs", "an object with f32, bf16, int8");
    for (int i = 0; i < W_PEAKS; i++)
        if (i == W_PEAK_F32 || !json_is_null(json_object_get(peaks, peak_names[i])))
            pair(r, "peak_gmacs", peaks, peak_names[i], 1e8, m->gops[i]);
}

/* The steps that one kernel was met in: [bound in microseconds, share] each. */
static void read_kernel(reader *r, const char *name, const json_t *list, w_machine *m) {
    size_t i;
    json_t *v;
    if (strlen(name) >= sizeof m->kernel[0].kernel)
        bad(r, "", "kernel_share", "names shorter than 64 characters");
    else if (!json_is_array(list) || json_array_size(list) > W_KERNEL_SHARES - m->nkernel)
        bad(r, "kernel_share", name, "a list, at most 256 pairs in all");
    else
        json_array_foreach(list, i, v) {
            w_kernel_share *k = &m->kernel[m->nkernel++];
            snprintf(k->kernel, sizeof k->kernel, "%s", name);
            k->bound_s = 1e-6 * number(r, "kernel_share", name, json_array_get(v, 0), 1e-9, 1e12);
            k->share = number(r, "kernel_share", name, json_array_get(v, 1), 1e-4, 100);
        }
}

static void read_kernels(reader *r, const json_t *o, w_machine *m) {
    const json_t *kernels = json_object_get(o, "kernel_share");
    const char *name;
    json_t *v;
    m->nkernel = 0;
    if (kernels && !json_is_object(kernels)) {
        bad(r, "", "kernel_share", "an object of lists");
        return;
    }
    json_object_foreach((json_t *)(uintptr_t)kernels, name, v) read_kernel(r, name, v, m);
}

static void read_fields(reader *r, const json_t *o, w_machine *m) {
    json_int_t version = json_integer_value(json_object_get(o, "version"));
    if (version < 1 || version > W_MACHINE_VERSION)
        bad(r, "", "version", "1 to 3");
    text(r, o, "cpu_model", m->cpu_model, sizeof m->cpu_model);
    text(r, o, "isa", m->isa, sizeof m->isa);
    m->threads = (int)number(r, "", "threads", json_object_get(o, "threads"), 1, 65536);
    const json_t *ghz = json_object_get(o, "ghz");
    m->ghz = json_is_null(ghz) ? 0 : number(r, "", "ghz", ghz, 0.01, 100);
    read_levels(r, o, m);
    char policy[16] = "";
    text(r, o, "llc_policy", policy, sizeof policy);
    m->llc_victim = strcmp(policy, "victim") == 0;
    if (!m->llc_victim && strcmp(policy, "inclusive") != 0)
        bad(r, "", "llc_policy", "\"victim\" or \"inclusive\"");
    read_peaks(r, o, m);
    if (version == W_MACHINE_VERSION)
        read_kernels(r, o, m);
    m->barrier_us = number(r, "", "barrier_us", json_object_get(o, "barrier_us"), 0, 1e6);
    m->step_us = number(r, "", "step_us", json_object_get(o, "step_us"), 0, 1e6);
}

weir_status w_machine_read(weir_context *ctx, const char *path, w_machine *out, weir_error *e) {
    w_map map;
    json_t *root;
    W_TRY(w_map_open(ctx, path, &map, e));
    weir_status s = map.size > (1u << 20) ? w_fail(e, WEIR_BAD_INPUT, "%s: machine model: %zu bytes, expected at most 1 MiB", path, map.size)
                                          : w_json_parse((const char *)map.data, map.size, path, &root, e);
    w_map_close(ctx, &map);
    W_TRY(s);
    /* `weir machine --json` wraps the model in an envelope: both forms are read. */
    const json_t *inner = json_object_get(root, "machine");
    reader r = {path, e, WEIR_OK};
    memset(out, 0, sizeof *out);
    read_fields(&r, json_is_object(inner) ? inner : root, out);
    json_decref(root);
    return r.status;
}
