/* Exact decimals for --fail-on: a change that is just the limit is inside it, whatever binary fractions do to 0.29. */
#include "diff.h"
#include <ctype.h>
#include <math.h>
#include <stdlib.h>

bool decimal_read(const char *text, const char **end, decimal *out) {
    const char *p = text;
    bool minus = *p == '-', point = false, any = false;
    int digits = 0;
    *out = (decimal){0, 0};
    if (*p == '-' || *p == '+') p++;
    for (; isdigit((unsigned char)*p) || (*p == '.' && !point); p++) {
        if (*p == '.') {
            point = true;
            continue;
        }
        any = true;
        digits += digits || *p != '0';
        if (digits > 18) return false;
        out->m = out->m * 10 + (*p - '0');
        out->e -= point;
    }
    if (any && (*p == 'e' || *p == 'E')) {
        char *after;
        long e = strtol(p + 1, &after, 10);
        if (after == p + 1 || e < -400 || e > 400) return false;
        out->e += (int)e;
        p = after;
    }
    if (minus) out->m = -out->m;
    *end = p;
    return any;
}

/* Fractions have the 12 digits with which documents are printed, so that a plan made now equals its print. */
decimal decimal_of(const json_t *number) {
    decimal d = {0, 0};
    const char *end;
    char text[64];
    if (json_is_integer(number)) return (decimal){json_integer_value(number), 0};
    snprintf(text, sizeof text, "%.12g", json_real_value(number));
    decimal_read(text, &end, &d);
    return d;
}

/* x to the smaller exponent e; false when it does not fit. */
static bool spread(decimal *x, int e) {
    for (; x->e > e && x->m != 0; x->e--)
        if (__builtin_mul_overflow(x->m, (__int128)10, &x->m)) return false;
    x->e = e;
    return true;
}

static long double rough(decimal x) { return (long double)x.m * powl(10, x.e); }

int decimal_compare(decimal a, decimal b) {
    decimal x = a, y = b;
    int e = a.e < b.e ? a.e : b.e;
    if (spread(&x, e) && spread(&y, e)) return (x.m > y.m) - (x.m < y.m);
    return (rough(a) > rough(b)) - (rough(a) < rough(b)); /* more than 38 digits apart */
}

bool decimal_exceeds(decimal a, decimal b, decimal limit, bool percent, bool falling) {
    decimal from = falling ? b : a, to = falling ? a : b, x = from, y = to, change, most = limit;
    int e = from.e < to.e ? from.e : to.e;
    bool fits = spread(&x, e) && spread(&y, e) && !__builtin_sub_overflow(y.m, x.m, &change.m);
    change.e = e;
    if (fits && percent) {
        most = (decimal){0, limit.e + a.e - 2};
        fits = !__builtin_mul_overflow(limit.m, a.m < 0 ? -a.m : a.m, &most.m);
    }
    if (fits) return decimal_compare(change, most) > 0;
    return rough(to) - rough(from) > (percent ? rough(limit) / 100 * fabsl(rough(a)) : rough(limit));
}
