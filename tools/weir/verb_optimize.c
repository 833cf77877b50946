/* weir optimize: the main job. */
#include "cli.h"
#include "report.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *output, *data, *train, *max_drop = "0.5", *objective, *accept = "interval", *report, *svg, *only, *exclude, *techniques;
static bool no_finetune, resume, dry_run;
static double time_limit;
static opt_list set;

static size_t options(const opt **rows) {
    static const opt r[] = {
        {"output", 'o', OPT_TEXT, &output, "OUT", "the result, .weir or .onnx; written only when the budget is met"},
        {"data", 'd', OPT_TEXT, &data, "D", "evaluation data, which recipes meet only in the final verification"},
        {"train", 't', OPT_TEXT, &train, "D", "data for calibration and search (default: a hashed half of --data)"},
        {"no-finetune", 0, OPT_FLAG, &no_finetune, NULL, "use --train for calibration and search only"},
        {"max-drop", 0, OPT_TEXT, &max_drop, "POINTS", "allowed drop of top-1 in points (0.5), or relative as 1%"},
        {"objective", 0, OPT_TEXT, &objective, "WHAT", "time (default), bytes (cold DRAM) or size (the file)"},
        {"accept", 0, OPT_TEXT, &accept, "HOW", "interval (default): the upper 95 % end must be inside; point: the value itself"},
        {"time-limit", 0, OPT_NUM, &time_limit, "TIME", "end the search after this long (90s, 10m) with the best found"},
        {"report", 0, OPT_TEXT, &report, "F.html", "write a self-contained report"},
        {"svg", 0, OPT_TEXT, &svg, "DIR", "write the report's pictures as SVG files into DIR"},
        {"resume", 0, OPT_FLAG, &resume, NULL, "go on with the trials stored beside OUT by an earlier run"},
        {"dry-run", 0, OPT_FLAG, &dry_run, NULL, "search only: no verification, no output"},
        {"only", 0, OPT_TEXT, &only, "REGEX", "change only nodes whose name matches"},
        {"exclude", 0, OPT_TEXT, &exclude, "REGEX", "leave nodes alone whose name matches"},
        {"techniques", 0, OPT_TEXT, &techniques, "LIST", "use only these, separated by commas: int8,ans"},
        {"set", 0, OPT_LIST, &set, "REGEX=int8", "fix the setting of matching nodes: f32, int2 to int8 (bits of the weights), or TECHNIQUE:KEY=VALUE,..."}};
    *rows = r;
    return sizeof r / sizeof r[0];
}

static int read_max_drop(weir_optimize_options *o) {
    char *end;
    o->max_drop = strtod(max_drop, &end);
    o->relative = *end == '%';
    if (end == max_drop || (*end && strcmp(end, "%")) || !(o->max_drop >= 0)) return usage("--max-drop '%s': a number of points, or a percentage, is expected", max_drop);
    return 0;
}

static int check(int nargs) {
    if (nargs != 1) return usage("optimize takes one MODEL");
    if (!data) return usage("optimize needs --data");
    if (!output && !dry_run) return usage("optimize needs -o OUT (or --dry-run)");
    if (train && !no_finetune) return usage("fine-tuning is not there yet: add --no-finetune to use --train for calibration and search only");
    if (strcmp(accept, "interval") && strcmp(accept, "point")) return usage("--accept '%s': interval or point", accept);
    return 0;
}

static void side_row(const char *name, const json_t *a, const json_t *b, const char *path, bool bytes, const char *unit) {
    double x = jnum(a, path), y = jnum(b, path);
    char p[32], q[32];
    if (bytes) human_bytes(x, p), human_bytes(y, q);
    else snprintf(p, sizeof p, "%.4g%s", x, unit), snprintf(q, sizeof q, "%.4g%s", y, unit);
    printf("%-26s %12s %12s", name, p, isnan(y) ? "-" : q);
    if (x > 0 && y > 0 && strcmp(unit, " %")) printf("   %.2fx less", x / y);
    printf("\n");
}

/* What is no parameter of a rule, and so has a column of its own. */
static bool is_column(const char *key) { return !strcmp(key, "technique") || !strcmp(key, "nodes") || !strcmp(key, "cost"); }

/* "density=0.1 method=obs" */
static void parameters(const json_t *rule, char *out, size_t cap) {
    const char *key;
    json_t *v;
    size_t n = 0;
    out[0] = 0;
    json_object_foreach((json_t *)(uintptr_t)rule, key, v) {
        char value[64];
        if (is_column(key)) continue;
        if (json_is_string(v)) snprintf(value, sizeof value, "%s", json_string_value(v));
        else if (json_is_boolean(v)) snprintf(value, sizeof value, "%s", json_is_true(v) ? "true" : "false");
        else snprintf(value, sizeof value, "%g", json_number_value(v));
        int k = snprintf(out + n, cap - n, "%s%s=%s", n ? " " : "", key, value);
        if (k < 0 || (size_t)k >= cap - n) return;
        n += (size_t)k;
    }
}

/* Numbered as `weir compress --without` takes them. */
static void print_recipe(const json_t *d) {
    size_t i;
    json_t *r;
    char text[200], saved[32], label[80];
    printf("\n%4s  %-28s %-9s %-44s %s\n", "rule", "layer", "technique", "setting", "alone: points, saved in the file, us");
    json_array_foreach(jget(d, "recipe"), i, r) {
        const json_t *nodes = json_object_get(r, "nodes");
        const char *first = json_string_value(json_array_get(nodes, 0));
        if (json_array_size(nodes) > 1) snprintf(label, sizeof label, "%zu layers", json_array_size(nodes));
        else snprintf(label, sizeof label, "%s", first ? first : "");
        parameters(r, text, sizeof text);
        printf("%4zu  %-28.28s %-9s %-44s", i + 1, label, jstr(r, "technique"), text);
        if (jget(r, "cost")) printf(" %+.2f, %s, %.2f", jnum(r, "cost.drop_points"), human_bytes(jnum(r, "cost.saved_bytes"), saved), 1e3 * jnum(r, "cost.saved_ms"));
        printf("\n");
    }
}

static void print(const json_t *d) {
    const json_t *a = jget(d, "baseline"), *b = jget(d, "optimized");
    print_recipe(d);
    printf("\n%-26s %12s %12s\n", "", "before", "after");
    if (jnum(d, "verifications") > 0) side_row("top-1", a, b, "top1", false, " %");
    side_row("file", a, b, "file_bytes", true, "");
    side_row("latency, batch 1", a, b, "latency_ms", false, " ms");
    side_row("L1 bytes", a, b, "bytes.l1", true, "");
    side_row("L2 bytes, cold", a, b, "bytes.l2", true, "");
    side_row("LLC bytes, cold", a, b, "bytes.llc", true, "");
    side_row("DRAM bytes, cold", a, b, "bytes.dram", true, "");
    printf("\npredicted before the look: %.4g ms, drop %.2f points", jnum(d, "predicted_ms"), jnum(d, "predicted_drop_points"));
    printf("\ndrop %.2f points on %s, at most %.2f with 95 %% confidence; allowed %.2f: %s\n", jnum(d, "drop_points"), jstr(d, "drop_measured_on"),
           jnum(d, "drop_upper95"), jnum(d, "max_drop"), json_is_true(jget(d, "met")) ? "met" : dry_run ? "not verified (dry run)" : "NOT MET");
    printf("%.0f trials, %.0f s\n", jnum(d, "trials"), jnum(d, "seconds"));
}

static int draw(weir_context *ctx, json_t *d) {
    json_t *full = envelope(ctx, d);
    int rc = full ? report_write(report, svg, full) : 4;
    json_decref(full);
    return rc;
}

static int show(const common *c, weir_context *ctx, json_t *d) {
    int rc = report || svg ? draw(ctx, d) : 0;
    if (rc) return rc;
    if (c->json) return print_json(c, ctx, d);
    print(d);
    if (json_is_true(jget(d, "met"))) printf("model  %s\n", output);
    if (report) printf("report %s\n", report);
    return 0;
}

/* OUT.trials, beside the output, unless there is none. */
static const char *store_path(void) {
    static char path[4096];
    if (!output || snprintf(path, sizeof path, "%s.trials", output) >= (int)sizeof path) return NULL;
    return path;
}

static int run(const common *c, int nargs, const char *const *args) {
    weir_error e = {0};
    weir_model *model = NULL;
    weir_dataset *eval = NULL, *cal = NULL;
    weir_document *d = NULL;
    weir_optimize_options o = weir_optimize_options_default();
    int bad = check(nargs);
    if (!bad) bad = read_max_drop(&o);
    if (bad) return bad;
    weir_context *ctx = open_context(c, 0, &e);
    if (!ctx) return fail(&e);
    weir_status st = weir_model_open(ctx, args[0], &model, &e);
    if (st == WEIR_OK) st = weir_dataset_open(ctx, data, &eval, &e);
    if (st == WEIR_OK && train) st = weir_dataset_open(ctx, train, &cal, &e);
    o.data = eval;
    o.train = cal;
    o.accept_point = !strcmp(accept, "point");
    o.objective = objective;
    o.time_limit_s = time_limit;
    o.only = only;
    o.exclude = exclude;
    o.techniques = techniques;
    o.set = set.item;
    o.nset = set.n;
    o.trial_store = store_path();
    o.resume = resume;
    o.dry_run = dry_run;
    o.output = output;
    if (st == WEIR_OK) st = weir_optimize(model, &o, &d, &e);
    progress_end();
    json_t *j = d ? take_document(d, &e) : NULL;
    int rc = j ? show(c, ctx, j) : 0;
    if (st != WEIR_OK && rc == 0) rc = fail(&e);
    json_decref(j);
    weir_dataset_destroy(cal);
    weir_dataset_destroy(eval);
    weir_model_destroy(model);
    weir_context_destroy(ctx);
    return rc;
}

const verb verb_optimize = {"optimize", "optimize MODEL -o OUT --data D [--train D --no-finetune] --max-drop POINTS [options]",
                            "find and apply the cheapest recipe inside an accuracy budget, and prove it",
                            "Searches over the techniques of docs/techniques.md, alone and mixed; measures every trial against the float\nnetwork on the training data; verifies on --data with a paired interval (at most three looks); writes\nOUT only when the budget is met. Interrupted searches go on with --resume.",
                            "weir optimize examples/models/lenet5.onnx -o lenet5.weir --train fashion-mnist:train --no-finetune --data fashion-mnist --max-drop 0.5 --report lenet5.html", options, run};
