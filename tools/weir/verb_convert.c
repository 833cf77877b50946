/* weir convert: from one format to another, by extension. */
#include "cli.h"
#include <string.h>

static size_t options(const opt **rows) {
    *rows = NULL;
    return 0;
}

static bool known(const char *path) {
    const char *dot = strrchr(path, '.');
    return dot && (!strcmp(dot, ".onnx") || !strcmp(dot, ".weir"));
}

static int run(const common *c, int nargs, const char *const *args) {
    weir_error e = {0};
    weir_model *model = NULL;
    if (nargs != 2) return usage("convert takes IN and OUT");
    if (!known(args[1])) return usage("'%s': the output must end in .onnx or .weir", args[1]);
    weir_context *ctx = open_context(c, 0, &e);
    if (!ctx) return fail(&e);
    weir_status st = weir_model_open(ctx, args[0], &model, &e);
    if (st == WEIR_OK) st = weir_model_save(model, args[1], &e);
    int rc = st == WEIR_OK ? 0 : fail(&e);
    if (!rc && c->json) {
        json_t *j = json_pack("{s:s,s:s}", "input", args[0], "output", args[1]);
        rc = j ? print_json(c, ctx, j) : 4;
        json_decref(j);
    } else if (!rc && !c->quiet) {
        printf("%s\n", args[1]);
    }
    weir_model_destroy(model);
    weir_context_destroy(ctx);
    return rc;
}

const verb verb_convert = {"convert", "convert IN OUT", "convert between .onnx and .weir, by extension",
                           "Quantised layers become QuantizeLinear/DequantizeLinear pairs in ONNX; shared and pruned weights are\nwritten dense. What is written runs in ONNX Runtime.",
                           "weir convert examples/models/lenet5.onnx lenet5.weir", options, run};
