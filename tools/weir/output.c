/* Messages, progress, JSON envelopes. */
#include "cli.h"
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static bool bar_shown;

int fail(const weir_error *e) {
    progress_end();
    if (e->status == WEIR_INTERRUPTED) {
        fprintf(stderr, "weir: %s\n", e->message[0] ? e->message : "interrupted");
        return 130;
    }
    fprintf(stderr, "weir: %s\n", e->message);
    return e->status == WEIR_INTERNAL ? 70 : (int)e->status;
}

int usage(const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    fputs("weir: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    return 2;
}

static void on_log(void *user, const char *line) {
    (void)user;
    progress_end();
    fprintf(stderr, "weir: note: %s\n", line);
}

double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A bar with the time left, on a terminal only, from one second on. */
static void on_progress(void *user, const char *what, double done, double total) {
    static double started, drawn;
    static char current[64];
    (void)user;
    double now = seconds();
    if (strncmp(current, what, sizeof current - 1) != 0 && done == 0) {
        snprintf(current, sizeof current, "%s", what);
        if (!bar_shown) started = now;
    }
    if (now - started < 1 || now - drawn < 0.1) return;
    drawn = now;
    bar_shown = true;
    double part = total > 0 ? done / total : 0;
    int full = (int)(part * 30);
    fprintf(stderr, "\r\033[K[%.*s%*s] %3.0f %%  %s", full, "##############################", 30 - full, "", part * 100, what);
    if (part > 0.02) fprintf(stderr, "  %.0f s left", (now - started) * (1 - part) / part);
    fflush(stderr);
}

void progress_end(void) {
    if (bar_shown) fputs("\r\033[K", stderr);
    bar_shown = false;
}

static weir_context *open_any(const common *c, int threads, bool plan_only, weir_error *e) {
    weir_context_options o = weir_context_options_default();
    weir_context *ctx = NULL;
    o.cancel = &cli_cancel;
    o.threads = threads ? threads : c->threads;
    o.cpu = c->cpu;
    o.machine_file = c->machine;
    o.plan_only = plan_only;
    if (!c->quiet) o.log = on_log;
    if (!c->quiet && isatty(STDERR_FILENO)) o.progress = on_progress;
    return weir_context_create(&o, &ctx, e) == WEIR_OK ? ctx : NULL;
}

weir_context *open_context(const common *c, int threads, weir_error *e) { return open_any(c, threads, false, e); }
weir_context *open_planning_context(const common *c, weir_error *e) { return open_any(c, 0, true, e); }

json_t *take_document(weir_document *d, weir_error *e) {
    json_error_t je;
    json_t *j = json_loads(weir_document_text(d), 0, &je);
    weir_document_destroy(d);
    if (!j) {
        e->status = WEIR_NO_RESOURCE;
        snprintf(e->message, sizeof e->message, "a result could not be read: %s", je.text);
    }
    return j;
}

static json_t *command_line(void) {
    json_t *a = json_array();
    for (int i = 0; a && i < cli_argc; i++) {
        json_t *word = json_string(cli_argv[i]); /* NULL: not UTF-8 */
        json_array_append_new(a, word ? word : json_string("?"));
    }
    return a;
}

json_t *machine_document(weir_context *ctx) {
    weir_document *d = NULL;
    weir_error e = {0};
    return weir_machine(ctx, 0, &d, &e) == WEIR_OK ? take_document(d, &e) : json_pack("{s:n,s:s}", "model", "reason", e.message);
}

static json_t *envelope_of(json_t *machine, const json_t *body) {
    json_t *out = json_pack("{s:{s:s,s:s},s:o,s:o}", "weir", "version", weir_version(), "commit", weir_commit(), "machine", machine, "command", command_line());
    if (out && json_object_update(out, (json_t *)(uintptr_t)body) == 0) return out;
    json_decref(out);
    fprintf(stderr, "weir: out of memory for the result\n");
    return NULL;
}

json_t *envelope(weir_context *ctx, const json_t *body) { return envelope_of(machine_document(ctx), body); }

int print_json(const common *c, weir_context *ctx, json_t *body) {
    (void)c;
    return print_json_of(machine_document(ctx), body);
}

int print_json_of(json_t *machine, const json_t *body) {
    json_t *out = envelope_of(machine, body);
    if (!out) return 4;
    int bad = json_dumpf(out, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12)) != 0 || putchar('\n') == EOF;
    json_decref(out);
    if (!bad) return 0;
    fprintf(stderr, "weir: the JSON result could not be written\n");
    return 4;
}

const char *human_bytes(double b, char buf[32]) {
    static const char *const unit[] = {"B", "kB", "MB", "GB", "TB"};
    size_t u = 0;
    if (isnan(b)) return "-";
    while (fabs(b) >= 999.5 && u < 4) b /= 1000, u++;
    snprintf(buf, 32, u == 0 || fabs(b) >= 100 ? "%.0f %s" : fabs(b) >= 10 ? "%.1f %s" : "%.2f %s", b, unit[u]);
    return buf;
}

const char *human_count(double n, char buf[32]) {
    static const char *const unit[] = {"", " k", " M", " G", " T"};
    size_t u = 0;
    if (isnan(n)) return "-";
    while (fabs(n) >= 999.5 && u < 4) n /= 1000, u++;
    snprintf(buf, 32, u == 0 || fabs(n) >= 100 ? "%.0f%s" : fabs(n) >= 10 ? "%.1f%s" : "%.2f%s", n, unit[u]);
    return buf;
}

json_t *jget(const json_t *j, const char *path) {
    char key[64];
    while (j && *path) {
        size_t n = strcspn(path, ".");
        snprintf(key, sizeof key, "%.*s", (int)n, path);
        j = json_object_get(j, key);
        path += n + (path[n] == '.');
    }
    return (json_t *)(uintptr_t)j;
}

double jnum(const json_t *j, const char *path) {
    const json_t *v = jget(j, path);
    return json_is_number(v) ? json_number_value(v) : NAN;
}

const char *jstr(const json_t *j, const char *path) {
    const char *s = json_string_value(jget(j, path));
    return s ? s : "";
}
