/* Fails an allocation at every distinct call stack of a program, in one run of it: linked in with alloc_fail.c.
 *
 * At the first allocation with a stack that was not seen before the process forks. In the child that allocation fails; the
 * child runs to its end, and the parent judges: exit code 4 with a message, or 0 where the caller can do without; no leak
 * (the leak sanitizer's own exit code), no signal, no partial output. Then the parent goes on as if nothing had been.
 *
 * WEIR_ALLOC_STACKS=FILE  turns it on; FILE gets a line for each failure and one with the totals
 * WEIR_ALLOC_EVERY=K      only every K-th new stack (1)
 * WEIR_ALLOC_OUT=PATH     the output that must be whole or absent
 *
 * The program must have no state outside its memory but that output: a search keeps its trials in memory (--dry-run, or the
 * library without a trial store; the store's own allocations are failed by test_store).
 *
 * libarchive and jansson's lexer end the process where memory for a string is short; that is counted, not judged. */
#include "alloc_fail.h"
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <unwind.h>

#define SEEN (1u << 20)
#define DEPTH 100
#define SECONDS 120

static uint64_t *seen;
static size_t nseen, every = 1, failed, survived, given_up, bad;
static const char *output;
static int report = -1;
static bool busy, child;

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *fmt, ...) {
    char text[4000];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n > 0 && write(report, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1) < 0) _exit(99);
}

/* ---- stacks ---- */

typedef struct walk { uintptr_t at[DEPTH]; size_t n; } walk;

static _Unwind_Reason_Code step(struct _Unwind_Context *c, void *user) {
    walk *w = user;
    if (w->n == DEPTH) return _URC_END_OF_STACK;
    w->at[w->n++] = _Unwind_GetIP(c);
    return _URC_NO_REASON;
}

/* True when the stack is new; its hash is kept. */
static bool is_new(const walk *w) {
    uint64_t h = 1469598103934665603u;
    for (size_t i = 0; i < w->n; i++) h = (h ^ w->at[i]) * 1099511628211u;
    h += h == 0;
    for (size_t i = (h >> 20) % SEEN;; i = (i + 1) % SEEN) {
        if (seen[i] == h) return false;
        if (seen[i]) continue;
        if (nseen + 1 < SEEN) seen[i] = h, nseen++;
        return true;
    }
}

/* ---- the child ---- */

/* Files that are being read: the child gets a position of its own in them. */
static void own_positions(void) {
    char name[40];
    for (int fd = 3; fd < 64; fd++) {
        off_t at = lseek(fd, 0, SEEK_CUR);
        if (at < 0 || (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY) continue;
        snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
        int again = open(name, O_RDONLY);
        if (again < 0) continue;
        if (lseek(again, at, SEEK_SET) < 0 || dup2(again, fd) < 0) _exit(98);
        close(again);
    }
}

static void be_child(int errors) {
    int null = open("/dev/null", O_WRONLY);
    child = true;
    own_positions();
    dup2(null, 1);
    dup2(errors, 2);
    alarm(SECONDS);
}

/* ---- the parent ---- */

static bool rubbish(void) {
    char folder[4096];
    if (!output) return false;
    snprintf(folder, sizeof folder, "%s", output);
    char *slash = strrchr(folder, '/');
    if (slash) *slash = 0;
    bool found = false;
    DIR *d = opendir(slash ? folder : ".");
    for (const struct dirent *f; d && (f = readdir(d)) != NULL;) {
        if (!strstr(f->d_name, ".tmp")) continue;
        found = true;
        unlinkat(dirfd(d), f->d_name, 0);
    }
    if (d) closedir(d);
    return found;
}

static void say_frame(uintptr_t at) {
    Dl_info d = {0};
    if (!dladdr((void *)at, &d)) return;
    const char *slash = strrchr(d.dli_fname, '/');
    say("     %s+%#lx %s\n", slash ? slash + 1 : d.dli_fname, (unsigned long)(at - (uintptr_t)d.dli_fbase), d.dli_sname ? d.dli_sname : "");
}

static bool given_up_by_library(const char *text) {
    return strstr(text, "Fatal Internal Error in libarchive: Out of memory") || strstr(text, "load.c:442: lex_scan_string: Assertion");
}

static void judge(const walk *w, int status, int errors, bool was_there) {
    char text[1500];
    ssize_t n = pread(errors, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = 0;
    const char *wrong = NULL;
    bool now_there = output && access(output, F_OK) == 0;
    if (given_up_by_library(text)) given_up++;
    else if (!WIFEXITED(status)) wrong = "ended by a signal";
    else if (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != 4) wrong = "another exit code than 0 and 4";
    else if (WEXITSTATUS(status) == 4 && strncmp(text, "weir: ", 6) != 0) wrong = "no message";
    else if (WEXITSTATUS(status) == 4 && now_there && !was_there) wrong = "an output in spite of the failure";
    if (rubbish()) wrong = "a partial file is left";
    if (now_there && !was_there) unlinkat(AT_FDCWD, output, 0);
    failed++;
    survived += WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!wrong) return;
    bad++;
    say("FAIL stack %zu: %s (status 0x%x): %s\n", nseen, wrong, status, text);
    for (size_t i = 3; i < w->n; i++) say_frame(w->at[i]);
}

static bool ask(void) {
    walk w = {.n = 0};
    if (busy || child) return false;
    busy = true;
    _Unwind_Backtrace(step, &w);
    bool fail = is_new(&w) && nseen % every == 0;
    if (fail) {
        bool was_there = output && access(output, F_OK) == 0;
        int status = 0, errors = memfd_create("errors", 0);
        pid_t pid = fork();
        if (pid == 0) be_child(errors);
        fail = pid == 0;
        if (pid > 0 && waitpid(pid, &status, 0) == pid) judge(&w, status, errors, was_there);
        if (pid < 0) say("FAIL no fork\n"), bad++;
        close(errors);
    }
    busy = false;
    return fail;
}

__attribute__((constructor)) static void start(void) {
    const char *path = getenv("WEIR_ALLOC_STACKS"), *k = getenv("WEIR_ALLOC_EVERY");
    walk w = {.n = 0};
    if (!path) return;
    output = getenv("WEIR_ALLOC_OUT");
    every = k && atol(k) > 0 ? (size_t)atol(k) : 1;
    report = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    seen = mmap(NULL, SEEN * sizeof *seen, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (report < 0 || seen == MAP_FAILED) _exit(99);
    _Unwind_Backtrace(step, &w); /* what it allocates on first use is there then */
    alloc_fail_ask(ask);
}

__attribute__((destructor)) static void end(void) {
    if (report < 0 || child) return;
    alloc_fail_ask(NULL);
    say("%zu distinct stacks, %zu failed in turn (%zu harmless, %zu ended by a library), %zu failures\n", nseen, failed, survived, given_up, bad);
}
