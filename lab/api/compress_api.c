/* weir_compress: one recipe, one model. */
#include "lab.h"

#define CALIBRATION 1024

weir_status weir_compress(const weir_model *model, const char *recipe_json, const weir_dataset *calibration, weir_model **out,
                          weir_error *e) {
    json_t *recipe;
    w_calibration *c = NULL;
    *out = NULL;
    W_TRY(w_recipe_parse(recipe_json, "the recipe", &recipe, e));
    weir_status st = WEIR_OK;
    if (calibration) {
        w_samples set = {.data = calibration, .n = W_MIN((size_t)CALIBRATION, weir_dataset_count(calibration))};
        st = w_calibration_create(model, &set, &c, e);
    }
    if (st == WEIR_OK) st = w_recipe_apply(model, recipe, c, out, e);
    w_calibration_destroy(c);
    json_decref(recipe);
    return st;
}
