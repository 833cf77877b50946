/* Manual pages and the completion of shells, from the rows that parse the command line and print --help. The build calls this:
 * `weir --man` is weir(1), `weir --man VERB` a verb's page, `weir --completion bash` what bash reads. */
#include "cli.h"
#include <ctype.h>
#include <string.h>

/* Text for roff: a leading dot or quote and backslashes would be commands; an empty line begins a paragraph. */
static void roff(const char *s, FILE *f) {
    bool start = true;
    for (; *s; s++) {
        if (start && (*s == '.' || *s == '\'')) fputs("\\&", f);
        start = *s == '\n';
        if (s[0] == '\n' && s[1] == '\n') fputs("\n.PP", f);
        else if (*s == '\\') fputs("\\e", f);
        else if (*s == '-') fputs("\\-", f);
        else fputc(*s, f);
    }
}

static void entry(const char *tag, const char *text, FILE *f) {
    fprintf(f, ".TP\n.B ");
    roff(tag, f);
    fprintf(f, "\n");
    roff(text, f);
    fprintf(f, "\n");
}

static void man_rows(const opt *rows, size_t n, FILE *f) {
    for (size_t i = 0; i < n; i++) {
        fprintf(f, ".TP\n.B ");
        if (rows[i].letter) fprintf(f, "\\-%c, ", rows[i].letter);
        fprintf(f, "\\-\\-");
        roff(rows[i].name, f);
        if (rows[i].arg) {
            fprintf(f, " \\fI");
            roff(rows[i].arg, f);
            fprintf(f, "\\fR");
        }
        fprintf(f, "\n");
        roff(rows[i].help, f);
        fprintf(f, "\n");
    }
}

static void head(const char *name, const char *summary, const char *usage, FILE *f) {
    fprintf(f, ".TH WEIR%s", *name ? "\\-" : "");
    for (const char *c = name; *c; c++) fputc(toupper((unsigned char)*c), f);
    fprintf(f, " 1 \"\" \"weir %s\" \"User Commands\"\n.SH NAME\nweir%s%s \\- ", weir_version(), *name ? "\\-" : "", name);
    roff(summary, f);
    fprintf(f, "\n.SH SYNOPSIS\n.B weir ");
    roff(usage, f);
    fprintf(f, "\n");
}

static void exit_status(FILE *f) {
    fprintf(f, ".SH EXIT STATUS\n");
    entry("0", "done", f);
    entry("1", "ran, but did not meet what was asked: an accuracy budget, a --fail-on", f);
    entry("2", "wrong usage, or not there yet", f);
    entry("3", "unreadable or unsupported input", f);
    entry("4", "out of a resource: memory, disk", f);
    entry("130", "interrupted", f);
}

void opt_man(const verb *v, FILE *f) {
    static common c;
    const opt *rows;
    head(v->name, v->summary, v->usage, f);
    if (v->text) {
        fprintf(f, ".SH DESCRIPTION\n");
        roff(v->text, f);
        fprintf(f, "\n");
    }
    fprintf(f, ".SH OPTIONS\n");
    size_t n = v->options(&rows);
    man_rows(rows, n, f);
    n = opt_common_rows(&rows, &c);
    man_rows(rows, n, f);
    exit_status(f);
    fprintf(f, ".SH EXAMPLE\n.nf\n");
    roff(v->example, f);
    fprintf(f, "\n.fi\n.SH SEE ALSO\n.BR weir (1)\n");
}

void man_overview(FILE *f) {
    static common c;
    const opt *rows;
    head("", "make neural networks move fewer bytes", "VERB [options]", f);
    fprintf(f, ".SH DESCRIPTION\n");
    roff("Most of the time and energy that a neural network takes on a CPU goes into moving bytes. weir shows where they go, cuts them\n"
         "inside an accuracy budget, and runs the result. A MODEL is an .onnx or a .weir file, told apart by content.", f);
    fprintf(f, "\n.SH VERBS\n");
    for (size_t i = 0; verbs[i]; i++) {
        fprintf(f, ".TP\n.BR weir\\-%s (1)\n", verbs[i]->name);
        roff(verbs[i]->summary, f);
        fprintf(f, "\n");
    }
    entry("help VERB", "the same as VERB --help", f);
    fprintf(f, ".SH OPTIONS OF EVERY VERB\n");
    size_t n = opt_common_rows(&rows, &c);
    man_rows(rows, n, f);
    exit_status(f);
    fprintf(f, ".SH ENVIRONMENT\n");
    entry("WEIR_CPU", "as --cpu, which comes first", f);
    entry("XDG_CACHE_HOME, HOME", "where the machine model is cached", f);
    entry("NO_COLOR", "not empty: no colour on a terminal", f);
    fprintf(f, ".SH FILES\n");
    entry("~/.cache/weir/machine-*.json", "the machine model, measured once per CPU model, instruction set and threads; weir machine --refresh measures again", f);
    entry("OUT.trials", "the trials of weir optimize, for --resume (SQLite)", f);
    fprintf(f, ".SH SEE ALSO\n");
    for (size_t i = 0; verbs[i]; i++) fprintf(f, ".BR weir\\-%s (1)%s\n", verbs[i]->name, verbs[i + 1] ? "," : "");
}

static void words(const opt *rows, size_t n, FILE *f) {
    for (size_t i = 0; i < n; i++) fprintf(f, " --%s", rows[i].name);
}

void bash_completion(FILE *f) {
    static common c;
    const opt *rows;
    fprintf(f, "# bash completion of weir, made by `weir --completion bash`\n_weir() {\n    local cur=${COMP_WORDS[COMP_CWORD]} words\n"
               "    if ((COMP_CWORD == 1)) || { ((COMP_CWORD == 2)) && [[ ${COMP_WORDS[1]} == help ]]; }; then\n        words='");
    for (size_t i = 0; verbs[i]; i++) fprintf(f, "%s ", verbs[i]->name);
    fprintf(f, "help --help --version'\n    else\n        case ${COMP_WORDS[1]} in\n");
    for (size_t i = 0; verbs[i]; i++) {
        size_t n = verbs[i]->options(&rows);
        fprintf(f, "        %s) words='", verbs[i]->name);
        words(rows, n, f);
        n = opt_common_rows(&rows, &c);
        words(rows, n, f);
        fprintf(f, "' ;;\n");
    }
    fprintf(f, "        esac\n        [[ $cur == -* ]] || { mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); return; }\n    fi\n"
               "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n}\ncomplete -o filenames -F _weir weir\n");
}
