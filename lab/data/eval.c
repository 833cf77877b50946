/* Accuracy: runs a data set through a model in batches and counts. */
#include "data.h"
#include "doc.h"
#include "model.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>

#define BATCH 64

typedef struct eval {
    const weir_model *model;
    const weir_dataset *data;
    weir_session *session;
    size_t n, batch, elems, classes;
    size_t top1, top5;
    double loss;
    int32_t *predicted; /* may be NULL */
} eval;

/* Sizes other than 1, in order: 1x28x28 and 28x28x1 are the same memory. */
static int squeezed(const int64_t *dims, int rank, int64_t *out) {
    int n = 0;
    for (int i = 0; i < rank && n < 8; i++)
        if (dims[i] != 1) out[n++] = dims[i];
    return n;
}

static size_t product(const int64_t *dims, int rank) {
    size_t n = 1;
    for (int i = 0; i < rank; i++) n *= (size_t)dims[i];
    return n;
}

static weir_status check_input(eval *v, weir_error *e) {
    weir_tensor_info in = weir_session_input_info(v->session, 0);
    int rank;
    const int64_t *shape = weir_dataset_shape(v->data, &rank);
    v->elems = product(shape, rank);
    if (in.type != WEIR_F32) return w_fail(e, WEIR_USAGE, "input \"%s\": weir eval takes models with float32 inputs", in.name);
    if (in.rank < 1 || in.dims[0] < 1) return w_fail(e, WEIR_USAGE, "input \"%s\": no batch dimension", in.name);
    int64_t have[8], want[8];
    int nh = squeezed(shape, rank, have), nw = squeezed(in.dims + 1, W_MIN(in.rank - 1, 8), want);
    bool same = nh == nw && memcmp(have, want, (size_t)nh * sizeof *have) == 0;
    bool flat = nw == 1 && (size_t)want[0] == v->elems;
    if (!same && !flat)
        return w_fail(e, WEIR_BAD_INPUT, "input \"%s\" takes %zu values a sample; the data set's samples have %zu (or another layout)",
                      in.name, product(in.dims + 1, in.rank - 1), v->elems);
    v->batch = (size_t)in.dims[0];
    return WEIR_OK;
}

static weir_status check_output(eval *v, weir_error *e) {
    weir_tensor_info out = weir_session_output_info(v->session, 0);
    size_t all = product(out.dims, out.rank);
    if (out.type != WEIR_F32) return w_fail(e, WEIR_USAGE, "output \"%s\": weir eval takes float32 class scores", out.name);
    if (out.rank < 1 || (size_t)out.dims[0] != v->batch || all == 0)
        return w_fail(e, WEIR_USAGE, "output \"%s\" is not one row of class scores a sample", out.name);
    v->classes = all / v->batch;
    return WEIR_OK;
}

/* Only a symbolic first dimension can be chosen; a fixed one is what the model was made for. */
static int64_t choose_batch(const eval *v) {
    const w_graph *g = v->model->graph;
    if (g->ninput == 0) return 0;
    const w_shape *s = &g->value[g->input[0]].shape;
    bool symbolic = s->known && s->rank > 0 && s->dim[0] < 0;
    return symbolic ? (int64_t)W_MIN(v->n, (size_t)BATCH) : 0;
}

static weir_status open_session(eval *v, int64_t batch, weir_error *e) {
    weir_session_options o = weir_session_options_default();
    o.batch = batch ? batch : choose_batch(v);
    W_TRY(weir_session_create(v->model, &o, &v->session, e));
    int in = weir_session_input_count(v->session), out = weir_session_output_count(v->session);
    if (in != 1 || out < 1)
        return w_fail(e, WEIR_USAGE, "weir eval takes models with one input and class scores as first output; this has %d and %d",
                      in, out);
    W_TRY(check_input(v, e));
    return check_output(v, e);
}

/* Minus the log of the probability of `label`; rows that are probabilities already are told by their sum. */
static double cross_entropy(const float *row, size_t n, size_t label) {
    double sum = 0, top = -INFINITY, low = INFINITY;
    for (size_t i = 0; i < n; i++) {
        sum += row[i];
        top = fmax(top, row[i]);
        low = fmin(low, row[i]);
    }
    if (low >= 0 && fabs(sum - 1) < 1e-3) return -log(fmax(row[label], 1e-30));
    double total = 0;
    for (size_t i = 0; i < n; i++) total += exp(row[i] - top);
    return log(total) + top - row[label];
}

static void score(eval *v, const float *row, size_t index) {
    size_t label = (size_t)weir_dataset_label(v->data, index), best = 0, before = 0;
    for (size_t i = 0; i < v->classes; i++) {
        if (row[i] > row[best]) best = i;
        before += row[i] > row[label] || (row[i] == row[label] && i < label);
    }
    v->top1 += best == label;
    v->top5 += before < 5;
    v->loss += cross_entropy(row, v->classes, label);
    if (v->predicted) v->predicted[index] = (int32_t)best;
}

static weir_status check_labels(const eval *v, size_t first, size_t n, weir_error *e) {
    for (size_t i = first; i < first + n; i++)
        if ((size_t)weir_dataset_label(v->data, i) >= v->classes)
            return w_fail(e, WEIR_BAD_INPUT, "sample %zu has class %d; the model knows %zu", i, weir_dataset_label(v->data, i),
                          v->classes);
    return WEIR_OK;
}

/* A last batch that is not full keeps what the one before left behind it; those rows are not read. */
static weir_status run_batch(eval *v, size_t first, weir_error *e) {
    size_t n = W_MIN(v->batch, v->n - first);
    W_TRY(check_labels(v, first, n, e));
    float *in = weir_session_input(v->session, 0);
    for (size_t i = 0; i < n; i++)
        memcpy(in + i * v->elems, weir_dataset_sample(v->data, first + i), v->elems * sizeof *in);
    W_TRY(weir_session_run(v->session, e));
    const float *out = weir_session_output(v->session, 0);
    for (size_t i = 0; i < n; i++) score(v, out + i * v->classes, first + i);
    return WEIR_OK;
}

static weir_status run_all(eval *v, weir_error *e) {
    size_t in_bytes = v->batch * v->elems * sizeof(float);
    memset(weir_session_input(v->session, 0), 0, in_bytes);
    for (size_t first = 0; first < v->n; first += v->batch) {
        if (w_cancelled(v->model->ctx)) return w_fail(e, WEIR_INTERRUPTED, "interrupted after %zu samples", first);
        w_progress(v->model->ctx, "evaluating", (double)first, (double)v->n);
        W_TRY(run_batch(v, first, e));
    }
    w_progress(v->model->ctx, "evaluating", (double)v->n, (double)v->n);
    return WEIR_OK;
}

/* Wilson's interval for a share of `hits` in n (J. Am. Stat. Assoc. 22, 1927), in percent. */
static void wilson(double hits, double n, double *lo, double *hi) {
    const double z = 1.959963984540054;
    double p = hits / n, centre = p + z * z / (2 * n), half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    *lo = fmax(100 * (centre - half) / (1 + z * z / n), 0);
    *hi = fmin(100 * (centre + half) / (1 + z * z / n), 100);
}

static weir_status report(const eval *v, weir_document **out, weir_error *e) {
    w_doc d;
    double n = (double)v->n, lo, hi;
    wilson((double)v->top1, n, &lo, &hi);
    w_doc_begin(&d);
    w_doc_int(&d, d.root, "n", (int64_t)v->n);
    w_doc_num(&d, d.root, "top1", 100 * (double)v->top1 / n);
    w_doc_num(&d, d.root, "top5", 100 * (double)v->top5 / n);
    w_doc_num(&d, d.root, "loss", v->loss / n);
    json_t *ci = w_doc_arr(&d, d.root, "top1_ci95");
    w_doc_num(&d, ci, NULL, lo);
    w_doc_num(&d, ci, NULL, hi);
    return w_doc_end(&d, out, e);
}

weir_status weir_eval(const weir_model *model, const weir_dataset *data, size_t limit, int64_t batch, int32_t *classes,
                      weir_document **out, weir_error *error) {
    size_t n = weir_dataset_count(data);
    eval v = {.model = model, .data = data, .n = limit ? W_MIN(limit, n) : n, .predicted = classes};
    *out = NULL;
    weir_status s = open_session(&v, batch, error);
    if (s == WEIR_OK) s = run_all(&v, error);
    weir_session_destroy(v.session);
    return s == WEIR_OK ? report(&v, out, error) : s;
}
