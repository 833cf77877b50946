/* Files that appear whole, JSON in and out, CPU sets, the thread pool, messages, hashes. */
#include "doc.h"
#include "file.h"
#include "harness.h"
#include "hash.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char dir[] = "/tmp/weir-test-XXXXXX";
static char path[300];

static int make_dir(void **state) {
    if (!mkdtemp(dir)) return -1;
    snprintf(path, sizeof path, "%s/out.bin", dir);
    return 0;
}

static int remove_dir(void **state) { return rmdir(dir); }

static int files_in_dir(void) {
    int n = 0;
    DIR *d = opendir(dir);
    assert_non_null(d);
    for (struct dirent *f; (f = readdir(d));) n += f->d_name[0] != '.';
    closedir(d);
    return n;
}

/* ---- files --------------------------------------------------------------------------------- */

static void output_appears_whole(void **state) {
    struct counting c = {.fail_at = -1};
    weir_context ctx = counting_context(&c);
    w_out *o;
    assert_int_equal(w_out_open(&ctx, path, &o, NULL), WEIR_OK);
    w_out_write(o, "abc", 3);
    w_out_pad(o, 64);
    assert_int_equal(w_out_tell(o), 64);
    char *big = calloc(1, 1000000);
    assert_non_null(big);
    w_out_write(o, big, 1000000);
    free(big);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(w_out_commit(o, NULL), WEIR_OK);
    w_map m;
    assert_int_equal(w_map_open(&ctx, path, &m, NULL), WEIR_OK);
    assert_int_equal(m.size, 1000064);
    assert_memory_equal(m.data, "abc\0", 4);
    w_map_forget(&m, 1, 999999);
    w_map_forget(&m, 2000000, 5);
    assert_memory_equal(m.data, "abc\0", 4);
    w_map_close(&ctx, &m);
    assert_int_equal(files_in_dir(), 1);
    assert_int_equal(c.blocks, 0);
}

static void aborted_output_changes_nothing(void **state) {
    struct counting c = {.fail_at = -1};
    weir_context ctx = counting_context(&c);
    w_out *o;
    assert_int_equal(w_out_open(&ctx, path, &o, NULL), WEIR_OK);
    w_out_write(o, "zzz", 3);
    w_out_abort(o);
    w_out_abort(NULL);
    w_map m;
    assert_int_equal(w_map_open(&ctx, path, &m, NULL), WEIR_OK);
    assert_int_equal(m.data[0], 'a');
    w_map_close(&ctx, &m);
    assert_int_equal(files_in_dir(), 1);
    unlink(path);
    assert_int_equal(c.blocks, 0);
}

static void full_disk_is_reported(void **state) {
    struct counting c = {.fail_at = -1};
    weir_context ctx = counting_context(&c);
    weir_error e;
    w_out *o;
    if (access("/dev/full", W_OK) != 0) skip();
    assert_int_equal(w_out_open(&ctx, "/dev/full", &o, NULL), WEIR_OK);
    w_out_write(o, "abc", 3);
    assert_int_equal(w_out_commit(o, &e), WEIR_NO_RESOURCE);
    assert_non_null(strstr(e.message, "/dev/full"));
    assert_int_equal(access("/dev/full", F_OK), 0);
    assert_int_equal(c.blocks, 0);
}

static void bad_paths_fail(void **state) {
    struct counting c = {.fail_at = -1};
    weir_context ctx = counting_context(&c);
    weir_error e;
    w_out *o;
    w_map m;
    assert_int_equal(w_out_open(&ctx, "/nowhere/x", &o, &e), WEIR_BAD_INPUT);
    assert_non_null(strstr(e.message, "/nowhere/x"));
    assert_int_equal(w_out_open(&ctx, dir, &o, &e), WEIR_BAD_INPUT);
    assert_int_equal(w_map_open(&ctx, "/nowhere/x", &m, &e), WEIR_BAD_INPUT);
    assert_int_equal(w_map_open(&ctx, dir, &m, &e), WEIR_BAD_INPUT);
    assert_non_null(strstr(e.message, "directory"));
    for (int n = 0; n < 3; n++) {
        c = (struct counting){.fail_at = n};
        assert_int_equal(w_out_open(&ctx, path, &o, &e), WEIR_NO_RESOURCE);
        assert_int_equal(c.blocks, 0);
    }
    assert_int_equal(files_in_dir(), 0);
}

static void empty_files_and_pipes_are_read(void **state) {
    struct counting c = {.fail_at = -1};
    weir_context ctx = counting_context(&c);
    w_out *o;
    w_map m;
    assert_int_equal(w_out_open(&ctx, path, &o, NULL), WEIR_OK);
    assert_int_equal(w_out_commit(o, NULL), WEIR_OK);
    assert_int_equal(w_map_open(&ctx, path, &m, NULL), WEIR_OK);
    assert_null(m.data);
    w_map_close(&ctx, &m);
    unlink(path);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "hello", 5), 5);
    close(ends[1]);
    char name[40];
    snprintf(name, sizeof name, "/dev/fd/%d", ends[0]);
    assert_int_equal(w_map_open(&ctx, name, &m, NULL), WEIR_OK);
    assert_int_equal(m.size, 5);
    assert_memory_equal(m.data, "hello", 5);
    w_map_close(&ctx, &m);
    close(ends[0]);
    assert_int_equal(c.blocks, 0);
    assert_int_equal(ctx.live, 0);
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static void documents_are_built(void **state) {
    w_doc d;
    weir_document *doc;
    w_doc_begin(&d);
    w_doc_int(&d, d.root, "i", -5);
    w_doc_num(&d, d.root, "x", 0.1);
    w_doc_num(&d, d.root, "nan", 0.0 / 0.0);
    w_doc_str(&d, d.root, "s", "a\xff\xc3\xa4\xed\xa0\x80");
    w_doc_str(&d, d.root, "none", NULL);
    json_t *list = w_doc_arr(&d, d.root, "list");
    w_doc_bool(&d, list, NULL, true);
    w_doc_null(&d, list, NULL);
    w_doc_str(&d, w_doc_obj(&d, list, NULL), "k\x80", "v");
    assert_int_equal(w_doc_end(&d, &doc, NULL), WEIR_OK);
    assert_string_equal(weir_document_text(doc),
                        "{\"i\":-5,\"x\":0.1,\"nan\":null,\"s\":\"a\\\\xff\xc3\xa4\\\\xed\\\\xa0\\\\x80\",\"none\":null,"
                        "\"list\":[true,null,{\"k\\\\x80\":\"v\"}]}");
    weir_document_destroy(doc);
    weir_document_destroy(NULL);
    doc = w_document_text("plain");
    assert_string_equal(weir_document_text(doc), "plain");
    weir_document_destroy(doc);
}

static void failed_building_is_sticky(void **state) {
    w_doc d;
    weir_document *doc;
    w_doc_begin(&d);
    w_doc_str(&d, w_doc_obj(&d, NULL, "lost"), "k", "v");
    w_doc_int(&d, d.root, "fine", 1);
    assert_true(d.bad);
    assert_int_equal(w_doc_end(&d, &doc, NULL), WEIR_NO_RESOURCE);
    assert_null(doc);
}

static void expect_json(const char *text, weir_status want, const char *message) {
    json_t *j;
    weir_error e = {.message = ""};
    weir_status s = w_json_parse(text, strlen(text), "file.json", &j, &e);
    assert_int_equal(s, want);
    if (message && !strstr(e.message, message)) fail_msg("%s: no \"%s\"", e.message, message);
    json_decref(j);
}

static void json_is_checked(void **state) {
    expect_json("{\"a\": [1, 2]}", WEIR_OK, NULL);
    expect_json("", WEIR_BAD_INPUT, "file.json: line 1");
    expect_json("{\"a\": 1,\n \"a\": 2}", WEIR_BAD_INPUT, "line 2, column");
    expect_json("{\"a\": 1} x", WEIR_BAD_INPUT, "end of file expected");
    expect_json("{\"a\": \"\xff\"}", WEIR_BAD_INPUT, "file.json");
    static char deep[20001];
    memset(deep, '[', sizeof deep - 1);
    expect_json(deep, WEIR_BAD_INPUT, "depth");
    json_t *j;
    assert_int_equal(w_json_parse("", (size_t)1 << 40, "huge", &j, NULL), WEIR_BAD_INPUT);
}

/* ---- CPU, threads, messages ---------------------------------------------------------------- */

static void cpu_names(void **state) {
    const uint32_t all = UINT32_MAX, have = w_cpu_detect();
    uint32_t f;
    weir_error e;
    assert_int_equal(w_cpu_cap(all, "ref", &f, NULL), WEIR_OK);
    assert_int_equal(f, 0);
    assert_string_equal(w_cpu_name(0), "ref");
    assert_int_equal(w_cpu_cap(have, NULL, &f, NULL), WEIR_OK);
    assert_int_equal(f, have);
    assert_int_equal(w_cpu_cap(have, "", &f, NULL), WEIR_OK);
    assert_int_equal(f, have);
    assert_int_equal(w_cpu_cap(have, "sse9", &f, &e), WEIR_USAGE);
    assert_non_null(strstr(e.message, "\"sse9\"; expected one of ref"));
#if defined(__x86_64__)
    static const char *const names[] = {"ref", "avx2", "avx512", "vnni", "bf16", "amx", "avxvnni"};
    for (size_t i = 0; i < W_COUNT(names); i++) {
        assert_int_equal(w_cpu_cap(all, names[i], &f, NULL), WEIR_OK);
        assert_string_equal(w_cpu_name(f), names[i]);
    }
    assert_int_equal(w_cpu_cap(W_CPU_AVX2, "bf16", &f, NULL), WEIR_OK);
    assert_string_equal(w_cpu_name(f), "avx2");
    if (have & W_CPU_VNNI) assert_true(have & W_CPU_AVX512);
    if (have & W_CPU_AVX512) assert_true(have & W_CPU_AVX2);
#elif defined(__aarch64__)
    static const char *const names[] = {"ref", "neon", "dotprod", "i8mm"};
    for (size_t i = 0; i < W_COUNT(names); i++) {
        assert_int_equal(w_cpu_cap(all, names[i], &f, NULL), WEIR_OK);
        assert_string_equal(w_cpu_name(f), names[i]);
    }
    assert_int_equal(w_cpu_cap(W_CPU_NEON, "i8mm", &f, NULL), WEIR_OK);
    assert_string_equal(w_cpu_name(f), "neon");
    assert_true(have & W_CPU_NEON);
#endif
}

static void topology_is_sane(void **state) {
    w_topology t;
    w_topology_read(&t);
    assert_true(t.cores >= 1 && t.cpus >= t.cores);
    print_message("%s: %d cores, %d cpus, l1d %zu, l2 %zu, llc %zu%s\n", t.model, t.cores, t.cpus, t.l1d, t.l2, t.llc,
                  t.llc_victim ? " (victim)" : "");
}

struct marks {
    unsigned char hit[1000], thread[1000];
};

static void mark(void *arg, size_t i) { ((struct marks *)arg)->hit[i]++; }

static void mark_thread(void *arg, size_t thread, size_t i) {
    struct marks *m = arg;
    m->hit[i]++;
    m->thread[i] = (unsigned char)thread;
}

static void pool_covers_each_tile_once(void **state) {
    for (size_t threads = 1; threads <= 5; threads++) {
        w_pool *p = w_pool_create(threads);
        assert_non_null(p);
        assert_int_equal(w_pool_threads(p), threads);
        for (size_t n = 0; n <= 1000; n += n < 20 ? 1 : 97) {
            struct marks m = {0};
            w_pool_for(p, mark, &m, n);
            w_pool_for_thread(p, mark_thread, &m, n);
            for (size_t i = 0; i < 1000; i++) assert_int_equal(m.hit[i], i < n ? 2 : 0);
            for (size_t i = 1; i < n; i++) assert_in_range(m.thread[i] - m.thread[i - 1], 0, 1);
            if (n) assert_true(m.thread[n - 1] < threads);
        }
        w_pool_destroy(p);
    }
    struct marks m = {0};
    w_pool_for(NULL, mark, &m, 3);
    assert_int_equal(m.hit[2], 1);
    assert_int_equal(w_pool_threads(NULL), 1);
    w_pool_destroy(NULL);
}

static void rest(long microseconds) { nanosleep(&(struct timespec){.tv_nsec = 1000 * microseconds}, NULL); }

static void mark_late(void *arg, size_t i) {
    rest(i % 2 ? 600 : 0);
    mark(arg, i);
}

/* Threads that sleep before a job begins, and callers that sleep before it ends; more threads than cores, job upon job. */
static void pool_sleeps_and_wakes(void **state) {
    w_pool *few = w_pool_create(2), *many = w_pool_create(9);
    assert_non_null(few);
    assert_non_null(many);
    for (size_t k = 0; k < 40; k++) {
        struct marks m = {0};
        if (k % 4 == 0) rest(4000);
        w_pool_for(few, mark_late, &m, 2);
        for (size_t i = 0; i < 50; i++) w_pool_for(many, mark, &m, 9);
        for (size_t i = 0; i < 9; i++) assert_int_equal(m.hit[i], 50 + (i < 2));
    }
    w_pool_destroy(many);
    w_pool_destroy(few);
}

static void messages_are_cut(void **state) {
    weir_error e = {.message = ""};
    static char text[3000];
    memset(text, 'x', sizeof text - 1);
    assert_int_equal(w_fail(&e, WEIR_USAGE, "%s", text), WEIR_USAGE);
    assert_int_equal(strlen(e.message), sizeof e.message - 1);
    w_fail(&e, WEIR_BAD_INPUT, "inner %d", 3);
    assert_int_equal(w_fail_prefix(&e, WEIR_INTERNAL, "file %s", "a"), WEIR_BAD_INPUT);
    assert_string_equal(e.message, "file a: inner 3");
    assert_int_equal(w_fail_prefix(&e, WEIR_INTERNAL, "%s", text), WEIR_BAD_INPUT);
    assert_int_equal(strlen(e.message), sizeof e.message - 1);
    assert_int_equal(w_fail(NULL, WEIR_USAGE, "x"), WEIR_USAGE);
    assert_int_equal(w_fail_prefix(NULL, WEIR_USAGE, "x"), WEIR_USAGE);
    assert_int_equal(w_oom(&e, 12, "y"), WEIR_NO_RESOURCE);
}

static void hash_is_fixed(void **state) {
    assert_true(w_hash64("", 0, 0) == 0x2d06800538d394c2u);
    assert_true(w_hash64("weir", 4, 0) != w_hash64("weir", 4, 1));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(output_appears_whole),      cmocka_unit_test(aborted_output_changes_nothing),
        cmocka_unit_test(full_disk_is_reported),     cmocka_unit_test(bad_paths_fail),
        cmocka_unit_test(empty_files_and_pipes_are_read), cmocka_unit_test(documents_are_built),
        cmocka_unit_test(failed_building_is_sticky), cmocka_unit_test(json_is_checked),
        cmocka_unit_test(cpu_names),                 cmocka_unit_test(topology_is_sane),
        cmocka_unit_test(pool_covers_each_tile_once), cmocka_unit_test(pool_sleeps_and_wakes), cmocka_unit_test(messages_are_cut),
        cmocka_unit_test(hash_is_fixed),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
