/* A small scanner over the text; names are words up to a blank, comma or closing parenthesis. */
#include "graph_text.h"
#include "hash.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct reader { w_graph *g; const char *s; weir_error *e; } reader;

static void blanks(reader *r) { r->s += strspn(r->s, " "); }

static bool eat(reader *r, const char *token) {
    blanks(r);
    size_t n = strlen(token);
    if (strncmp(r->s, token, n)) return false;
    r->s += n;
    return true;
}

static weir_status need(reader *r, const char *token) {
    return eat(r, token) ? WEIR_OK : w_fail(r->e, WEIR_BAD_INPUT, "expected '%s' at '%.40s'", token, r->s);
}

static void word(reader *r, char *out, size_t size) {
    blanks(r);
    size_t n = strcspn(r->s, " ,()[]{}\n:=");
    snprintf(out, size, "%.*s", (int)n, r->s);
    r->s += n;
}

static double number(reader *r) {
    char *end;
    blanks(r);
    double x = strtod(r->s, &end);
    r->s = end;
    return x;
}

static w_type type_of(const char *name) {
    for (int t = WEIR_F32; t <= WEIR_BOOL; t++)
        if (!strcmp(name, w_type_name((w_type)t))) return (w_type)t;
    return 0;
}

static weir_status type_and_shape(reader *r, w_type *t, w_shape *s) {
    char name[64];
    word(r, name, sizeof name);
    *t = type_of(name);
    *s = (w_shape){.known = true};
    W_TRY(need(r, "["));
    while (!eat(r, "]")) {
        eat(r, ",");
        blanks(r);
        if (*r->s >= '0' && *r->s <= '9') s->dim[s->rank++] = (int64_t)number(r);
        else {
            word(r, name, sizeof name);
            W_TRY(w_graph_symbol(r->g, name, &s->dim[s->rank++], r->e));
        }
    }
    return WEIR_OK;
}

static void store(void *p, w_type t, size_t i, double x) {
    switch (t) {
    case WEIR_F32: ((float *)p)[i] = (float)x; break;
    case WEIR_F16: ((uint16_t *)p)[i] = w_f32_to_f16((float)x); break;
    case WEIR_S64: ((int64_t *)p)[i] = (int64_t)x; break;
    case WEIR_S32: ((int32_t *)p)[i] = (int32_t)x; break;
    default: ((uint8_t *)p)[i] = (uint8_t)(int)x; break;
    }
}

static double load(const void *p, w_type t, size_t i) {
    switch (t) {
    case WEIR_F32: return ((const float *)p)[i];
    case WEIR_F16: return w_f16_to_f32(((const uint16_t *)p)[i]);
    case WEIR_S64: return (double)((const int64_t *)p)[i];
    case WEIR_S32: return ((const int32_t *)p)[i];
    case WEIR_S8: return ((const int8_t *)p)[i];
    default: return ((const uint8_t *)p)[i];
    }
}

/* Multiples of 1/32 in [-1, 1), or whole numbers below 100 for integers: sums stay exact for long. */
static void make_up(const char *name, void *p, w_type t, size_t n, bool positive) {
    uint64_t x = w_hash64(name, strlen(name), 7);
    bool real = t == WEIR_F32 || t == WEIR_F16;
    for (size_t i = 0; i < n; i++) {
        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        int k = (int)(x >> 58) - 32;
        if (positive) k = abs(k) + 1;
        store(p, t, i, real ? k / 32.0 : k);
    }
}

/* q(SCALE,ZERO), if it stands here. */
static weir_status quantisation(reader *r, const w_quant **out) {
    if (!eat(r, "q(")) return WEIR_OK;
    w_quant *q = w_arena_alloc(&r->g->arena, sizeof *q);
    float *scale = w_arena_alloc(&r->g->arena, sizeof *scale);
    int32_t *zero = w_arena_alloc(&r->g->arena, sizeof *zero);
    if (!q || !scale || !zero) return w_oom(r->e, 0, "a quantisation");
    *scale = (float)number(r);
    eat(r, ",");
    *zero = (int32_t)number(r);
    *q = (w_quant){1, 0, scale, zero};
    *out = q;
    return need(r, ")");
}

static weir_status constant(reader *r) {
    char name[128];
    w_type t;
    w_shape s;
    w_id id;
    word(r, name, sizeof name);
    const w_quant *quant = NULL;
    W_TRY(type_and_shape(r, &t, &s));
    W_TRY(quantisation(r, &quant));
    size_t n = (size_t)w_shape_count(&s);
    void *data = w_arena_alloc_aligned(&r->g->arena, n * w_type_size(t) + 1);
    if (!data) return w_oom(r->e, n, "a constant");
    if (eat(r, "=")) {
        W_TRY(need(r, "{"));
        for (size_t i = 0; i < n; i++) {
            store(data, t, i, number(r));
            eat(r, ",");
        }
        W_TRY(need(r, "}"));
    } else make_up(name, data, t, n, eat(r, "+"));
    W_TRY(w_graph_add_const(r->g, name, t, &s, data, &id, r->e));
    r->g->value[id].quant = quant;
    return WEIR_OK;
}

static weir_status named(reader *r, const char *name, w_id *id) {
    *id = w_graph_find(r->g, name);
    return *id == W_NONE ? w_graph_add_value(r->g, name, id, r->e) : WEIR_OK;
}

static weir_status ids(reader *r, w_id *list, uint32_t *n) {
    char name[128];
    while (!eat(r, ")")) {
        eat(r, ",");
        word(r, name, sizeof name);
        if (!strcmp(name, "-")) list[(*n)++] = W_NONE;
        else W_TRY(named(r, name, &list[(*n)++]));
    }
    return WEIR_OK;
}

/* TYPE q(SCALE,ZERO) behind an output's name. */
static weir_status storage(reader *r, w_id id) {
    char name[64];
    const char *at = r->s;
    word(r, name, sizeof name);
    if (!type_of(name)) return r->s = at, WEIR_OK;
    r->g->value[id].type = type_of(name);
    return quantisation(r, &r->g->value[id].quant);
}

static weir_status attr_ints(reader *r, w_ints *a) {
    W_TRY(need(r, "["));
    a->v = w_arena_array(&r->g->arena, 16, sizeof *a->v);
    if (!a->v) return w_oom(r->e, 0, "attributes");
    a->present = true;
    while (!eat(r, "]")) {
        eat(r, ",");
        a->v[a->n++] = (int64_t)number(r);
    }
    return WEIR_OK;
}

static weir_status attribute(reader *r, uint16_t op, void *attr) {
    char name[64], text[64];
    word(r, name, sizeof name);
    W_TRY(need(r, "="));
    const w_op_def *d = w_op_get(op);
    for (uint32_t i = 0; i < d->nattrs; i++) {
        if (strcmp(d->attrs[i].name, name)) continue;
        void *field = (char *)attr + d->attrs[i].offset;
        switch (d->attrs[i].kind) {
        case W_ATTR_INT: *(int64_t *)field = (int64_t)number(r); return WEIR_OK;
        case W_ATTR_FLOAT: *(float *)field = (float)number(r); return WEIR_OK;
        case W_ATTR_INTS: return attr_ints(r, field);
        case W_ATTR_STRING:
            word(r, text, sizeof text);
            *(char **)field = w_arena_strdup(&r->g->arena, text);
            return *(char **)field ? WEIR_OK : w_oom(r->e, 0, "attributes");
        default: break;
        }
    }
    return w_fail(r->e, WEIR_BAD_INPUT, "%s has no attribute '%s' that tests can set", d->name, name);
}

static weir_status node(reader *r, const char *label) {
    char name[128];
    w_id in[16], out[8];
    uint32_t nin = 0, nout = 0;
    while (!eat(r, "=")) {
        eat(r, ",");
        word(r, name, sizeof name);
        W_TRY(named(r, name, &out[nout]));
        W_TRY(storage(r, out[nout++]));
    }
    word(r, name, sizeof name);
    w_op op = w_op_find(name, NULL);
    if (!op) return w_fail(r->e, WEIR_BAD_INPUT, "no operator '%s'", name);
    W_TRY(need(r, "("));
    W_TRY(ids(r, in, &nin));
    void *attr = w_op_attr_new(r->g, op);
    if (!attr && w_op_get((uint16_t)op)->attr_size) return w_oom(r->e, 0, "attributes");
    for (blanks(r); *r->s && *r->s != '\n'; blanks(r)) W_TRY(attribute(r, (uint16_t)op, attr));
    return w_graph_add_node(r->g, (uint16_t)op, label, in, nin, out, nout, attr, NULL, r->e);
}

static weir_status line(reader *r) {
    char name[128];
    w_type t;
    w_shape s;
    w_id id;
    if (eat(r, "opset ")) return r->g->opset = (int64_t)number(r), WEIR_OK;
    if (eat(r, "const ")) return constant(r);
    bool input = eat(r, "input ");
    if (!input && eat(r, "output ")) {
        word(r, name, sizeof name);
        W_TRY(named(r, name, &id));
        return w_graph_add_output(r->g, id, r->e);
    }
    word(r, name, sizeof name);
    if (!input) {
        W_TRY(need(r, ":"));
        return node(r, name);
    }
    W_TRY(type_and_shape(r, &t, &s));
    return w_graph_add_input(r->g, name, t, &s, &id, r->e);
}

weir_status text_graph(weir_context *ctx, const char *text, w_graph **out, weir_error *e) {
    W_TRY(w_graph_create(ctx, "test", out, e));
    (*out)->opset = 17;
    reader r = {*out, text, e};
    weir_status s = WEIR_OK;
    while (s == WEIR_OK && *r.s) {
        if (*r.s == '\n') r.s++;
        else s = line(&r);
    }
    if (s != WEIR_OK) w_graph_destroy(*out);
    return s;
}

static size_t append(const w_tensor *t, const w_quant *q, double *out) {
    size_t n = w_tensor_count(t);
    for (size_t i = 0; i < n; i++) {
        out[i] = load(t->data, t->type, i);
        if (q) out[i] = q->scale[0] * (out[i] - q->zero[0]);
    }
    return n;
}

weir_status text_run(const w_graph *g, w_arena *a, double **out, size_t *n, weir_error *e) {
    w_tensor *v = w_arena_array(a, g->nvalue, sizeof *v);
    size_t total = 0;
    if (!v) return w_oom(e, 0, "values");
    for (size_t i = 0; i < g->ninput; i++) {
        const w_value *x = &g->value[g->input[i]];
        v[g->input[i]] = (w_tensor){x->type, x->shape, w_arena_alloc_aligned(a, w_value_bytes(g, g->input[i]) + 1)};
        if (!v[g->input[i]].data) return w_oom(e, 0, "an input");
        make_up(w_value_name(g, g->input[i]), v[g->input[i]].data, x->type, w_tensor_count(&v[g->input[i]]), false);
    }
    W_TRY(w_ref_graph(g, v, a, e));
    for (size_t i = 0; i < g->noutput; i++) total += w_tensor_count(&v[g->output[i]]);
    *out = w_arena_array(a, total + 1, sizeof **out);
    if (!*out) return w_oom(e, 0, "outputs");
    *n = 0;
    for (size_t i = 0; i < g->noutput; i++) *n += append(&v[g->output[i]], g->value[g->output[i]].quant, *out + *n);
    return WEIR_OK;
}
