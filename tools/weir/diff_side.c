/* weir diff: a side is a model, planned now, or a result that a verb printed. */
#include "diff.h"
#include <stdlib.h>
#include <string.h>

#define MOST ((size_t)256 << 20)

static int bad_input(const char *path, const char *why) {
    fprintf(stderr, "weir: %s: %s\n", path, why);
    return 3;
}

static int no_memory(void) {
    fprintf(stderr, "weir: out of memory\n");
    return 4;
}

/* ---- documents ---- */

/* The rest of f behind the n bytes in *text; grows it. False: memory ran out, or more than weir reads (*n > MOST). */
static bool read_rest(FILE *f, char **text, size_t *n, size_t cap) {
    for (size_t got = 1; got > 0; *n += got) {
        if (cap - *n < 4096) {
            char *more = realloc(*text, cap *= 2);
            if (!more) return false;
            *text = more;
        }
        got = fread(*text + *n, 1, cap - *n, f);
        if (*n + got > MOST) {
            *n += got;
            return false;
        }
    }
    return true;
}

static bool is_verb(const char *name) {
    for (size_t i = 0; name && verbs[i]; i++)
        if (!strcmp(verbs[i]->name, name)) return true;
    return false;
}

/* The verb of the envelope; a document of the library has none, and is known by its fields. */
static const char *kind_of(const json_t *doc) {
    const char *said = json_string_value(json_array_get(json_object_get(doc, "command"), 1));
    if (is_verb(said)) return said;
    return json_object_get(doc, "optimized") ? "optimize" : json_object_get(doc, "rows") || json_object_get(doc, "samples_ns") ? "bench"
           : json_object_get(doc, "latency_median_ms") ? "profile" : json_object_get(doc, "steps") ? "plan"
           : json_object_get(doc, "params") ? "inspect" : json_object_get(doc, "top1") ? "eval" : json_object_get(doc, "bytes") ? "ledger" : NULL;
}

/* What became of an optimized network stands where it stands for every other. */
static bool lift_optimized(json_t *doc) {
    json_t *o = json_object_get(doc, "optimized");
    return !json_is_object(o) || json_object_update_missing(doc, o) == 0;
}

static int take_text(side *s, const char *text, size_t n) {
    json_error_t je;
    char why[400];
    s->doc = json_loadb(text, n, 0, &je);
    if (!s->doc) {
        snprintf(why, sizeof why, "no JSON: line %d, column %d: %s", je.line, je.column, je.text);
        return bad_input(s->path, why);
    }
    s->kind = kind_of(s->doc);
    if (!s->kind) return bad_input(s->path, "no result of weir: none of the fields that a verb prints with --json is there");
    return lift_optimized(s->doc) ? 0 : no_memory();
}

/* ---- models ---- */

/* The rules that made a model; none made one that has no recipe. */
static json_t *recipe_of(const weir_model *m) {
    const char *text = weir_model_recipe(m);
    json_t *all = text ? json_loads(text, 0, NULL) : NULL;
    json_t *rules = json_is_array(all) ? json_incref(all) : json_incref(json_object_get(all, "rules"));
    json_decref(all);
    return rules ? rules : json_array();
}

/* What inspect and plan say, with the envelope. */
static json_t *document_of(weir_context *ctx, const weir_model *m, const weir_session_options *so, weir_error *e) {
    weir_session *s = NULL;
    weir_document *d = NULL;
    json_t *doc = weir_model_inspect(m, so, &d, e) == WEIR_OK ? take_document(d, e) : NULL, *plan = NULL, *recipe = recipe_of(m);
    if (doc && weir_session_create(m, so, &s, e) == WEIR_OK && weir_session_plan(s, &d, e) == WEIR_OK) plan = take_document(d, e);
    weir_session_destroy(s);
    bool ok = doc && plan && json_object_update(doc, plan) == 0 && json_object_set_new(doc, "machine", machine_document(ctx)) == 0 &&
              json_object_set_new(doc, "weir", json_pack("{s:s,s:s}", "version", weir_version(), "commit", weir_commit())) == 0 &&
              (!recipe || json_object_set(doc, "recipe", recipe) == 0);
    if (!ok && e->status == WEIR_OK) e->status = WEIR_NO_RESOURCE, snprintf(e->message, sizeof e->message, "out of memory");
    if (!ok) json_decref(doc), doc = NULL;
    json_decref(plan);
    json_decref(recipe);
    return doc;
}

static int take_model(side *s, const common *c, const model_args *args, weir_context **ctx) {
    weir_error e = {0};
    weir_model *m = NULL;
    weir_session_options so = session_options(args);
    s->kind = "model";
    if (!*ctx) *ctx = open_planning_context(c, &e);
    if (*ctx && weir_model_open(*ctx, s->path, &m, &e) == WEIR_OK) s->doc = document_of(*ctx, m, &so, &e);
    weir_model_destroy(m);
    progress_end();
    return s->doc ? 0 : fail(&e);
}

/* A document begins with a brace; what else there is goes to the library, which tells models apart. */
int side_open(side *s, const char *path, const common *c, const model_args *m, weir_context **ctx) {
    FILE *f = fopen(path, "rb");
    size_t cap = 1 << 16, n = 0, at = 0;
    char *text = malloc(cap);
    s->path = path;
    int rc = !f ? bad_input(path, "cannot be read") : !text ? no_memory() : 0;
    if (!rc) {
        n = fread(text, 1, 512, f);
        while (at < n && strchr(" \t\r\n", text[at])) at++;
        bool document = at < n && (text[at] == '{' || text[at] == '[');
        if (!document) rc = take_model(s, c, m, ctx);
        else if (!read_rest(f, &text, &n, cap)) rc = n > MOST ? bad_input(path, "more than 256 MiB of JSON") : no_memory();
        else rc = take_text(s, text, n);
    }
    if (!rc) side_names(s->doc);
    free(text);
    if (f) fclose(f);
    return rc;
}
