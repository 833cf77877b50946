/* Attributes through the operator tables, for every writer. */
#ifndef W_ATTR_H
#define W_ATTR_H
#include "ops.h"
/* Whether the attribute differs from its default (lists and tensors: is there). */
bool w_attr_is_set(const w_attr_def *d, const void *attr);
#endif
