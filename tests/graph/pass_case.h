/* One case: text before, passes, text after. The runner also checks that the meaning stayed (by references), that the
 * graph verifies, and that a second run changes nothing. Every pass gets a dce behind it. */
#ifndef PASS_CASE_H
#define PASS_CASE_H
#include "graph_text.h"
#include "passes.h"

typedef struct pass_case {
    const char *name;
    const char *pass;      /* of w_passes_list, or "canonical", or "plan" */
    const char *before, *after;
    double tolerance;      /* relative to the largest output; 0: 1e-5 */
} pass_case;
/* Runs all cases through cmocka as one group; the exit status. */
int pass_cases_run(const char *group, const pass_case *cases, size_t n);
#endif
