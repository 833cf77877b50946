/* Attributes through the operator tables: attr.h. */
#include "attr.h"
#include <string.h>

bool w_attr_is_set(const w_attr_def *d, const void *attr) {
    const void *field = (const char *)attr + d->offset;
    switch (d->kind) {
    case W_ATTR_INT: return *(const int64_t *)field != d->def_i;
    case W_ATTR_FLOAT: return memcmp(field, &d->def_f, sizeof d->def_f) != 0;
    case W_ATTR_STRING: {
        const char *s = *(const char *const *)field;
        return s && (!d->def_s || strcmp(s, d->def_s) != 0);
    }
    case W_ATTR_INTS: return ((const w_ints *)field)->present;
    case W_ATTR_FLOATS: return ((const w_floats *)field)->present;
    case W_ATTR_TENSOR: return *(w_tensor *const *)field != NULL;
    }
    return false;
}
