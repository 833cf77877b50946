/* What a network answers on samples, and how two networks differ on the same ones. */
#include "search.h"
#include "run.h"
#include <math.h>
#include <string.h>

#define BATCH 64
#define FARTHEST 1e6 /* nats: the divergence of class scores that are not finite */

static int64_t batch_of(const weir_model *model) {
    const w_shape *s = &model->graph->value[model->graph->input[0]].shape;
    return s->rank > 0 && s->dim[0] > 0 ? s->dim[0] : BATCH;
}

typedef struct runner { weir_session *session; int64_t batch; size_t sample_bytes, classes; } runner;

static weir_status runner_open(runner *r, const weir_model *model, const w_samples *set, weir_error *e) {
    weir_session_options so = weir_session_options_default();
    int rank;
    const int64_t *dims = weir_dataset_shape(set->data, &rank);
    size_t count = 1;
    for (int i = 0; i < rank; i++) count *= (size_t)dims[i];
    so.batch = r->batch = batch_of(model);
    W_TRY(weir_session_create(model, &so, &r->session, e));
    weir_tensor_info in = weir_session_input_info(r->session, 0), out = weir_session_output_info(r->session, 0);
    r->sample_bytes = count * sizeof(float);
    r->classes = out.bytes / sizeof(float) / (size_t)r->batch;
    if (weir_session_input_count(r->session) == 1 && in.type == WEIR_F32 && out.type == WEIR_F32 && r->classes > 0 &&
        in.bytes == r->sample_bytes * (size_t)r->batch)
        return WEIR_OK;
    return w_fail(e, WEIR_BAD_INPUT, "%s: one f32 input of %zu numbers a sample and f32 class scores are needed for this data (input '%s' takes %zu)",
                  model->graph->source, count, in.name, in.bytes / sizeof(float) / (size_t)r->batch);
}

static weir_status run_all(runner *r, const w_samples *set, w_outputs *out, weir_context *ctx, weir_error *e) {
    uint8_t *in = weir_session_input(r->session, 0);
    for (size_t first = 0; first < set->n; first += (size_t)r->batch) {
        size_t m = W_MIN((size_t)r->batch, set->n - first);
        for (size_t i = 0; i < m; i++) {
            size_t at = w_sample_at(set, first + i);
            w_sample_copy(set, first + i, (float *)(void *)(in + i * r->sample_bytes));
            out->label[first + i] = weir_dataset_label(set->data, at);
        }
        if (w_cancelled(ctx)) return w_fail(e, WEIR_INTERRUPTED, "interrupted");
        W_TRY(weir_session_run(r->session, e));
        memcpy(out->logit + first * r->classes, weir_session_output(r->session, 0), m * r->classes * sizeof(float));
    }
    return WEIR_OK;
}

weir_status w_outputs_run(const weir_model *model, const w_samples *set, w_outputs *out, weir_error *e) {
    runner r = {0};
    weir_status s = runner_open(&r, model, set, e);
    *out = (w_outputs){.n = set->n, .classes = r.classes};
    if (s == WEIR_OK) {
        out->logit = w_calloc(model->ctx, set->n * r.classes, sizeof *out->logit);
        out->label = w_calloc(model->ctx, set->n, sizeof *out->label);
        s = out->logit && out->label ? run_all(&r, set, out, model->ctx, e) : w_oom(e, set->n * r.classes * sizeof(float), "class scores");
    }
    weir_session_destroy(r.session);
    if (s != WEIR_OK) w_outputs_fini(model->ctx, out);
    return s;
}

void w_outputs_fini(weir_context *ctx, w_outputs *o) {
    if (o->logit) w_free(ctx, o->logit, o->n * o->classes * sizeof *o->logit);
    if (o->label) w_free(ctx, o->label, o->n * sizeof *o->label);
    *o = (w_outputs){0};
}

int32_t w_outputs_class(const w_outputs *o, size_t i) {
    const float *x = o->logit + i * o->classes;
    size_t best = 0;
    for (size_t k = 1; k < o->classes; k++)
        if (x[k] > x[best]) best = k;
    return (int32_t)best;
}

/* log of the sum of exponentials, stable. */
static double log_sum(const float *x, size_t n) {
    double top = x[0], sum = 0;
    for (size_t i = 1; i < n; i++)
        if (x[i] > top) top = x[i]; /* gcc 12 for arm64 fails inside on fmax here */
    for (size_t i = 0; i < n; i++) sum += exp(x[i] - top);
    return top + log(sum);
}

static double divergence(const float *p, const float *q, size_t n) {
    double lp = log_sum(p, n), lq = log_sum(q, n), kl = 0;
    for (size_t i = 0; i < n; i++) kl += exp(p[i] - lp) * ((p[i] - lp) - (q[i] - lq));
    return kl;
}

w_paired w_paired_compare(const w_outputs *base, const w_outputs *now) {
    w_paired p = {.n = base->n};
    size_t right = 0, base_right = 0;
    double kl = 0;
    for (size_t i = 0; i < base->n; i++) {
        int32_t from = w_outputs_class(base, i), to = w_outputs_class(now, i);
        bool b = from == base->label[i], x = to == base->label[i];
        p.moved += from != to;
        right += x, base_right += b;
        p.lost += b && !x;
        p.won += x && !b;
        kl += divergence(base->logit + i * base->classes, now->logit + i * now->classes, base->classes);
    }
    p.top1 = 100.0 * (double)right / (double)p.n;
    p.base_top1 = 100.0 * (double)base_right / (double)p.n;
    p.kl = isfinite(kl) ? kl / (double)p.n : FARTHEST;
    return p;
}

double w_paired_drop(const w_paired *p) { return 100.0 * ((double)p->lost - (double)p->won) / (double)p->n; }

/* Quantile of the standard normal, by bisection on erfc: exact enough and short. */
double w_normal_quantile(double confidence) {
    double lo = 0, hi = 10;
    for (int i = 0; i < 80; i++) {
        double mid = (lo + hi) / 2;
        if (1 - erfc(mid / sqrt(2)) / 2 < confidence) lo = mid;
        else hi = mid;
    }
    return lo;
}

double w_paired_upper(const w_paired *p, double confidence) {
    double n = (double)p->n + 2, lost = (double)p->lost + 0.5, won = (double)p->won + 0.5;
    double d = (lost - won) / n, var = (lost + won - (lost - won) * (lost - won) / n) / (n * n);
    return 100.0 * (d + w_normal_quantile(confidence) * sqrt(var));
}
