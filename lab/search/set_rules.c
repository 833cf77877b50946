/* --set REGEX=f32 | REGEX=intN | REGEX=TECHNIQUE:KEY=VALUE[,KEY=VALUE...]: settings that the search does not choose. */
#include "search.h"
#include <regex.h>
#include <stdlib.h>
#include <string.h>

typedef struct set_rule { char pattern[300]; const w_technique *technique; /* NULL: f32 */ json_t *params; } set_rule;

weir_status w_pattern_matches(const char *pattern, const char *option, const char *label, bool *out, weir_error *e) {
    regex_t re;
    if (!w_pattern_is_modest(pattern)) return w_fail(e, WEIR_USAGE, "%s '%s' repeats or nests too often", option, pattern);
    int bad = regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB);
    if (bad == REG_ESPACE) return w_oom(e, strlen(pattern), "a regular expression");
    if (bad) return w_fail(e, WEIR_USAGE, "%s '%s' is no regular expression", option, pattern);
    *out = regexec(&re, label, 0, NULL, 0) == 0;
    regfree(&re);
    return WEIR_OK;
}

static weir_status wrong(const char *text, weir_error *e) {
    return w_fail(e, WEIR_USAGE, "--set '%s': expected REGEX=f32, REGEX=int8 (int2 to int8: bits of the weights) or "
                                 "REGEX=TECHNIQUE:KEY=VALUE,...", text);
}

/* A number, true, false, or else a word. */
static json_t *value_of(const char *text, size_t n) {
    char word[64], *end;
    if (n == 0 || n >= sizeof word) return NULL;
    memcpy(word, text, n);
    word[n] = 0;
    if (!strcmp(word, "true") || !strcmp(word, "false")) return json_boolean(word[0] == 't');
    long long whole = strtoll(word, &end, 10);
    if (!*end) return json_integer(whole);
    double x = strtod(word, &end);
    return *end ? json_string(word) : json_real(x);
}

static bool known_key(const w_technique *t, const char *key, size_t n) {
    for (size_t i = 0; t->keys[i]; i++)
        if (strlen(t->keys[i]) == n && memcmp(t->keys[i], key, n) == 0) return true;
    return false;
}

static weir_status parse_params(const char *text, const char *at, set_rule *r, weir_error *e) {
    while (*at) {
        size_t key = strcspn(at, "="), value = at[key] ? strcspn(at + key + 1, ",") : 0;
        if (!at[key]) return wrong(text, e);
        if (!known_key(r->technique, at, key))
            return w_fail(e, WEIR_USAGE, "--set '%s': '%.*s' is no parameter of %s", text, (int)key, at, r->technique->name);
        json_t *v = value_of(at + key + 1, value);
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)key, at);
        if (!v) return wrong(text, e);
        if (json_object_set_new(r->params, name, v)) return w_oom(e, 0, "--set");
        at += key + 1 + value;
        if (*at == ',') at++;
    }
    return WEIR_OK;
}

/* What stands behind the '=' that ends the expression. */
static weir_status parse_setting(const char *text, const char *setting, set_rule *r, weir_error *e) {
    if (!strcmp(setting, "f32")) return WEIR_OK;
    if (strlen(setting) == 4 && !strncmp(setting, "int", 3) && setting[3] >= '2' && setting[3] <= '8') {
        r->technique = &w_technique_int8;
        r->params = json_pack("{s:i,s:s,s:s}", "bits", setting[3] - '0', "rounding", "feedback", "calibration", "mse");
        return r->params ? WEIR_OK : w_oom(e, 0, "--set");
    }
    char name[32];
    size_t n = strcspn(setting, ":");
    snprintf(name, sizeof name, "%.*s", (int)W_MIN(n, sizeof name - 1), setting);
    r->technique = w_technique_find(name);
    if (!r->technique) return wrong(text, e);
    r->params = json_object();
    if (!r->params) return w_oom(e, 0, "--set");
    return parse_params(text, setting[n] ? setting + n + 1 : setting + n, r, e);
}

/* The '=' that ends the expression is the last before the technique's ':', or the last of all. */
static const char *split(const char *text) {
    const char *last = NULL, *eq = strchr(text, '=');
    for (; eq; eq = strchr(eq + 1, '=')) {
        char name[32];
        size_t n = strcspn(eq + 1, ":");
        snprintf(name, sizeof name, "%.*s", (int)W_MIN(n, sizeof name - 1), eq + 1);
        if (eq[1 + n] == ':' && w_technique_find(name)) return eq;
        last = eq;
    }
    return last;
}

static weir_status parse_set(const char *text, set_rule *r, weir_error *e) {
    const char *eq = split(text);
    size_t n = eq ? (size_t)(eq - text) : 0;
    if (n == 0 || n >= sizeof r->pattern) return wrong(text, e);
    memcpy(r->pattern, text, n);
    r->pattern[n] = 0;
    return parse_setting(text, eq + 1, r, e);
}

static weir_status fix(w_search *s, w_layer *l, set_rule *r, weir_error *e) {
    size_t k = 0;
    while (w_techniques[k] != r->technique) k++;
    if (!r->technique->takes(s->model->graph, &s->model->graph->node[l->node])) return WEIR_OK;
    w_ladder *d = &l->ladder[k];
    w_rung *rung = w_arena_alloc(&s->arena, sizeof *rung);
    if (!rung || json_array_append(s->settings, r->params)) return w_oom(e, sizeof *rung, "--set");
    rung->params = r->params;
    *d = (w_ladder){.technique = r->technique, .rung = rung, .n = 1, .fixed = true};
    l->frozen = true;
    return WEIR_OK;
}

/* The last --set about a layer decides between f32 and techniques; several techniques may meet on one layer. */
weir_status w_set_rules(w_search *s, w_layer *l, bool *any, weir_error *e) {
    *any = false;
    for (size_t i = 0; i < s->o->nset; i++) {
        set_rule r = {.technique = NULL};
        bool hit = false;
        weir_status st = parse_set(s->o->set[i], &r, e);
        if (st == WEIR_OK) st = w_pattern_matches(r.pattern, "--set", l->label, &hit, e);
        if (st == WEIR_OK && hit && r.technique) st = fix(s, l, &r, e);
        if (st == WEIR_OK && hit && !r.technique) {
            memset(l->ladder, 0, sizeof l->ladder);
            l->frozen = true;
        }
        json_decref(r.params);
        W_TRY(st);
        *any = *any || l->frozen;
    }
    return WEIR_OK;
}
