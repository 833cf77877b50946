/* test_models.c: whole models through the public interface: the plan keeps its invariants, the ledger its order, the
 * certified peak holds to the byte, and any failed allocation is reported without a leak.
 *
 * usage: test-plan-models MODEL... */
#include "session.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static char **models;
static int nmodels;

static weir_context *make_context(const char *cpu, const weir_allocator *a) {
    weir_context_options o = weir_context_options_default();
    weir_context *ctx;
    o.threads = 1;
    o.cpu = cpu;
    if (a)
        o.allocator = *a;
    assert_int_equal(weir_context_create(&o, &ctx, NULL), WEIR_OK);
    return ctx;
}

static weir_session *open_session(weir_context *ctx, const char *path, const weir_session_options *o, weir_model **m) {
    weir_error e = {0};
    weir_session *s = NULL;
    if (weir_model_open(ctx, path, m, &e) != WEIR_OK || weir_session_create(*m, o, &s, &e) != WEIR_OK)
        fail_msg("%s: %s", path, e.message);
    return s;
}

static void close_session(weir_context *ctx, weir_model *m, weir_session *s) {
    weir_model_destroy(m); /* before the session: it is held */
    weir_session_destroy(s);
    weir_context_destroy(ctx);
}

static void test_runs_on_every_cpu_set(void **state) {
    static const char *const sets[] = {"ref", "avx2", "avxvnni", "avx512", "vnni", "neon", "dotprod", "i8mm"};
    (void)state;
    for (int k = 0; k < nmodels; k++)
        for (size_t c = 0; c < W_COUNT(sets); c++) {
            uint32_t flags;
            weir_error e = {0};
            weir_model *m;
            if (w_cpu_cap(w_cpu_detect(), sets[c], &flags, &e) != WEIR_OK || strcmp(w_cpu_name(flags), sets[c]) != 0)
                continue;
            weir_context *ctx = make_context(sets[c], NULL);
            weir_session *s = open_session(ctx, models[k], NULL, &m);
            assert_int_equal(weir_session_run(s, &e), WEIR_OK);
            weir_tensor_info out = weir_session_output_info(s, 0);
            const float *v = weir_session_output(s, 0);
            assert_non_null(v);
            for (size_t i = 0; i < out.bytes / sizeof *v && out.type == WEIR_F32; i++)
                assert_true(v[i] - v[i] == 0); /* finite */
            close_session(ctx, m, s);
        }
}

static bool overlap(const w_buffer *a, const w_buffer *b) {
    return a->first <= b->last && b->first <= a->last && a->offset < b->offset + b->bytes && b->offset < a->offset + a->bytes;
}

static void check_buffers(const w_plan *p) {
    for (size_t i = 0; i < p->nbuffer; i++) {
        assert_int_equal(p->buffer[i].offset % 64, 0);
        assert_true(p->buffer[i].offset + p->buffer[i].bytes <= p->arena_bytes);
        for (size_t j = 0; j < i; j++)
            if (overlap(&p->buffer[i], &p->buffer[j]))
                assert_true(p->buffer[i].shared == j && p->buffer[i].first == p->buffer[j].last);
    }
    assert_true(p->arena_lower_bound <= p->arena_bytes);
}

static void check_ledger(w_plan *p, const char *path) {
    assert_int_equal(w_plan_ledger(p, NULL), WEIR_OK);
    for (int l = 0; l < W_LEVELS; l++) {
        if (p->bytes.level[l] < p->bytes.compulsory)
            fail_msg("%s: level %d moves %.0f bytes, fewer than the compulsory %.0f", path, l, p->bytes.level[l], p->bytes.compulsory);
        assert_true(l == W_L1 || p->bytes.warm[l] <= p->bytes.level[l]);
    }
    for (int l = W_L2; l < W_DRAM; l++)
        assert_true(p->bytes.level[l] >= p->bytes.level[l + 1]);
    assert_true(p->bound_s > 0 && p->bound_cold_s >= p->bound_s);
}

static void test_plans_keep_their_invariants(void **state) {
    (void)state;
    for (int k = 0; k < nmodels; k++)
        for (int keep = 0; keep < 2; keep++)
            for (int64_t batch = 0; batch <= 3; batch += 3) {
                weir_model *m;
                weir_context *ctx = make_context(NULL, NULL);
                weir_session_options o = weir_session_options_default();
                o.keep_all = keep;
                o.batch = batch;
                weir_session *s = open_session(ctx, models[k], &o, &m);
                check_buffers(s->plan);
                check_ledger(s->plan, models[k]);
                if (!keep)
                    assert_string_not_equal(s->plan->arena_bound_proof, "none");
                close_session(ctx, m, s);
            }
}

static void test_documents(void **state) {
    (void)state;
    for (int k = 0; k < nmodels; k++) {
        weir_model *m;
        weir_document *d[4];
        weir_context *ctx = make_context(NULL, NULL);
        weir_session_options o = weir_session_options_default();
        o.profile = 1;
        weir_session *s = open_session(ctx, models[k], &o, &m);
        assert_int_equal(weir_session_run(s, NULL), WEIR_OK);
        assert_int_equal(weir_session_plan(s, &d[0], NULL), WEIR_OK);
        assert_int_equal(weir_session_plan_text(s, &d[1], NULL), WEIR_OK);
        assert_int_equal(weir_session_ledger(s, &d[2], NULL), WEIR_OK);
        assert_int_equal(weir_session_profile(s, &d[3], NULL), WEIR_OK);
        assert_non_null(strstr(weir_document_text(d[0]), "\"refusals\""));
        assert_non_null(strstr(weir_document_text(d[1]), "arena:"));
        assert_non_null(strstr(weir_document_text(d[2]), "\"bound_ms\""));
        assert_non_null(strstr(weir_document_text(d[3]), "\"ms\""));
        for (int i = 0; i < 4; i++)
            weir_document_destroy(d[i]);
        close_session(ctx, m, s);
    }
}

static int64_t certified_peak(const char *path) {
    weir_model *m;
    weir_document *d = NULL;
    weir_error e = {0};
    weir_context *ctx = make_context(NULL, NULL);
    if (weir_model_open(ctx, path, &m, &e) != WEIR_OK || weir_model_inspect(m, NULL, &d, &e) != WEIR_OK)
        fail_msg("%s: %s", path, e.message);
    const char *at = strstr(weir_document_text(d), "\"peak_bytes\":");
    assert_non_null(at);
    int64_t peak = strtoll(at + strlen("\"peak_bytes\":"), NULL, 10);
    weir_document_destroy(d);
    weir_model_destroy(m);
    weir_context_destroy(ctx);
    return peak;
}

static void test_certified_peak_is_the_measured_one(void **state) {
    (void)state;
    for (int k = 0; k < nmodels; k++) {
        weir_model *m;
        int64_t promised = certified_peak(models[k]);
        weir_context *ctx = make_context(NULL, NULL);
        weir_session *s = open_session(ctx, models[k], NULL, &m);
        for (int i = 0; i < 2; i++)
            assert_int_equal(weir_session_run(s, NULL), WEIR_OK);
        assert_int_equal(promised, (int64_t)weir_context_peak_bytes(ctx));
        close_session(ctx, m, s);
    }
}

/* ---- allocations that fail, one at a time ---- */

typedef struct failing {
    size_t live;
    int64_t left; /* allocations until the one that fails */
} failing;

static void *failing_allocate(void *user, size_t size, size_t align) {
    failing *f = user;
    void *p = NULL;
    if (f->left-- == 0 || posix_memalign(&p, align, size) != 0)
        return NULL;
    f->live += size;
    return p;
}

static void failing_release(void *user, void *block, size_t size) {
    ((failing *)user)->live -= size;
    free(block);
}

static weir_status whole_way(failing *f, const char *path, weir_error *e) {
    weir_context_options o = weir_context_options_default();
    weir_context *ctx = NULL;
    weir_model *m = NULL;
    weir_session *s = NULL;
    o.threads = 1;
    o.allocator = (weir_allocator){failing_allocate, failing_release, f};
    weir_status status = weir_context_create(&o, &ctx, e);
    if (status == WEIR_OK)
        status = weir_model_open(ctx, path, &m, e);
    if (status == WEIR_OK)
        status = weir_session_create(m, NULL, &s, e);
    if (status == WEIR_OK)
        status = weir_session_run(s, e);
    weir_session_destroy(s);
    weir_model_destroy(m);
    weir_context_destroy(ctx);
    return status;
}

static void test_failed_allocations(void **state) {
    (void)state;
    for (int k = 0; k < nmodels; k++)
        for (int64_t n = 0;; n++) {
            weir_error e = {0};
            failing f = {0, n};
            weir_status s = whole_way(&f, models[k], &e);
            assert_int_equal(f.live, 0);
            if (s == WEIR_OK)
                break;
            if (s != WEIR_NO_RESOURCE)
                fail_msg("%s: allocation %lld failed: status %d: %s", models[k], (long long)n, s, e.message);
            assert_int_equal(e.status, WEIR_NO_RESOURCE);
        }
}

static void test_wrong_options(void **state) {
    (void)state;
    static const char *const shapes[] = {"input:1x1x28", "input", "nothing:1x1x28x28", "input:0x1x28x28", "input:1x2x28x28", "input:1x1x28x28x"};
    weir_context *ctx = make_context(NULL, NULL);
    weir_model *m;
    weir_session *s;
    assert_int_equal(weir_model_open(ctx, models[0], &m, NULL), WEIR_OK);
    for (size_t i = 0; i < W_COUNT(shapes); i++) {
        weir_error e = {0};
        weir_session_options o = weir_session_options_default();
        o.shapes = &shapes[i];
        o.nshapes = 1;
        assert_int_equal(weir_session_create(m, &o, &s, &e), WEIR_USAGE);
        assert_non_null(strstr(e.message, shapes[i]));
    }
    weir_session_options o = weir_session_options_default();
    o.batch = -1;
    assert_int_equal(weir_session_create(m, &o, &s, NULL), WEIR_USAGE);
    assert_int_equal(weir_model_save(m, "model.txt", NULL), WEIR_USAGE);
    weir_model_destroy(m);
    weir_context_destroy(ctx);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_on_every_cpu_set),
        cmocka_unit_test(test_plans_keep_their_invariants),
        cmocka_unit_test(test_documents),
        cmocka_unit_test(test_certified_peak_is_the_measured_one),
        cmocka_unit_test(test_failed_allocations),
        cmocka_unit_test(test_wrong_options),
    };
    models = argv + 1;
    nmodels = argc - 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
