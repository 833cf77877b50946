/* UTF-8 of names: utf8.h. Overlong forms and surrogates are not well-formed. */
#include "utf8.h"
#include <stdint.h>

/* Length of the sequence at p, 0 if there is none in n bytes. */
static size_t sequence(const uint8_t *p, size_t n) {
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = p[0] < 0x80 ? 1 : (p[0] >> 5) == 6 ? 2 : (p[0] >> 4) == 14 ? 3 : (p[0] >> 3) == 30 ? 4 : 0;
    if (len < 2 || len > n) return len > n ? 0 : len;
    uint32_t c = p[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80) return 0;
        c = c << 6 | (p[i] & 0x3f);
    }
    return c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ? 0 : len;
}

size_t w_utf8_check(const char *s, size_t n) {
    size_t i = 0, len;
    while (i < n && (len = sequence((const uint8_t *)s + i, n - i)) > 0) i += len;
    return i;
}
