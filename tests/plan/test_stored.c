/* test_stored.c: planning for a stored machine: its instruction set, within the cap, whatever this machine has; and nothing
 * runs in such a context.
 *
 * usage: test-plan-stored FOLDER MODEL    FOLDER holds machine-SET.json */
#include "context.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static const char *folder, *model_path;

static weir_status stored(const char *file, const char *cpu, int threads, weir_context **ctx, weir_error *e) {
    weir_context_options o = weir_context_options_default();
    o.machine_file = file;
    o.cpu = cpu;
    o.threads = threads;
    o.plan_only = 1;
    return weir_context_create(&o, ctx, e);
}

static char *machine(const char *set) {
    static char path[4096];
    snprintf(path, sizeof path, "%s/machine-%s.json", folder, set);
    return path;
}

static void test_kernels_are_those_of_the_stored_machine(void **state) {
    static const char *const sets[] = {"ref", "avx2", "avxvnni", "avx512", "vnni"};
    static const char *const floats[] = {"ref", "avx2", "avx2", "avx512", "avx512"}; /* a float network has no use for VNNI */
    (void)state;
    for (size_t i = 0; i < W_COUNT(sets); i++) {
        weir_context *ctx;
        weir_model *m;
        weir_session *s;
        weir_document *d;
        char name[40];
        weir_error e = {0};
        if (stored(machine(sets[i]), NULL, 0, &ctx, &e) != WEIR_OK)
            fail_msg("%s", e.message);
        assert_string_equal(weir_context_cpu(ctx), sets[i]);
        assert_int_equal(weir_context_threads(ctx), 4);
        assert_int_equal(weir_model_open(ctx, model_path, &m, NULL), WEIR_OK);
        assert_int_equal(weir_session_create(m, NULL, &s, NULL), WEIR_OK);
        assert_int_equal(weir_session_plan_text(s, &d, NULL), WEIR_OK);
        snprintf(name, sizeof name, "__%s ", floats[i]);
        assert_non_null(strstr(weir_document_text(d), name));
        assert_int_equal(weir_session_run(s, &e), WEIR_USAGE);
        assert_non_null(strstr(e.message, "only plans"));
        weir_document_destroy(d);
        weir_session_destroy(s);
        weir_model_destroy(m);
        weir_context_destroy(ctx);
    }
}

static void test_the_cap_holds(void **state) {
    (void)state;
    weir_context *ctx;
    assert_int_equal(stored(machine("vnni"), "avx2", 2, &ctx, NULL), WEIR_OK);
    assert_string_equal(weir_context_cpu(ctx), "avx2");
    assert_int_equal(weir_context_threads(ctx), 2);
    weir_context_destroy(ctx);
    assert_int_equal(stored(machine("avx2"), "vnni", 0, &ctx, NULL), WEIR_OK); /* no more than the machine has */
    assert_string_equal(weir_context_cpu(ctx), "avx2");
    weir_context_destroy(ctx);
}

/* Without plan_only a stored machine lends its bandwidths, never instructions that are not there. */
static void test_running_contexts_keep_to_this_cpu(void **state) {
    (void)state;
    weir_context_options o = weir_context_options_default();
    weir_context *ctx;
    o.machine_file = machine("vnni");
    assert_int_equal(weir_context_create(&o, &ctx, NULL), WEIR_OK);
    assert_int_equal(ctx->cpu & ~w_cpu_detect(), 0);
    weir_context_destroy(ctx);
}

static void test_a_bad_model_is_refused(void **state) {
    (void)state;
    char path[] = "/tmp/weir-stored-XXXXXX", text[4096];
    weir_context *ctx = NULL;
    weir_error e = {0};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *in = fopen(machine("vnni"), "rb"), *out = fdopen(fd, "wb");
    assert_non_null(in);
    size_t n = fread(text, 1, sizeof text - 1, in);
    text[n] = 0;
    fclose(in);
    char *at = strstr(text, "\"vnni\"");
    assert_non_null(at);
    memcpy(at, "\"wing\"", 6);
    fputs(text, out);
    fclose(out);
    assert_int_equal(stored(path, NULL, 0, &ctx, &e), WEIR_BAD_INPUT);
    assert_null(ctx);
    assert_non_null(strstr(e.message, "'isa'"));
    assert_non_null(strstr(e.message, "wing"));
    assert_int_equal(stored("/nowhere/machine.json", NULL, 0, &ctx, &e), WEIR_BAD_INPUT);
    unlink(path);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernels_are_those_of_the_stored_machine),
        cmocka_unit_test(test_the_cap_holds),
        cmocka_unit_test(test_running_contexts_keep_to_this_cpu),
        cmocka_unit_test(test_a_bad_model_is_refused),
    };
    if (argc < 3)
        return 2;
    folder = argv[1], model_path = argv[2];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
