/* weir report: draws a saved result again. */
#include "cli.h"
#include "report.h"
#include <string.h>

static const char *output, *svg;

static size_t options(const opt **rows) {
    static const opt r[] = {{"output", 'o', OPT_TEXT, &output, "F.html", "the page"},
                            {"svg", 0, OPT_TEXT, &svg, "DIR", "write the pictures as SVG files into DIR, which is made when it is not there"}};
    *rows = r;
    return sizeof r / sizeof r[0];
}

static int run(const common *c, int nargs, const char *const *args) {
    json_error_t e;
    (void)c;
    if (nargs != 1) return usage("report takes one FILE.json");
    if (!output && !svg) return usage("report needs -o F.html, --svg DIR or both");
    json_t *d = json_load_file(args[0], JSON_REJECT_DUPLICATES, &e);
    if (!d) {
        fprintf(stderr, "weir: %s: line %d: %s\n", args[0], e.line, e.text);
        return 3;
    }
    int rc = report_write(output, svg, d);
    json_decref(d);
    return rc;
}

const verb verb_report = {"report", "report FILE.json [-o F.html] [--svg DIR]", "draw a saved result of optimize, profile or plan",
                          "FILE.json is what one of these verbs printed with --json. The page is one file that needs no network; the pictures\n"
                          "follow the reader's light or dark setting.",
                          "weir profile examples/models/resnet8.onnx --json > p.json && weir report p.json -o p.html", options, run};
