/* Shared by the files that make calibration statistics. */
#ifndef W_CALIBRATION_H
#define W_CALIBRATION_H
#include "lab.h"

/* An object without any measurement. */
weir_status w_calibration_new(const weir_model *model, const w_samples *samples, w_calibration **out, weir_error *e);
#endif
