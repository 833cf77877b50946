/* Inputs, the oracle, sessions and comparisons: see rg_run.h. */
#include "rg_run.h"
#include "io.h"
#include "planner.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool rg_complain(rg_report *report, const char *what, const char *format, ...) {
    va_list args;
    snprintf(report->what, sizeof report->what, "%s", what);
    va_start(args, format);
    vsnprintf(report->message, sizeof report->message, format, args);
    va_end(args);
    return false;
}

/* ---- inputs ---- */

static uint32_t mix(uint64_t x) {
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((x ^ x >> 31) >> 40);
}

static float number(uint32_t seed, int64_t i, bool hostile) {
    static const float odd[] = {NAN, INFINITY, -INFINITY, 3e38f, -3e38f, 1e-40f, -0.0f, 65520.0f};
    uint32_t r = mix(((uint64_t)seed << 32) + (uint64_t)i * 2654435761u);
    if (hostile && r % 3 == 0) return odd[r / 3 % 8];
    return (float)r * 0x1p-22f - 2.0f;
}

void rg_fill(const rg_graph *g, const char *name, int64_t first, const weir_tensor_info *info, void *data, bool hostile) {
    uint32_t seed = g->value[atoi(name + 1)].fill;
    int64_t n = (int64_t)(info->bytes / w_type_size(info->type));
    for (int64_t i = 0; i < n; i++) {
        float x = number(seed, first + i, hostile);
        if (info->type == WEIR_U8) ((uint8_t *)data)[i] = (uint8_t)(number(seed, first + i, false) * 64 + 128); /* bytes are never hostile */
        else if (info->type == WEIR_F16) ((uint16_t *)data)[i] = w_f32_to_f16(x);
        else ((float *)data)[i] = x;
    }
}

/* ---- the oracle ---- */

static bool take_inputs(const rg_graph *g, rg_oracle *o) {
    for (size_t i = 0; i < o->g->ninput; i++) {
        w_id id = o->g->input[i];
        const w_value *v = &o->g->value[id];
        weir_tensor_info info = {.type = v->type, .bytes = w_value_bytes(o->g, id)};
        void *data = w_arena_alloc_aligned(&o->arena, info.bytes + 1);
        if (!data) return false;
        rg_fill(g, w_value_name(o->g, id), 0, &info, data, false);
        o->value[id] = (w_tensor){v->type, v->shape, data};
    }
    return true;
}

static void bound_all(rg_oracle *o) {
    for (size_t v = 0; v < o->g->nvalue; v++)
        if (o->value[v].data) rg_measure(&o->g->value[v], &o->value[v], &o->known[v]);
    for (size_t k = 0; k < o->g->nnode; k++)
        if (o->g->node[k].op) rg_bound(o->g, &o->g->node[k], o->known, o->value);
}

static weir_status oracle_run(const rg_graph *g, rg_oracle *o, weir_error *e) {
    weir_session_options so = weir_session_options_default();
    so.batch = g->batch;
    W_TRY(w_plan_bind(o->g, &so, e));
    W_TRY(w_pass_infer(o->g, e));
    o->value = w_arena_array(&o->arena, o->g->nvalue, sizeof *o->value);
    o->known = w_arena_array(&o->arena, o->g->nvalue, sizeof *o->known);
    if (!o->value || !o->known || !take_inputs(g, o)) return w_oom(e, 0, "an oracle");
    memset(o->known, 0, o->g->nvalue * sizeof *o->known);
    W_TRY(w_ref_graph(o->g, o->value, &o->arena, e));
    bound_all(o);
    return WEIR_OK;
}

bool rg_oracle_make(const rg_graph *g, weir_context *ctx, const char *path, rg_oracle *o, rg_report *report) {
    weir_error e = {0};
    *o = (rg_oracle){0};
    w_arena_init(&o->arena, ctx);
    weir_status s = w_map_open(ctx, path, &o->map, &e);
    if (s == WEIR_OK) s = w_onnx_read(ctx, path, &o->map, &o->g, &e);
    if (s == WEIR_OK) s = oracle_run(g, o, &e);
    if (s == WEIR_OK) return true;
    report->refused = strstr(e.message, "not supported") || strstr(e.message, "are supported") || strstr(e.message, "is supported");
    return rg_complain(report, "read", "%s", e.message);
}

void rg_oracle_free(rg_oracle *o) {
    weir_context *ctx = o->arena.ctx;
    w_graph_destroy(o->g);
    w_arena_fini(&o->arena);
    w_map_close(ctx, &o->map);
}

/* ---- sessions ---- */

void rg_results_free(rg_results *r) {
    for (int i = 0; i < r->n; i++) free(r->data[i]);
    r->n = 0;
}

static void feed(const rg_graph *g, weir_session *s, const rg_how *how) {
    for (int i = 0; i < weir_session_input_count(s); i++) {
        weir_tensor_info info = weir_session_input_info(s, i);
        int64_t n = (int64_t)(info.bytes / w_type_size(info.type));
        bool rows = g->value[atoi(info.name + 1)].batch; /* others are the same for every row */
        rg_fill(g, info.name, rows ? how->row * n : 0, &info, weir_session_input(s, i), how->hostile);
    }
}

/* Twice: the second run finds a used arena. */
static weir_status run_twice(const rg_graph *g, rg_run *run, const rg_how *how, weir_error *e) {
    feed(g, run->session, how);
    W_TRY(weir_session_run(run->session, e));
    return weir_session_run(run->session, e);
}

static bool take_results(rg_run *run) {
    rg_results *r = &run->results;
    int n = weir_session_output_count(run->session);
    for (r->n = 0; r->n < n && r->n < RG_OUTPUTS; r->n++) {
        int i = r->n;
        r->bytes[i] = weir_session_output_info(run->session, i).bytes;
        r->data[i] = malloc(r->bytes[i] + 1);
        if (!r->data[i]) return false;
        memcpy(r->data[i], weir_session_output(run->session, i), r->bytes[i]);
    }
    return true;
}

bool rg_run_make(const rg_graph *g, const weir_model *m, const rg_how *how, rg_run *run, rg_report *report) {
    weir_error e = {0};
    weir_session_options so = weir_session_options_default();
    so.batch = how->batch;
    so.keep_all = how->keep_all;
    *run = (rg_run){0};
    weir_status s = weir_session_create(m, &so, &run->session, &e);
    if (s == WEIR_OK) s = run_twice(g, run, how, &e);
    if (s == WEIR_OK && take_results(run)) return true;
    rg_run_free(run);
    return rg_complain(report, "run", "%s", e.message);
}

void rg_run_free(rg_run *run) {
    weir_session_destroy(run->session);
    rg_results_free(&run->results);
    *run = (rg_run){0};
}

/* ---- comparing ---- */

bool rg_close(const rg_oracle *o, int output, const void *a, const void *b, size_t first, size_t n, double times, size_t *at, double *off) {
    w_id id = o->g->output[output];
    w_value plain = {.type = o->value[id].type};
    w_tensor ta = {.type = plain.type, .data = (void *)a}, tb = {.type = plain.type, .data = (void *)b};
    double allowed = times * o->known[id].err;
    if (isinf(o->known[id].err)) return true;
    for (size_t i = first; i < first + n; i++) {
        double x = rg_real_at(&plain, &ta, i - first), y = rg_real_at(&plain, &tb, i);
        bool same = isnan(y) ? isnan(x) : isinf(y) ? x == y : fabs(x - y) <= allowed;
        if (same) continue;
        *at = i;
        *off = fabs(x - y);
        return false;
    }
    return true;
}

bool rg_compare(const rg_oracle *o, const rg_results *a, double times, const char *what, const char *set, rg_report *report) {
    size_t at;
    double off;
    if ((size_t)a->n != o->g->noutput) return rg_complain(report, what, "%s: %d outputs, expected %zu", set, a->n, o->g->noutput);
    for (int i = 0; i < a->n; i++) {
        w_id id = o->g->output[i];
        const char *name = w_value_name(o->g, id);
        if (a->bytes[i] != w_tensor_bytes(&o->value[id]))
            return rg_complain(report, what, "%s: output %s has %zu bytes, expected %zu", set, name, a->bytes[i], w_tensor_bytes(&o->value[id]));
        if (rg_close(o, i, a->data[i], o->value[id].data, 0, w_tensor_count(&o->value[id]), times, &at, &off)) continue;
        w_value plain = {.type = o->value[id].type};
        return rg_complain(report, what, "%s: output %s, element %zu is %.9g away from %.9g, allowed %.3g", set, name, at, off,
                           rg_real_at(&plain, &o->value[id], at), times * o->known[id].err);
    }
    return true;
}

bool rg_same_bits(const rg_oracle *o, const rg_results *a, const rg_results *b, const char *what, const char *set, rg_report *report) {
    if (a->n != b->n) return rg_complain(report, what, "%s: %d and %d outputs", set, a->n, b->n);
    for (int i = 0; i < a->n; i++) {
        size_t at = 0;
        const uint8_t *x = a->data[i], *y = b->data[i];
        while (at < a->bytes[i] && at < b->bytes[i] && x[at] == y[at]) at++;
        if (a->bytes[i] != b->bytes[i] || at < a->bytes[i])
            return rg_complain(report, what, "%s: output %s differs from byte %zu of %zu on", set, w_value_name(o->g, o->g->output[i]), at, a->bytes[i]);
    }
    return true;
}
