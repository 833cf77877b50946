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
    fprintf(f, "\nweir help VERB, or weir VERB --help, lists the options of a verb. Start with:\n  weir inspect examples/models/lenet5.onnx\n");
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

static const verb *find_verb(const char *name) {
    for (size_t i = 0; verbs[i]; i++)
        if (!strcmp(verbs[i]->name, name)) return verbs[i];
    return NULL;
}

/* weir help [VERB], --version, and what the build asks for: --man [VERB], --completion bash. -1: none of them. */
static int make_text(int argc, char **argv) {
    const char *what = argv[1], *of = argc > 2 ? argv[2] : NULL;
    const verb *v = of ? find_verb(of) : NULL;
    bool is_help = !strcmp(what, "-h") || !strcmp(what, "--help") || !strcmp(what, "help"), is_man = !strcmp(what, "--man");
    if ((is_help || is_man) && of && !v) return usage("'%s' is no verb; weir --help lists them", of);
    if (is_help && v) opt_help(v, stdout);
    else if (is_help) help(stdout);
    else if (is_man && v) opt_man(v, stdout);
    else if (is_man) man_overview(stdout);
    else if (!strcmp(what, "--completion") && of && !strcmp(of, "bash")) bash_completion(stdout);
    else if (!strcmp(what, "--version")) printf("weir %s (%s)\n", weir_version(), weir_commit());
    else return -1;
    return finish(0);
}

int main(int argc, char **argv) {
    static char out[BUFSIZ]; /* else the first line allocates it, and without memory every byte is a write */
    setvbuf(stdout, out, isatty(STDOUT_FILENO) ? _IOLBF : _IOFBF, sizeof out);
    cli_argc = argc;
    cli_argv = argv;
    handle_signals();
    if (argc < 2) {
        help(stderr);
        return 2;
    }
    int made = make_text(argc, argv);
    if (made >= 0) return made;
    const verb *v = find_verb(argv[1]);
    if (v) return run_verb(v, argc - 2, argv + 2);
    for (size_t i = 0; later[i]; i++)
        if (!strcmp(later[i], argv[1])) return usage("'%s' is not there yet", argv[1]);
    return usage("'%s' is no verb; weir --help lists them", argv[1]);
}
