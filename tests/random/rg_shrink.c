/* Smaller graphs that fail in the same way: fewer outputs, nodes turned into inputs or passed by, no symbol, fewer attributes,
 * smaller images. Each step is tried on a copy and kept while the mismatch stays. */
#include "rg.h"
#include <stdlib.h>
#include <string.h>

typedef struct shrink { rg_graph *best, *trial; const rg_setup *setup; const char *what; int tries; } shrink;
enum { MOST_TRIES = 500 };

static bool used_by_any(const rg_graph *g, int id) {
    for (int i = 0; i < g->noutput; i++)
        if (g->output[i] == id) return true;
    for (int k = 0; k < g->nnode; k++)
        for (int i = 0; i < g->node[k].nin; i++)
            if (g->node[k].in[i] == id) return true;
    return false;
}

static void remove_node(rg_graph *g, int k) {
    memmove(&g->node[k], &g->node[k + 1], (size_t)(g->nnode - k - 1) * sizeof *g->node);
    g->nnode--;
}

static void drop_dead(rg_graph *g) {
    for (int k = g->nnode - 1; k >= 0; k--) {
        bool used = false;
        for (int o = 0; o < g->node[k].nout; o++) used |= used_by_any(g, g->node[k].out[o]);
        if (!used) remove_node(g, k);
    }
}

static bool valid(rg_graph *g) {
    for (int k = 0; k < g->nnode; k++) {
        if (!rg_infer(g, &g->node[k])) return false;
        for (int o = 0; o < g->node[k].nout; o++)
            if (rg_count(&g->value[g->node[k].out[o]]) < 1) return false;
    }
    return g->noutput > 0 && g->nnode > 0;
}

/* Whether the trial still fails; it then is the best. */
static bool kept(shrink *s) {
    rg_report report;
    drop_dead(s->trial);
    bool better = s->tries++ < MOST_TRIES && valid(s->trial) && !rg_check(s->trial, s->setup, &report) && strcmp(report.what, s->what) == 0 && !report.refused;
    if (better) {
        *s->best = *s->trial;
        return true;
    }
    while (s->trial->block != s->best->block) {
        rg_block *next = s->trial->block->next;
        free(s->trial->block);
        s->trial->block = next;
    }
    return false;
}

static rg_graph *begin(shrink *s) {
    *s->trial = *s->best;
    return s->trial;
}

static bool fewer_outputs(shrink *s) {
    bool any = false;
    for (int i = s->best->noutput - 1; i >= 0 && s->best->noutput > 1; i--) {
        rg_graph *g = begin(s);
        memmove(&g->output[i], &g->output[i + 1], (size_t)(g->noutput - i - 1) * sizeof *g->output);
        g->noutput--;
        any |= kept(s);
    }
    return any;
}

/* Earlier results as outputs instead. */
static bool earlier_output(shrink *s) {
    for (int k = 0; k < s->best->nnode && s->best->noutput == 1; k++) {
        int id = s->best->node[k].out[0];
        if (id == s->best->output[0]) continue;
        begin(s)->output[0] = id;
        if (kept(s)) return true;
    }
    return false;
}

static bool cut_nodes(shrink *s) {
    bool any = false;
    for (int k = s->best->nnode - 1; k >= 0; k--) {
        if (k >= s->best->nnode) continue;
        rg_graph *g = begin(s);
        rg_op n = g->node[k];
        bool may = true;
        for (int o = 0; o < n.nout; o++) {
            rg_value *v = &g->value[n.out[o]];
            for (int i = 0; i < g->noutput; i++) may &= g->output[i] != n.out[o];
            may &= rg_real(v->type) && !v->data;
            v->kind = RG_INPUT;
            v->fill = (uint32_t)n.out[o];
        }
        if (!may) continue;
        remove_node(g, k);
        any |= kept(s);
    }
    return any;
}

static bool pass_by(shrink *s) {
    bool any = false;
    for (int k = s->best->nnode - 1; k >= 0; k--) {
        if (k >= s->best->nnode) continue;
        rg_graph *g = begin(s);
        int x = g->node[k].in[0], y = g->node[k].out[0];
        if (x < 0 || g->node[k].nout > 1 || g->value[x].type != g->value[y].type || g->value[x].kind == RG_CONST) continue;
        for (int j = 0; j < g->nnode; j++)
            for (int i = 0; i < g->node[j].nin; i++)
                if (g->node[j].in[i] == y) g->node[j].in[i] = x;
        for (int i = 0; i < g->noutput; i++)
            if (g->output[i] == y && g->value[x].kind == RG_NODE) g->output[i] = x;
        any |= kept(s);
    }
    return any;
}

static bool no_symbol(shrink *s) {
    if (!s->best->batch) return false;
    rg_graph *g = begin(s);
    g->batch = 0;
    for (int i = 0; i < g->nvalue; i++) g->value[i].batch = false;
    return kept(s);
}

static bool fewer_attributes(shrink *s) {
    bool any = false;
    for (int k = 0; k < s->best->nnode; k++)
        for (int a = s->best->node[k].nattr - 1; a >= 0; a--) {
            rg_op *n = &begin(s)->node[k];
            if (strcmp(n->attr[a].name, "to") == 0 || strcmp(n->attr[a].name, "kernel_shape") == 0 || strcmp(n->attr[a].name, "axis") == 0) continue;
            memmove(&n->attr[a], &n->attr[a + 1], (size_t)(n->nattr - a - 1) * sizeof *n->attr);
            n->nattr--;
            any |= kept(s);
        }
    return any;
}

static bool fewer_operands(shrink *s) {
    bool any = false;
    for (int k = 0; k < s->best->nnode; k++) {
        rg_op *n = &begin(s)->node[k];
        if (n->nin != 3 || strcmp(n->op, "Conv") != 0) continue;
        n->nin = 2;
        any |= kept(s);
    }
    return any;
}

static bool smaller_inputs(shrink *s) {
    bool any = false;
    for (int i = 0; i < s->best->nvalue; i++)
        for (int d = s->best->batch ? 1 : 0; d < s->best->value[i].rank; d++) {
            if (s->best->value[i].kind != RG_INPUT) continue;
            while (s->best->value[i].dim[d] > 1) {
                int64_t size = s->best->value[i].dim[d];
                begin(s)->value[i].dim[d] = size / 2;
                bool half = kept(s);
                if (!half) begin(s)->value[i].dim[d] = size - 1;
                if (!half && !kept(s)) break;
                any = true;
            }
        }
    return any;
}

void rg_shrink(rg_graph *g, const rg_setup *setup, const char *what) {
    static bool (*const steps[])(shrink *) = {fewer_outputs, earlier_output, cut_nodes, pass_by, no_symbol, fewer_operands, fewer_attributes, smaller_inputs};
    rg_setup quiet = *setup;
    quiet.write = NULL;
    shrink s = {.best = g, .trial = malloc(sizeof *s.trial), .setup = &quiet, .what = what};
    for (bool any = s.trial != NULL; any;) {
        any = false;
        for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) any |= steps[i](&s);
        any &= s.tries < MOST_TRIES;
    }
    free(s.trial);
}
