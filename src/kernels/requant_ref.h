/* Requantisation in portable C: the bits that every 8-bit kernel gives. */
#ifndef W_REQUANT_REF_H
#define W_REQUANT_REF_H
#include "act_ref.h"
#include "kernels_leaf.h"

static inline uint8_t requant_ref(const w_requant *q, float y) {
    float lo = (float)-q->zero, hi = (float)(255 - q->zero), t = y * q->inv_scale;
    t = t > lo ? t : lo;
    t = t < hi ? t : hi;
    return (uint8_t)((int32_t)rintf(t) + q->zero);
}
#endif
