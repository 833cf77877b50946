/* Self-contained HTML reports and SVG pictures, drawn from the JSON documents of optimize, profile and plan and nothing else. */
#ifndef WEIR_REPORT_H
#define WEIR_REPORT_H
#include <jansson.h>
/* Writes the page to `path` (NULL: none) and each picture into the folder `svg` (NULL: none; made when it is not there), each
 * file whole or not at all. `document` is what --json prints, envelope included. Returns 0, or an exit code after a message. */
int report_write(const char *path, const char *svg, const json_t *document);
#endif
