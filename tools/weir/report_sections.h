/* Sections that several reports have. Each draws nothing where the document lacks its fields. */
#ifndef WEIR_REPORT_SECTIONS_H
#define WEIR_REPORT_SECTIONS_H
#include "report_draw.h"

/* The pages (report_optimize.c, report_profile.c): bodies between page_open and page_close. */
void optimize_page(page *p, const json_t *d);
void profile_page(page *p, const json_t *d);        /* of plan documents, too */

/* report_steps.c: plan steps. after NULL: one plan only. */
void ledger_table(page *p, const char *caption, const json_t *steps);
void steps_bytes(page *p, const json_t *before, const json_t *after); /* bars per step and level */
void steps_time(page *p, const json_t *before, const json_t *after);  /* of one plan: against the bound */
void steps_roofline(page *p, const json_t *before, const json_t *after, const json_t *machine, double threads);
void levels_bars(page *p, const json_t *before, const json_t *after); /* sides with "bytes" */
/* report_nets.c: networks and arenas, of one plan or a pair. Sides have "steps" and "arena". */
void network_section(page *p, const json_t *before, const json_t *after);
void memory_section(page *p, const json_t *before, const json_t *after);
/* report_verdicts.c */
void verdicts_section(page *p, const char *title, const json_t *steps);
const char *technique_title(const char *name);
/* report_recipe.c */
void recipe_section(page *p, const json_t *d);
void pareto_section(page *p, const json_t *d);
void weights_section(page *p, const json_t *d);
void sensitivity_section(page *p, const json_t *d);
/* report_summary.c */
void optimize_summary(page *p, const json_t *d);
void profile_summary(page *p, const json_t *d);
#endif
