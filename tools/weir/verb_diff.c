/* weir diff: two models or results side by side; with --fail-on a regression test for bytes. */
#include "diff.h"
#include <stdlib.h>
#include <unistd.h>

static opt_list fail_on;
static bool all;
static model_args m;

static size_t options(const opt **rows) {
    static const opt r[] = {
        {"fail-on", 0, OPT_LIST, &fail_on, "PATH:LIMIT", "exit status 1 when the figure at PATH rises (+2%, +1000), falls (-1%, -5) or is (5000) beyond LIMIT; may be given again"},
        {"all", 'a', OPT_FLAG, &all, NULL, "also show what did not change"},
        {"shape", 0, OPT_LIST, &m.shapes, "NAME:1x3x224x224", "bind the shape of an input of the models (unbound batch: 1)"},
        {"batch", 'b', OPT_INT, &m.batch, "N", "bind a symbolic batch of the models"}};
    *rows = r;
    return sizeof r / sizeof r[0];
}

/* Two results need no context; the envelope then says so in place of a machine. */
static int print_document(const common *c, weir_context *ctx, json_t *doc) {
    if (ctx) return print_json(c, ctx, doc);
    return print_json_of(json_pack("{s:n,s:s}", "model", "reason", "two results were compared, nothing was planned"), doc);
}

static void print_notes(const json_t *doc) {
    size_t i;
    json_t *n;
    json_array_foreach(jget(doc, "notes"), i, n) fprintf(stderr, "weir: note: %s\n", json_string_value(n));
}

static bool colour(void) {
    const char *no = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && (!no || !*no);
}

static int compare(const common *c, diff *d, weir_context *ctx) {
    diff_compare(d);
    if (!d->bad && !c->quiet) print_notes(d->doc);
    int verdict = d->bad ? 0 : diff_limits(d, &fail_on, c->quiet), rc = 0;
    if (d->bad) {
        fprintf(stderr, "weir: out of memory\n");
        return 4;
    }
    if (verdict == 2) return 2;
    if (c->json) rc = print_document(c, ctx, d->doc);
    else diff_print(d->doc, all, colour());
    return rc ? rc : verdict;
}

static int run(const common *c, int nargs, const char *const *args) {
    diff d = {0};
    weir_context *ctx = NULL;
    if (nargs != 2) return usage("diff takes two models or results, A and B");
    int rc = side_open(&d.side[0], args[0], c, &m, &ctx);
    if (!rc) rc = side_open(&d.side[1], args[1], c, &m, &ctx);
    if (!rc) rc = compare(c, &d, ctx);
    for (int i = 0; i < 2; i++) json_decref(d.side[i].doc);
    json_decref(d.doc);
    weir_context_destroy(ctx);
    return rc;
}

const verb verb_diff = {
    "diff", "diff A B [--fail-on PATH:LIMIT]... [options]", "compare two models or results; fail on more bytes, time or loss",
    "A and B are models, planned now (on this machine or that of --machine), or what any verb printed with --json. Figures that\n"
    "differ come first where they changed most; steps are matched by name.\n\n"
    "PATH joins keys by dots, as in the JSON: bytes.dram, latency_ms.p50, steps.NAME.bytes.l2; * stands for any key, and then\n"
    "only places in both A and B are compared. A change of exactly LIMIT is inside it. A path that is missing or null is an\n"
    "error, exit status 2.",
    "weir plan examples/models/resnet8.onnx --json > before.json\n"
    "weir diff before.json examples/models/resnet8.onnx --fail-on bytes.dram:+2% --fail-on 'steps.*.bytes.dram:+5%'", options, run};
