/* weir eval: accuracy with a confidence interval. */
#include "cli.h"

static const char *data;
static int limit, batch;

static size_t options(const opt **rows) {
    static const opt r[] = {{"data", 'd', OPT_TEXT, &data, "D", "data set: FORMAT:PATH[,PATH], fashion-mnist, or a JSON file"},
                            {"limit", 0, OPT_INT, &limit, "N", "use the first N samples only"},
                            {"batch", 'b', OPT_INT, &batch, "N", "samples a run (default: chosen)"}};
    *rows = r;
    return sizeof r / sizeof r[0];
}

static void print(const json_t *d) {
    const json_t *ci = jget(d, "top1_ci95");
    printf("top-1  %.2f %%  (95 %%: %.2f to %.2f)\ntop-5  %.2f %%\nloss   %.4f\non     %.0f samples\n", jnum(d, "top1"),
           json_number_value(json_array_get(ci, 0)), json_number_value(json_array_get(ci, 1)), jnum(d, "top5"), jnum(d, "loss"), jnum(d, "n"));
}

static int run(const common *c, int nargs, const char *const *args) {
    weir_error e = {0};
    weir_model *model = NULL;
    weir_dataset *set = NULL;
    weir_document *d = NULL;
    if (nargs != 1) return usage("eval takes one MODEL");
    if (!data) return usage("eval needs --data");
    weir_context *ctx = open_context(c, 0, &e);
    if (!ctx) return fail(&e);
    weir_status st = weir_model_open(ctx, args[0], &model, &e);
    if (st == WEIR_OK) st = weir_dataset_open(ctx, data, &set, &e);
    if (st == WEIR_OK) st = weir_eval(model, set, (size_t)limit, batch, NULL, &d, &e);
    progress_end();
    json_t *j = st == WEIR_OK ? take_document(d, &e) : NULL;
    int rc = j ? 0 : fail(&e);
    if (j && c->json) rc = print_json(c, ctx, j);
    else if (j) print(j);
    json_decref(j);
    weir_dataset_destroy(set);
    weir_model_destroy(model);
    weir_context_destroy(ctx);
    return rc;
}

const verb verb_eval = {"eval", "eval MODEL --data D [options]", "measure accuracy, with a confidence interval",
                        "Top-1, top-5 and cross-entropy loss over a labelled data set.",
                        "weir eval examples/models/lenet5.onnx --data fashion-mnist", options, run};
