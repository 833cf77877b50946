/* Which channels of a group go.
 *
 * With second moments: backwards elimination. The unit goes whose removal costs the layers that read it least, after their
 * other weights have taken up what they can (the optimal brain surgeon of Hassibi and Stork, 1993, for sets of columns);
 * then the inverse and the weights are updated and the next one is looked for. A layer's cost counts as a share of its
 * output's energy, so that layers of different scale weigh alike. Without: the L2 norm of the filters that make a unit
 * (arXiv 1608.08710).
 *
 * The order in which units go does not depend on how many will: it is remembered with the statistics, since a search asks for
 * other shares of the same group. */
#include "channels.h"
#include "hash.h"
#include "kernels.h"
#include <lapacke.h>
#include <math.h>
#include <string.h>

#define AHEAD 4            /* an order goes on until a share of 1/AHEAD is left: the next question is for fewer */
#define MAX_COLUMNS 2400   /* of a reader whose inverse is kept: its memory grows with the square */

typedef struct reader {
    const w_channel_layer *l;
    uint32_t k, rows, groups;      /* rows of one group */
    double *w;                     /* rows*groups x k */
    double **inv;                  /* [groups] k*k */
    double energy;
} reader;

typedef struct choice {
    const w_channels *c;
    const w_channel_group *gr;
    w_arena *a;
    reader *reader; size_t nreader;
    uint32_t *col;                 /* scratch: columns of a unit in one reader */
    double *block, *part;          /* scratch */
} choice;

static uint32_t columns_of(const choice *ch, const reader *r, uint32_t unit) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < r->l->nin; i++)
        for (uint32_t t = 0; t < r->l->taps && ch->c->unit[r->l->in[i]] == unit; t++) ch->col[n++] = i * r->l->taps + t;
    return n;
}

/* In place, lower triangle: the blocks are a kernel's taps, too small for a library call. */
static bool cholesky(double *m, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j <= i; j++) {
            double sum = m[(size_t)i * n + j];
            for (uint32_t k = 0; k < j; k++) sum -= m[(size_t)i * n + k] * m[(size_t)j * n + k];
            if (i == j && !(sum > 0)) return false;
            m[(size_t)i * n + j] = i == j ? sqrt(sum) : sum / m[(size_t)j * n + j];
        }
    return true;
}

/* The lower Cholesky factor of inv over the columns, in ch->block; false: singular. */
static bool factor_block(choice *ch, const double *inv, uint32_t k, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < n; j++) ch->block[(size_t)i * n + j] = inv[(size_t)ch->col[i] * k + ch->col[j]];
    return cholesky(ch->block, n);
}

/* Solves L y = x in place. */
static void forward(const double *l, uint32_t n, double *x) {
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t j = 0; j < i; j++) x[i] -= l[(size_t)i * n + j] * x[j];
        x[i] /= l[(size_t)i * n + i];
    }
}

static void backward(const double *l, uint32_t n, double *x) {
    for (uint32_t i = n; i-- > 0;) {
        for (uint32_t j = i + 1; j < n; j++) x[i] -= l[(size_t)j * n + i] * x[j];
        x[i] /= l[(size_t)i * n + i];
    }
}

static double reader_cost(choice *ch, const reader *r, uint32_t unit) {
    uint32_t n = columns_of(ch, r, unit);
    double sum = 0;
    for (uint32_t g = 0; n && g < r->groups; g++) {
        if (!factor_block(ch, r->inv[g], r->k, n)) return INFINITY;
        for (uint32_t row = 0; row < r->rows; row++) {
            const double *w = r->w + ((size_t)g * r->rows + row) * r->k;
            for (uint32_t i = 0; i < n; i++) ch->part[i] = w[ch->col[i]];
            forward(ch->block, n, ch->part);
            for (uint32_t i = 0; i < n; i++) sum += ch->part[i] * ch->part[i];
        }
    }
    return r->energy > 0 ? sum / r->energy : sum;
}

static double unit_cost(choice *ch, uint32_t unit) {
    double sum = 0;
    for (size_t i = 0; i < ch->nreader; i++) sum += reader_cost(ch, &ch->reader[i], unit);
    return sum;
}

/* v -= s (inv_SS)^-1 inv_S: for one row v, whose entries at the columns are s. */
static void take_up(choice *ch, const double *inv, uint32_t k, uint32_t n, double *v) {
    for (uint32_t i = 0; i < n; i++) ch->part[i] = v[ch->col[i]];
    forward(ch->block, n, ch->part);
    backward(ch->block, n, ch->part);
    for (uint32_t i = 0; i < n; i++) {
        const double *row = inv + (size_t)ch->col[i] * k;
        double f = ch->part[i];
        if (f != 0)
            for (uint32_t j = 0; j < k; j++) v[j] -= f * row[j];
    }
    for (uint32_t i = 0; i < n; i++) v[ch->col[i]] = 0;
}

/* Rows of the inverse that go are needed until the end: they are updated last, to zero. */
static void remove_unit(choice *ch, reader *r, uint32_t unit) {
    uint32_t n = columns_of(ch, r, unit);
    for (uint32_t g = 0; n && g < r->groups; g++) {
        double *inv = r->inv[g];
        if (!factor_block(ch, inv, r->k, n)) continue;
        for (uint32_t row = 0; row < r->rows; row++) take_up(ch, inv, r->k, n, r->w + ((size_t)g * r->rows + row) * r->k);
        for (uint32_t i = 0, at = 0; i < r->k; i++) {
            if (at < n && ch->col[at] == i) at++;
            else take_up(ch, inv, r->k, n, inv + (size_t)i * r->k);
        }
        for (uint32_t i = 0; i < n; i++) memset(inv + (size_t)ch->col[i] * r->k, 0, r->k * sizeof *inv);
    }
}

static bool invert(double *m, uint32_t k) {
    int n = (int)k;
    if (LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'L', n, m, n) || LAPACKE_dpotri(LAPACK_ROW_MAJOR, 'L', n, m, n)) return false;
    for (uint32_t i = 0; i < k; i++)
        for (uint32_t j = 0; j < i; j++) m[(size_t)j * k + i] = m[(size_t)i * k + j];
    return true;
}

/* Sum over rows of w cov w^T. */
static double energy_of(const reader *r, const w_channel_moments *m) {
    double sum = 0;
    for (uint32_t row = 0; row < r->rows * r->groups; row++) {
        const double *w = r->w + (size_t)row * r->k, *cov = m->cov[row / r->rows];
        for (uint32_t i = 0; i < r->k; i++) {
            double dot = 0;
            for (uint32_t j = 0; j < r->k; j++) dot += cov[(size_t)i * r->k + j] * w[j];
            sum += w[i] * dot;
        }
    }
    return sum;
}

static weir_status reader_new(choice *ch, w_graph *g, const w_channel_layer *l, w_calibration *cal, reader *r, bool *good, weir_error *e) {
    w_channel_moments *m = NULL;
    w_weights w;
    *good = false;
    if ((size_t)l->nin * l->taps > MAX_COLUMNS) return WEIR_OK;
    W_TRY(w_channels_moments(g, l, cal, ch->a, &m, e));
    if (!m) return WEIR_OK;
    W_TRY(w_weights_get(g, l->node, &w, e));
    size_t n = (size_t)w.rows * w.cols;
    *r = (reader){.l = l, .k = w.cols, .groups = w.groups, .rows = w.rows / w.groups, .inv = m->cov};
    r->w = w_arena_array(ch->a, n, sizeof *r->w);
    if (!r->w) return w_oom(e, n * sizeof *r->w, "channels");
    for (size_t i = 0; i < n; i++) r->w[i] = w.w[i];
    r->energy = energy_of(r, m);
    *good = true;
    for (uint32_t i = 0; i < r->groups; i++) *good = *good && invert(m->cov[i], r->k);
    return WEIR_OK;
}

static weir_status find_readers(choice *ch, w_graph *g, w_calibration *cal, weir_error *e) {
    uint32_t most = 1;
    ch->reader = w_arena_array(ch->a, ch->c->nlayer + 1, sizeof *ch->reader);
    if (!ch->reader) return w_oom(e, ch->c->nlayer * sizeof *ch->reader, "channels");
    for (size_t i = 0; i < ch->c->nlayer; i++) {
        const w_channel_layer *l = &ch->c->layer[i];
        bool good;
        if (!w_channels_read(ch->c, l, ch->gr)) continue;
        W_TRY(reader_new(ch, g, l, cal, &ch->reader[ch->nreader], &good, e));
        if (!good) { /* all readers or none: costs must compare */
            ch->nreader = 0;
            return WEIR_OK;
        }
        most = W_MAX(most, ch->reader[ch->nreader].k);
        ch->nreader++;
    }
    ch->col = w_arena_array(ch->a, most, sizeof *ch->col);
    ch->part = w_arena_array(ch->a, most, sizeof *ch->part);
    uint32_t widest = 1; /* columns of a unit */
    for (size_t i = 0; ch->col && i < ch->nreader; i++)
        for (uint32_t u = 0; u < ch->gr->nunit; u++) widest = W_MAX(widest, columns_of(ch, &ch->reader[i], ch->gr->unit[u]));
    ch->block = w_arena_array(ch->a, (size_t)widest * widest, sizeof *ch->block);
    return ch->col && ch->part && ch->block ? WEIR_OK : w_oom(e, most * sizeof *ch->part, "channels");
}

/* Squared norm of the filters that make a unit, as a share of their layer. */
static weir_status norms(const w_channels *c, w_graph *g, const w_channel_group *gr, double *norm, weir_error *e) {
    for (size_t i = 0; i < gr->nnode; i++) {
        const w_channel_layer *l = w_channels_layer(c, gr->node[i]);
        w_weights w;
        double total = 0;
        W_TRY(w_weights_get(g, l->node, &w, e));
        for (size_t k = 0; k < (size_t)w.rows * w.cols; k++) total += (double)w.w[k] * w.w[k];
        for (uint32_t r = 0; r < l->nout && total > 0; r++)
            for (uint32_t k = 0; k < w.cols; k++) {
                double x = w.w[(size_t)r * w.cols + k];
                norm[c->unit[l->out[r]]] += x * x / total;
            }
    }
    return WEIR_OK;
}

/* Channels that each value would still have, so that none loses its last (behind a Split, say). */
static bool may_go(const w_channels *c, uint32_t unit, const bool *drop) {
    for (w_id v = 0; v < c->g->nvalue; v++) {
        const w_channel_axis *x = &c->of[v];
        bool holds = false, left = x->axis < 0;
        for (uint32_t i = 0; x->axis >= 0 && i < x->n && !(holds && left); i++) {
            uint32_t u = c->unit[x->slot[i]];
            holds = holds || u == unit;
            left = left || (u != unit && !drop[u]);
        }
        if (holds && !left) return false;
    }
    return true;
}

struct w_channel_order {
    uint64_t key;                  /* of all that decides */
    uint32_t n;
    bool ended;                    /* all others must stay */
    const uint32_t *unit;
    struct w_channel_order *next;
};

static uint64_t order_key(const choice *ch, const w_graph *g, const bool *drop) {
    const w_channels *c = ch->c;
    uint64_t h = w_hash64(ch->gr->unit, ch->gr->nunit * sizeof *ch->gr->unit, w_hash64(drop, c->nunit, c->nunit));
    for (size_t i = 0; i < c->nlayer; i++) {
        if (!w_channels_read(c, &c->layer[i], ch->gr)) continue;
        w_id w = g->node[c->layer[i].node].in[1];
        h = w_hash64(g->value[w].data, w_value_bytes(g, w), h);
    }
    return h;
}

/* The unit that costs least, or W_NONE. */
static uint32_t cheapest(choice *ch, const double *norm, const bool *drop) {
    uint32_t best = W_NONE;
    double least = INFINITY;
    for (uint32_t i = 0; i < ch->gr->nunit; i++) {
        uint32_t u = ch->gr->unit[i];
        double cost = drop[u] ? INFINITY : ch->nreader ? unit_cost(ch, u) : norm[u];
        if (cost < least && may_go(ch->c, u, drop)) least = cost, best = u;
    }
    return best;
}

static weir_status eliminate(choice *ch, w_graph *g, w_calibration *cal, uint32_t most, const bool *drop, struct w_channel_order *o, weir_error *e) {
    double *norm = w_arena_array(ch->a, ch->c->nunit + 1, sizeof *norm);
    bool *gone = w_arena_array(ch->a, ch->c->nunit + 1, sizeof *gone);
    uint32_t *unit = w_arena_array(cal ? &cal->arena : ch->a, most + 1, sizeof *unit);
    if (!norm || !gone || !unit) return w_oom(e, ch->c->nunit * sizeof *norm, "channels");
    memcpy(gone, drop, ch->c->nunit * sizeof *gone);
    if (cal) W_TRY(find_readers(ch, g, cal, e));
    if (ch->nreader == 0) W_TRY(norms(ch->c, g, ch->gr, norm, e));
    for (o->unit = unit; o->n < most && !o->ended; o->n++) {
        if (w_cancelled(g->ctx)) return w_fail(e, WEIR_INTERRUPTED, "interrupted");
        unit[o->n] = cheapest(ch, norm, gone);
        o->ended = unit[o->n] == W_NONE;
        if (o->ended) break;
        for (size_t i = 0; i < ch->nreader; i++) remove_unit(ch, &ch->reader[i], unit[o->n]);
        gone[unit[o->n]] = true;
    }
    return WEIR_OK;
}

/* With statistics the answer is kept beside them. */
static weir_status order_of(choice *ch, w_graph *g, w_calibration *cal, uint32_t go, const bool *drop, struct w_channel_order **out, weir_error *e) {
    uint32_t total = ch->gr->nunit + ch->gr->nfixed;
    uint64_t key = cal ? order_key(ch, g, drop) : 0;
    for (struct w_channel_order *o = cal ? cal->order : NULL; o; o = o->next)
        if (o->key == key && (o->ended || o->n >= go)) return *out = o, WEIR_OK;
    struct w_channel_order *o = w_arena_alloc(cal ? &cal->arena : ch->a, sizeof *o);
    if (!o) return w_oom(e, sizeof *o, "channels");
    *o = (struct w_channel_order){.key = key, .next = cal ? cal->order : NULL};
    W_TRY(eliminate(ch, g, cal, cal ? W_MAX(go, total - total / AHEAD) : go, drop, o, e));
    if (cal) cal->order = o;
    *out = o;
    return WEIR_OK;
}

weir_status w_channels_choose(const w_channels *c, w_graph *g, const w_channel_group *gr, uint32_t keep, w_calibration *cal, w_arena *scratch,
                              bool *drop, weir_error *e) {
    choice ch = {.c = c, .gr = gr, .a = scratch};
    struct w_channel_order *o = NULL;
    uint32_t total = gr->nunit + gr->nfixed, stay = W_MAX(keep, 1u);
    if (total <= stay) return WEIR_OK;
    W_TRY(order_of(&ch, g, cal, total - stay, drop, &o, e));
    for (uint32_t i = 0; i < W_MIN(o->n, total - stay); i++) drop[o->unit[i]] = true; /* fewer: the rest must stay */
    return WEIR_OK;
}

uint32_t w_channels_keep(const weir_context *ctx, uint32_t total, double share) {
    uint32_t step = W_MAX((uint32_t)ctx->kernels->lanes, 4u);
    while (step > 1 && total / step < 4) step /= 2;
    double groups = ceil(share * total / step - 0.5); /* nearest; halves go down */
    uint32_t keep = (uint32_t)W_MAX(groups, 1.0) * step;
    return W_MIN(keep, total);
}
