/* weir inspect: what a model is, before anything runs. */
#include "cli.h"

static model_args m;

static size_t options(const opt **rows) {
    static const opt r[] = {{"shape", 0, OPT_LIST, &m.shapes, "NAME:1x3x224x224", "bind the shape of an input (unbound batch: 1)"},
                            {"batch", 'b', OPT_INT, &m.batch, "N", "bind a symbolic batch"}};
    *rows = r;
    return sizeof r / sizeof r[0];
}

static void print_tensors(const char *title, const json_t *list) {
    size_t i, k;
    json_t *t, *d;
    json_array_foreach(list, i, t) {
        printf("%-10s %s  %s ", i ? "" : title, jstr(t, "name"), jstr(t, "type"));
        json_array_foreach(json_object_get(t, "shape"), k, d) {
            if (json_is_string(d)) printf("%s%s", k ? "x" : "", json_string_value(d));
            else printf("%s%lld", k ? "x" : "", (long long)json_integer_value(d));
        }
        printf("\n");
    }
}

static void print_map(const char *title, const json_t *map, bool bytes) {
    const char *key;
    json_t *v;
    char buf[32];
    bool first = true;
    printf("%-10s ", title);
    json_object_foreach((json_t *)(uintptr_t)map, key, v) {
        if (bytes) printf("%s%s %s", first ? "" : ", ", key, human_bytes(json_number_value(v), buf));
        else printf("%s%s %lld", first ? "" : ", ", key, (long long)json_integer_value(v));
        first = false;
    }
    printf("\n");
}

static void print(const char *path, const json_t *d) {
    char a[32], b[32];
    printf("%s\n\n", path);
    print_tensors("inputs", jget(d, "inputs"));
    print_tensors("outputs", jget(d, "outputs"));
    print_map("operators", jget(d, "ops"), false);
    print_map("weights", jget(d, "weight_bytes"), true);
    printf("%-10s %s parameters, %s multiply-adds\n", "size", human_count(jnum(d, "params"), a), human_count(jnum(d, "macs"), b));
    printf("%-10s %s compulsory: each weight, input and output once\n", "bytes", human_bytes(jnum(d, "bytes.compulsory"), a));
    printf("%-10s %s arena (smallest provable %s, by %s), ", "memory", human_bytes(jnum(d, "arena_bytes"), a),
           human_bytes(jnum(d, "arena_lower_bound"), b), jstr(d, "arena_bound_proof"));
    printf("%s peak, certified before a run\n", human_bytes(jnum(d, "peak_bytes"), a));
}

static int run(const common *c, int nargs, const char *const *args) {
    weir_error e = {0};
    weir_model *model = NULL;
    weir_document *d = NULL;
    if (nargs != 1) return usage("inspect takes one MODEL");
    weir_context *ctx = open_planning_context(c, &e);
    if (!ctx) return fail(&e);
    weir_session_options so = session_options(&m);
    json_t *j = NULL;
    if (weir_model_open(ctx, args[0], &model, &e) == WEIR_OK && weir_model_inspect(model, &so, &d, &e) == WEIR_OK) j = take_document(d, &e);
    int rc = j ? 0 : fail(&e);
    if (j && c->json) rc = print_json(c, ctx, j);
    else if (j) print(args[0], j);
    json_decref(j);
    weir_model_destroy(model);
    weir_context_destroy(ctx);
    return rc;
}

const verb verb_inspect = {"inspect", "inspect MODEL [options]", "show what a model holds, moves and needs, before anything runs",
                           "Parameters, multiply-adds, operators, weights by type, the bytes that any machine must move, and the\nmemory that a run will need, certified.",
                           "weir inspect examples/models/resnet8.onnx", options, run};
