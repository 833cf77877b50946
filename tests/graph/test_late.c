/* late: the graph before and after. */
#include "pass_case.h"

#define QUANTISED "input x f32[2,6]\nq: xq, xs, xz = DynamicQuantizeLinear(x)\n"
#define A_SCALE_A_COLUMN \
    "input x f32[2,6]\nconst w.scaled s8[6,3] q(axis 1, 3: 0.5,0...)\nq: xq u8[2,6], xs f32[], xz u8[] = DynamicQuantizeLinear(x)\n" \
    "m: y f32[2,3] = MatMul(xq, w.scaled, -, -, xs, xz)\noutput y\n"

static const pass_case cases[] = {
    {"scales multiplied with each other first, one a column", "late",
     QUANTISED "const w s8[6,3]\nconst ws f32[3] = {0.5, 0.25, 0.125}\nm: s = MatMulInteger(xq, w, xz)\nc: r = Cast(s) to=1\nk: f = Mul(xs, ws)\n"
     "u: y = Mul(r, f)\noutput y\n",
     A_SCALE_A_COLUMN,
     0},
    {"one scale after the other, zero points of 0, one weight scale", "late",
     QUANTISED "const w s8[6,3]\nconst z s8[3] = {0, 0, 0}\nconst ws f32[] = {0.5}\nm: s = MatMulInteger(xq, w, xz, z)\nc: r = Cast(s) to=1\nk: f = Mul(r, xs)\n"
     "u: y = Mul(ws, f)\noutput y\n",
     "input x f32[2,6]\n"
     "const w.scaled s8[6,3] q(0.5,0)\n"
     "q: xq u8[2,6], xs f32[], xz u8[] = DynamicQuantizeLinear(x)\n"
     "m: y f32[2,3] = MatMul(xq, w.scaled, -, -, xs, xz)\n"
     "output y\n",
     0},
    {"unsigned weights around 128", "late",
     QUANTISED "const w u8[6,3]\nconst z u8[] = {128}\nconst ws f32[3] = {0.5, 0.25, 0.125}\nm: s = MatMulInteger(xq, w, xz, z)\nc: r = Cast(s) to=1\nk: f = Mul(ws, xs)\n"
     "u: y = Mul(r, f)\noutput y\n",
     A_SCALE_A_COLUMN,
     0},
    {"the scale of the data alone", "late",
     QUANTISED "const w s8[6,3]\nm: s = MatMulInteger(xq, w, xz)\nc: r = Cast(s) to=1\nu: y = Mul(xs, r)\noutput y\n",
     "input x f32[2,6]\n"
     "const w.scaled s8[6,3] q(1,0)\n"
     "q: xq u8[2,6], xs f32[], xz u8[] = DynamicQuantizeLinear(x)\n"
     "m: y f32[2,3] = MatMul(xq, w.scaled, -, -, xs, xz)\n"
     "output y\n",
     0},
    {"a convolution with its attributes, and what reads the integers keeps them", "late",
     "input x f32[1,2,5,5]\nconst w s8[4,1,3,3]\nconst ws f32[4,1,1] = {0.5, 0.25, 0.125, 1}\nq: xq, xs, xz = DynamicQuantizeLinear(x)\n"
     "m: s = ConvInteger(xq, w, xz) group=2 pads=[1,1,1,1] strides=[2,2]\nc: r = Cast(s) to=1\nk: f = Mul(xs, ws)\nu: y = Mul(r, f)\n"
     "o: t = Cast(w) to=1\noutput y\noutput t\n",
     "input x f32[1,2,5,5]\n"
     "const w s8[4,1,3,3]\n"
     "const w.scaled s8[4,1,3,3] q(axis 0, 4: 0.5,0...)\n"
     "q: xq u8[1,2,5,5], xs f32[], xz u8[] = DynamicQuantizeLinear(x)\n"
     "m: y f32[1,4,3,3] = Conv(xq, w.scaled, -, -, xs, xz) strides=[2,2] pads=[1,1,1,1] group=2\n"
     "o: t f32[4,1,3,3] = Cast(w) to=1\n"
     "output y\n"
     "output t\n",
     0},
    {"zero points of the weights stay", "late",
     QUANTISED "const w s8[6,3]\nconst z s8[] = {3}\nm: s = MatMulInteger(xq, w, xz, z)\nc: r = Cast(s) to=1\nu: y = Mul(r, xs)\noutput y\n",
     "input x f32[2,6]\n"
     "const w s8[6,3]\n"
     "const z s8[] = {3}\n"
     "q: xq u8[2,6], xs f32[], xz u8[] = DynamicQuantizeLinear(x)\n"
     "m: s s32[2,3] = MatMulInteger(xq, w, xz, z)\n"
     "c: r f32[2,3] = Cast(s) to=1\n"
     "u: y f32[2,3] = Mul(r, xs)\n"
     "output y\n",
     0},
    {"data without their zero point stay", "late",
     QUANTISED "const w s8[6,3]\nm: s = MatMulInteger(xq, w)\nc: r = Cast(s) to=1\nu: y = Mul(r, xs)\noutput y\n",
     "input x f32[2,6]\n"
     "const w s8[6,3]\n"
     "q: xq u8[2,6], xs f32[], xz u8[] = DynamicQuantizeLinear(x)\n"
     "m: s s32[2,3] = MatMulInteger(xq, w)\n"
     "c: r f32[2,3] = Cast(s) to=1\n"
     "u: y f32[2,3] = Mul(r, xs)\n"
     "output y\n",
     0},
    {"a scale twice: the second stays a factor", "late",
     QUANTISED "const w s8[6,3]\nm: s = MatMulInteger(xq, w, xz)\nc: r = Cast(s) to=1\nk: f = Mul(r, xs)\nu: y = Mul(f, xs)\noutput y\n",
     "input x f32[2,6]\n"
     "const w.scaled s8[6,3] q(1,0)\n"
     "q: xq u8[2,6], xs f32[], xz u8[] = DynamicQuantizeLinear(x)\n"
     "m: f f32[2,3] = MatMul(xq, w.scaled, -, -, xs, xz)\n"
     "u: y f32[2,3] = Mul(f, xs)\n"
     "output y\n",
     0},
    {"numbers that others read stay", "late",
     QUANTISED "const w s8[6,3]\nm: s = MatMulInteger(xq, w, xz)\nc: r = Cast(s) to=1\nu: y = Mul(r, xs)\noutput y\noutput r\n",
     "input x f32[2,6]\n"
     "const w s8[6,3]\n"
     "q: xq u8[2,6], xs f32[], xz u8[] = DynamicQuantizeLinear(x)\n"
     "m: s s32[2,3] = MatMulInteger(xq, w, xz)\n"
     "c: r f32[2,3] = Cast(s) to=1\n"
     "u: y f32[2,3] = Mul(r, xs)\n"
     "output y\n"
     "output r\n",
     0},
    {"bias and function join in, in one form", "canonical",
     QUANTISED "const w s8[6,3]\nconst ws f32[3] = {0.5, 0.25, 0.125}\nconst b f32[3] = {1, 2, 3}\nm: s = MatMulInteger(xq, w, xz)\nc: r = Cast(s) to=1\nk: f = Mul(xs, ws)\n"
     "u: v = Mul(r, f)\na: t = Add(v, b)\ne: y = Relu(t)\noutput y\n",
     "input x f32[2,6]\n"
     "const b f32[3] = {1, 2, 3}\n"
     "const w.scaled s8[6,3] q(axis 1, 3: 0.5,0...)\n"
     "q: xq u8[2,6], xs f32[], xz u8[] = DynamicQuantizeLinear(x)\n"
     "m: y f32[2,3] = Gemm(xq, w.scaled, b, -, xs, xz) weir_act=1\n"
     "output y\n",
     0},
    {"a function that integers do not compute stays behind the bias", "canonical",
     QUANTISED "const w s8[6,3]\nconst b f32[3] = {1, 2, 3}\nm: s = MatMulInteger(xq, w, xz)\nc: r = Cast(s) to=1\n"
     "u: v = Mul(r, xs)\na: t = Add(v, b)\ne: y = Tanh(t)\noutput y\n",
     "input x f32[2,6]\n"
     "const b f32[3] = {1, 2, 3}\n"
     "const w.scaled s8[6,3] q(1,0)\n"
     "q: xq u8[2,6], xs f32[], xz u8[] = DynamicQuantizeLinear(x)\n"
     "m: v f32[2,3] = Gemm(xq, w.scaled, -, -, xs, xz)\n"
     "a: y f32[2,3] = Add(v, b) weir_act=7\n"
     "output y\n",
     0},
};

int main(void) { return pass_cases_run("late", cases, W_COUNT(cases)); }
