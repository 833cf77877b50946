/* Tables and points of plan steps, from the `steps` array of profile documents. */
#ifndef WEIR_REPORT_STEPS_H
#define WEIR_REPORT_STEPS_H
#include "report_page.h"
void steps_table(page *p, const json_t *steps);
void steps_verdicts(page *p, const json_t *steps);
size_t steps_points(const json_t *steps, int series, roof_point *out, size_t max); /* names stay those of the document */
/* The DRAM slope with the f32 and the int8 peak of a machine document; how many there are. */
int machine_roofs(const json_t *machine, double threads, roof out[2]);
#endif
