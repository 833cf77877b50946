/* Self-contained HTML reports, drawn from the JSON documents. */
#ifndef WEIR_REPORT_H
#define WEIR_REPORT_H
#include <jansson.h>
/* Write PATH whole or not at all; 0, or an exit code after a message. `model` is the name people know the model by. */
int report_profile(const char *path, const char *model, const json_t *profile, const json_t *machine);
int report_optimize(const char *path, const char *model, const json_t *result, const json_t *machine);
#endif
