/* weir machine: the machine model. */
#include "cli.h"
#include <stdlib.h>

static bool refresh;
static const char *output;

static size_t options(const opt **rows) {
    static const opt r[] = {{"refresh", 0, OPT_FLAG, &refresh, NULL, "measure again (about two seconds) and replace the cached model"},
                            {"output", 'o', OPT_TEXT, &output, "FILE", "also write the model as JSON, for --machine"}};
    *rows = r;
    return sizeof r / sizeof r[0];
}

static void print(const json_t *d) {
    const char *key;
    json_t *l, *v;
    char a[32];
    printf("%s, %s, %.0f threads\n\n%-6s %10s %16s %16s\n", jstr(d, "cpu_model"), jstr(d, "isa"), jnum(d, "threads"), "level", "size",
           "GB/s 1 thread", "GB/s all");
    json_object_foreach(jget(d, "levels"), key, l)
        printf("%-6s %10s %16.1f %16.1f\n", key, jnum(l, "bytes") > 0 ? human_bytes(jnum(l, "bytes"), a) : "-",
               json_number_value(json_array_get(jget(l, "read_gbs"), 0)), json_number_value(json_array_get(jget(l, "read_gbs"), 1)));
    printf("\n%-6s %27s %16s\n", "type", "GMAC/s 1 thread", "GMAC/s all");
    json_object_foreach(jget(d, "peak_gmacs"), key, v)
        printf("%-6s %27.1f %16.1f\n", key, json_number_value(json_array_get(v, 0)), json_number_value(json_array_get(v, 1)));
}

/* Through a stream, whose errors stay: json_dumps would drop keys where memory is short. */
static int write_file(const json_t *d) {
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    bool bad = !f || json_dumpf(d, f, JSON_INDENT(2)) != 0 || ferror(f);
    if (f && fclose(f) != 0) bad = true;
    if (bad) fprintf(stderr, "weir: out of memory for '%s'\n", output);
    int rc = bad ? 4 : save_file(output, text, size);
    free(text);
    return rc;
}

static int run(const common *c, int nargs, const char *const *args) {
    weir_error e = {0};
    weir_document *d = NULL;
    (void)args;
    if (nargs) return usage("machine takes no argument");
    weir_context *ctx = open_context(c, 0, &e);
    if (!ctx) return fail(&e);
    json_t *j = weir_machine(ctx, refresh, &d, &e) == WEIR_OK ? take_document(d, &e) : NULL;
    progress_end();
    int rc = j ? 0 : fail(&e);
    if (j && output) rc = write_file(j);
    if (j && !rc && c->json) rc = print_json(c, ctx, j);
    else if (j && !rc) print(j);
    json_decref(j);
    weir_context_destroy(ctx);
    return rc;
}

const verb verb_machine = {"machine", "machine [options]", "show the machine model: bandwidths and peaks, measured once",
                           "Bandwidth per memory level and thread count, and peak multiply-adds per type. Cached per user.",
                           "weir machine --refresh", options, run};
