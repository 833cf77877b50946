/* UTF-8 of names: what a model says ends up in messages and JSON. */
#ifndef W_UTF8_H
#define W_UTF8_H
#include <stddef.h>
/* Index of the first byte that begins no well-formed sequence, n if there is none. */
size_t w_utf8_check(const char *s, size_t n);
#endif
