/* Predictions from margins: what is moved, what a move costs, and the images that the search moves itself. */
#include "lab_fixture.h"
#include <math.h>
#include <string.h>

#define N 1600

/* Sample i prefers class 0 to class 1 by a margin that grows with i; class 2 is far away. */
static void draw(float *logit, int32_t *label) {
    for (size_t i = 0; i < N; i++) {
        float *x = logit + 3 * i;
        x[0] = 0.001f * (float)(i + 1), x[1] = 0, x[2] = -9;
        label[i] = i % 4 == 0 ? 1 : i % 8 == 1 ? 2 : 0;
    }
}

static double predicted(const double rate[W_MARGINS], const double worth[W_MARGINS]) {
    w_search s = {.o = NULL};
    w_paired p = {.n = N};
    memcpy(s.worth, worth, sizeof s.worth);
    memcpy(p.rate, rate, sizeof p.rate);
    return w_predicted_drop(&s, &p);
}

/* Such a network, and what another answers: to begin with, the same. */
typedef struct pair { w_outputs base, now; double edge[W_MARGINS], rate[W_MARGINS], worth[W_MARGINS]; } pair;
static void open_pair(pair *p) {
    static float logit[3 * N], moved[3 * N];
    static int32_t label[N];
    weir_error e;
    draw(logit, label);
    memcpy(moved, logit, sizeof moved);
    *p = (pair){.base = {N, 3, logit, label}, .now = {N, 3, moved, label}};
    assert_int_equal(w_margin_edges(ctx, &p->base, p->edge, &e), WEIR_OK);
    w_margin_worth(&p->base, p->edge, p->worth);
}

static double foretold(pair *p) {
    w_margin_rates(&p->base, &p->now, p->edge, p->rate);
    return predicted(p->rate, p->worth);
}

/* Where the evaluation samples are those of the search and all of a bin move or none, the prediction is what happens. */
static void whole_bins_are_exact(void **state) {
    pair p;
    open_pair(&p);
    assert_true(foretold(&p) == 0);
    for (size_t b = 1; b < W_MARGINS; b++) {
        for (size_t i = 0; i < N; i++)
            if (p.base.logit[3 * i] < p.edge[b]) p.now.logit[3 * i + 1] = 2; /* all below this bin go to class 1 */
        double drop = foretold(&p);
        for (size_t k = 0; k < W_MARGINS; k++) assert_true(p.rate[k] == (k < b));
        w_paired seen = w_paired_compare(&p.base, &p.now);
        assert_true(fabs(drop - w_paired_drop(&seen)) < 1e-9 && seen.moved > 0);
    }
}

/* Half of the samples of all margins move: half of what all would cost, here (5/8 - 1/4) of the samples. */
static void shares_scale(void **state) {
    pair p;
    open_pair(&p);
    for (size_t i = 0; i < N; i += 2) p.now.logit[3 * i + 1] = 2;
    assert_true(fabs(foretold(&p) - 100 * 0.5 * (0.625 - 0.25)) < 1.5);
}

/* Bins without a sample take the share of the one below, or of all; a network of one class has no next one. */
static void few_samples_fill_all_bins(void **state) {
    float logit[] = {1, 0, 3, 0}, moved[] = {0, 1, 3, 0};
    int32_t label[] = {0, 0};
    w_outputs base = {2, 2, logit, label}, now = {2, 2, moved, label}, one = {2, 1, logit, label};
    double edge[W_MARGINS], rate[W_MARGINS], worth[W_MARGINS];
    weir_error e;
    assert_int_equal(w_margin_edges(ctx, &base, edge, &e), WEIR_OK);
    w_margin_rates(&base, &now, edge, rate);
    for (size_t b = 0; b < W_MARGINS; b++) assert_true(rate[b] >= 0 && rate[b] <= 1);
    assert_int_equal(w_margin_edges(ctx, &one, edge, &e), WEIR_OK);
    w_margin_rates(&one, &one, edge, rate);
    w_margin_worth(&one, edge, worth);
    assert_true(predicted(rate, worth) == 0);
}

/* Scores that are not finite are no preference, and as far from others as can be. */
static void what_is_not_finite_stays_apart(void **state) {
    float logit[] = {1, 0, NAN, 0, INFINITY, 0, INFINITY, INFINITY}, moved[] = {1, 0, 1, 0, 1, 0, NAN, NAN};
    int32_t label[] = {0, 0, 0, 0};
    w_outputs base = {4, 2, logit, label}, now = {4, 2, moved, label};
    double edge[W_MARGINS], rate[W_MARGINS];
    weir_error e;
    assert_int_equal(w_margin_edges(ctx, &base, edge, &e), WEIR_OK);
    w_margin_rates(&base, &now, edge, rate);
    for (size_t b = 0; b < W_MARGINS; b++) assert_true(isfinite(edge[b]) && isfinite(rate[b]));
    w_paired p = w_paired_compare(&base, &now);
    assert_true(isfinite(p.kl) && p.kl > 1000);
}

/* A store is a file like any other: numbers that lack one are refused. */
static void what_is_remembered_is_checked(void **state) {
    double x[W_MARGINS], back[W_MARGINS];
    w_search s = {.ctx = ctx};
    weir_error e;
    for (size_t b = 0; b < W_MARGINS; b++) x[b] = 0.1 * (double)b;
    json_t *j = w_margins_json(x);
    assert_int_equal(w_store_open(ctx, NULL, false, &s.store, &e), WEIR_OK);
    assert_int_equal(w_margins_from(&s, "margins", j, back, &e), WEIR_OK);
    assert_memory_equal(x, back, sizeof x);
    json_object_del(j, "7");
    assert_int_equal(w_margins_from(&s, "margins", j, back, &e), WEIR_BAD_INPUT);
    assert_int_equal(w_margins_from(&s, "margins", NULL, back, &e), WEIR_BAD_INPUT);
    json_decref(j);
    w_store_close(s.store);
}

/* Each pixel comes from the neighbour on one side, or from itself at the border. */
static void images_shift_by_a_pixel(void **state) {
    w_samples still = {.data = data, .first = 8, .n = 4}, shifted = still;
    static const int side[4][2] = {{1, 0}, {-1, 0}, {0, -1}, {0, 1}};
    float to[28 * 28];
    shifted.shifted = true;
    for (size_t i = 0; i < 4; i++) {
        const float *from = weir_dataset_sample(data, 8 + i);
        w_sample_copy(&still, i, to);
        assert_memory_equal(to, from, sizeof to);
        w_sample_copy(&shifted, i, to);
        for (int y = 0; y < 28; y++)
            for (int x = 0; x < 28; x++) {
                int fy = y + side[i][0], fx = x + side[i][1];
                fy = fy < 0 ? 0 : fy > 27 ? 27 : fy, fx = fx < 0 ? 0 : fx > 27 ? 27 : fx;
                assert_true(to[28 * y + x] == from[28 * fy + fx]);
            }
    }
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_bins_are_exact),
        cmocka_unit_test(shares_scale),
        cmocka_unit_test(few_samples_fill_all_bins),
        cmocka_unit_test(what_is_not_finite_stays_apart),
        cmocka_unit_test(what_is_remembered_is_checked),
        cmocka_unit_test(images_shift_by_a_pixel),
    };
    if (argc != 2) return 2;
    model_path = argv[1];
    return cmocka_run_group_tests(tests, open_network, close_network);
}
