/* Random numbers, values, constants and nodes of a random graph. Numbers are integers until the last step, so that they do
 * not depend on how a machine rounds. */
#include "rg.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ELEMENTS = 12000, MOST_LARGE = 80000 }; /* of a value that is computed */

uint32_t rg_next(rg_graph *g) { /* SplitMix64 */
    uint64_t z = g->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ z >> 31) >> 32);
}

int rg_pick(rg_graph *g, int n) { return n > 0 ? (int)(rg_next(g) % (uint32_t)n) : 0; }
int rg_range(rg_graph *g, int lo, int hi) { return lo + rg_pick(g, hi - lo + 1); }
bool rg_chance(rg_graph *g, int percent) { return rg_pick(g, 100) < percent; }

float rg_uniform(rg_graph *g, float lo, float hi) {
    float t = (float)(rg_next(g) >> 8) * 0x1p-24f;
    return lo + (hi - lo) * t;
}

void *rg_alloc(rg_graph *g, size_t bytes) {
    rg_block *b = calloc(1, sizeof *b + 16 + bytes);
    if (!b) {
        g->failed = true;
        return NULL;
    }
    b->next = g->block;
    g->block = b;
    return (uint8_t *)b + 16;
}

void rg_release(rg_graph *g) {
    while (g->block) {
        rg_block *next = g->block->next;
        free(g->block);
        g->block = next;
    }
}

int64_t rg_count(const rg_value *v) {
    int64_t n = 1;
    for (int i = 0; i < v->rank; i++) n *= v->dim[i];
    return n;
}

bool rg_real(int type) { return type == RG_F32 || type == RG_F16; }

size_t rg_size(int type) {
    switch (type) {
    case RG_F32: case RG_S32: return 4;
    case RG_S64: return 8;
    case RG_F16: return 2;
    default: return 1;
    }
}

/* Half precision by its definition, for numbers whose size lies in the normal range or is 0. */
static uint16_t half(double x) {
    int exp;
    uint16_t sign = x < 0 ? 0x8000 : 0;
    double m = frexp(fabs(x), &exp);
    if (m == 0 || exp < -13) return sign;
    uint32_t bits = (uint32_t)rint(ldexp(m, 11)) + ((uint32_t)(exp + 13) << 10);
    return (uint16_t)(sign | bits);
}

static double half_value(uint16_t h) {
    int exp = h >> 10 & 31;
    double m = exp ? ldexp(1024 + (h & 1023), exp - 25) : ldexp(h & 1023, -24);
    return h & 0x8000 ? -m : m;
}

void rg_store(int type, void *data, int64_t i, double x) {
    switch (type) {
    case RG_F32: ((float *)data)[i] = (float)x; break;
    case RG_F16: ((uint16_t *)data)[i] = half(x); break;
    case RG_S32: ((int32_t *)data)[i] = (int32_t)x; break;
    case RG_S64: ((int64_t *)data)[i] = (int64_t)x; break;
    case RG_S8: ((int8_t *)data)[i] = (int8_t)x; break;
    case RG_BOOL: ((uint8_t *)data)[i] = x != 0; break;
    default: ((uint8_t *)data)[i] = (uint8_t)x; break;
    }
}

float rg_number(const rg_value *v, int64_t i) {
    switch (v->type) {
    case RG_F32: return ((const float *)v->data)[i];
    case RG_F16: return (float)half_value(((const uint16_t *)v->data)[i]);
    case RG_S32: return (float)((const int32_t *)v->data)[i];
    case RG_S64: return (float)((const int64_t *)v->data)[i];
    case RG_S8: return ((const int8_t *)v->data)[i];
    default: return ((const uint8_t *)v->data)[i];
    }
}

/* Value RG_VALUES-1 is where everything lands that no longer fits. */
static int value(rg_graph *g, rg_kind kind, int type, int rank, const int64_t *dim) {
    if (g->nvalue == RG_VALUES) g->failed = true;
    int id = g->failed ? RG_VALUES - 1 : g->nvalue++;
    rg_value *v = &g->value[id];
    *v = (rg_value){.type = type, .rank = rank, .kind = kind, .mag = 1};
    for (int i = 0; i < rank; i++) v->dim[i] = dim[i];
    return id;
}

int rg_input(rg_graph *g, int type, int rank, const int64_t *dim, bool batch) {
    int id = value(g, RG_INPUT, type, rank, dim);
    g->value[id].fill = rg_next(g);
    g->value[id].batch = batch && g->batch;
    g->value[id].mag = 2;
    return id;
}

static int constant(rg_graph *g, int type, int rank, const int64_t *dim, void **data) {
    int id = value(g, RG_CONST, type, rank, dim);
    rg_value *v = &g->value[id];
    v->list = rg_chance(g, 25);
    v->as_node = rg_chance(g, 15) && (g->opset >= 9 || rg_real(type)); /* Constant of version 1 holds real numbers */
    *data = rg_alloc(g, (size_t)rg_count(v) * rg_size(type) + 8);
    v->data = *data;
    return id;
}

int rg_const(rg_graph *g, int type, int rank, const int64_t *dim, float lo, float hi) {
    void *data;
    int id = constant(g, type, rank, dim, &data);
    int64_t n = rg_count(&g->value[id]);
    for (int64_t i = 0; data && i < n; i++) {
        double x = rg_uniform(g, lo, hi);
        if (rg_chance(g, 3) && lo <= 0 && hi >= 0) x = 0;
        rg_store(type, data, i, x);
    }
    g->value[id].mag = fmaxf(fabsf(lo), fabsf(hi));
    return id;
}

int rg_weights(rg_graph *g, int rank, const int64_t *dim, float lo, float hi) {
    int64_t count = 1;
    for (int i = 0; i < rank; i++) count *= dim[i];
    bool half_file = g->real == RG_F32 && count < MOST_ELEMENTS && rg_chance(g, 4);
    int w = rg_const(g, half_file ? RG_F16 : g->real, rank, dim, lo, hi);
    if (!half_file) return w;
    rg_op *n = rg_add(g, "Cast", 1, &w, 1);
    rg_set_i(n, "to", RG_F32);
    return rg_done(g, n, g->value[w].mag);
}

int rg_scalar(rg_graph *g, int type, double x) {
    void *data;
    int id = constant(g, type, 0, NULL, &data);
    if (data) rg_store(type, data, 0, x);
    g->value[id].mag = (float)fabs(x);
    return id;
}

int rg_ints(rg_graph *g, int n, const int64_t *v) {
    void *data;
    int64_t dim = n;
    int id = constant(g, RG_S64, 1, &dim, &data);
    if (data && n) memcpy(data, v, (size_t)n * sizeof *v);
    return id;
}

rg_op *rg_add(rg_graph *g, const char *op, int nin, const int *in, int nout) {
    if (g->nnode == RG_NODES - 1) g->failed = true;
    rg_op *n = &g->node[g->failed ? RG_NODES - 1 : g->nnode++];
    *n = (rg_op){.op = op, .nin = nin, .nout = nout};
    for (int i = 0; i < nin; i++) n->in[i] = in[i];
    for (int o = 0; o < nout; o++) n->out[o] = value(g, RG_NODE, 0, 0, NULL);
    return n;
}

static rg_attr *attr(rg_op *n, const char *name, char kind) {
    rg_attr *a = &n->attr[n->nattr < RG_ATTRS ? n->nattr++ : RG_ATTRS - 1];
    *a = (rg_attr){.name = name, .kind = kind};
    return a;
}

void rg_set_i(rg_op *n, const char *name, int64_t v) { attr(n, name, 'i')->i[0] = v; }
void rg_set_f(rg_op *n, const char *name, float v) { attr(n, name, 'f')->f = v; }
void rg_set_s(rg_op *n, const char *name, const char *v) { attr(n, name, 's')->s = v; }

void rg_set_ints(rg_op *n, const char *name, int count, const int64_t *v) {
    rg_attr *a = attr(n, name, 'I');
    a->n = count;
    for (int i = 0; i < count && i < RG_INTS; i++) a->i[i] = v[i];
}

const rg_attr *rg_get(const rg_op *n, const char *name) {
    for (int i = 0; i < n->nattr; i++)
        if (strcmp(n->attr[i].name, name) == 0) return &n->attr[i];
    return NULL;
}

int64_t rg_get_i(const rg_op *n, const char *name, int64_t otherwise) {
    const rg_attr *a = rg_get(n, name);
    return a ? a->i[0] : otherwise;
}

/* Whether the node may stay: valid, and no result is empty or large. */
static bool fits(rg_graph *g, rg_op *n) {
    for (int i = 0; i < n->nin; i++)
        if (n->in[i] >= 0 && g->value[n->in[i]].batch) g->value[n->out[0]].batch = true;
    if (!rg_infer(g, n)) return false;
    for (int o = 0; o < n->nout; o++) {
        const rg_value *v = &g->value[n->out[o]];
        if (rg_count(v) < 1 || rg_count(v) > (g->large ? MOST_LARGE : MOST_ELEMENTS)) return false;
        if (v->batch && (v->rank < 1 || v->dim[0] != g->batch)) return false;
    }
    return true;
}

int rg_done(rg_graph *g, rg_op *n, float mag) {
    if (g->failed) return -1;
    if (!fits(g, n)) {
        g->nnode--;
        g->nvalue -= n->nout;
        return -1;
    }
    for (int o = 0; o < n->nout; o++) g->value[n->out[o]].mag = mag;
    return n->out[0];
}

int rg_simple(rg_graph *g, const char *op, int x, int y, float mag) {
    int in[2] = {x, y};
    return rg_done(g, rg_add(g, op, y < 0 ? 1 : 2, in, 1), mag);
}
