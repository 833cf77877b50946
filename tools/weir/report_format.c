/* Numbers for people: three significant digits with the unit that suits them. */
#include "report_pic.h"
#include <math.h>

static const char *three(double v, const char *unit, char buf[32]) {
    double a = fabs(v);
    snprintf(buf, 32, a >= 99.95 ? "%.0f%s" : a >= 9.995 ? "%.1f%s" : a >= 0.9995 ? "%.2f%s" : "%.3f%s", v, unit);
    return buf;
}

const char *human_ms(double ms, char buf[32]) {
    if (!isfinite(ms)) return "-";
    if (ms == 0) return "0";
    if (fabs(ms) < 0.0995) return three(ms * 1e3, " µs", buf);
    if (fabs(ms) >= 999.5) return three(ms / 1e3, " s", buf);
    return three(ms, " ms", buf);
}

const char *human_points(double p, char buf[32]) {
    if (!isfinite(p)) return "-";
    snprintf(buf, 32, "%s%.2f", p < -0.005 ? "−" : "", fabs(p));
    return buf;
}

const char *human_whole(double v, char buf[32]) {
    char plain[32];
    size_t n = 0;
    if (!isfinite(v) || fabs(v) > 1e15) return "-";
    int len = snprintf(plain, sizeof plain, "%.0f", fabs(v));
    if (v < 0) n = (size_t)snprintf(buf, 32, "−");
    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0) buf[n++] = ',';
        buf[n++] = plain[i];
    }
    buf[n] = 0;
    return buf;
}

const char *human_number(double v, char buf[32]) {
    if (!isfinite(v)) return "-";
    if (fabs(v) >= 999.5 && fabs(v) < 1e6) return human_whole(v, buf);
    snprintf(buf, 32, "%s%.3g", v < 0 ? "−" : "", fabs(v));
    return buf;
}

const char *tick_bytes(double bytes, char buf[32]) {
    static const char *const unit[] = {"B", "kB", "MB", "GB", "TB"};
    size_t u = 0;
    while (fabs(bytes) >= 999.5 && u < 4) bytes /= 1000, u++;
    if (bytes == 0) return "0";
    snprintf(buf, 32, "%.3g %s", bytes, unit[u]);
    return buf;
}

const char *tick_ms(double ms, char buf[32]) {
    if (ms == 0) return "0";
    if (fabs(ms) < 0.0995) snprintf(buf, 32, "%.3g µs", ms * 1e3);
    else snprintf(buf, 32, "%.3g ms", ms);
    return buf;
}

const char *human_times(double ratio, char buf[32]) {
    if (!isfinite(ratio)) return "-";
    snprintf(buf, 32, ratio >= 9.95 ? "%.0f×" : ratio >= 1.95 ? "%.1f×" : "%.2f×", ratio);
    return buf;
}
