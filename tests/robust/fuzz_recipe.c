/* Fuzz target: bytes as a recipe, applied to a small network where it needs no data. FUZZ_MODEL names the network. */
#include "fuzz_input.h"
#include "lab.h"
#include <string.h>

static weir_status apply(const weir_model *model, const json_t *recipe, weir_error *e) {
    weir_model *m;
    weir_status s = w_recipe_apply(model, recipe, NULL, &m, e);
    if (s == WEIR_OK) weir_model_destroy(m);
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static weir_model *model;
    size_t live;
    weir_error e = {0};
    json_t *recipe;
    weir_context *ctx = fuzz_context(&live);
    if (!model) {
        if (weir_model_open(ctx, FUZZ_MODEL, &model, &e) != WEIR_OK) abort();
        fuzz_context(&live);
    }
    char *text = malloc(size + 1);
    if (!text) abort();
    if (size) memcpy(text, data, size);
    text[size] = 0;
    weir_status s = w_recipe_parse(text, "fuzz.json", &recipe, &e);
    free(text);
    if (s == WEIR_OK) {
        s = apply(model, recipe, &e);
        json_decref(recipe);
    }
    fuzz_check(ctx, live, s, &e);
    return 0;
}
