/* Requantisation in portable C: the bits that every 8-bit kernel gives. */
#ifndef W_REQUANT_REF_H
#define W_REQUANT_REF_H
#include "act_ref.h"
#include "kernels_leaf.h"

/* The last of w_u8_igemm's operations: y in steps. */
static inline uint8_t round_ref(float y, int32_t zero) {
    float lo = (float)-zero, hi = (float)(255 - zero);
    y = y > lo ? y : lo;
    y = y < hi ? y : hi;
    return (uint8_t)((int32_t)rintf(y) + zero);
}
static inline uint8_t requant_ref(const w_requant *q, float y) { return round_ref(y * q->inv_scale, q->zero); }

/* Its activation. */
static inline float act_steps_ref(const w_kepi *ep, float y, float act_scale) {
    y = act_exact_ref(ep, y);
    return w_act_of_reals(ep->act) ? y * act_scale : y;
}
#endif
