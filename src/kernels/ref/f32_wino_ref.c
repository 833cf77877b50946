/* Winograd's transforms, one number at a time. */
#define VL 1
typedef float V;
#define VLOAD(p) (*(p))
#define VSTORE(p, v) (*(p) = (v))
#define VADD(a, b) ((a) + (b))
#define VSUB(a, b) ((a) - (b))
#define VSET1(x) (x)
#define KERNEL_IN w_f32_wino_in__ref
#define KERNEL_OUT w_f32_wino_out__ref
#include "../body/f32_wino_body.h"
