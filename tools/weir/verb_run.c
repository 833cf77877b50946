/* weir run: arrays or images in, arrays out. */
#include "cli.h"
#include <stdlib.h>
#include <string.h>

static opt_list inputs;
static const char *output;
static model_args m;

static size_t options(const opt **rows) {
    static const opt r[] = {{"input", 'i', OPT_LIST, &inputs, "[NAME=]IN", "input as .npy, .npz, .jpg or .png; once for each input"},
                            {"output", 'o', OPT_TEXT, &output, "OUT", "where the outputs go: .npy for one, .npz for several"},
                            {"shape", 0, OPT_LIST, &m.shapes, "NAME:1x3x224x224", "bind the shape of an input (default: that of IN)"},
                            {"batch", 'b', OPT_INT, &m.batch, "N", "bind a symbolic batch (default: that of IN)"}};
    *rows = r;
    return sizeof r / sizeof r[0];
}

typedef struct feed { char name[256]; const char *path; weir_array array; } feed;

static void split_input(const char *text, feed *f) {
    const char *eq = strchr(text, '=');
    size_t n = eq ? (size_t)(eq - text) : 0;
    f->path = eq && n < sizeof f->name ? eq + 1 : text;
    snprintf(f->name, sizeof f->name, "%.*s", (int)(f->path == text ? 0 : n), text);
}

/* The first dimension of the first input binds the batch, unless told otherwise. */
static int64_t batch_of(const feed *f, size_t n) { return m.batch ? m.batch : n > 0 && f[0].array.rank > 0 ? f[0].array.dims[0] : 1; }

static weir_status feed_all(weir_session *s, const feed *f, size_t n, weir_error *e) {
    int want = weir_session_input_count(s);
    if ((int)n != want) {
        snprintf(e->message, sizeof e->message, "the model has %d inputs, %zu were given", want, n);
        return e->status = WEIR_USAGE;
    }
    for (int i = 0; i < want; i++) {
        weir_tensor_info t = weir_session_input_info(s, i);
        size_t k = 0;
        while (k < n && strcmp(f[k].name, t.name) != 0 && !(f[k].name[0] == 0 && (int)k == i)) k++;
        if (k == n || f[k].array.type != t.type || f[k].array.bytes != t.bytes) {
            if (k == n) snprintf(e->message, sizeof e->message, "no -i gives input '%s'", t.name);
            else snprintf(e->message, sizeof e->message, "%s: input '%s' takes %zu bytes, the array has %zu (or another type)", f[k].path, t.name, t.bytes, f[k].array.bytes);
            return e->status = WEIR_BAD_INPUT;
        }
        memcpy(weir_session_input(s, i), f[k].array.data, t.bytes);
    }
    return WEIR_OK;
}

static weir_status write_all(weir_context *ctx, weir_session *s, weir_error *e) {
    int n = weir_session_output_count(s);
    weir_array *a = calloc((size_t)n, sizeof *a);
    const char **names = calloc((size_t)n, sizeof *names);
    weir_status st = WEIR_OK;
    if (!a || !names) st = e->status = WEIR_NO_RESOURCE, snprintf(e->message, sizeof e->message, "out of memory");
    for (int i = 0; st == WEIR_OK && i < n; i++) {
        weir_tensor_info t = weir_session_output_info(s, i);
        a[i] = (weir_array){.type = t.type, .rank = t.rank, .bytes = t.bytes, .data = (void *)(uintptr_t)weir_session_output(s, i)};
        for (int d = 0; d < t.rank; d++) a[i].dims[d] = t.dims[d];
        names[i] = t.name;
    }
    if (st == WEIR_OK) st = weir_array_write(ctx, output, a, names, (size_t)n, e);
    free(a);
    free(names);
    return st;
}

static json_t *describe(weir_session *s) {
    json_t *list = json_array();
    for (int i = 0; list && i < weir_session_output_count(s); i++) {
        weir_tensor_info t = weir_session_output_info(s, i);
        json_t *dims = json_array();
        for (int d = 0; dims && d < t.rank; d++) json_array_append_new(dims, json_integer(t.dims[d]));
        json_array_append_new(list, json_pack("{s:s,s:o}", "name", t.name, "shape", dims));
    }
    return json_pack("{s:s,s:o}", "output", output, "outputs", list);
}

static int report(const common *c, weir_context *ctx, weir_session *s) {
    if (!c->json) {
        if (!c->quiet) printf("%s\n", output);
        return 0;
    }
    json_t *j = describe(s);
    int rc = j ? print_json(c, ctx, j) : 4;
    json_decref(j);
    return rc;
}

static int run(const common *c, int nargs, const char *const *args) {
    static feed f[64];
    weir_error e = {0};
    weir_model *model = NULL;
    weir_session *s = NULL;
    if (nargs != 1) return usage("run takes one MODEL");
    if (!inputs.n || !output) return usage("run needs -i IN and -o OUT");
    weir_context *ctx = open_context(c, 0, &e);
    if (!ctx) return fail(&e);
    weir_status st = weir_model_open(ctx, args[0], &model, &e);
    for (size_t i = 0; st == WEIR_OK && i < inputs.n; i++) {
        split_input(inputs.item[i], &f[i]);
        st = weir_array_read(ctx, f[i].path, f[i].name[0] ? f[i].name : NULL, &f[i].array, &e);
    }
    weir_session_options so = session_options(&m);
    so.batch = batch_of(f, inputs.n);
    if (st == WEIR_OK) st = weir_session_create(model, &so, &s, &e);
    if (st == WEIR_OK) st = feed_all(s, f, inputs.n, &e);
    if (st == WEIR_OK) st = weir_session_run(s, &e);
    if (st == WEIR_OK) st = write_all(ctx, s, &e);
    int rc = st == WEIR_OK ? report(c, ctx, s) : fail(&e);
    for (size_t i = 0; i < inputs.n; i++) weir_array_destroy(ctx, &f[i].array);
    weir_session_destroy(s);
    weir_model_destroy(model);
    weir_context_destroy(ctx);
    return rc;
}

const verb verb_run = {"run", "run MODEL -i [NAME=]IN ... -o OUT", "run a model on arrays or images",
                       "Inputs are matched by name, else by order. A symbolic batch takes the first dimension of the first input.",
                       "weir run examples/models/lenet5.onnx -i input.npy -o logits.npy", options, run};
