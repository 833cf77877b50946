/* Every allocation of opening, planning and saving a model failed in turn, and from each on: WEIR_NO_RESOURCE every time,
 * and as many live blocks afterwards as before.
 *
 * usage: test_alloc SCRATCH_FOLDER MODEL... */
#include "alloc_fail.h"
#include "weir.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int failures, failed_allocations;

typedef struct job {
    weir_context *ctx;
    const char *path;
    const char *out;                 /* saved here; NULL: planned */
} job;

static weir_status work(const job *j, weir_error *e) {
    weir_model *m = NULL;
    weir_session *s = NULL;
    weir_session_options o = weir_session_options_default();
    weir_status st = weir_model_open(j->ctx, j->path, &m, e);
    if (st == WEIR_OK) st = j->out ? weir_model_save(m, j->out, e) : weir_session_create(m, &o, &s, e);
    weir_session_destroy(s);
    weir_model_destroy(m);
    return st;
}

static void complain(const job *j, long n, const char *what, long a, long b, const weir_error *e) {
    printf("FAIL %s%s%s, allocation %ld: %s %ld, expected %ld (%s)\n", j->path, j->out ? " to " : "", j->out ? j->out : "", n, what, a, b, e->message);
    failures++;
}

/* False once the n-th allocation is past the last. */
static bool attempt(const job *j, long n, bool forever) {
    weir_error e = {0};
    long live = alloc_live();
    size_t bytes = weir_context_live_bytes(j->ctx);
    alloc_fail_at(n, forever);
    weir_status st = work(j, &e);
    bool happened = alloc_fail_happened();
    alloc_fail_at(0, false);
    if (st != (happened ? WEIR_NO_RESOURCE : WEIR_OK)) complain(j, n, "status", st, happened ? WEIR_NO_RESOURCE : WEIR_OK, &e);
    if (alloc_live() != live) complain(j, n, "live blocks", alloc_live(), live, &e);
    if (weir_context_live_bytes(j->ctx) != bytes) complain(j, n, "live bytes", (long)weir_context_live_bytes(j->ctx), (long)bytes, &e);
    if (happened && j->out && access(j->out, F_OK) == 0) complain(j, n, "a partial file", 1, 0, &e);
    if (j->out) unlink(j->out);
    failed_allocations += happened;
    return happened;
}

static void all(const job *j) {
    weir_error e = {0};
    weir_status st = work(j, &e); /* once undisturbed: what is made on first use is there then */
    if (j->out) unlink(j->out);
    if (st != WEIR_OK) complain(j, 0, "undisturbed, status", st, 0, &e);
    for (int forever = 0; forever < 2 && st == WEIR_OK && failures < 20; forever++) {
        for (long n = 1; failures < 20 && attempt(j, n, forever); n++) {}
    }
}

int main(int argc, char **argv) {
    weir_context_options o = weir_context_options_default();
    weir_context *ctx;
    weir_error e;
    o.threads = 1;
    if (argc < 3 || weir_context_create(&o, &ctx, &e) != WEIR_OK) return 1;
    for (int i = 2; i < argc; i++) {
        char weir[4096], onnx[4096];
        snprintf(weir, sizeof weir, "%s/alloc.weir", argv[1]);
        snprintf(onnx, sizeof onnx, "%s/alloc.onnx", argv[1]);
        all(&(job){ctx, argv[i], NULL});
        all(&(job){ctx, argv[i], weir});
        all(&(job){ctx, argv[i], onnx});
    }
    weir_context_destroy(ctx);
    printf("%d allocations failed in turn, %d failures\n", failed_allocations, failures);
    return failures ? 1 : 0;
}
