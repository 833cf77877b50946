/* What the readers of data sets share: options, sources of bytes, decoded images, the set under construction.
 *
 * Invariants:
 *  - a reader streams: it never allocates what a header claims before the bytes have come;
 *  - every sample of a set has the same shape, [C,H,W] or [H,W,C] for images, any shape for arrays;
 *  - samples lie in blocks that never move, so that growing a set copies nothing. */
#ifndef W_DATA_H
#define W_DATA_H
#include "arena.h"
#include "file.h"
#include "graph.h"
#include "weir_lab.h"

#define W_CHANNELS_MAX 16
#define W_IMAGE_SIDE_MAX 65535
#define W_IMAGE_BYTES_MAX ((size_t)1 << 30)

/* ---- options (data_options.c, data_json.c) ---- */
typedef enum w_data_format { W_DATA_IDX, W_DATA_NPZ, W_DATA_TAR } w_data_format;
typedef struct w_data_options {
    w_arena arena;                  /* holds the paths */
    w_data_format format;
    const char *const *path;
    size_t npath;
    double scale;                   /* NaN: 1/255 for 8-bit data, 1 for other */
    double mean[W_CHANNELS_MAX], std[W_CHANNELS_MAX];
    size_t nmean, nstd;             /* 0: none; 1: for all channels */
    int resize_h, resize_w;         /* 0: none; resize_w 0: the shorter side becomes resize_h */
    int crop;                       /* 0: none; centred square */
    size_t limit;                   /* 0: all */
    bool channels_last;             /* samples are given as [H,W,C] */
} w_data_options;
weir_status w_data_options_parse(weir_context *ctx, const char *spec, w_data_options *out, weir_error *e);
void w_data_options_drop(w_data_options *o);
weir_status w_data_format_find(const char *name, size_t len, w_data_format *out, const char *spec, weir_error *e);
/* Paths relative to `base` (a file whose folder counts; NULL: as they are), patterns expanded; into o->path. */
weir_status w_data_paths(w_data_options *o, const char *const *given, size_t n, const char *base, weir_error *e);
weir_status w_data_json(w_data_options *o, const char *file, weir_error *e);

/* ---- the set under construction (dataset.c) ---- */
struct weir_dataset {
    weir_context *ctx;
    w_data_options options;
    int rank;
    int64_t shape[8];
    size_t elems;                   /* of one sample */
    size_t per_block;
    float **block;
    size_t nblock, block_cap;
    int32_t *label;
    size_t n, label_cap;
};
bool w_dataset_full(const weir_dataset *d); /* the limit is reached */
/* Fixes the shape on the first call and compares on later ones; `what` names the sample. */
weir_status w_dataset_shape_is(weir_dataset *d, const int64_t *shape, int rank, const char *what, weir_error *e);
/* Room for one more sample with this label; *out is to be filled. */
weir_status w_dataset_append(weir_dataset *d, int64_t label, const char *what, float **out, weir_error *e);
weir_status w_dataset_tick(const weir_dataset *d, weir_error *e); /* progress and cancelling, once a sample */

weir_status w_read_idx(weir_dataset *d, weir_error *e);
weir_status w_read_npz(weir_dataset *d, weir_error *e);
weir_status w_read_shards(weir_dataset *d, weir_error *e);

/* ---- streams of bytes, unpacked on the way (stream.c) ---- */
struct archive;
/* The file below an archive. libarchive's own readers of files lose theirs where memory runs out while they open one. */
typedef struct w_archive_file { int fd; void *bytes; } w_archive_file;
/* Opens a file and the archive in it; false: w_archive_fail tells why. To be closed in either case, once the archive is freed. */
bool w_archive_open(struct archive *a, w_archive_file *f, const char *path);
void w_archive_close(w_archive_file *f);

typedef struct w_stream {
    struct archive *a;
    w_archive_file file;
    const char *path;
} w_stream; /* stays where it was opened */
weir_status w_stream_open(w_stream *s, const char *path, weir_error *e);
/* Exactly n bytes, or a message that says what is missing. */
weir_status w_stream_read(w_stream *s, void *to, size_t n, const char *what, weir_error *e);
weir_status w_stream_end(w_stream *s, weir_error *e); /* fails when bytes are left */
void w_stream_close(w_stream *s);
/* The message of a failed libarchive call, with the right status. */
weir_status w_archive_fail(struct archive *a, const char *path, const char *what, weir_error *e);

/* ---- images (image_decode.c, image_png.c, image_fit.c) ---- */
typedef struct w_image {            /* interleaved rows */
    int h, w, c;                    /* c: 1 or 3 when decoded */
    float *pixel;
} w_image;
size_t w_image_bytes(const w_image *m);
void w_image_drop(weir_context *ctx, w_image *m);
weir_status w_image_alloc(weir_context *ctx, int h, int w, int c, const char *what, w_image *m, weir_error *e);
/* JPEG or PNG, told apart by content; 0..255 a channel. */
weir_status w_image_decode(weir_context *ctx, const uint8_t *data, size_t size, const char *what, w_image *out, weir_error *e);
weir_status w_image_decode_jpeg(weir_context *ctx, const uint8_t *data, size_t size, const char *what, w_image *out, weir_error *e);
weir_status w_image_decode_png(weir_context *ctx, const uint8_t *data, size_t size, const char *what, w_image *out, weir_error *e);
bool w_image_is_jpeg(const uint8_t *data, size_t size);
bool w_image_is_png(const uint8_t *data, size_t size);
/* Resize and crop as the options say; *m is replaced. */
weir_status w_image_fit(weir_context *ctx, const w_data_options *o, w_image *m, const char *what, weir_error *e);
/* Fits, scales (by default_scale where the options give no scale), normalises and appends; *m is used up in every case. */
weir_status w_dataset_add_image(weir_dataset *d, w_image *m, int64_t label, double default_scale, const char *what,
                                weir_error *e);
/* Scale, mean and standard deviation of channel c as y = x * mul + add; default_scale where the options give none. */
weir_status w_normaliser(const w_data_options *o, int channels, double default_scale, float *mul, float *add, weir_error *e);

/* ---- arrays (npy.c, npz.c) ---- */
typedef struct w_npy {
    weir_type type;
    int rank;
    int64_t dims[8];
    size_t header, bytes;           /* where the data starts; its size */
} w_npy;
#define W_NPY_PREFIX 12             /* bytes that tell how long the header is */
/* Length of the whole header from its first W_NPY_PREFIX bytes. */
weir_status w_npy_header_size(const uint8_t *prefix, const char *what, size_t *size, weir_error *e);
/* Parses a whole header (data of at least the size that w_npy_header_size gives). */
weir_status w_npy_parse(const uint8_t *data, size_t size, const char *what, w_npy *out, weir_error *e);
/* The header of an array; at most W_NPY_HEADER_MAX bytes. */
#define W_NPY_HEADER_MAX 512
weir_status w_npy_format(const weir_array *a, const char *what, uint8_t *header, size_t *size, weir_error *e);
bool w_npz_is(const uint8_t *data, size_t size);
/* Called for each array of an archive in turn; *stop ends the walk after this one. read gives the data. */
typedef struct w_npz_entry {
    const char *name;               /* without ".npy" */
    w_npy npy;
    struct archive *a;
    const char *what;               /* "file: name", for messages */
} w_npz_entry;
typedef weir_status (*w_npz_fn)(void *user, const w_npz_entry *entry, bool *stop, weir_error *e);
weir_status w_npz_walk(weir_context *ctx, const w_map *file, const char *path, w_npz_fn fn, void *user, weir_error *e);
weir_status w_npz_take(weir_context *ctx, const w_npz_entry *entry, weir_array *out, weir_error *e);
/* The array of this name, the first one where name is NULL. */
weir_status w_npz_read(weir_context *ctx, const w_map *file, const char *path, const char *name, weir_array *out, weir_error *e);
weir_status w_npy_read(weir_context *ctx, const w_map *file, const char *path, weir_array *out, weir_error *e);
bool w_npy_is(const uint8_t *data, size_t size);
weir_status w_npz_write(weir_context *ctx, const char *path, const weir_array *arrays, const char *const *names, size_t n,
                        weir_error *e);
/* n elements as float / as 64-bit integers; a data set's arrays. */
void w_type_to_float(weir_type t, const void *from, size_t n, float *to);
bool w_type_is_float(weir_type t);
int64_t w_type_to_int(weir_type t, const void *from, size_t index);
#endif
