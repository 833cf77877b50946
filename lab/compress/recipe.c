/* Recipes: a JSON list of rules, checked before anything is touched, applied in order to a copy of a model.
 *
 *   {"version": 1, "rules": [{"nodes": REGEX or [NAME, ...], "technique": NAME, ...parameters, "cost": {...}}]}
 *
 * A regular expression is POSIX extended and must match the whole label of a node. The label of a layer that an earlier rule
 * split stands for all its parts; one part can be named by a label of its own. "cost" is what the search measured; it is
 * carried along and never read. */
#include "lab.h"
#include "hash.h"
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#define MAX_RULES 4096
#define MAX_REGEX 300
#define MAX_REPEATS 1000
#define MAX_DEPTH 50

static bool known_key(const w_technique *t, const char *key) {
    if (!strcmp(key, "nodes") || !strcmp(key, "technique") || !strcmp(key, "cost")) return true;
    for (size_t i = 0; t->keys[i]; i++)
        if (!strcmp(key, t->keys[i])) return true;
    return false;
}

static weir_status no_such_technique(weir_error *e, const char *what, size_t rule, const char *found) {
    char names[200];
    return w_fail(e, WEIR_BAD_INPUT, "%s: rule %zu: technique '%s' is not one of: %s", what, rule, found, w_technique_names(names));
}

/* Copies that the C library makes of what stands before c: n for {n} and {m,n}, m + 1 for {m,} (+ is {1,}), but one for * and ?. */
static long copies(const char *re, const char *c) {
    if (*c == '+') return c > re && strchr(")*+?}", c[-1]) ? 2 : 1; /* of a single character: they do not multiply */
    if (*c != '{') return 1;
    char *end, *last;
    long m = strtol(c + 1, &end, 10), n = m;
    if (*end == ',') {
        n = strtol(end + 1, &last, 10);
        if (last == end + 1) n = m <= MAX_REPEATS ? m + 1 : m;
    }
    n = n > m ? n : m;
    return n < 1 ? 1 : n <= MAX_REPEATS ? n : MAX_REPEATS + 1;
}

/* The C library's expressions grow with the product of nested repeats and recurse over parentheses: both have a limit. */
bool w_pattern_is_modest(const char *re) {
    long repeats = 1;
    int depth = 0;
    for (const char *c = re; *c; c++) {
        if (*c == '(' && ++depth > MAX_DEPTH) return false;
        if (*c == ')' && depth > 0) depth--;
        if ((repeats *= copies(re, c)) > MAX_REPEATS) return false;
    }
    return true;
}

static weir_status check_nodes(const json_t *nodes, const char *what, size_t rule, weir_error *e) {
    size_t i;
    json_t *name;
    if (json_is_string(nodes)) {
        regex_t re;
        if (json_string_length(nodes) > MAX_REGEX)
            return w_fail(e, WEIR_BAD_INPUT, "%s: rule %zu: 'nodes' is longer than %d characters", what, rule, MAX_REGEX);
        if (!w_pattern_is_modest(json_string_value(nodes)))
            return w_fail(e, WEIR_BAD_INPUT, "%s: rule %zu: '%s' repeats more than %d times or nests deeper than %d", what, rule, json_string_value(nodes), MAX_REPEATS, MAX_DEPTH);
        int bad = regcomp(&re, json_string_value(nodes), REG_EXTENDED | REG_NOSUB);
        if (bad == REG_ESPACE) return w_oom(e, MAX_REGEX, "a regular expression");
        if (bad) return w_fail(e, WEIR_BAD_INPUT, "%s: rule %zu: '%s' is no regular expression", what, rule, json_string_value(nodes));
        regfree(&re);
        return WEIR_OK;
    }
    if (!json_is_array(nodes) || json_array_size(nodes) == 0)
        return w_fail(e, WEIR_BAD_INPUT, "%s: rule %zu: 'nodes' must be a regular expression or a list of names", what, rule);
    json_array_foreach(nodes, i, name)
        if (!json_is_string(name)) return w_fail(e, WEIR_BAD_INPUT, "%s: rule %zu: 'nodes' may hold names only", what, rule);
    return WEIR_OK;
}

static weir_status check_rule(const json_t *rule, const char *what, size_t i, weir_error *e) {
    const char *name = json_string_value(json_object_get(rule, "technique")), *key;
    json_t *v;
    if (!json_is_object(rule) || !name) return w_fail(e, WEIR_BAD_INPUT, "%s: rule %zu has no 'technique'", what, i);
    const w_technique *t = w_technique_find(name);
    if (!t) return no_such_technique(e, what, i, name);
    json_object_foreach((json_t *)(uintptr_t)rule, key, v)
        if (!known_key(t, key)) return w_fail(e, WEIR_BAD_INPUT, "%s: rule %zu: '%s' is no parameter of %s", what, i, key, name);
    return check_nodes(json_object_get(rule, "nodes"), what, i, e);
}

weir_status w_recipe_parse(const char *text, const char *what, json_t **out, weir_error *e) {
    json_t *r;
    W_TRY(w_json_parse(text, strlen(text), what, &r, e));
    json_t *rules = json_object_get(r, "rules");
    weir_status s = WEIR_OK;
    if (!json_is_array(rules)) s = w_fail(e, WEIR_BAD_INPUT, "%s: a recipe is an object with a list 'rules'", what);
    else if (json_array_size(rules) > MAX_RULES) s = w_fail(e, WEIR_BAD_INPUT, "%s: more than %d rules", what, MAX_RULES);
    else if (json_object_get(r, "version") && json_integer_value(json_object_get(r, "version")) != 1)
        s = w_fail(e, WEIR_BAD_INPUT, "%s: recipe version %lld, this weir reads 1", what, (long long)json_integer_value(json_object_get(r, "version")));
    for (size_t i = 0; s == WEIR_OK && i < json_array_size(rules); i++) s = check_rule(json_array_get(rules, i), what, i + 1, e);
    if (s != WEIR_OK) json_decref(r);
    else *out = r;
    return s;
}

static const w_technique *rule_technique(const json_t *rule) {
    return w_technique_find(json_string_value(json_object_get(rule, "technique")));
}

bool w_recipe_needs_data(const json_t *recipe) {
    size_t i;
    json_t *rule;
    json_array_foreach(json_object_get(recipe, "rules"), i, rule) {
        const w_technique *t = rule_technique(rule);
        if (t->needs_data && t->needs_data(rule)) return true;
    }
    return false;
}

static bool whole_match(const regex_t *re, const char *label) {
    regmatch_t m[1];
    return regexec(re, label, 1, m, 0) == 0 && m[0].rm_so == 0 && label[m[0].rm_eo] == 0;
}

static bool in_list(const json_t *list, const char *label) {
    size_t i;
    json_t *name;
    json_array_foreach(list, i, name)
        if (strcmp(json_string_value(name), label) == 0) return true;
    return false;
}

static bool names_node(const json_t *nodes, const regex_t *re, const w_graph *g, const w_node *n) {
    const char *label = w_node_label(g, n), *layer = w_node_layer(g, n);
    if (json_is_string(nodes)) return whole_match(re, label) || (layer != label && whole_match(re, layer));
    return in_list(nodes, label) || (layer != label && in_list(nodes, layer));
}

/* Nodes that the rule names and its technique takes. */
static weir_status select_nodes(w_graph *g, const w_graph *origin, const json_t *rule, size_t number, w_selection *out, weir_error *e) {
    const json_t *nodes = json_object_get(rule, "nodes");
    const w_technique *t = rule_technique(rule);
    w_id *list = w_arena_array(&g->arena, g->nnode + 1, sizeof *list);
    size_t named = 0, n = 0;
    regex_t re;
    if (!list) return w_oom(e, g->nnode * sizeof *list, "a selection");
    bool pattern = json_is_string(nodes);
    if (pattern && regcomp(&re, json_string_value(nodes), REG_EXTENDED)) return w_oom(e, MAX_REGEX, "a regular expression");
    for (w_id i = 0; i < g->nnode; i++) {
        if (g->node[i].op == W_OP_NONE) continue;
        if (!names_node(nodes, &re, g, &g->node[i])) continue;
        named++;
        if (t->takes(g, &g->node[i])) list[n++] = i;
    }
    if (pattern) regfree(&re);
    *out = (w_selection){.node = list, .n = n, .origin = origin};
    if (named == 0) return w_fail(e, WEIR_BAD_INPUT, "rule %zu (%s): no node of %s has such a name", number, t->name, g->source);
    if (n == 0) return w_fail(e, WEIR_BAD_INPUT, "rule %zu (%s): none of the %zu nodes named can take it", number, t->name, named);
    return WEIR_OK;
}

/* Both keys decide about activations, which neighbouring layers share. */
static bool same_calibration(const json_t *a, const json_t *b) {
    static const char *const key[] = {"calibration", "percentile"};
    for (size_t k = 0; k < W_COUNT(key); k++) {
        const json_t *x = json_object_get(a, key[k]), *y = json_object_get(b, key[k]);
        if (x != y && !(x && y && json_equal(x, y))) return false;
    }
    return true;
}

/* The statistics in force: those of the network that the last rule which reshaped it left behind. */
typedef struct statistics {
    w_calibration *c;              /* NULL: no data */
    uint64_t key;                  /* hash of the rules so far */
    bool stale;                    /* a rule reshaped the graph since c was made */
} statistics;

static weir_status add_key(statistics *st, const json_t *rule, weir_error *e) {
    json_t *r = w_json_copy(rule);
    if (r) json_object_del(r, "cost");
    char *text = r ? w_json_text(r, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(r);
    if (!text) return w_oom(e, 0, "the recipe's text");
    st->key = w_hash64(text, strlen(text), st->key);
    free(text);
    return WEIR_OK;
}

static weir_status follow(statistics *st, const w_graph *g, const w_technique *t, weir_error *e) {
    if (!st->c || t->blind) return WEIR_OK;
    if (st->stale) W_TRY(w_calibration_follow(st->c, g, st->key, &st->c, e));
    st->stale = false;
    return t->reshapes ? WEIR_OK : w_calibration_ranges(st->c, e);
}

static weir_status apply_rule(w_graph *g, const w_graph *origin, const json_t *rule, size_t number, statistics *st, weir_error *e) {
    const w_technique *t = rule_technique(rule);
    w_selection s;
    if (w_cancelled(g->ctx)) return w_fail(e, WEIR_INTERRUPTED, "interrupted");
    W_TRY(select_nodes(g, origin, rule, number, &s, e));
    weir_status bad = follow(st, g, t, e);
    if (bad == WEIR_OK) bad = t->apply(g, &s, rule, st->c, e);
    if (bad != WEIR_OK) return w_fail_prefix(e, bad, "rule %zu (%s)", number, t->name);
    st->stale = st->stale || t->reshapes;
    return add_key(st, rule, e);
}

static weir_status apply_rules(w_graph *g, const w_graph *origin, const json_t *recipe, w_calibration *c, weir_error *e) {
    const json_t *rules = json_object_get(recipe, "rules"), *first_int8 = NULL;
    statistics st = {.c = c};
    size_t i;
    json_t *rule;
    json_array_foreach(rules, i, rule) {
        W_TRY(apply_rule(g, origin, rule, i + 1, &st, e));
        if (rule_technique(rule) != &w_technique_int8 || !w_int8_is_static(rule)) continue;
        if (first_int8 && !same_calibration(first_int8, rule))
            return w_fail(e, WEIR_BAD_INPUT, "rule %zu (int8): 'calibration' and 'percentile' differ from an earlier int8 rule; activations are shared, so one choice holds for all", i + 1);
        if (!first_int8) first_int8 = rule;
    }
    if (!first_int8) return WEIR_OK;
    W_TRY(follow(&st, g, &w_technique_int8, e));
    return w_int8_finish(g, first_int8, st.c, e);
}

weir_status w_recipe_apply(const weir_model *model, const json_t *recipe, w_calibration *c, weir_model **out, weir_error *e) {
    w_graph *g;
    if (!c && w_recipe_needs_data(recipe)) return w_fail(e, WEIR_USAGE, "this recipe needs calibration data (--train or --data)");
    W_TRY(w_graph_clone(model->graph, &g, e));
    weir_status s = apply_rules(g, model->graph, recipe, c, e);
    if (s == WEIR_OK) s = w_passes_canonical(g, e);
    if (s != WEIR_OK) {
        w_graph_destroy(g);
        return s;
    }
    char *text = w_json_text(recipe, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(9));
    s = text ? w_model_derive(model, g, text, out, e) : w_oom(e, 0, "the recipe's text");
    if (!text) w_graph_destroy(g);
    free(text);
    return s;
}
