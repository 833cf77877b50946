/* weir_optimize through the library, to its end: search in memory, verification, the file. For alloc_stacks.c, which fails
 * its allocations. usage: alloc_optimize MODEL TRAIN DATA OUT MACHINE */
#include "weir_lab.h"
#include <stdio.h>
#include <string.h>

static weir_status work(weir_context *ctx, char **argv, weir_error *e) {
    weir_model *m = NULL;
    weir_dataset *train = NULL, *data = NULL;
    weir_document *d = NULL;
    weir_optimize_options o = weir_optimize_options_default();
    weir_status s = weir_model_open(ctx, argv[1], &m, e);
    if (s == WEIR_OK) s = weir_dataset_open(ctx, argv[2], &train, e);
    if (s == WEIR_OK) s = weir_dataset_open(ctx, argv[3], &data, e);
    o.train = train;
    o.data = data;
    o.output = argv[4];
    o.max_drop = 90;
    o.accept_point = 1;
    o.only = "/8/Gemm";
    if (s == WEIR_OK) s = weir_optimize(m, &o, &d, e);
    weir_document_destroy(d);
    weir_dataset_destroy(data);
    weir_dataset_destroy(train);
    weir_model_destroy(m);
    return s;
}

int main(int argc, char **argv) {
    weir_context_options o = weir_context_options_default();
    weir_context *ctx = NULL;
    weir_error e = {0};
    if (argc != 6) return 2;
    o.threads = 1;
    o.machine_file = argv[5];
    weir_status s = weir_context_create(&o, &ctx, &e);
    if (s == WEIR_OK) s = work(ctx, argv, &e);
    weir_context_destroy(ctx);
    if (s != WEIR_OK) fprintf(stderr, "weir: %s\n", e.message);
    return (int)s;
}
