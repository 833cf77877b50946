/* The command line: a table of verbs. */
#include "cli.h"
#include <signal.h>
#include <string.h>

const verb *const verbs[] = {&verb_inspect, &verb_plan, &verb_profile, &verb_run, &verb_eval, &verb_bench, &verb_optimize,
                             &verb_compress, &verb_convert, &verb_diff, &verb_machine, &verb_report, NULL};
static const char *const later[] = {"train", "search", "serve", NULL};

int cli_argc;
char **cli_argv;
volatile int cli_cancel;

static void on_signal(int sig) {
    (void)sig;
    cli_cancel = 1;
}

static void handle_signals(void) {
    struct sigaction a = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND}; /* a second Ctrl-C ends at once */
    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file over the limit is a failed write, with a message */
}

static void help(FILE *f) {
    fprintf(f, "weir %s: makes neural networks move fewer bytes\n\nusage: weir VERB [options]\n\n", weir_version());
    for (size_t i = 0; verbs[i]; i++) fprintf(f, "  %-10s %s\n", verbs[i]->name, verbs[i]->summary);
    fprintf(f, "\nEvery verb takes --help. Start with:\n  weir inspect examples/models/lenet5.onnx\n");
}

/* Ends output on standard output: what was promised there must have arrived. */
static int finish(int rc) {
    if ((fflush(stdout) == 0 && !ferror(stdout)) || rc != 0) return rc;
    fprintf(stderr, "weir: standard output could not be written\n");
    return 4;
}

static int run_verb(const verb *v, int argc, char **argv) {
    common c = {0};
    const char *args[64];
    int nargs = 0;
    int bad = opt_parse(v, &c, argc, argv, args, 64, &nargs);
    if (bad) return bad;
    if (c.help) {
        opt_help(v, stdout);
        return finish(0);
    }
    return finish(v->run(&c, nargs, args));
}

int main(int argc, char **argv) {
    cli_argc = argc;
    cli_argv = argv;
    handle_signals();
    if (argc < 2) {
        help(stderr);
        return 2;
    }
    if (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "help")) {
        help(stdout);
        return finish(0);
    }
    if (!strcmp(argv[1], "--version")) {
        printf("weir %s (%s)\n", weir_version(), weir_commit());
        return finish(0);
    }
    if (!strcmp(argv[1], "--man") && argc == 3) { /* for the build: the manual page of a verb */
        for (size_t i = 0; verbs[i]; i++)
            if (!strcmp(verbs[i]->name, argv[2])) return opt_man(verbs[i], stdout), 0;
    }
    for (size_t i = 0; verbs[i]; i++)
        if (!strcmp(verbs[i]->name, argv[1])) return run_verb(verbs[i], argc - 2, argv + 2);
    for (size_t i = 0; later[i]; i++)
        if (!strcmp(later[i], argv[1])) return usage("'%s' is not there yet", argv[1]);
    return usage("'%s' is no verb; weir --help lists them", argv[1]);
}
