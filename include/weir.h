/* weir.h: run trained networks with as few bytes as the machine allows.
 *
 * The public interface of libweir, as a ladder:
 *   1. simple:   open a model, make a session, run it
 *   2. explicit: contexts, bound shapes, documents (JSON) about models, plans and machines
 *   3. advanced: allocators, cancelling, per-step profiles
 *
 * Conventions. Handles are opaque and belong to the caller, who destroys them. A call that can fail
 * returns a weir_status and fills the caller's weir_error (may be NULL) with a message that names the
 * file, node or tensor at fault and what was expected. The library never prints, aborts or exits and
 * has no writable global state. A context and everything made from it is used by one thread at a time;
 * different contexts are independent. Sizes are bytes unless a name says otherwise.
 */
#ifndef WEIR_H
#define WEIR_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_VERSION "0.1.0"
#if defined(__GNUC__)
#define WEIR_API __attribute__((visibility("default")))
#define WEIR_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define WEIR_API
#define WEIR_PRINTF(f, a)
#endif

/* The numbers are the exit codes of the command line (interrupted is 130 there). */
typedef enum weir_status {
    WEIR_OK = 0,
    WEIR_UNMET = 1,       /* ran, but what was asked was not met (an accuracy budget) */
    WEIR_USAGE = 2,       /* a wrong argument, or a feature that is not there yet */
    WEIR_BAD_INPUT = 3,   /* an unreadable, lying or unsupported file or model */
    WEIR_NO_RESOURCE = 4, /* memory, disk */
    WEIR_INTERRUPTED = 5, /* the caller's cancel flag was set */
    WEIR_INTERNAL = 6     /* a defect in weir itself */
} weir_status;

typedef struct weir_error {
    weir_status status;
    char message[1000]; /* always terminated */
} weir_error;

/* ---- context ------------------------------------------------------------------------------- */

typedef struct weir_context weir_context;
typedef struct weir_model weir_model;
typedef struct weir_session weir_session;
typedef struct weir_document weir_document;

/* allocate: `size` bytes aligned to `align` (a power of two, >= 64 for tensors), or NULL.
 * release: what allocate gave, with the same size. */
typedef struct weir_allocator {
    void *(*allocate)(void *user, size_t size, size_t align);
    void (*release)(void *user, void *block, size_t size);
    void *user;
} weir_allocator;

typedef void (*weir_log_fn)(void *user, const char *line);
/* done/total in any unit, total 0 if unknown; `what` is a short phrase. */
typedef void (*weir_progress_fn)(void *user, const char *what, double done, double total);

typedef struct weir_context_options {
    size_t struct_size;          /* sizeof(weir_context_options); set by the initialiser */
    weir_allocator allocator;    /* all NULL: the C library's */
    weir_log_fn log;             /* NULL: silent */
    void *log_user;
    weir_progress_fn progress;   /* NULL: none */
    void *progress_user;
    const volatile int *cancel;  /* nonzero: long calls return WEIR_INTERRUPTED; NULL: never */
    int threads;                 /* 0: physical cores */
    const char *cpu;             /* "ref", "avx2", "avx512", "vnni", "bf16", "amx", "avxvnni"; NULL: $WEIR_CPU, else all */
    const char *machine_file;    /* a stored machine model; NULL: the cached or measured one */
    int plan_only;               /* nonzero: sessions are planned and never run, so that machine_file may be of a machine with
                                    instruction sets that this one lacks: kernels are chosen for it, within `cpu`, and
                                    threads 0 means its threads */
} weir_context_options;

WEIR_API weir_context_options weir_context_options_default(void);
WEIR_API weir_status weir_context_create(const weir_context_options *options, weir_context **out, weir_error *error);
WEIR_API void weir_context_destroy(weir_context *context); /* NULL is allowed */
/* Bytes live in the context's allocator now, and the highest sum so far. reset_peak sets peak to live. */
WEIR_API size_t weir_context_live_bytes(const weir_context *context);
WEIR_API size_t weir_context_peak_bytes(const weir_context *context);
WEIR_API void weir_context_reset_peak(weir_context *context);
WEIR_API int weir_context_threads(const weir_context *context);
/* Name of the instruction set in use: the largest CPU set of the machine inside the cap. */
WEIR_API const char *weir_context_cpu(const weir_context *context);
WEIR_API const char *weir_version(void); /* "0.1.0" */
WEIR_API const char *weir_commit(void);  /* commit the library was built from, or "unknown" */

/* ---- documents: every result is also one JSON text ----------------------------------------- */

WEIR_API const char *weir_document_text(const weir_document *document); /* UTF-8, valid until destroyed */
WEIR_API void weir_document_destroy(weir_document *document);

/* ---- models -------------------------------------------------------------------------------- */

/* Open FILE (.onnx or .weir, told apart by content). Weights stay in the file mapping. */
WEIR_API weir_status weir_model_open(weir_context *context, const char *path, weir_model **out, weir_error *error);
WEIR_API void weir_model_destroy(weir_model *model);
/* Write by extension: .weir or .onnx (QDQ for quantised values; coded weights are written dense).
 * The file appears whole or not at all. */
WEIR_API weir_status weir_model_save(const weir_model *model, const char *path, weir_error *error);
/* The recipe stored in the model as JSON text, or NULL. Valid while the model lives. */
WEIR_API const char *weir_model_recipe(const weir_model *model);
WEIR_API size_t weir_model_file_bytes(const weir_model *model); /* size of the file it was opened from */

/* ---- sessions: a model bound to shapes, planned, ready to run ------------------------------- */

typedef struct weir_session_options {
    size_t struct_size;
    int64_t batch;             /* value for a symbolic first dimension; 0: 1 */
    const char *const *shapes; /* "NAME:1x3x224x224", nshapes of them */
    size_t nshapes;
    int profile;               /* nonzero: time every step */
    int keep_all;              /* nonzero: every value gets its own place, so that taps can read it after a run */
} weir_session_options;

typedef enum weir_type { WEIR_F32 = 1, WEIR_F16, WEIR_BF16, WEIR_F64, WEIR_U8, WEIR_S8, WEIR_U16, WEIR_S16, WEIR_S32, WEIR_S64, WEIR_BOOL } weir_type;

typedef struct weir_tensor_info {
    const char *name;
    weir_type type;
    int rank;
    const int64_t *dims; /* bound; ONNX order; memory is dense and row-major in this order */
    size_t bytes;
} weir_tensor_info;

WEIR_API weir_session_options weir_session_options_default(void);
WEIR_API weir_status weir_session_create(const weir_model *model, const weir_session_options *options,
                                         weir_session **out, weir_error *error);
WEIR_API void weir_session_destroy(weir_session *session);
WEIR_API int weir_session_input_count(const weir_session *session);
WEIR_API int weir_session_output_count(const weir_session *session);
WEIR_API weir_tensor_info weir_session_input_info(const weir_session *session, int index);
WEIR_API weir_tensor_info weir_session_output_info(const weir_session *session, int index);
/* The session's own buffers (64-byte aligned). Inputs are never overwritten by a run. */
WEIR_API void *weir_session_input(weir_session *session, int index);
WEIR_API const void *weir_session_output(const weir_session *session, int index);
WEIR_API weir_status weir_session_run(weir_session *session, weir_error *error);

/* ---- documents about models, plans and machines --------------------------------------------- */

/* Fields as docs/cli.md lists them for `inspect` and `plan`, without the envelope ("weir", "machine", "command"). */
WEIR_API weir_status weir_model_inspect(const weir_model *model, const weir_session_options *options,
                                        weir_document **out, weir_error *error);
WEIR_API weir_status weir_session_plan(const weir_session *session, weir_document **out, weir_error *error);
/* The plan as the text that people read (one line a step). */
WEIR_API weir_status weir_session_plan_text(const weir_session *session, weir_document **out, weir_error *error);
/* Ledger totals and bound at this session's thread count: {"bytes": {...}, "bound_ms", ...}. */
WEIR_API weir_status weir_session_ledger(const weir_session *session, weir_document **out, weir_error *error);
/* Per-step times of the runs since the session was made with profile: {"steps": [{"name", "ms", ...}]}. */
WEIR_API weir_status weir_session_profile(const weir_session *session, weir_document **out, weir_error *error);
/* The machine model. refresh: measure again and overwrite the cache. */
WEIR_API weir_status weir_machine(weir_context *context, int refresh, weir_document **out, weir_error *error);

#ifdef __cplusplus
}
#endif
#endif
