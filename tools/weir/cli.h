/* What the verbs share: options, output, messages. A verb is one file with one entry in the verb table (main.c).
 *
 * Options are data: the same rows parse the command line, print --help and make the manual pages. */
#ifndef WEIR_CLI_H
#define WEIR_CLI_H
#include "weir.h"
#include "weir_lab.h"
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

typedef enum opt_kind { OPT_FLAG, OPT_TEXT, OPT_INT, OPT_NUM, OPT_LIST } opt_kind;
typedef struct opt_list { const char *item[64]; size_t n; } opt_list;
typedef struct opt {
    const char *name;      /* long name without dashes */
    char letter;           /* short name, 0 for none */
    opt_kind kind;
    void *to;              /* bool *, const char **, int *, double *, opt_list * */
    const char *arg;       /* NAME of the argument for help; NULL for flags */
    const char *help;
} opt;

/* Options that every verb takes. */
typedef struct common {
    bool json, quiet, help;
    int threads;
    const char *machine, *cpu;
} common;

typedef struct verb {
    const char *name, *usage, *summary, *text, *example;
    /* Fills *rows with its options (static storage) and returns their number; parsing writes into the verb's static state. */
    size_t (*options)(const opt **rows);
    int (*run)(const common *c, int nargs, const char *const *args);
} verb;
extern const verb verb_inspect, verb_plan, verb_run, verb_eval, verb_profile, verb_bench, verb_optimize, verb_compress, verb_convert, verb_diff, verb_machine, verb_report;
extern const verb *const verbs[];

extern int cli_argc;
extern char **cli_argv;
extern volatile int cli_cancel;    /* set by SIGINT and SIGTERM */

/* options.c */
int opt_parse(const verb *v, common *c, int argc, char **argv, const char **args, int max_args, int *nargs); /* 0, or 2 after a message */
void opt_help(const verb *v, FILE *f);
size_t opt_common_rows(const opt **rows, common *c);

/* manual.c */
void opt_man(const verb *v, FILE *f);
void man_overview(FILE *f);
void bash_completion(FILE *f);

/* output.c */
int fail(const weir_error *e);                        /* prints "weir: message", returns the exit code */
int usage(const char *fmt, ...) WEIR_PRINTF(1, 2);    /* prints "weir: ...", returns 2 */
weir_context *open_context(const common *c, int threads, weir_error *e);
weir_context *open_planning_context(const common *c, weir_error *e); /* with --machine: any CPU set that the stored machine has */
/* Parsed document; frees it. NULL with e set on failure. */
json_t *take_document(weir_document *d, weir_error *e);
/* With --json: prints `body` (borrowed) in the envelope. Returns 0 or an exit code. */
int print_json(const common *c, weir_context *ctx, json_t *body);
int print_json_of(json_t *machine, const json_t *body); /* the same with the machine given, which it takes */
/* A new object: `body` (borrowed) with version, machine and command, as --json prints it; NULL after a message. */
json_t *envelope(weir_context *ctx, const json_t *body);
json_t *machine_document(weir_context *ctx);          /* or an object that says why not */
const char *human_bytes(double bytes, char buf[32]);  /* "1.7 MB" */
const char *human_count(double n, char buf[32]);      /* "12.5 M" */
void progress_end(void);                              /* clears the bar */
double seconds(void);                                 /* of a clock that only goes forward */
double jnum(const json_t *j, const char *path);       /* "bytes.dram"; NAN when absent or null */
const char *jstr(const json_t *j, const char *path);  /* "" when absent */
json_t *jget(const json_t *j, const char *path);

/* save.c: PATH appears whole or not at all; 0, or an exit code after a message. */
int save_file(const char *path, const char *data, size_t size);

/* shared by verbs (model_args.c) */
typedef struct model_args { opt_list shapes; int batch; } model_args;
weir_session_options session_options(const model_args *m);
#endif
