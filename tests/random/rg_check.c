/* All differentials over one graph: against the oracle and step by step on every CPU set; one thread against two, the arena
 * against separate places, the .weir container, rows of a batch: same bits; ONNX written again: within the bounds; the
 * certified peak is the measured one; the ledger's sums; and inputs that are no numbers do no harm. */
#include "rg_run.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct check {
    const rg_graph *g;
    const rg_setup *setup;
    const rg_set *set;
    const rg_oracle *oracle;
    rg_report *report;
    const char *path;     /* of the model */
} check;

static bool opened(const check *c, weir_context *ctx, const char *path, weir_model **m) {
    weir_error e = {0};
    if (weir_model_open(ctx, path, m, &e) == WEIR_OK) return true;
    return rg_complain(c->report, "open", "%s: %s", c->set->name, e.message);
}

/* ---- same bits ---- */

static bool two_threads(const check *c, const rg_results *one) {
    weir_model *m;
    rg_run run;
    rg_how how = {.batch = c->g->batch};
    if (!opened(c, c->set->two, c->path, &m)) return false;
    bool good = rg_run_make(c->g, m, &how, &run, c->report);
    if (good) good = rg_same_bits(c->oracle, one, &run.results, "threads", c->set->name, c->report);
    rg_run_free(&run);
    weir_model_destroy(m);
    return good;
}

static bool separate(const check *c, const weir_model *m, const rg_results *arena, const rg_marks *other, rg_marks *own) {
    rg_run run;
    rg_how how = {.batch = c->g->batch, .keep_all = true};
    if (!rg_run_make(c->g, m, &how, &run, c->report)) return false;
    bool good = rg_same_bits(c->oracle, arena, &run.results, "arena", c->set->name, c->report);
    if (good) good = rg_steps(run.session, other, own, c->set->name, c->report);
    rg_run_free(&run);
    return good;
}

/* Saved, opened again and run. exact: same bits, else within twice the bound of the oracle and once more for the way back. */
static bool saved(const check *c, const weir_model *m, const char *suffix, bool exact, const rg_results *first) {
    char path[1200];
    weir_error e = {0};
    weir_model *again = NULL;
    rg_run run = {0};
    rg_how how = {.batch = c->g->batch};
    snprintf(path, sizeof path, "%s/saved-%d%s", c->setup->scratch, (int)getpid(), suffix);
    if (weir_model_save(m, path, &e) != WEIR_OK) return rg_complain(c->report, "save", "%s: %s", c->set->name, e.message);
    bool good = opened(c, c->set->one, path, &again) && rg_run_make(c->g, again, &how, &run, c->report);
    if (good && exact) good = rg_same_bits(c->oracle, first, &run.results, "container", c->set->name, c->report);
    else if (good) good = rg_compare(c->oracle, &run.results, 3, "export", c->set->name, c->report);
    rg_run_free(&run);
    if (again) weir_model_destroy(again);
    unlink(path);
    return good;
}

/* The kernels of two plans, step by step. */
static bool same_kernels(const w_plan *a, const w_plan *b) {
    if (a->nstep != b->nstep) return false;
    for (size_t i = 0; i < a->nstep; i++) {
        const char *x = a->step[i].kernel ? a->step[i].kernel : "", *y = b->step[i].kernel ? b->step[i].kernel : "";
        if (a->step[i].impl != b->step[i].impl || strcmp(x, y) != 0) return false;
    }
    return true;
}

/* Row `row` alone against the batch: same bits where the same kernels run, else within the bounds. */
static bool row_alone(const check *c, const weir_model *m, const rg_run *all, int64_t row) {
    rg_run run;
    rg_how how = {.batch = 1, .row = row};
    bool good = rg_run_make(c->g, m, &how, &run, c->report);
    bool exact = good && same_kernels(run.session->plan, all->session->plan);
    for (int i = 0; good && i < run.results.n; i++) {
        if (!c->g->value[c->g->output[i]].batch) continue;
        size_t bytes = run.results.bytes[i], count = bytes / w_type_size(c->oracle->value[c->oracle->g->output[i]].type), at;
        const uint8_t *part = (const uint8_t *)all->results.data[i] + (size_t)row * bytes;
        double off;
        if (bytes * (size_t)c->g->batch != all->results.bytes[i]) good = rg_complain(c->report, "batch", "%s: output %d has %zu bytes a row", c->set->name, i, bytes);
        else if (exact && memcmp(part, run.results.data[i], bytes) != 0)
            good = rg_complain(c->report, "batch", "%s: row %lld of output %d has other bits alone, by the same kernels", c->set->name, (long long)row, i);
        else if (!rg_close(c->oracle, i, run.results.data[i], c->oracle->value[c->oracle->g->output[i]].data, (size_t)row * count, count, 2, &at, &off))
            good = rg_complain(c->report, "batch", "%s: row %lld of output %d alone: element %zu is %.6g off", c->set->name, (long long)row, i, at, off);
    }
    rg_run_free(&run);
    return good;
}

/* ---- invariants ---- */

static bool ledger(const check *c, w_plan *p) {
    if (w_plan_ledger(p, NULL) != WEIR_OK) return rg_complain(c->report, "ledger", "%s: no memory", c->set->name);
    for (int level = 0; level < 4; level++)
        if (p->bytes.level[level] < p->bytes.compulsory)
            return rg_complain(c->report, "ledger", "%s: level %d plans %.0f bytes cold, %.0f are compulsory", c->set->name, level,
                               p->bytes.level[level], p->bytes.compulsory);
    if (p->arena_bytes < p->arena_lower_bound)
        return rg_complain(c->report, "ledger", "%s: arena of %zu bytes below its bound of %zu", c->set->name, p->arena_bytes, p->arena_lower_bound);
    return true;
}

static bool certified(const check *c, const weir_model *m, size_t measured) {
    weir_session_options so = weir_session_options_default();
    weir_document *doc;
    weir_error e = {0};
    so.batch = c->g->batch;
    if (weir_model_inspect(m, &so, &doc, &e) != WEIR_OK) return rg_complain(c->report, "inspect", "%s: %s", c->set->name, e.message);
    json_t *j = json_loads(weir_document_text(doc), 0, NULL);
    size_t peak = (size_t)json_integer_value(json_object_get(j, "peak_bytes"));
    json_decref(j);
    weir_document_destroy(doc);
    return peak == measured || rg_complain(c->report, "peak", "%s: certified %zu bytes, measured %zu", c->set->name, peak, measured);
}

static bool hostile(const check *c, const weir_model *m) {
    rg_run run;
    rg_how how = {.batch = c->g->batch, .hostile = true};
    bool good = rg_run_make(c->g, m, &how, &run, c->report);
    rg_run_free(&run);
    return good;
}

/* ---- for other engines ---- */

static void put_tensor(FILE *f, const char *kind, const char *name, const w_tensor *t, double err) {
    fprintf(f, "%s %s %s %.17g %zu", kind, name, w_type_name(t->type), err, w_tensor_bytes(t));
    for (int i = 0; i < t->shape.rank; i++) fprintf(f, " %lld", (long long)t->shape.dim[i]);
    fputc('\n', f);
    fwrite(t->data, 1, w_tensor_bytes(t), f);
}

/* SEED.onnx, SEED.again.onnx (as weir writes it) and SEED.bin: a line and the bytes of each input, of what weir gave on this
 * set, with the bound of its error. */
static bool written(const check *c, const weir_model *m, const rg_results *r, const rg_bytes *file) {
    char path[1200];
    const rg_oracle *o = c->oracle;
    weir_error e = {0};
    snprintf(path, sizeof path, "%s/%llu.again.onnx", c->setup->write, (unsigned long long)c->g->seed);
    if (weir_model_save(m, path, &e) != WEIR_OK) return rg_complain(c->report, "save", "%s", e.message);
    snprintf(path, sizeof path, "%s/%llu.onnx", c->setup->write, (unsigned long long)c->g->seed);
    FILE *f = fopen(path, "wb");
    bool good = f && fwrite(file->data, 1, file->n, f) == file->n;
    if (f) good &= fclose(f) == 0;
    snprintf(path, sizeof path, "%s/%llu.bin", c->setup->write, (unsigned long long)c->g->seed);
    f = good ? fopen(path, "wb") : NULL;
    if (!f) return rg_complain(c->report, "write", "%s: cannot be written", path);
    for (size_t i = 0; i < o->g->ninput; i++) put_tensor(f, "in", w_value_name(o->g, o->g->input[i]), &o->value[o->g->input[i]], 0);
    for (int i = 0; i < r->n; i++) {
        w_tensor t = o->value[o->g->output[i]];
        t.data = r->data[i];
        put_tensor(f, "out", w_value_name(o->g, o->g->output[i]), &t, o->known[o->g->output[i]].err);
    }
    return fclose(f) == 0;
}

/* ---- one CPU set ---- */

static bool more(const check *c, const weir_model *m, const rg_run *run, const rg_marks *other, rg_marks *own) {
    bool good = ledger(c, run->session->plan) && rg_compare(c->oracle, &run->results, 2, "reference", c->set->name, c->report) &&
                separate(c, m, &run->results, other, own) && ((c->g->seed % 8 && !c->g->large) || two_threads(c, &run->results)) && saved(c, m, ".weir", true, &run->results) &&
                saved(c, m, ".onnx", false, &run->results) && hostile(c, m);
    for (int64_t row = 0; good && row < c->g->batch; row++) good = row_alone(c, m, run, row);
    return good;
}

static bool on_set(const check *c, const rg_marks *other, rg_marks *own, const rg_bytes *file) {
    weir_model *m;
    rg_run run;
    rg_how how = {.batch = c->g->batch};
    weir_context_reset_peak(c->set->one);
    if (!opened(c, c->set->one, c->path, &m)) return false;
    bool good = rg_run_make(c->g, m, &how, &run, c->report);
    size_t measured = weir_context_peak_bytes(c->set->one);
    if (good) good = more(c, m, &run, other, own);
    if (good && file) good = written(c, m, &run.results, file);
    rg_run_free(&run);
    if (good) good = certified(c, m, measured);
    weir_model_destroy(m);
    return good;
}

static bool on_all(check *c, const rg_bytes *file) {
    rg_marks marks[5] = {0};
    bool good = true;
    for (int i = 0; good && i < c->setup->nset; i++) {
        c->set = &c->setup->set[i];
        bool last = i + 1 == c->setup->nset;
        good = on_set(c, i ? &marks[0] : NULL, &marks[i], last && c->setup->write ? file : NULL);
    }
    for (int i = 0; i < c->setup->nset; i++) free(marks[i].v);
    return good;
}

static void count_outputs(const rg_oracle *o, rg_report *report) {
    for (size_t i = 0; i < o->g->noutput; i++) {
        const rg_known *k = &o->known[o->g->output[i]];
        report->outputs++;
        report->loose += !(k->err <= 0.05 * k->most);
    }
}

static bool save_file(const char *path, const rg_bytes *b) {
    FILE *f = fopen(path, "wb");
    bool good = f && fwrite(b->data, 1, b->n, f) == b->n;
    return f && fclose(f) == 0 && good;
}

bool rg_check(const rg_graph *g, const rg_setup *setup, rg_report *report) {
    char path[1100];
    rg_bytes file;
    rg_oracle oracle;
    check c = {g, setup, &setup->set[0], &oracle, report, path};
    *report = (rg_report){0};
    snprintf(path, sizeof path, "%s/random-%d.onnx", setup->scratch, (int)getpid()); /* runs may share the folder */
    bool good = rg_encode(g, &file) && save_file(path, &file);
    if (!good) rg_complain(report, "write", "%s: cannot be written", path);
    else {
        size_t live = weir_context_live_bytes(setup->set[0].one);
        good = rg_oracle_make(g, setup->set[0].one, path, &oracle, report);
        if (good) count_outputs(&oracle, report);
        if (good) good = on_all(&c, &file);
        rg_oracle_free(&oracle);
        if (good && weir_context_live_bytes(setup->set[0].one) != live) good = rg_complain(report, "leak", "bytes of the context stay in use");
    }
    unlink(path);
    free(file.data);
    return good;
}
