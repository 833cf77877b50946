/* Reading data: good files of every format, hand-made bad ones with their messages, and every allocation failed in turn. */
#include "data.h"
#include "harness.h"
#include <archive.h>
#include <archive_entry.h>
#include <jpeglib.h>
#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[] = "/tmp/weir-data-XXXXXX";

static int enter_dir(void **state) { return mkdtemp(dir) ? chdir(dir) : -1; }

static int leave_dir(void **state) {
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return chdir("/") || system(command);
}

static void put(const char *name, const void *data, size_t size) {
    FILE *f = fopen(name, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

static void put_text(const char *name, const char *text) { put(name, text, strlen(text)); }

/* Opens and expects this status; messages must hold the given part. NULL data: failed as expected. */
static weir_dataset *open_spec(struct counting *c, weir_context *ctx, const char *spec, weir_status want, const char *part) {
    weir_dataset *d;
    weir_error e = {.message = ""};
    *c = (struct counting){.fail_at = -1};
    *ctx = counting_context(c);
    weir_status s = weir_dataset_open(ctx, spec, &d, &e);
    if (s != want) fail_msg("%s: status %d: %s", spec, s, e.message);
    if (part && !strstr(e.message, part)) fail_msg("%s: \"%s\" lacks \"%s\"", spec, e.message, part);
    if (s != WEIR_OK) {
        assert_null(d);
        assert_int_equal(c->blocks, 0);
        assert_int_equal(ctx->live, 0);
    }
    return d;
}

static void refuse(const char *spec, weir_status want, const char *part) {
    struct counting c;
    weir_context ctx;
    open_spec(&c, &ctx, spec, want, part);
}

static void close_set(struct counting *c, weir_context *ctx, weir_dataset *d) {
    weir_dataset_destroy(d);
    assert_int_equal(c->blocks, 0);
    assert_int_equal(ctx->live, 0);
}

/* ---- IDX ----------------------------------------------------------------------------------- */

static const uint8_t idx_images[] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3, 0, 51, 102, 153, 204, 255, 9, 8, 7, 6, 5, 4};
static const uint8_t idx_labels[] = {0, 0, 8, 1, 0, 0, 0, 2, 7, 3};

static void idx_is_read(void **state) {
    struct counting c;
    weir_context ctx;
    int rank;
    put("i", idx_images, sizeof idx_images);
    put("l", idx_labels, sizeof idx_labels);
    weir_dataset *d = open_spec(&c, &ctx, "idx:i,l", WEIR_OK, NULL);
    assert_int_equal(weir_dataset_count(d), 2);
    const int64_t *shape = weir_dataset_shape(d, &rank);
    assert_int_equal(rank, 3);
    assert_true(shape[0] == 1 && shape[1] == 2 && shape[2] == 3);
    assert_true(fabsf(weir_dataset_sample(d, 0)[1] - 0.2f) < 1e-6f && weir_dataset_sample(d, 0)[5] == 1);
    assert_int_equal(weir_dataset_label(d, 1), 3);
    close_set(&c, &ctx, d);
}

static void bad_idx_is_refused(void **state) {
    uint8_t b[sizeof idx_images + 1] = {0};
    put("l", idx_labels, sizeof idx_labels);
    for (size_t n = 0; n < sizeof idx_images; n++) {
        put("i", idx_images, n);
        refuse("idx:i,l", WEIR_BAD_INPUT, "i");
    }
    memcpy(b, idx_images, sizeof idx_images);
    put("i", b, sizeof b);
    refuse("idx:i,l", WEIR_BAD_INPUT, "more data than its header says");
    b[2] = 0x0d;
    put("i", b, sizeof idx_images);
    refuse("idx:i,l", WEIR_BAD_INPUT, "expected an IDX file of images");
    memcpy(b, idx_images, sizeof idx_images);
    memset(b + 8, 0xff, 8);
    put("i", b, sizeof idx_images);
    refuse("idx:i,l", WEIR_BAD_INPUT, "images of 4294967295x4294967295 pixels");
    memset(b + 8, 0, 8);
    put("i", b, sizeof idx_images);
    refuse("idx:i,l", WEIR_BAD_INPUT, "images of 0x0 pixels");
    memcpy(b, idx_images, sizeof idx_images);
    b[7] = 3;
    put("i", b, sizeof idx_images);
    refuse("idx:i,l", WEIR_BAD_INPUT, "holds 3 images");
    put("i", idx_images, sizeof idx_images);
    refuse("idx:i,i", WEIR_BAD_INPUT, "IDX file of labels");
    refuse("idx:i", WEIR_USAGE, "two files");
    refuse("idx:i,", WEIR_USAGE, "empty path");
    refuse("idx:i,none", WEIR_BAD_INPUT, "none");
    memset(b, 0, sizeof b);
    b[2] = 8, b[3] = 3, b[11] = b[15] = 1;
    put("i", b, 16);
    put("l", "\0\0\10\1\0\0\0\0", 8);
    refuse("idx:i,l", WEIR_BAD_INPUT, "no samples");
}

/* ---- arrays -------------------------------------------------------------------------------- */

/* An .npy of version 1 with this dictionary and `n` bytes of data. */
static size_t npy(uint8_t *to, const char *dict, size_t n) {
    size_t len = strlen(dict);
    memcpy(to, "\x93NUMPY\1\0", 8);
    to[8] = (uint8_t)len;
    to[9] = (uint8_t)(len >> 8);
    memcpy(to + 10, dict, len);
    memset(to + 10 + len, 1, n);
    return 10 + len + n;
}

static weir_status read_array(const char *path, const char *name, weir_array *a, weir_error *e) {
    struct counting c = {.fail_at = -1};
    weir_context ctx = counting_context(&c);
    weir_status s = weir_array_read(&ctx, path, name, a, e);
    if (s != WEIR_OK) assert_int_equal(c.blocks, 0);
    return s;
}

static void npy_headers(void **state) {
    static const struct { const char *dict; size_t data; const char *part; } cases[] = {
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", 24, NULL},
        {"{'shape':(2,3),\"descr\":'<f4','fortran_order':False}", 24, NULL},
        {"{'descr': '<i8', 'fortran_order': True, 'shape': (3,), }", 24, NULL},
        {"{'descr': '>u1', 'fortran_order': False, 'shape': (), }", 1, NULL},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (0, 3), }", 0, NULL},
        {"{'descr': '>f4', 'fortran_order': False, 'shape': (2, 3), }", 24, "little-endian"},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (2, 3), }", 24, "array type '|O'"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2, 3), }", 24, "bad .npy header"},
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", 24, "Fortran order"},
        {"{'descr': '<f4', 'fortran_order': 0, 'shape': (2, 3), }", 24, "bad .npy header"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-2, 3), }", 24, "bad .npy header"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3, 4), }", 24, "shape and type say 96"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }", 24, "24 bytes of data"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (6), }", 24, "bad .npy header"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2 3), }", 24, "bad .npy header"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'x': 1}", 24, "bad .npy header"},
        {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}", 24, "bad .npy header"},
        {"{'descr': '<f4', 'fortran_order': False}          ", 24, "bad .npy header"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,6)}", 24, "bad .npy header"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", 24, "bad .npy header"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", 24, "overflows"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)", 24, "bad .npy header"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3", 24, "bad .npy header"},
        {"{'descr: <f4, fortran_order: False, shape: (2, 3)}", 24, "bad .npy header"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), } x", 24, "bad .npy header"},
        {"{}", 24, "header of 2 bytes"},
    };
    for (size_t i = 0; i < W_COUNT(cases); i++) {
        uint8_t b[400];
        weir_array a;
        weir_error e = {.message = ""};
        put("a.npy", b, npy(b, cases[i].dict, cases[i].data));
        weir_status s = read_array("a.npy", NULL, &a, &e);
        if (s != (cases[i].part ? WEIR_BAD_INPUT : WEIR_OK)) fail_msg("case %zu: %d %s", i, s, e.message);
        if (cases[i].part && !strstr(e.message, cases[i].part)) fail_msg("case %zu: %s", i, e.message);
        if (s == WEIR_OK) free(a.data);
    }
}

static void cut_npy_is_refused(void **state) {
    uint8_t b[400];
    size_t size = npy(b, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", 24);
    for (size_t n = 0; n < size; n++) {
        weir_array a;
        put("a.npy", b, n);
        assert_int_equal(read_array("a.npy", NULL, &a, NULL), WEIR_BAD_INPUT);
    }
    weir_array a;
    b[6] = 9;
    put("a.npy", b, size);
    assert_int_equal(read_array("a.npy", NULL, &a, NULL), WEIR_BAD_INPUT);
    memcpy(b + 6, "\2\0\xff\xff\xff\xff", 6);
    put("a.npy", b, size);
    assert_int_equal(read_array("a.npy", NULL, &a, NULL), WEIR_BAD_INPUT);
}

static float pictures[3 * 4] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
static int64_t classes[3] = {2, 0, 1};
static const weir_array both[] = {{WEIR_F32, 3, {3, 2, 2}, pictures, sizeof pictures},
                                  {WEIR_S64, 1, {3}, classes, sizeof classes}};

static void write_npz(const char *path, const char *const *names, size_t n) {
    struct counting c = {.fail_at = -1};
    weir_context ctx = counting_context(&c);
    weir_error e;
    if (weir_array_write(&ctx, path, both, names, n, &e) != WEIR_OK) fail_msg("%s", e.message);
    assert_int_equal(c.blocks, 0);
}

static void arrays_are_written(void **state) {
    weir_array a;
    write_npz("a.npz", (const char *const[]){"images", "labels"}, 2);
    assert_int_equal(read_array("a.npz", "labels", &a, NULL), WEIR_OK);
    assert_int_equal(a.type, WEIR_S64);
    assert_memory_equal(a.data, classes, sizeof classes);
    free(a.data);
    assert_int_equal(read_array("a.npz", NULL, &a, NULL), WEIR_OK);
    assert_true(a.rank == 3 && a.dims[0] == 3 && a.dims[2] == 2);
    free(a.data);
    weir_error e;
    assert_int_equal(read_array("a.npz", "other", &a, &e), WEIR_BAD_INPUT);
    assert_non_null(strstr(e.message, "no array named \"other\""));
    write_npz("b.npy", NULL, 1);
    assert_int_equal(read_array("b.npy", NULL, &a, NULL), WEIR_OK);
    assert_memory_equal(a.data, pictures, sizeof pictures);
    free(a.data);
    struct counting c = {.fail_at = -1};
    weir_context ctx = counting_context(&c);
    assert_int_equal(weir_array_write(&ctx, "b.npy", both, NULL, 2, NULL), WEIR_USAGE);
    assert_int_equal(weir_array_write(&ctx, "b.csv", both, NULL, 1, NULL), WEIR_USAGE);
}

static void npz_sets(void **state) {
    struct counting c;
    weir_context ctx;
    weir_dataset *d;
    static const char *const names[][2] = {{"images", "labels"}, {"x", "y"}, {"foo", "bar"}};
    for (size_t i = 0; i < W_COUNT(names); i++) {
        write_npz("a.npz", names[i], 2);
        d = open_spec(&c, &ctx, "npz:a.npz", WEIR_OK, NULL);
        assert_int_equal(weir_dataset_count(d), 3);
        assert_true(weir_dataset_sample(d, 2)[3] == 11); /* float arrays are not scaled */
        assert_int_equal(weir_dataset_label(d, 0), 2);
        close_set(&c, &ctx, d);
    }
    write_npz("a.npz", names[0], 1);
    refuse("npz:a.npz", WEIR_BAD_INPUT, "no labels");
    refuse("npz:a.npz,a.npz", WEIR_BAD_INPUT, "not 3 integers");
    put_text("bad.npz", "PK\3\4 this is no archive at all");
    refuse("npz:bad.npz", WEIR_BAD_INPUT, "bad.npz");
    put_text("bad.npz", "hello");
    refuse("npz:bad.npz", WEIR_BAD_INPUT, "not an .npz file");
}

static void damaged_npz_never_crashes(void **state) {
    write_npz("a.npz", (const char *const[]){"images", "labels"}, 2);
    uint8_t b[4096];
    FILE *f = fopen("a.npz", "rb");
    assert_non_null(f);
    size_t size = fread(b, 1, sizeof b, f);
    fclose(f);
    for (size_t n = 0; n < size; n += 7) {
        weir_array a;
        put("c.npz", b, n);
        if (read_array("c.npz", "labels", &a, NULL) == WEIR_OK) free(a.data);
    }
    for (size_t i = 0; i < size; i++) {
        weir_array a;
        b[i] ^= 0x55;
        put("c.npz", b, size);
        if (read_array("c.npz", "labels", &a, NULL) == WEIR_OK) free(a.data);
        b[i] ^= 0x55;
    }
}

/* ---- images and shards --------------------------------------------------------------------- */

/* A JPEG of one colour; the caller frees it. */
static uint8_t *jpeg(int w, int h, int channels, uint8_t value, size_t *size) {
    struct jpeg_compress_struct j;
    struct jpeg_error_mgr errors;
    unsigned char *out = NULL;
    unsigned long n = 0;
    uint8_t line[300];
    JSAMPROW row = line;
    memset(line, value, sizeof line);
    j.err = jpeg_std_error(&errors);
    jpeg_create_compress(&j);
    jpeg_mem_dest(&j, &out, &n);
    j.image_width = (JDIMENSION)w;
    j.image_height = (JDIMENSION)h;
    j.input_components = channels;
    j.in_color_space = channels == 3 ? JCS_RGB : JCS_GRAYSCALE;
    jpeg_set_defaults(&j);
    jpeg_start_compress(&j, TRUE);
    for (int y = 0; y < h; y++) jpeg_write_scanlines(&j, &row, 1);
    jpeg_finish_compress(&j);
    jpeg_destroy_compress(&j);
    *size = n;
    return out;
}

typedef struct member {
    const char *name;
    const void *data;
    size_t size;
} member;

static void put_tar(const char *name, const member *m, size_t n, bool zstd) {
    struct archive *a = archive_write_new();
    assert_int_equal(archive_write_set_format_ustar(a), ARCHIVE_OK);
    if (zstd) assert_int_equal(archive_write_add_filter_zstd(a), ARCHIVE_OK);
    assert_int_equal(archive_write_open_filename(a, name), ARCHIVE_OK);
    for (size_t i = 0; i < n; i++) {
        struct archive_entry *e = archive_entry_new();
        archive_entry_set_pathname(e, m[i].name);
        archive_entry_set_filetype(e, AE_IFREG);
        archive_entry_set_perm(e, 0644);
        archive_entry_set_size(e, (la_int64_t)m[i].size);
        assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
        assert_int_equal(archive_write_data(a, m[i].data, m[i].size), m[i].size);
        archive_entry_free(e);
    }
    assert_int_equal(archive_write_close(a), ARCHIVE_OK);
    archive_write_free(a);
}

static uint8_t *picture;
static size_t picture_size;

static void shards_are_read(void **state) {
    struct counting c;
    weir_context ctx;
    const member m[] = {{"d/a.jpg", picture, picture_size}, {"d/a.cls", "4\n", 2}, {"d/a.json", "{}", 2},
                        {"d/b.cls", "0", 1}, {"d/b.jpg", picture, picture_size}};
    put_tar("s-1.tar", m, 5, false);
    put_tar("s-2.tar", m, 2, true);
    weir_dataset *d = open_spec(&c, &ctx, "tar:s-*.tar", WEIR_OK, NULL);
    assert_int_equal(weir_dataset_count(d), 3);
    assert_int_equal(weir_dataset_label(d, 0), 4);
    assert_int_equal(weir_dataset_label(d, 1), 0);
    assert_true(fabsf(weir_dataset_sample(d, 2)[5] - 0.4f) < 0.01f);
    close_set(&c, &ctx, d);
    put_text("d.json", "{\"format\": \"tar\", \"path\": \"s-1.tar\", \"limit\": 1, \"resize\": 8, \"crop\": 6, \"layout\": \"NHWC\","
                       " \"mean\": [0.4, 0.4, 0.4], \"std\": [2, 2, 2]}");
    d = open_spec(&c, &ctx, "d.json", WEIR_OK, NULL);
    assert_int_equal(weir_dataset_count(d), 1);
    int rank;
    const int64_t *shape = weir_dataset_shape(d, &rank);
    assert_true(rank == 3 && shape[0] == 6 && shape[1] == 6 && shape[2] == 3);
    for (int i = 0; i < 108; i++) assert_true(fabsf(weir_dataset_sample(d, 0)[i]) < 0.01f);
    close_set(&c, &ctx, d);
}

static void bad_shards_are_refused(void **state) {
    static const struct { const char *name, *data; const char *part; } second[] = {
        {"a.cls", "four", "not a class number"}, {"a.cls", "-1", "not a class number"}, {"a.cls", "", "not a class number"},
        {"a.cls", "3 4", "not a class number"}, {"b.cls", "4", "no .cls"}, {"a.cls", "99999999999", "class 99999999999"},
        {"a.png", "x", "two images"}, {"a.txt", "x", "no .cls"}};
    for (size_t i = 0; i < W_COUNT(second); i++) {
        const member m[] = {{"a.jpg", picture, picture_size}, {second[i].name, second[i].data, strlen(second[i].data)}};
        put_tar("bad.tar", m, 2, false);
        refuse("tar:bad.tar", WEIR_BAD_INPUT, second[i].part);
    }
    const member cut[] = {{"a.jpg", picture, picture_size / 2}, {"a.cls", "1", 1}};
    put_tar("bad.tar", cut, 2, false);
    refuse("tar:bad.tar", WEIR_BAD_INPUT, "a: JPEG");
    const member none[] = {{"a.jpg", "", 0}, {"a.cls", "1", 1}};
    put_tar("bad.tar", none, 2, false);
    refuse("tar:bad.tar", WEIR_BAD_INPUT, "neither JPEG nor PNG");
    size_t size;
    uint8_t *wide = jpeg(9, 5, 3, 9, &size);
    const member mixed[] = {{"a.jpg", picture, picture_size}, {"a.cls", "1", 1}, {"b.jpg", wide, size}, {"b.cls", "1", 1}};
    put_tar("bad.tar", mixed, 4, false);
    refuse("tar:bad.tar", WEIR_BAD_INPUT, "shape 3x5x9; expected 3x5x4");
    free(wide);
    put_text("bad.tar", "no tar");
    refuse("tar:bad.tar", WEIR_BAD_INPUT, "bad.tar");
}

static void images_as_arrays(void **state) {
    weir_array a;
    weir_error e;
    put("p.jpg", picture, picture_size);
    assert_int_equal(read_array("p.jpg", NULL, &a, &e), WEIR_OK);
    assert_true(a.rank == 4 && a.dims[1] == 3 && a.dims[2] == 5 && a.dims[3] == 4);
    free(a.data);
    png_image p = {.version = PNG_IMAGE_VERSION, .width = 2, .height = 3, .format = PNG_FORMAT_GRAY};
    const uint8_t grey[6] = {0, 51, 102, 153, 204, 255};
    assert_true(png_image_write_to_file(&p, "p.png", 0, grey, 0, NULL));
    assert_int_equal(read_array("p.png", NULL, &a, &e), WEIR_OK);
    assert_true(a.rank == 4 && a.dims[1] == 1 && a.dims[2] == 3 && a.dims[3] == 2);
    assert_true(((float *)a.data)[5] == 1);
    free(a.data);
    put("cut.png", "\x89PNG\r\n\x1a\n\0\0", 10);
    assert_int_equal(read_array("cut.png", NULL, &a, &e), WEIR_BAD_INPUT);
    put("cut.jpg", picture, 30);
    assert_int_equal(read_array("cut.jpg", NULL, &a, &e), WEIR_BAD_INPUT);
}

static void resizing_keeps_averages(void **state) {
    struct counting c = {.fail_at = -1};
    weir_context ctx = counting_context(&c);
    w_data_options o = {.resize_h = 3, .resize_w = 4};
    w_image m;
    assert_int_equal(w_image_alloc(&ctx, 6, 8, 1, "t", &m, NULL), WEIR_OK);
    for (int i = 0; i < 48; i++) m.pixel[i] = (float)(i % 8);
    assert_int_equal(w_image_fit(&ctx, &o, &m, "t", NULL), WEIR_OK);
    assert_true(m.h == 3 && m.w == 4);
    for (int i = 0; i < 12; i++) /* inside, a ramp stays a ramp */
        if (i % 4 == 1 || i % 4 == 2) assert_true(fabsf(m.pixel[i] - (0.5f + 2 * (float)(i % 4))) < 1e-5f);
    w_image_drop(&ctx, &m);
    assert_int_equal(c.blocks, 0);
}

/* ---- specifications ------------------------------------------------------------------------ */

static void bad_specifications(void **state) {
    refuse("cifar10:x", WEIR_USAGE, "not yet");
    refuse("folder:x", WEIR_USAGE, "not yet");
    refuse("csv:x", WEIR_USAGE, "not yet");
    refuse("zip:x", WEIR_USAGE, "unknown data format \"zip\"");
    refuse("tar:none-*.tar", WEIR_BAD_INPUT, "no file matches");
    refuse("none.json", WEIR_BAD_INPUT, "none.json");
    static const struct { const char *json; weir_status want; const char *part; } cases[] = {
        {"{\"format\": \"idx\", \"paths\": []}", WEIR_BAD_INPUT, "unknown field \"paths\"; known are format, path, layout"},
        {"{\"format\": \"idx\"}", WEIR_BAD_INPUT, "\"path\" is missing"},
        {"{\"path\": \"a\"}", WEIR_BAD_INPUT, "\"format\" is missing"},
        {"{\"format\": \"csv\", \"path\": \"a\"}", WEIR_USAGE, "not yet"},
        {"{\"format\": 3, \"path\": \"a\"}", WEIR_BAD_INPUT, "\"format\": expected"},
        {"{\"format\": \"idx\", \"path\": [1]}", WEIR_BAD_INPUT, "\"path\": expected"},
        {"{\"format\": \"idx\", \"path\": []}", WEIR_USAGE, "no data file"},
        {"{\"format\": \"idx\", \"path\": \"i\", \"std\": 0}", WEIR_BAD_INPUT, "\"std\": expected"},
        {"{\"format\": \"idx\", \"path\": \"i\", \"mean\": [1, \"a\"]}", WEIR_BAD_INPUT, "\"mean\": expected"},
        {"{\"format\": \"idx\", \"path\": \"i\", \"crop\": 0}", WEIR_BAD_INPUT, "\"crop\": expected"},
        {"{\"format\": \"idx\", \"path\": \"i\", \"resize\": [1, 2, 3]}", WEIR_BAD_INPUT, "\"resize\": expected"},
        {"{\"format\": \"idx\", \"path\": \"i\", \"limit\": -1}", WEIR_BAD_INPUT, "\"limit\": expected"},
        {"{\"format\": \"idx\", \"path\": \"i\", \"layout\": \"HWC\"}", WEIR_BAD_INPUT, "\"layout\": expected"},
        {"{\"format\": \"idx\", \"path\": \"i\", \"augment\": {}}", WEIR_USAGE, "not yet"},
        {"{\"format\": \"idx\", \"path\": [\"i\", \"l\"], \"mean\": [1, 2]}", WEIR_BAD_INPUT, "1 channels"},
        {"{\"format\": \"idx\", \"path\": [\"i\", \"l\"], \"crop\": 9}", WEIR_BAD_INPUT, "\"crop\" takes 9"},
        {"[]", WEIR_BAD_INPUT, "expected a JSON object"},
        {"{\"format\": \"idx\"", WEIR_BAD_INPUT, "line 1"}};
    put("i", idx_images, sizeof idx_images);
    put("l", idx_labels, sizeof idx_labels);
    for (size_t i = 0; i < W_COUNT(cases); i++) {
        put_text("c.json", cases[i].json);
        refuse("c.json", cases[i].want, cases[i].part);
    }
}

static void every_allocation_may_fail(void **state) {
    static const char *const specs[] = {"idx:i,l", "tar:s-1.tar", "npz:a.npz", "d.json"};
    put("i", idx_images, sizeof idx_images);
    put("l", idx_labels, sizeof idx_labels);
    write_npz("a.npz", (const char *const[]){"images", "labels"}, 2);
    for (size_t i = 0; i < W_COUNT(specs); i++) {
        weir_status s = WEIR_NO_RESOURCE;
        int n = 0;
        for (; s != WEIR_OK; n++) {
            struct counting c = {.fail_at = n};
            weir_context ctx = counting_context(&c);
            weir_dataset *d;
            s = weir_dataset_open(&ctx, specs[i], &d, NULL);
            if (s != WEIR_OK) assert_int_equal(s, WEIR_NO_RESOURCE);
            weir_dataset_destroy(d);
            assert_int_equal(c.blocks, 0);
        }
        assert_true(n > 5);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idx_is_read),           cmocka_unit_test(bad_idx_is_refused),
        cmocka_unit_test(npy_headers),           cmocka_unit_test(cut_npy_is_refused),
        cmocka_unit_test(arrays_are_written),    cmocka_unit_test(npz_sets),
        cmocka_unit_test(damaged_npz_never_crashes), cmocka_unit_test(shards_are_read),
        cmocka_unit_test(bad_shards_are_refused), cmocka_unit_test(images_as_arrays),
        cmocka_unit_test(resizing_keeps_averages), cmocka_unit_test(bad_specifications),
        cmocka_unit_test(every_allocation_may_fail),
    };
    picture = jpeg(4, 5, 3, 102, &picture_size);
    int failed = cmocka_run_group_tests(tests, enter_dir, leave_dir);
    free(picture);
    return failed;
}
