/* Which samples serve which purpose. Calibration, sensitivity and search never see a verification sample. */
#include "search.h"
#include "hash.h"
#include <string.h>

#define CALIBRATION 1024
#define QUICK 1000
#define FULL 6000
#define LEAST 50      /* of a set whose accuracy is taken */
#define LEAST_ALL 224 /* for the search, of which a third calibrates and a third of the rest is the quick set */

#define IMAGE 8 /* least edge of what is taken for an image */

/* A pixel up, down, left or right; the border stays. */
static void shift(const float *from, float *to, size_t h, size_t w, size_t direction) {
    for (size_t y = 0; y < h; y++, to += w) {
        size_t above = y ? y - 1 : 0, below = y + 1 < h ? y + 1 : y;
        const float *row = from + (direction == 0 ? below : direction == 1 ? above : y) * w;
        memcpy(to + (direction == 2), row + (direction == 3), (w - (direction >= 2)) * sizeof *to);
        if (direction == 2) to[0] = row[0];
        if (direction == 3) to[w - 1] = row[w - 1];
    }
}

void w_sample_copy(const w_samples *s, size_t i, float *to) {
    int rank;
    size_t at = w_sample_at(s, i), count = 1, h = 0, w = 0;
    const int64_t *dims = weir_dataset_shape(s->data, &rank);
    const float *from = weir_dataset_sample(s->data, at);
    for (int k = 0; k < rank; k++) count *= (size_t)dims[k];
    if (rank >= 2) h = (size_t)dims[rank - 2], w = (size_t)dims[rank - 1];
    if (!s->shifted || h < IMAGE || w < IMAGE) {
        memcpy(to, from, count * sizeof *to);
        return;
    }
    for (size_t done = 0; done < count; done += h * w) shift(from + done, to + done, h, w, at % 4);
}

/* Takes the next n samples of a list; fewer when it is short. */
static w_samples take(const w_samples *all, size_t *at, size_t n) {
    w_samples s = *all;
    s.n = W_MIN(n, all->n - *at);
    if (s.index) s.index += *at;
    else s.first += *at;
    *at += s.n;
    return s;
}

/* Without training data: half of the data, chosen by a hash of each sample, is held out for verification. */
static weir_status split(w_search *s, const weir_dataset *data, w_samples *search, w_samples *verify, weir_error *e) {
    size_t n = weir_dataset_count(data), nv = 0, ns = 0;
    int rank;
    const int64_t *dims = weir_dataset_shape(data, &rank);
    size_t bytes = sizeof(float);
    for (int i = 0; i < rank; i++) bytes *= (size_t)dims[i];
    uint32_t *index = w_arena_array(&s->arena, n + 1, sizeof *index);
    if (!index) return w_oom(e, n * sizeof *index, "the split of the data");
    for (size_t i = 0; i < n; i++) {
        bool held = w_hash64(weir_dataset_sample(data, i), bytes, 1) & 1;
        if (held) index[n - 1 - nv++] = (uint32_t)i;
        else index[ns++] = (uint32_t)i;
    }
    *search = (w_samples){.data = data, .index = index, .n = ns};
    *verify = (w_samples){.data = data, .index = index + ns, .n = nv};
    return WEIR_OK;
}

weir_status w_search_samples(w_search *s, weir_error *e) {
    const weir_dataset *data = s->o->data, *train = s->o->train;
    w_samples all = {0};
    if (train) {
        all = (w_samples){.data = train, .n = weir_dataset_count(train)};
        s->verify = (w_samples){.data = data, .n = weir_dataset_count(data)};
    } else {
        W_TRY(split(s, data, &all, &s->verify, e));
    }
    size_t at = 0;
    s->calibration_set = take(&all, &at, W_MIN((size_t)CALIBRATION, all.n / 3));
    s->quick = take(&all, &at, W_MIN((size_t)QUICK, (all.n - at) / 3));
    s->full = take(&all, &at, FULL);
    s->full.shifted = train != NULL;
    if (s->quick.n < LEAST || s->verify.n < LEAST)
        return w_fail(e, WEIR_USAGE, "too few samples: %zu for the search (it needs %d) and %zu for verification (it needs %d)", all.n, LEAST_ALL,
                      s->verify.n, LEAST);
    return WEIR_OK;
}
