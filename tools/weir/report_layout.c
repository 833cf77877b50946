/* Where the steps of a plan stand when it is drawn as a network: rows from top to bottom, at most two in a row.
 *
 * Invariants: every link goes down; links between neighbouring rows are straight, the others run in lanes at the side, and
 * two links share a lane only where their rows do not meet. */
#include "report_draw.h"
#include <stdlib.h>
#include <string.h>

static void place(const json_t *steps, layout *l) {
    size_t i, k;
    json_t *s, *f;
    json_array_foreach(steps, i, s) {
        size_t row = 0;
        json_array_foreach(json_object_get(s, "from"), k, f) {
            json_int_t from = json_integer_value(f);
            if (json_is_integer(f) && from >= 0 && (size_t)from < i && l->row[from] + 1 > row) row = l->row[from] + 1;
        }
        while (l->width[row] == 2) row++;
        l->row[i] = row;
        l->col[i] = l->width[row]++;
        if (row + 1 > l->rows) l->rows = row + 1;
    }
}

static void add_links(const json_t *steps, layout *l) {
    size_t i, k;
    json_t *s, *f;
    json_array_foreach(steps, i, s) json_array_foreach(json_object_get(s, "from"), k, f) {
        json_int_t from = json_integer_value(f);
        if (!json_is_integer(f) || from < 0 || (size_t)from >= i) continue;
        l->link[l->nlink++] = (link){.from = (size_t)from, .to = i, .skip = l->row[i] > l->row[from] + 1};
    }
}

static bool meet(const layout *l, const link *a, const link *b) { return l->row[a->from] < l->row[b->to] && l->row[b->from] < l->row[a->to]; }

static void choose_lanes(layout *l) {
    for (size_t i = 0; i < l->nlink; i++) {
        link *a = &l->link[i];
        bool again = a->skip;
        while (again) {
            again = false;
            for (size_t k = 0; k < i && !again; k++)
                if (l->link[k].skip && l->link[k].lane == a->lane && meet(l, a, &l->link[k])) again = true;
            if (again) a->lane++;
        }
        if (a->skip && a->lane + 1 > l->lanes) l->lanes = a->lane + 1;
    }
}

bool layout_make(const json_t *steps, layout *l) {
    size_t i, links = 0;
    json_t *s;
    *l = (layout){.n = json_array_size(steps)};
    json_array_foreach(steps, i, s) links += json_array_size(json_object_get(s, "from"));
    l->row = calloc(l->n + 1, sizeof *l->row);
    l->col = calloc(l->n + 1, sizeof *l->col);
    l->width = calloc(l->n + 2, sizeof *l->width);
    l->link = calloc(links + 1, sizeof *l->link);
    if (!l->row || !l->col || !l->width || !l->link) {
        layout_free(l);
        return false;
    }
    place(steps, l);
    add_links(steps, l);
    choose_lanes(l);
    return true;
}

void layout_free(layout *l) {
    free(l->row);
    free(l->col);
    free(l->width);
    free(l->link);
    *l = (layout){.n = 0};
}
