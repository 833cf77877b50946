/* layout as the last step of w_passes_plan, and w_passes_canonical as a whole: the graph before and after. */
#include "pass_case.h"

static const pass_case cases[] = {
    {"images run channels-last up to the weights behind Flatten", "plan",
     "input x f32[2,3,4,4]\n"
     "const w f32[4,3,3,3]\n"
     "const k f32[5,16]\n"
     "c: t = Conv(x, w)\n"
     "r: u = Relu(t)\n"
     "f: v = Flatten(u)\n"
     "g: y = Gemm(v, k) transB=1\n"
     "output y\n",
     "input x f32[2,3,4,4]\n"
     "const w f32[4,3,3,3]\n"
     "const k f32[5,16]\n"
     "x.nhwc: x.nhwc f32[2,3,4,4]nhwc = weir.Layout(x)\n"
     "c: u f32[2,4,2,2]nhwc = Conv(x.nhwc, w) kernel_shape=[3,3] strides=[1,1] pads=[0,0,0,0] dilations=[1,1] weir_act=1\n"
     "u.nhwc_view: u.nhwc_view f32[2,2,2,4] = Transpose(u) perm=[0,2,3,1]\n"
     "f: v f32[2,16] = Flatten(u.nhwc_view)\n"
     "g: y f32[2,5] = Gemm(v, k) transB=1\n"
     "output y\n",
     0},
    {"the other way round, and Reshape", "plan",
     "input x f32[2,1,4,4]\n"
     "const w f32[4,1,3,3]\n"
     "const to s64[2] = {2, -1}\n"
     "const k f32[16,5]\n"
     "c: t = Conv(x, w)\n"
     "f: v = Reshape(t, to)\n"
     "g: y = MatMul(v, k)\n"
     "output y\n",
     "input x f32[2,1,4,4]nhwc\n"
     "const w f32[4,1,3,3]\n"
     "const k f32[16,5]\n"
     "c: t f32[2,4,2,2]nhwc = Conv(x, w) kernel_shape=[3,3] strides=[1,1] pads=[0,0,0,0] dilations=[1,1]\n"
     "t.nhwc_view: t.nhwc_view f32[2,2,2,4] = Transpose(t) perm=[0,2,3,1]\n"
     "f: v f32[2,16] = Flatten(t.nhwc_view)\n"
     "g: y f32[2,5] = Gemm(v, k)\n"
     "output y\n",
     0},
    {"weights that two layers share are copied once each", "plan",
     "input x f32[1,2,3,3]\n"
     "const w f32[2,2,2,2]\n"
     "const k f32[8,2]\n"
     "c: t = Conv(x, w)\n"
     "f: v = Flatten(t)\n"
     "g: y = MatMul(v, k)\n"
     "h: a = Flatten(x)\n"
     "i: b = Conv(x, w) pads=[1,1,1,1] strides=[2,2]\n"
     "j: d = Flatten(b)\n"
     "l: z = MatMul(d, k)\n"
     "output y\n"
     "output z\n"
     "output a\n",
     "input x f32[1,2,3,3]\n"
     "const w f32[2,2,2,2]\n"
     "const k.nhwc f32[8,2]\n"
     "const k.nhwc.2 f32[8,2]\n"
     "x.nhwc: x.nhwc f32[1,2,3,3]nhwc = weir.Layout(x)\n"
     "c: t f32[1,2,2,2]nhwc = Conv(x.nhwc, w) kernel_shape=[2,2] strides=[1,1] pads=[0,0,0,0] dilations=[1,1]\n"
     "t.nhwc_view: t.nhwc_view f32[1,2,2,2] = Transpose(t) perm=[0,2,3,1]\n"
     "f: v f32[1,8] = Flatten(t.nhwc_view)\n"
     "g: y f32[1,2] = Gemm(v, k.nhwc)\n"
     "h: a f32[1,18] = Flatten(x)\n"
     "i: b f32[1,2,2,2]nhwc = Conv(x.nhwc, w) kernel_shape=[2,2] strides=[2,2] pads=[1,1,1,1] dilations=[1,1]\n"
     "b.nhwc_view: b.nhwc_view f32[1,2,2,2] = Transpose(b) perm=[0,2,3,1]\n"
     "j: d f32[1,8] = Flatten(b.nhwc_view)\n"
     "l: z f32[1,2] = Gemm(d, k.nhwc.2)\n"
     "output y\n"
     "output z\n"
     "output a\n",
     0},
    {"a flattened image that is an output goes back to rows", "plan",
     "input x f32[1,2,3,3]\n"
     "const w f32[2,2,2,2]\n"
     "c: t = Conv(x, w)\n"
     "f: y = Flatten(t)\n"
     "output y\n",
     "input x f32[1,2,3,3]\n"
     "const w f32[2,2,2,2]\n"
     "x.nhwc: x.nhwc f32[1,2,3,3]nhwc = weir.Layout(x)\n"
     "c: t f32[1,2,2,2]nhwc = Conv(x.nhwc, w) kernel_shape=[2,2] strides=[1,1] pads=[0,0,0,0] dilations=[1,1]\n"
     "t.row: t.row f32[1,2,2,2] = weir.Layout(t)\n"
     "f: y f32[1,8] = Flatten(t.row)\n"
     "output y\n",
     0},
    {"weights too large for a second copy stay, the image turns", "plan",
     "input x f32[1,2,3,3]\n"
     "const w f32[2,2,2,2]\n"
     "const k f32[1050000,8]\n"
     "c: t = Conv(x, w)\n"
     "f: v = Flatten(t)\n"
     "g: y = Gemm(v, k) transB=1\n"
     "output y\n",
     "input x f32[1,2,3,3]\n"
     "const w f32[2,2,2,2]\n"
     "const k f32[1050000,8]\n"
     "x.nhwc: x.nhwc f32[1,2,3,3]nhwc = weir.Layout(x)\n"
     "c: t f32[1,2,2,2]nhwc = Conv(x.nhwc, w) kernel_shape=[2,2] strides=[1,1] pads=[0,0,0,0] dilations=[1,1]\n"
     "t.row: t.row f32[1,2,2,2] = weir.Layout(t)\n"
     "f: v f32[1,8] = Flatten(t.row)\n"
     "g: y f32[1,1050000] = Gemm(v, k) transB=1\n"
     "output y\n",
     0},
    {"inputs and outputs stay row-major", "plan",
     "input x f32[1,2,4,4]\n"
     "const w f32[2,2,3,3]\n"
     "c: t = Conv(x, w) pads=[1,1,1,1]\n"
     "d: y = MaxPool(t) kernel_shape=[2,2]\n"
     "e: z = Conv(t, w)\n"
     "output y\n"
     "output t\n"
     "output z\n",
     "input x f32[1,2,4,4]\n"
     "const w f32[2,2,3,3]\n"
     "x.nhwc: x.nhwc f32[1,2,4,4]nhwc = weir.Layout(x)\n"
     "c: t.nhwc f32[1,2,4,4]nhwc = Conv(x.nhwc, w) kernel_shape=[3,3] strides=[1,1] pads=[1,1,1,1] dilations=[1,1]\n"
     "d: y.nhwc f32[1,2,3,3]nhwc = MaxPool(t.nhwc) kernel_shape=[2,2] strides=[1,1] pads=[0,0,0,0] dilations=[1,1]\n"
     "e: z.nhwc f32[1,2,2,2]nhwc = Conv(t.nhwc, w) kernel_shape=[3,3] strides=[1,1] pads=[0,0,0,0] dilations=[1,1]\n"
     "y: y f32[1,2,3,3] = weir.Layout(y.nhwc)\n"
     "t: t f32[1,2,4,4] = weir.Layout(t.nhwc)\n"
     "z: z f32[1,2,2,2] = weir.Layout(z.nhwc)\n"
     "output y\n"
     "output t\n"
     "output z\n",
     0},
    {"followers, constants and Concat", "plan",
     "input x f32[1,2,4,4]\n"
     "const w f32[2,2,3,3]\n"
     "const k f32[2,1,1] = {1, 2}\n"
     "const full f32[1,2,4,4]\n"
     "const m f32[1,4,3,3]\n"
     "c: t = Conv(x, w) pads=[1,1,1,1]\n"
     "a: u = Mul(t, k)\n"
     "s: v = Sigmoid(u)\n"
     "b: p = Sub(v, full)\n"
     "d: q = Concat(p, x) axis=1\n"
     "e: y = Conv(q, m) pads=[1,1,1,1]\n"
     "output y\n",
     "input x f32[1,2,4,4]\n"
     "const w f32[2,2,3,3]\n"
     "const full f32[1,2,4,4]\n"
     "const m f32[1,4,3,3]\n"
     "x.nhwc: x.nhwc f32[1,2,4,4]nhwc = weir.Layout(x)\n"
     "c: v f32[1,2,4,4]nhwc = Conv(x.nhwc, w) kernel_shape=[3,3] strides=[1,1] pads=[1,1,1,1] dilations=[1,1] weir_act=6\n"
     "b: p f32[1,2,4,4]nhwc = Sub(v, full)\n"
     "d: q f32[1,4,4,4]nhwc = Concat(p, x.nhwc) axis=1\n"
     "e: y f32[1,1,4,4] = Conv(q, m) kernel_shape=[3,3] strides=[1,1] pads=[1,1,1,1] dilations=[1,1]\n"
     "output y\n",
     0},
    {"what no convolution touches stays", "plan",
     "input x f32[1,2,4,4]\n"
     "input z f32[1,2,4,4]\n"
     "a: t = Add(x, z)\n"
     "s: y = Softmax(t) axis=1\n"
     "output y\n",
     "input x f32[1,2,4,4]\n"
     "input z f32[1,2,4,4]\n"
     "a: t f32[1,2,4,4] = Add(x, z)\n"
     "s: y f32[1,2,4,4] = Softmax(t) axis=1\n"
     "output y\n",
     0},
    {"transposes of the model are views", "plan",
     "input x f32[1,4,4,3]\n"
     "const w f32[2,3,3,3]\n"
     "a: t = Transpose(x) perm=[0,3,1,2]\n"
     "c: u = Conv(t, w)\n"
     "d: v = Sigmoid(u)\n"
     "b: y = Transpose(v) perm=[0,2,3,1]\n"
     "output y\n",
     "input x f32[1,4,4,3]\n"
     "const w f32[2,3,3,3]\n"
     "a: t f32[1,3,4,4]nhwc = Transpose(x) perm=[0,3,1,2]\n"
     "c: v f32[1,2,2,2]nhwc = Conv(t, w) kernel_shape=[3,3] strides=[1,1] pads=[0,0,0,0] dilations=[1,1] weir_act=6\n"
     "b: y f32[1,2,2,2] = Transpose(v) perm=[0,2,3,1]\n"
     "output y\n",
     0},
    {"a small network with a symbolic batch", "canonical",
     "input x f32[N,1,8,8]\n"
     "const w f32[4,1,5,5]\n"
     "const b f32[4,1,1]\n"
     "const k f32[64,10]\n"
     "const kb f32[1,10]\n"
     "const to s64[2] = {-1, 64}\n"
     "c: t = Conv(x, w) auto_pad=SAME_UPPER\n"
     "a: u = Add(t, b)\n"
     "r: v = Relu(u)\n"
     "p: q = MaxPool(v) kernel_shape=[2,2] strides=[2,2]\n"
     "f: z = Reshape(q, to)\n"
     "m: h = MatMul(z, k)\n"
     "n: y = Add(h, kb)\n"
     "output y\n",
     "input x f32[N,1,8,8]\n"
     "const w f32[4,1,5,5]\n"
     "const b f32[4] = {0.34375, -0.75, 0.9375, 0.53125}\n"
     "const k f32[64,10]\n"
     "const kb f32[10]\n"
     "const to s64[2] = {-1, 64}\n"
     "c: v f32[N,4,8,8] = Conv(x, w, b) kernel_shape=[5,5] strides=[1,1] pads=[2,2,2,2] dilations=[1,1] weir_act=1\n"
     "p: q f32[N,4,4,4] = MaxPool(v) kernel_shape=[2,2] strides=[2,2] pads=[0,0,0,0] dilations=[1,1]\n"
     "f: z f32[N,64] = Reshape(q, to)\n"
     "m: y f32[N,10] = Gemm(z, k, kb)\n"
     "output y\n",
     0},
    {"a normalisation between bias and factor", "canonical",
     "input x f32[1,1,4,4]\n"
     "const w f32[2,1,3,3]\n"
     "const b f32[2,1,1]\n"
     "const s f32[2] +\n"
     "const t f32[2]\n"
     "const m f32[2]\n"
     "const v f32[2] +\n"
     "const f f32[2,1,1]\n"
     "const g f32[2,1,1]\n"
     "c: p = Conv(x, w)\n"
     "a: q = Add(p, b)\n"
     "n: r = BatchNormalization(q, s, t, m, v)\n"
     "d: u = Mul(r, f)\n"
     "e: z = Add(u, g)\n"
     "i: y = Relu(z)\n"
     "output y\n",
     "input x f32[1,1,4,4]\n"
     "const w f32[2,1,3,3]\n"
     "const b f32[2] = {-0.977455, 1.30465}\n"
     "c: y f32[1,2,2,2] = Conv(x, w, b) kernel_shape=[3,3] strides=[1,1] pads=[0,0,0,0] dilations=[1,1] weir_act=1\n"
     "output y\n",
     0},
};

int main(void) { return pass_cases_run("layout", cases, W_COUNT(cases)); }
