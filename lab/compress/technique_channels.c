/* Channel pruning (E3): channels leave the network for good, with all that makes and reads them, and dense kernels run what
 * is left. One shot, without training: calibration data says which channels the next layers can do without, and their
 * weights are solved again by least squares (after arXiv 1707.06168 and the second-order view of 2203.07259). */
#include "channels.h"
#include <string.h>

static const char *const methods[] = {"reconstruct", "magnitude", NULL};
static const char *const keys[] = {"keep", "method", NULL};

static bool takes(const w_graph *g, const w_node *n) {
    if (!w_node_has_weights(g, n)) return false;
    const w_value *w = &g->value[n->in[1]];
    if (w->type == WEIR_S8) return false;
    int64_t groups = n->op == W_OP_Conv ? ((const w_conv_attr *)n->attr)->group : 1;
    return groups == 1 || (w->shape.dim[1] != 1 && w->shape.dim[0] != groups); /* a depthwise layer has its input's channels */
}

/* The groups of the selected nodes, each once. *why: the reason of one that may not be pruned. */
static size_t groups_of(const w_channels *c, const w_selection *s, const w_channel_group **out, const char **why) {
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++) {
        const w_channel_group *gr = w_channels_group(c, s->node[i]);
        bool known = false;
        if (gr && !gr->nunit) *why = gr->fixed;
        for (size_t k = 0; k < n; k++) known = known || out[k] == gr;
        if (gr && gr->nunit && !known) out[n++] = gr;
    }
    return n;
}

typedef struct prune { w_graph *g; w_calibration *c; w_arena *a; double keep; } prune;

static weir_status choose_all(const prune *p, const w_channels *c, const w_selection *s, bool *drop, weir_error *e) {
    const w_channel_group **list = w_arena_array(p->a, s->n + 1, sizeof *list);
    const char *why = "makes no channels of its own";
    if (!list) return w_oom(e, s->n * sizeof *list, "channels");
    size_t n = groups_of(c, s, list, &why);
    if (n == 0) return w_fail(e, WEIR_BAD_INPUT, "no channels of '%s' may leave: %s", w_node_label(p->g, &p->g->node[s->node[0]]), why);
    for (size_t i = 0; i < n; i++) {
        uint32_t keep = w_channels_keep(p->g->ctx, list[i]->nunit + list[i]->nfixed, p->keep);
        W_TRY(w_channels_choose(c, p->g, list[i], keep, p->c, p->a, drop, e));
    }
    return WEIR_OK;
}

/* All groups of a rule are judged on the network as the rule finds it, and layers that read several are solved once. */
static weir_status prune_channels(const prune *p, const w_selection *s, weir_error *e) {
    w_channels c, after;
    W_TRY(w_channels_find(p->g, p->a, &c, e));
    bool *drop = w_arena_array(p->a, c.nunit + 1, sizeof *drop);
    if (!drop) return w_oom(e, c.nunit, "channels");
    W_TRY(choose_all(p, &c, s, drop, e));
    if (p->c) W_TRY(w_channels_rebuild(&c, p->g, drop, p->c, p->a, e));
    W_TRY(w_channels_find(p->g, p->a, &after, e)); /* the same units; cuts of biases that are new, too */
    return w_channels_remove(&after, p->g, drop, e);
}

static weir_status apply(w_graph *g, const w_selection *s, const json_t *params, w_calibration *c, weir_error *e) {
    const char *method;
    w_arena a;
    prune p = {.g = g, .a = &a};
    W_TRY(w_param_num(params, "keep", 0.75, 0.01, 1, &p.keep, e));
    W_TRY(w_param_str(params, "method", "reconstruct", methods, &method, e));
    if (method == methods[0]) p.c = c;
    if (method == methods[0] && !c) return w_fail(e, WEIR_USAGE, "channels by 'reconstruct' need calibration data (--train or --data)");
    w_arena_init(&a, g->ctx);
    weir_status st = prune_channels(&p, s, e);
    w_arena_fini(&a);
    return st;
}

/* On the first layer of each group; a share that keeps as many as another says nothing new. */
static weir_status ladder_of(const w_channels *c, w_id node, json_t *settings, weir_error *e) {
    static const double share[] = {0.875, 0.75, 0.625, 0.5, 0.375, 0.25};
    const w_channel_group *gr = w_channels_group(c, node);
    if (!gr || !gr->nunit || gr->node[0] != node) return WEIR_OK;
    uint32_t total = gr->nunit + gr->nfixed, last = total;
    for (size_t i = 0; i < W_COUNT(share); i++) {
        uint32_t keep = w_channels_keep(c->g->ctx, total, share[i]);
        if (keep >= last || keep < gr->nfixed) continue;
        last = keep;
        W_TRY(w_ladder_add(settings, json_pack("{s:f,s:s}", "keep", share[i], "method", methods[0]), e));
    }
    return WEIR_OK;
}

static weir_status ladder(const w_graph *g, w_id node, json_t *settings, weir_error *e) {
    w_arena a;
    w_channels c;
    w_arena_init(&a, g->ctx);
    weir_status st = w_channels_find(g, &a, &c, e);
    if (st == WEIR_OK) st = ladder_of(&c, node, settings, e);
    w_arena_fini(&a);
    return st;
}

const w_technique w_technique_channels = {
    .name = "channels", .row = "E3", .summary = "take channels out of the network for good", .keys = keys,
    .draft = "{\"method\": \"magnitude\"}", .reshapes = true, .takes = takes,
    .ladder = ladder, .apply = apply, .verdict = w_verdict_channels};
