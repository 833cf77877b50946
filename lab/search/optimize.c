/* weir_optimize: search, apply, verify, write.
 *
 * The search takes what a look will probably confirm (estimate.c), because the evaluation samples are only looked at for
 * the final verification; when a look fails, it asks for more certainty and goes on from what it already knows. */
#include "search.h"
#include "hash.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct result {
    weir_model *model;    /* the recipe applied; NULL: nothing found */
    json_t *recipe;
    w_point point;
    w_verdict verdict;
    uint64_t file_bytes;
} result;

static uint64_t dataset_hash(const weir_dataset *d, uint64_t seed) {
    int rank;
    size_t n = weir_dataset_count(d), bytes = sizeof(float);
    const int64_t *dims = weir_dataset_shape(d, &rank);
    for (int i = 0; i < rank; i++) bytes *= (size_t)dims[i];
    uint64_t h = w_hash64(&n, sizeof n, seed);
    for (size_t i = 0; i < n; i += W_MAX((size_t)1, n / 512)) {
        int label = weir_dataset_label(d, i);
        h = w_hash64(weir_dataset_sample(d, i), bytes, w_hash64(&label, sizeof label, h));
    }
    return h;
}

/* Hash of the float network: every constant and the printed graph. */
static weir_status model_hash(const weir_model *m, uint64_t *out, weir_error *e) {
    const w_graph *g = m->graph;
    w_text t;
    w_text_init(&t, m->ctx);
    w_graph_print(g, &t);
    bool bad = t.bad;
    *out = bad ? 0 : w_hash64(t.s, t.n, 7);
    w_text_fini(&t);
    for (w_id v = 0; v < g->nvalue; v++)
        if (g->value[v].kind == W_VALUE_CONST && g->value[v].data) *out = w_hash64(g->value[v].data, w_value_bytes(g, v), *out);
    return bad ? w_oom(e, 0, "the model's hash") : WEIR_OK;
}

/* Without the kernels, of which any use of weir may add some; those that count are in w_search.kernels. */
static weir_status machine_hash(weir_context *ctx, uint64_t *h, weir_error *e) {
    const w_machine *m;
    weir_document *d;
    W_TRY(w_machine_get(ctx, false, &m, e));
    w_machine *bare = w_alloc(ctx, sizeof *bare); /* too large for a stack */
    if (!bare) return w_oom(e, sizeof *bare, "the machine model");
    *bare = *m;
    bare->nkernel = 0;
    weir_status st = w_machine_doc(bare, &d, e);
    w_free(ctx, bare, sizeof *bare);
    W_TRY(st);
    *h = w_hash64(weir_document_text(d), strlen(weir_document_text(d)), *h);
    weir_document_destroy(d);
    return WEIR_OK;
}

/* The evaluation data is no part of a trial's identity unless the search uses a part of it. */
static weir_status identify(w_search *s, weir_error *e) {
    uint64_t model;
    W_TRY(model_hash(s->model, &model, e));
    s->looked_at = dataset_hash(s->o->data, model);
    s->identity = s->o->train ? dataset_hash(s->o->train, model) : w_hash64("split", 5, s->looked_at);
    const char *cpu = weir_context_cpu(s->ctx);
    s->identity = w_hash64(cpu, strlen(cpu), s->identity);
    s->identity = w_hash64(WEIR_VERSION, strlen(WEIR_VERSION), s->identity);
    s->identity = w_hash64(&s->kernels, sizeof s->kernels, s->identity);
    return machine_hash(s->ctx, &s->identity, e);
}

/* The network with nothing chosen: what loses nothing, and what --set fixed. */
static weir_status measure_base(w_search *s, weir_error *e) {
    w_trial t;
    w_choice *none = w_choice_new(s);
    json_t *r = none ? w_choice_recipe(s, none, W_RECIPE_PLAIN) : NULL;
    if (!r) return w_oom(e, 0, "a recipe");
    weir_status st = w_trial_run(s, r, W_SET_QUICK, &t, e);
    json_decref(r);
    W_TRY(st);
    s->base = t.stock;
    s->base_s = t.predicted_s;
    s->base_dram = t.dram_bytes;
    s->base_kl = t.p.kl;
    s->base_drop = w_paired_drop(&t.p);
    s->limit = s->o->relative ? s->o->max_drop * t.p.base_top1 / 100 : s->o->max_drop;
    return WEIR_OK;
}

static weir_status prepare(w_search *s, weir_error *e) {
    W_TRY(w_search_samples(s, e));
    W_TRY(w_search_layers(s, e));
    w_progress(s->ctx, "calibration", 0, 1);
    W_TRY(w_calibration_create(s->model, &s->calibration_set, &s->calibration, e));
    w_progress(s->ctx, "calibration", 1, 1);
    W_TRY(w_search_kernels(s, e));
    W_TRY(identify(s, e));
    W_TRY(w_store_open(s->ctx, s->o->trial_store, s->o->resume, &s->store, e));
    W_TRY(w_search_margins(s, e));
    W_TRY(measure_base(s, e));
    W_TRY(w_search_blankets(s, e));
    W_TRY(w_sensitivity(s, W_MEASURED_BY, e));
    return w_search_context(s, e);
}

static void result_drop(result *r) {
    weir_model_destroy(r->model);
    json_decref(r->recipe);
    r->model = NULL;
    r->recipe = NULL;
}

static weir_status apply_point(w_search *s, const w_point *p, result *r, weir_error *e) {
    result_drop(r);
    r->point = *p;
    r->recipe = w_choice_recipe(s, p->choice, W_RECIPE_ANNOTATED);
    if (!r->recipe) return w_oom(e, 0, "a recipe");
    return w_recipe_apply(s->model, r->recipe, s->calibration, &r->model, e);
}

/* Of the rules without their remarks. */
static weir_status recipe_hash(w_search *s, const w_point *p, uint64_t *out, weir_error *e) {
    json_t *recipe = w_choice_recipe(s, p->choice, W_RECIPE_PLAIN);
    char *text = recipe ? w_json_text(recipe, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(recipe);
    if (!text) return w_oom(e, 0, "a recipe");
    *out = w_hash64(text, strlen(text), 0);
    free(text);
    return WEIR_OK;
}

/* Search and verify until a recipe is met or the looks are used up. */
static weir_status search(w_search *s, result *r, weir_error *e) {
    for (;;) {
        const w_point *best;
        uint64_t hash = 0;
        W_TRY(w_solver_search(s, &best, e));
        if (!best) return w_fail(e, WEIR_INTERNAL, "the search has no recipe at all");
        if (r->model && !memcmp(best->choice, r->point.choice, s->nlayer * W_LADDERS)) return WEIR_OK; /* nothing milder is left */
        W_TRY(apply_point(s, best, r, e));
        if (s->o->dry_run) return WEIR_OK;
        W_TRY(recipe_hash(s, best, &hash, e));
        W_TRY(w_verify(s, r->model, hash, &r->verdict, e));
        if (r->verdict.met || r->verdict.last || w_search_expired(s)) return WEIR_OK;
        w_look_failed(s, &best->t.p, r->verdict.excess);
        w_points_judge(s);
    }
}

static weir_status check_options(const weir_model *model, const weir_optimize_options *o, weir_error *e) {
    const char *ob = o->objective;
    if (!o->data) return w_fail(e, WEIR_USAGE, "optimize needs --data");
    if (!(o->max_drop >= 0 && o->max_drop <= 100)) return w_fail(e, WEIR_USAGE, "--max-drop must lie between 0 and 100");
    if (ob && strcmp(ob, "time") && strcmp(ob, "bytes") && strcmp(ob, "size"))
        return w_fail(e, WEIR_USAGE, "--objective '%s': time, bytes or size", ob);
    if (model->graph->ninput != 1) return w_fail(e, WEIR_BAD_INPUT, "%s has %zu inputs; optimize takes networks with one", model->graph->source, model->graph->ninput);
    return WEIR_OK;
}

static weir_status finish(w_search *s, result *r, weir_document **out, weir_error *e) {
    W_TRY(w_optimize_document(s, r->model, r->recipe, &r->point, &r->verdict, r->file_bytes, out, e));
    if (s->o->dry_run || r->verdict.met) return WEIR_OK;
    return w_fail(e, WEIR_UNMET, "the drop may reach %.2f points (95 %%), more than the %.2f allowed", r->verdict.upper, w_verify_limit(s, &r->verdict.p));
}

/* Only a recipe that met the budget is written: a file that is there can be trusted. */
static weir_status save(result *r, const char *path, weir_error *e) {
    struct stat st;
    W_TRY(weir_model_save(r->model, path, e));
    r->file_bytes = stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
    return WEIR_OK;
}

weir_status weir_optimize(const weir_model *model, const weir_optimize_options *options, weir_document **out, weir_error *e) {
    w_search s = {.ctx = model->ctx, .model = model, .o = options, .started = w_now(), .ceiling = INFINITY};
    result r = {0};
    *out = NULL;
    W_TRY(check_options(model, options, e));
    w_arena_init(&s.arena, s.ctx);
    weir_status st = prepare(&s, e);
    if (st == WEIR_OK) st = search(&s, &r, e);
    if (st == WEIR_OK && options->output && r.verdict.met) st = save(&r, options->output, e);
    if (st == WEIR_OK) st = finish(&s, &r, out, e);
    result_drop(&r);
    if (s.point) w_free(s.ctx, s.point, s.cap_point * sizeof *s.point);
    json_decref(s.settings);
    for (int i = 0; i < W_SETS; i++) w_outputs_fini(s.ctx, &s.base_of[i]);
    w_calibration_destroy(s.calibration);
    w_store_close(s.store);
    w_arena_fini(&s.arena);
    return st;
}

weir_optimize_options weir_optimize_options_default(void) {
    return (weir_optimize_options){.struct_size = sizeof(weir_optimize_options), .max_drop = 0.5};
}
