/* The names of vec_*.h that Winograd's transforms need, for one lane. */
#ifndef W_WINO_SCALAR_H
#define W_WINO_SCALAR_H
#include <math.h>

#define VL 1
typedef float V;
#define VLOAD(p) (*(p))
#define VSTORE(p, v) (*(p) = (v))
#define VADD(a, b) ((a) + (b))
#define VSUB(a, b) ((a) - (b))
#define VMUL(a, b) ((a) * (b))
#define VFMA(a, b, c) fmaf(a, b, c)
#define VSET1(x) (x)
#endif
