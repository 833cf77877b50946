/* weir compress: apply exactly this recipe. */
#include "cli.h"
#include <stdlib.h>
#include <string.h>

static const char *output, *recipe, *data, *train;
static opt_list without;
static bool no_finetune;

static size_t options(const opt **rows) {
    static const opt r[] = {{"output", 'o', OPT_TEXT, &output, "OUT", "the result, .weir or .onnx"},
                            {"recipe", 'r', OPT_TEXT, &recipe, "R.json", "the recipe: a list of rules written by hand, or what optimize --json printed"},
                            {"without", 0, OPT_LIST, &without, "RULE", "leave out this rule: its number, or numbers, as printed (3 or 2,5)"},
                            {"data", 'd', OPT_TEXT, &data, "D", "calibration data when there is no --train"},
                            {"train", 't', OPT_TEXT, &train, "D", "calibration data"},
                            {"no-finetune", 0, OPT_FLAG, &no_finetune, NULL, "use --train for calibration only"}};
    *rows = r;
    return sizeof r / sizeof r[0];
}

/* Whole text file, at most 16 MB; NULL after a message. */
static char *read_text(const char *path) {
    FILE *f = fopen(path, "rb");
    char *text = f ? malloc((16u << 20) + 1) : NULL;
    size_t n = text ? fread(text, 1, 16u << 20, f) : 0;
    if (!f) fprintf(stderr, "weir: %s cannot be read\n", path);
    else if (!text || !feof(f)) fprintf(stderr, "weir: %s is no recipe (too large)\n", path), free(text), text = NULL;
    else if (memchr(text, 0, n)) fprintf(stderr, "weir: %s: a NUL byte; a recipe is text\n", path), free(text), text = NULL;
    if (text) text[n] = 0;
    if (f) fclose(f);
    return text;
}

/* Marks the rules that "2,5" names; false when it names something else. */
static bool mark(const char *list, bool *drop, size_t n) {
    for (const char *at = list; *at;) {
        char *end;
        unsigned long rule = strtoul(at, &end, 10);
        if (end == at || at[0] == '-' || rule < 1 || rule > n || (*end && *end != ',')) return false;
        drop[rule - 1] = true;
        at = *end ? end + 1 : end;
    }
    return *list != 0;
}

static int drop_rules(json_t *rules) {
    size_t n = json_array_size(rules);
    bool *drop = calloc(n + 1, sizeof *drop);
    int bad = drop ? 0 : 4;
    for (size_t i = 0; !bad && i < without.n; i++)
        if (!mark(without.item[i], drop, n)) bad = usage("--without '%s': numbers from 1 to %zu, the rules of %s, are expected", without.item[i], n, recipe);
    for (size_t i = n; !bad && i-- > 0;)
        if (drop[i] && json_array_remove(rules, i)) bad = 4;
    free(drop);
    return bad;
}

/* The rules of a recipe or of optimize's document, less those that --without names, as text for the library. Text in which
 * no rules are found goes on as it is: the library says what is wrong with it. */
static int select_rules(char **text) {
    json_t *j = json_loads(*text, JSON_REJECT_DUPLICATES, NULL), *rules = json_object_get(j, "rules");
    json_t *found = rules ? rules : json_object_get(j, "recipe");
    int bad = 0;
    if (json_is_array(found) && (found != rules || without.n)) {
        bad = drop_rules(found);
        json_t *r = bad ? NULL : json_pack("{s:O}", "rules", found);
        char *shorter = r ? json_dumps(r, JSON_REAL_PRECISION(17)) : NULL;
        json_decref(r);
        if (!bad && !shorter) bad = 4;
        if (shorter) free(*text), *text = shorter;
    }
    json_decref(j);
    return bad;
}

/* Recipes come to the library as text: the file is named here. */
static weir_status apply(const weir_model *model, const char *text, const weir_dataset *set, weir_model **small, weir_error *e) {
    weir_status st = weir_compress(model, text, set, small, e);
    if (st == WEIR_BAD_INPUT) {
        weir_error named = *e;
        snprintf(named.message, sizeof named.message, "%s: %.700s", recipe, e->message);
        *e = named;
    }
    return st;
}

static int run(const common *c, int nargs, const char *const *args) {
    weir_error e = {0};
    weir_model *model = NULL, *small = NULL;
    weir_dataset *set = NULL;
    if (nargs != 1) return usage("compress takes one MODEL");
    if (!output || !recipe) return usage("compress needs -o OUT and --recipe R.json");
    if (train && !no_finetune) return usage("fine-tuning is not there yet: add --no-finetune to use --train for calibration only");
    char *text = read_text(recipe);
    if (!text) return 3;
    int bad = select_rules(&text);
    if (bad) {
        free(text);
        return bad;
    }
    weir_context *ctx = open_context(c, 0, &e);
    const char *spec = train ? train : data;
    weir_status st = ctx ? weir_model_open(ctx, args[0], &model, &e) : e.status;
    if (st == WEIR_OK && spec) st = weir_dataset_open(ctx, spec, &set, &e);
    if (st == WEIR_OK) st = apply(model, text, set, &small, &e);
    if (st == WEIR_OK) st = weir_model_save(small, output, &e);
    progress_end();
    int rc = st == WEIR_OK ? 0 : fail(&e);
    if (!rc && c->json) {
        json_t *j = json_pack("{s:s,s:s}", "input", args[0], "output", output);
        rc = j ? print_json(c, ctx, j) : 4;
        json_decref(j);
    } else if (!rc && !c->quiet) {
        printf("%s\n", output);
    }
    free(text);
    weir_model_destroy(small);
    weir_dataset_destroy(set);
    weir_model_destroy(model);
    weir_context_destroy(ctx);
    return rc;
}

const verb verb_compress = {"compress", "compress MODEL -o OUT --recipe R.json [--data D] [--train D]", "apply exactly this recipe",
                            "A recipe is a JSON list of rules: nodes (names or a regular expression), technique, parameters.\nTechniques and their parameters: docs/techniques.md. --without tells what a rule is worth.",
                            "weir compress examples/models/lenet5.onnx -o lenet5.weir --recipe recipe.json --train fashion-mnist:train --no-finetune", options, run};
