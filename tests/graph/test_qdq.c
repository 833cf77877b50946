/* qdq: the graph before and after. */
#include "pass_case.h"

static const pass_case cases[] = {
    {"a convolution from Q to Q works on bytes", "qdq",
     "input x f32[1,1,4,4]\n"
     "const sx f32[] = {0.03125}\n"
     "const zx u8[] = {128}\n"
     "const w s8[2,1,3,3]\n"
     "const sw f32[2] = {0.0625, 0.125}\n"
     "const zw s8[2] = {0, 0}\n"
     "const b s32[2] = {10, -20}\n"
     "const sb f32[2] = {0.001953125, 0.00390625}\n"
     "const zb s32[2] = {0, 0}\n"
     "const sy f32[] = {0.5}\n"
     "const zy u8[] = {100}\n"
     "q: xq = QuantizeLinear(x, sx, zx)\n"
     "d: xd = DequantizeLinear(xq, sx, zx)\n"
     "e: wd = DequantizeLinear(w, sw, zw) axis=0\n"
     "f: bd = DequantizeLinear(b, sb, zb) axis=0\n"
     "c: t = Conv(xd, wd, bd)\n"
     "r: tq = QuantizeLinear(t, sy, zy)\n"
     "s: y = DequantizeLinear(tq, sy, zy)\n"
     "output y\n",
     "input x f32[1,1,4,4]\n"
     "const sx f32[] = {0.03125}\n"
     "const zx u8[] = {128}\n"
     "const w s8[2,1,3,3] q(axis 0, 2: 0.0625,0...)\n"
     "const sy f32[] = {0.5}\n"
     "const zy u8[] = {100}\n"
     "const bd f32[2] = {0.0195312, -0.078125}\n"
     "q: xq u8[1,1,4,4] q(0.03125,128) = QuantizeLinear(x, sx, zx)\n"
     "c: tq u8[1,2,2,2] q(0.5,100) = Conv(xq, w, bd)\n"
     "s: y f32[1,2,2,2] = DequantizeLinear(tq, sy, zy)\n"
     "output y\n",
     0},
    {"views and maxima keep one scale, averages and additions change it", "qdq",
     "input x f32[1,2,4,4]\n"
     "const s f32[] = {0.03125}\n"
     "const z u8[] = {128}\n"
     "const s2 f32[] = {0.0625}\n"
     "a: q1 = QuantizeLinear(x, s, z)\n"
     "b: d1 = DequantizeLinear(q1, s, z)\n"
     "c: t1 = MaxPool(d1) kernel_shape=[2,2]\n"
     "d: q2 = QuantizeLinear(t1, s, z)\n"
     "e: d2 = DequantizeLinear(q2, s, z)\n"
     "f: t2 = Flatten(d2)\n"
     "g: q3 = QuantizeLinear(t2, s, z)\n"
     "h: d3 = DequantizeLinear(q3, s, z)\n"
     "i: t3 = Add(d3, d3)\n"
     "j: q4 = QuantizeLinear(t3, s2, z)\n"
     "k: y = DequantizeLinear(q4, s2, z)\n"
     "output y\n",
     "input x f32[1,2,4,4]\n"
     "const s f32[] = {0.03125}\n"
     "const z u8[] = {128}\n"
     "const s2 f32[] = {0.0625}\n"
     "a: q1 u8[1,2,4,4] q(0.03125,128) = QuantizeLinear(x, s, z)\n"
     "c: q2 u8[1,2,3,3] q(0.03125,128) = MaxPool(q1) kernel_shape=[2,2]\n"
     "f: q3 u8[1,18] q(0.03125,128) = Flatten(q2)\n"
     "i: q4 u8[1,18] q(0.0625,128) = Add(q3, q3)\n"
     "k: y f32[1,18] = DequantizeLinear(q4, s2, z)\n"
     "output y\n",
     0},
    {"integers that are read as integers stay so", "qdq",
     "input x f32[1,2,3]\n"
     "const s f32[] = {0.03125}\n"
     "const z u8[] = {128}\n"
     "a: q1 = QuantizeLinear(x, s, z)\n"
     "b: d1 = DequantizeLinear(q1, s, z)\n"
     "c: t1 = Relu(d1)\n"
     "d: q2 = Transpose(q1) perm=[0,2,1]\n"
     "output t1\n"
     "output q2\n",
     "input x f32[1,2,3]\n"
     "const s f32[] = {0.03125}\n"
     "const z u8[] = {128}\n"
     "a: q1 u8[1,2,3] = QuantizeLinear(x, s, z)\n"
     "b: d1 f32[1,2,3] = DequantizeLinear(q1, s, z)\n"
     "c: t1 f32[1,2,3] = Relu(d1)\n"
     "d: q2 u8[1,3,2] = Transpose(q1) perm=[0,2,1]\n"
     "output t1\n"
     "output q2\n",
     0},
    {"operators on real numbers keep their pair", "qdq",
     "input x f32[1,8]\n"
     "const s f32[] = {0.03125}\n"
     "const z u8[] = {128}\n"
     "a: q1 = QuantizeLinear(x, s, z)\n"
     "b: d1 = DequantizeLinear(q1, s, z)\n"
     "c: t1 = Softplus(d1)\n"
     "d: q2 = QuantizeLinear(t1, s, z)\n"
     "e: y = DequantizeLinear(q2, s, z)\n"
     "output y\n",
     "input x f32[1,8]\n"
     "const s f32[] = {0.03125}\n"
     "const z u8[] = {128}\n"
     "a: q1 u8[1,8] q(0.03125,128) = QuantizeLinear(x, s, z)\n"
     "b: d1 f32[1,8] = DequantizeLinear(q1, s, z)\n"
     "c: t1 f32[1,8] = Softplus(d1)\n"
     "d: q2 u8[1,8] q(0.03125,128) = QuantizeLinear(t1, s, z)\n"
     "e: y f32[1,8] = DequantizeLinear(q2, s, z)\n"
     "output y\n",
     0},
    {"functions of one element work on 8 bits", "qdq",
     "input x f32[1,8]\n"
     "const s f32[] = {0.03125}\n"
     "const z u8[] = {128}\n"
     "a: q1 = QuantizeLinear(x, s, z)\n"
     "b: d1 = DequantizeLinear(q1, s, z)\n"
     "c: t1 = Sigmoid(d1)\n"
     "d: q2 = QuantizeLinear(t1, s, z)\n"
     "e: y = DequantizeLinear(q2, s, z)\n"
     "output y\n",
     "input x f32[1,8]\n"
     "const s f32[] = {0.03125}\n"
     "const z u8[] = {128}\n"
     "a: q1 u8[1,8] q(0.03125,128) = QuantizeLinear(x, s, z)\n"
     "c: q2 u8[1,8] q(0.03125,128) = Sigmoid(q1)\n"
     "e: y f32[1,8] = DequantizeLinear(q2, s, z)\n"
     "output y\n",
     0},
    {"a view whose scale changes keeps its pair", "qdq",
     "input x f32[1,2,2,2]\n"
     "const s f32[] = {0.03125}\n"
     "const s2 f32[] = {0.0625}\n"
     "const z u8[] = {128}\n"
     "a: q1 = QuantizeLinear(x, s, z)\n"
     "b: d1 = DequantizeLinear(q1, s, z)\n"
     "c: t1 = Flatten(d1)\n"
     "d: q2 = QuantizeLinear(t1, s2, z)\n"
     "e: y = DequantizeLinear(q2, s2, z)\n"
     "output y\n",
     "input x f32[1,2,2,2]\n"
     "const s f32[] = {0.03125}\n"
     "const s2 f32[] = {0.0625}\n"
     "const z u8[] = {128}\n"
     "a: q1 u8[1,2,2,2] q(0.03125,128) = QuantizeLinear(x, s, z)\n"
     "b: d1 f32[1,2,2,2] = DequantizeLinear(q1, s, z)\n"
     "c: t1 f32[1,8] = Flatten(d1)\n"
     "d: q2 u8[1,8] q(0.0625,128) = QuantizeLinear(t1, s2, z)\n"
     "e: y f32[1,8] = DequantizeLinear(q2, s2, z)\n"
     "output y\n",
     0},
    {"signed activations and unsigned weights change sides", "qdq",
     "input x f32[2,3]\n"
     "const s f32[] = {0.03125}\n"
     "const z s8[] = {0}\n"
     "const w u8[3,2] +\n"
     "const sw f32[] = {0.0625}\n"
     "const zw u8[] = {3}\n"
     "q: xq = QuantizeLinear(x, s, z)\n"
     "d: xd = DequantizeLinear(xq, s, z)\n"
     "e: wd = DequantizeLinear(w, sw, zw)\n"
     "m: y = MatMul(xd, wd)\n"
     "output y\n",
     "input x f32[2,3]\n"
     "const s f32[] = {0.03125}\n"
     "const w s8[3,2] q(0.0625,-125) = {0.125, 1.25, 1.4375, 1.1875, 0.3125, 0.5}\n"
     "const s.zero u8[] = {128}\n"
     "q: xq u8[2,3] q(0.03125,128) = QuantizeLinear(x, s, s.zero)\n"
     "m: y f32[2,2] = MatMul(xq, w)\n"
     "output y\n",
     0},
};

int main(void) { return pass_cases_run("qdq", cases, W_COUNT(cases)); }
