/* weir plan: the plan, step by step. */
#include "cli.h"
#include "report.h"

static const char *html, *svg;
static model_args m;

static size_t options(const opt **rows) {
    static const opt r[] = {{"html", 0, OPT_TEXT, &html, "F", "also write a report with the network and the arena drawn to F"},
                            {"svg", 0, OPT_TEXT, &svg, "DIR", "also write its pictures as SVG files into DIR"},
                            {"shape", 0, OPT_LIST, &m.shapes, "NAME:1x3x224x224", "bind the shape of an input (unbound batch: 1)"},
                            {"batch", 'b', OPT_INT, &m.batch, "N", "bind a symbolic batch"}};
    *rows = r;
    return sizeof r / sizeof r[0];
}

static int draw(weir_context *ctx, const weir_session *s) {
    weir_error e = {0};
    weir_document *d = NULL;
    json_t *j = weir_session_plan(s, &d, &e) == WEIR_OK ? take_document(d, &e) : NULL, *full = j ? envelope(ctx, j) : NULL;
    int rc = full ? report_write(html, svg, full) : j ? 4 : fail(&e);
    json_decref(j);
    json_decref(full);
    return rc;
}

static int run(const common *c, int nargs, const char *const *args) {
    weir_error e = {0};
    weir_model *model = NULL;
    weir_session *s = NULL;
    weir_document *d = NULL;
    if (nargs != 1) return usage("plan takes one MODEL");
    weir_context *ctx = open_planning_context(c, &e);
    if (!ctx) return fail(&e);
    weir_session_options so = session_options(&m);
    weir_status st = weir_model_open(ctx, args[0], &model, &e);
    if (st == WEIR_OK) st = weir_session_create(model, &so, &s, &e);
    if (st == WEIR_OK) st = c->json ? weir_session_plan(s, &d, &e) : weir_session_plan_text(s, &d, &e);
    int rc = 0;
    if (st != WEIR_OK) {
        rc = fail(&e);
    } else if (!c->json) {
        fputs(weir_document_text(d), stdout);
        weir_document_destroy(d);
    } else {
        json_t *j = take_document(d, &e);
        rc = j ? print_json(c, ctx, j) : fail(&e);
        json_decref(j);
    }
    if (!rc && (html || svg)) rc = draw(ctx, s);
    weir_session_destroy(s);
    weir_model_destroy(model);
    weir_context_destroy(ctx);
    return rc;
}

const verb verb_plan = {"plan", "plan MODEL [options]", "show the plan, step by step, and why each faster path was refused",
                        "Kernel, tile, place in the arena, planned bytes per memory level and the bound of every step.",
                        "weir plan examples/models/resnet8.onnx --cpu avx2", options, run};
