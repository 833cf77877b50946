/* The kinds of pictures: what each is drawn from. One file per kind. */
#ifndef WEIR_REPORT_DRAW_H
#define WEIR_REPORT_DRAW_H
#include "report_page.h"

/* Rows of horizontal bars in up to four columns, each column with its own linear scale (report_bars.c). NaN: no bar. */
#define BAR_COLUMNS 4
typedef struct bar_row { const char *label; double v[BAR_COLUMNS][2]; } bar_row;
typedef struct bars {
    bar_row *row;
    size_t n;
    int columns, series;                    /* series: 1 or 2; the first is hollow when there are two */
    const char *column[BAR_COLUMNS];        /* heads; NULL for a single column without one */
    const char *name[2];                    /* of the series */
    label_fn label;
} bars;
void draw_bars(pic *c, const void *data);

/* Layers against the roof of one bandwidth and one peak, log-log (report_roofline.c). */
typedef struct roof_point { const char *label; double intensity, gmacs, ms; int series; } roof_point;
typedef struct roof { double gbs, peak; const char *name; } roof;
typedef struct roofline { roof roof[2]; int nroof; roof_point *point; size_t n; const char *name[2]; int series; } roofline;
void draw_roofline(pic *c, const void *data);

/* Recipes by cost and drop; lower and further left is better (report_pareto.c). all: those tried, or NULL. */
typedef struct pareto { const json_t *list, *all; const char *key, *axis; double base, budget; label_fn label, tick; } pareto;
void draw_pareto(pic *c, const void *data);

/* Buffers as rectangles, step by offset (report_arena.c). */
typedef struct arena_pic { const json_t *arena, *steps; double top; size_t nstep; } arena_pic; /* top, nstep: of the scales, shared by a pair */
void draw_arena(pic *c, const void *data);

/* The steps of a plan as a network, top to bottom (report_graph.c; rows and lanes in report_layout.c). */
typedef struct graph_pic { const json_t *steps; double scale; } graph_pic;
double graph_scale(const json_t *steps);            /* pixels a byte at which the longest bar fits */
void draw_graph(pic *c, const void *data);
typedef enum precision { P_F32, P_F16, P_I8, P_COUNT } precision;
extern const char *const precision_class[P_COUNT], *const precision_name[P_COUNT];
precision precision_of(const char *type);
precision step_precision(const json_t *step);       /* of its arithmetic: that of its weights, else of its input */

typedef struct link { size_t from, to; bool skip; size_t lane; } link; /* skip: passes rows between, in a lane at the side */
typedef struct layout { size_t n, rows, lanes, *row, *col, *width; link *link; size_t nlink; } layout; /* width[row]: 1 or 2 */
bool layout_make(const json_t *steps, layout *out); /* false: out of memory */
void layout_free(layout *l);

/* One layer's weights before and after, and the error (report_weights.c). */
void draw_weights(pic *c, const void *data);        /* data: an entry of "weights" */
void draw_weights_all(pic *c, const void *data);    /* data: the whole list, four in a row */
#endif
