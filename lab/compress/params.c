/* Parameters of recipe rules: defaults, ranges, and messages that name the key. */
#include "lab.h"
#include <string.h>

weir_status w_param_num(const json_t *params, const char *key, double def, double lo, double hi, double *out, weir_error *e) {
    const json_t *v = json_object_get(params, key);
    *out = v ? json_number_value(v) : def;
    if (v && (!json_is_number(v) || !(*out >= lo && *out <= hi)))
        return w_fail(e, WEIR_BAD_INPUT, "'%s' must be a number from %g to %g", key, lo, hi);
    return WEIR_OK;
}

weir_status w_param_str(const json_t *params, const char *key, const char *def, const char *const *choices, const char **out,
                        weir_error *e) {
    const json_t *v = json_object_get(params, key);
    const char *s = v ? json_string_value(v) : def;
    char list[200] = "";
    for (size_t i = 0; choices[i]; i++) {
        if (s && strcmp(s, choices[i]) == 0) {
            *out = choices[i];
            return WEIR_OK;
        }
        size_t n = strlen(list);
        snprintf(list + n, sizeof list - n, "%s%s", i ? ", " : "", choices[i]);
    }
    return w_fail(e, WEIR_BAD_INPUT, "'%s' must be one of: %s", key, list);
}

weir_status w_param_bool(const json_t *params, const char *key, bool def, bool *out, weir_error *e) {
    const json_t *v = json_object_get(params, key);
    if (v && !json_is_boolean(v)) return w_fail(e, WEIR_BAD_INPUT, "'%s' must be true or false", key);
    *out = v ? json_is_true(v) : def;
    return WEIR_OK;
}

int w_param_index(const char *const *choices, const char *choice) {
    int i = 0;
    while (choices[i] && choices[i] != choice) i++;
    return i;
}
