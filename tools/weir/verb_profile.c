/* weir profile: the ledger against the clock, per layer, and the verdicts. */
#include "cli.h"
#include "report.h"

static const char *input, *html, *svg;
static int iterations = 100;
static model_args m;

static size_t options(const opt **rows) {
    static const opt r[] = {{"input", 'i', OPT_TEXT, &input, "IN", "a .npy or image as input (default: noise)"},
                            {"html", 0, OPT_TEXT, &html, "F", "also write a report to F"},
                            {"svg", 0, OPT_TEXT, &svg, "DIR", "also write its pictures as SVG files into DIR"},
                            {"iterations", 'n', OPT_INT, &iterations, "N", "timed runs (default 100)"},
                            {"shape", 0, OPT_LIST, &m.shapes, "NAME:1x3x224x224", "bind the shape of an input (unbound batch: 1)"},
                            {"batch", 'b', OPT_INT, &m.batch, "N", "bind a symbolic batch"}};
    *rows = r;
    return sizeof r / sizeof r[0];
}

static void print_verdicts(const json_t *steps) {
    size_t i, k;
    json_t *s, *v;
    printf("\nverdicts (what each technique would save here, or why nothing)\n");
    json_array_foreach(steps, i, s) {
        json_array_foreach(jget(s, "verdict"), k, v) {
            char b[32];
            if (*jstr(v, "why_not")) continue;
            printf("  %-32.32s %-8s saves %.4f ms, %s\n", jstr(s, "name"), jstr(v, "technique"), jnum(v, "saves_ms"), human_bytes(jnum(v, "saves_bytes"), b));
        }
    }
    /* A reason is said once, with how many steps it holds for. */
    json_t *why = json_object();
    json_array_foreach(steps, i, s) json_array_foreach(jget(s, "verdict"), k, v) {
        char key[400];
        if (!*jstr(v, "why_not")) continue;
        snprintf(key, sizeof key, "%s: %s", jstr(v, "technique"), jstr(v, "why_not"));
        json_object_set_new(why, key, json_integer(json_integer_value(json_object_get(why, key)) + 1));
    }
    const char *key;
    json_object_foreach(why, key, v) printf("  %lld of %zu steps: %s\n", (long long)json_integer_value(v), json_array_size(steps), key);
    json_decref(why);
}

static void print(const json_t *d) {
    size_t i;
    json_t *s;
    char b[3][32];
    printf("%-28s %-18s %9s %9s %6s %-8s %9s %9s %9s\n", "step", "operator", "ms", "bound ms", "of it", "by", "macs", "L2 bytes", "DRAM cold");
    json_array_foreach(jget(d, "steps"), i, s)
        printf("%-28.28s %-18.18s %9.4f %9.4f %5.0f%% %-8s %9s %9s %9s\n", jstr(s, "name"), jstr(s, "op"), jnum(s, "ms"), jnum(s, "bound_ms"),
               100 * jnum(s, "fraction_of_bound"), jstr(s, "bound_by"), human_count(jnum(s, "macs"), b[0]), human_bytes(jnum(s, "bytes.l2"), b[1]),
               human_bytes(jnum(s, "bytes.dram"), b[2]));
    printf("\n%-47s %9.4f %9.4f %5.0f%%\n", "whole network (median)", jnum(d, "latency_median_ms"), jnum(d, "bound_ms"), 100 * jnum(d, "fraction_of_bound"));
    double gave = jnum(d, "cores_gave");
    if (gave > 0 && gave < 0.95)
        printf("the cores gave %.0f%% of the peak they were measured at: shares of bounds inside a core are of that\n", 100 * gave);
    print_verdicts(jget(d, "steps"));
}

static weir_status read_input(weir_context *ctx, weir_array *a, weir_error *e) {
    weir_status st = weir_array_read(ctx, input, NULL, a, e);
    if (st == WEIR_OK && a->type != WEIR_F32) st = e->status = WEIR_BAD_INPUT, snprintf(e->message, sizeof e->message, "%s: f32 numbers are expected", input);
    return st;
}

static int run(const common *c, int nargs, const char *const *args) {
    weir_error e = {0};
    weir_model *model = NULL;
    weir_array a = {0};
    weir_document *d = NULL;
    if (nargs != 1) return usage("profile takes one MODEL");
    weir_context *ctx = open_context(c, 0, &e);
    if (!ctx) return fail(&e);
    weir_session_options so = session_options(&m);
    weir_status st = weir_model_open(ctx, args[0], &model, &e);
    if (st == WEIR_OK && input) st = read_input(ctx, &a, &e);
    if (st == WEIR_OK) st = weir_profile(model, &so, a.data, a.bytes, iterations, &d, &e);
    progress_end();
    json_t *j = st == WEIR_OK ? take_document(d, &e) : NULL;
    int rc = j ? 0 : fail(&e);
    if (j && (html || svg)) {
        json_t *full = envelope(ctx, j);
        rc = full ? report_write(html, svg, full) : 4;
        json_decref(full);
    }
    if (j && !rc && c->json) rc = print_json(c, ctx, j);
    else if (j && !rc) print(j);
    json_decref(j);
    weir_array_destroy(ctx, &a);
    weir_model_destroy(model);
    weir_context_destroy(ctx);
    return rc;
}

const verb verb_profile = {"profile", "profile MODEL [-i IN] [--html F] [--svg DIR]", "set the ledger against the clock, per layer, with verdicts",
                           "Time, bytes per memory level and bound of every step, and what each technique would save there, or why nothing.",
                           "weir profile examples/models/resnet8.onnx", options, run};
