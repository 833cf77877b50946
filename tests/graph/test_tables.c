/* tables: functions of one 8-bit value, and what only moves bytes. */
#include "pass_case.h"

static const pass_case cases[] = {
    {"x * sigmoid(x) is one table", "tables",
     "input r f32[1,4]\n"
     "const s1 f32[] = {0.03125}\n"
     "const z1 u8[] = {100}\n"
     "q: x u8 q(0.03125,100) = QuantizeLinear(r, s1, z1)\n"
     "a: s u8 q(0.00390625,0) = Sigmoid(x)\n"
     "b: y u8 q(0.025,20) = Mul(x, s)\n"
     "output y\n",
     "input r f32[1,4]\n"
     "const s1 f32[] = {0.03125}\n"
     "const z1 u8[] = {100}\n"
     "const y.table u8[256]\n"
     "q: x u8[1,4] q(0.03125,100) = QuantizeLinear(r, s1, z1)\n"
     "b: y u8[1,4] q(0.025,20) = weir.Table(x, y.table)\n"
     "output y\n",
     0},
    {"one function behind another is one table, and the first stays for its other readers", "tables",
     "input r f32[1,4]\n"
     "const s1 f32[] = {0.03125}\n"
     "const z1 u8[] = {100}\n"
     "q: x u8 q(0.03125,100) = QuantizeLinear(r, s1, z1)\n"
     "a: s u8 q(0.00390625,0) = Sigmoid(x)\n"
     "b: y u8 q(0.0078125,0) = Tanh(s)\n"
     "output y\n"
     "output s\n",
     "input r f32[1,4]\n"
     "const s1 f32[] = {0.03125}\n"
     "const z1 u8[] = {100}\n"
     "const y.table u8[256]\n"
     "q: x u8[1,4] q(0.03125,100) = QuantizeLinear(r, s1, z1)\n"
     "a: s u8[1,4] q(0.00390625,0) = Sigmoid(x)\n"
     "b: y u8[1,4] q(0.0078125,0) = weir.Table(x, y.table)\n"
     "output y\n"
     "output s\n",
     0},
    {"two values are no table", "tables",
     "input r f32[1,4]\n"
     "const s1 f32[] = {0.03125}\n"
     "const z1 u8[] = {100}\n"
     "q: x u8 q(0.03125,100) = QuantizeLinear(r, s1, z1)\n"
     "input r2 f32[1,4]\n"
     "p: z u8 q(0.03125,100) = QuantizeLinear(r2, s1, z1)\n"
     "a: s u8 q(0.00390625,0) = Sigmoid(z)\n"
     "b: y u8 q(0.025,20) = Mul(x, s)\n"
     "output y\n",
     "input r f32[1,4]\n"
     "input r2 f32[1,4]\n"
     "const s1 f32[] = {0.03125}\n"
     "const z1 u8[] = {100}\n"
     "q: x u8[1,4] q(0.03125,100) = QuantizeLinear(r, s1, z1)\n"
     "p: z u8[1,4] q(0.03125,100) = QuantizeLinear(r2, s1, z1)\n"
     "a: s u8[1,4] q(0.00390625,0) = Sigmoid(z)\n"
     "b: y u8[1,4] q(0.025,20) = Mul(x, s)\n"
     "output y\n",
     0},
    {"Concat takes bytes of its own scale as they are and others through a table", "tables",
     "input r f32[1,4]\n"
     "const s1 f32[] = {0.03125}\n"
     "const z1 u8[] = {100}\n"
     "q: x u8 q(0.03125,100) = QuantizeLinear(r, s1, z1)\n"
     "input r2 f32[1,4]\n"
     "const s2 f32[] = {0.0625}\n"
     "const z2 u8[] = {128}\n"
     "p: z u8 q(0.0625,128) = QuantizeLinear(r2, s2, z2)\n"
     "a: d1 = DequantizeLinear(x, s1, z1)\n"
     "b: d2 = DequantizeLinear(z, s2, z2)\n"
     "c: t = Concat(d1, d2) axis=1\n"
     "d: y u8 q(0.0625,128) = QuantizeLinear(t, s2, z2)\n"
     "output y\n",
     "input r f32[1,4]\n"
     "input r2 f32[1,4]\n"
     "const s1 f32[] = {0.03125}\n"
     "const z1 u8[] = {100}\n"
     "const s2 f32[] = {0.0625}\n"
     "const z2 u8[] = {128}\n"
     "const d1.bytes.table u8[256]\n"
     "q: x u8[1,4] q(0.03125,100) = QuantizeLinear(r, s1, z1)\n"
     "p: z u8[1,4] q(0.0625,128) = QuantizeLinear(r2, s2, z2)\n"
     "d1.bytes: d1.bytes u8[1,4] q(0.0625,128) = weir.Table(x, d1.bytes.table)\n"
     "c: y u8[1,8] q(0.0625,128) = Concat(d1.bytes, z) axis=1\n"
     "output y\n",
     0},
    {"Split moves bytes, and the same scale behind it is nothing", "tables",
     "input r f32[1,4]\n"
     "const s1 f32[] = {0.03125}\n"
     "const z1 u8[] = {100}\n"
     "q: x u8 q(0.03125,100) = QuantizeLinear(r, s1, z1)\n"
     "const s2 f32[] = {0.0625}\n"
     "a: d = DequantizeLinear(x, s1, z1)\n"
     "b: t1, t2 = Split(d) axis=1 num_outputs=2\n"
     "c: y u8 q(0.03125,100) = QuantizeLinear(t1, s1, z1)\n"
     "d: w u8 q(0.0625,100) = QuantizeLinear(t2, s2, z1)\n"
     "output y\n"
     "output w\n",
     "input r f32[1,4]\n"
     "const s1 f32[] = {0.03125}\n"
     "const z1 u8[] = {100}\n"
     "const w.table u8[256]\n"
     "q: x u8[1,4] q(0.03125,100) = QuantizeLinear(r, s1, z1)\n"
     "b: t1.bytes u8[1,2] q(0.03125,100), t2.bytes u8[1,2] q(0.03125,100) = Split(x) axis=1 num_outputs=2\n"
     "c: y u8[1,2] q(0.03125,100) = Identity(t1.bytes)\n"
     "d: w u8[1,2] q(0.0625,100) = weir.Table(t2.bytes, w.table)\n"
     "output y\n"
     "output w\n",
     0},
    {"a DequantizeLinear by another scale than the bytes have is not nothing", "tables",
     "input r f32[1,4]\n"
     "const s1 f32[] = {0.03125}\n"
     "const z1 u8[] = {100}\n"
     "const s2 f32[] = {0.0625}\n"
     "q: x u8 q(0.03125,100) = QuantizeLinear(r, s1, z1)\n"
     "a: d = DequantizeLinear(x, s2, z1)\n"
     "b: y u8 q(0.03125,100) = QuantizeLinear(d, s1, z1)\n"
     "output y\n",
     "input r f32[1,4]\n"
     "const s1 f32[] = {0.03125}\n"
     "const z1 u8[] = {100}\n"
     "const y.table u8[256]\n"
     "q: x u8[1,4] q(0.03125,100) = QuantizeLinear(r, s1, z1)\n"
     "b: y u8[1,4] q(0.03125,100) = weir.Table(x, y.table)\n"
     "output y\n",
     0},
    {"Split stays behind a DequantizeLinear by another scale", "tables",
     "input r f32[1,4]\n"
     "const s1 f32[] = {0.03125}\n"
     "const z1 u8[] = {100}\n"
     "const s2 f32[] = {0.0625}\n"
     "q: x u8 q(0.03125,100) = QuantizeLinear(r, s1, z1)\n"
     "a: d = DequantizeLinear(x, s2, z1)\n"
     "b: t1, t2 = Split(d) axis=1 num_outputs=2\n"
     "c: y u8 q(0.03125,100) = QuantizeLinear(t1, s1, z1)\n"
     "output y\n"
     "output t2\n",
     "input r f32[1,4]\n"
     "const s1 f32[] = {0.03125}\n"
     "const z1 u8[] = {100}\n"
     "const s2 f32[] = {0.0625}\n"
     "q: x u8[1,4] q(0.03125,100) = QuantizeLinear(r, s1, z1)\n"
     "a: d f32[1,4] = DequantizeLinear(x, s2, z1)\n"
     "b: t1 f32[1,2], t2 f32[1,2] = Split(d) axis=1 num_outputs=2\n"
     "c: y u8[1,2] q(0.03125,100) = QuantizeLinear(t1, s1, z1)\n"
     "output y\n"
     "output t2\n",
     0},
    {"a scale for each channel makes no table", "tables",
     "input r f32[1,4]\n"
     "const s1 f32[] = {0.03125}\n"
     "const z1 u8[] = {100}\n"
     "const sc f32[4] = {0.03125, 0.0625, 0.125, 0.25}\n"
     "const zc u8[4] = {100, 90, 80, 70}\n"
     "q: x u8 q(0.03125,100) = QuantizeLinear(r, s1, z1)\n"
     "a: d = DequantizeLinear(x, sc, zc) axis=1\n"
     "b: y u8 q(0.03125,100) = QuantizeLinear(d, s1, z1)\n"
     "output y\n",
     "input r f32[1,4]\n"
     "const s1 f32[] = {0.03125}\n"
     "const z1 u8[] = {100}\n"
     "const sc f32[4] = {0.03125, 0.0625, 0.125, 0.25}\n"
     "const zc u8[4] = {100, 90, 80, 70}\n"
     "q: x u8[1,4] q(0.03125,100) = QuantizeLinear(r, s1, z1)\n"
     "a: d f32[1,4] = DequantizeLinear(x, sc, zc)\n"
     "b: y u8[1,4] q(0.03125,100) = QuantizeLinear(d, s1, z1)\n"
     "output y\n",
     0},
};

int main(void) { return pass_cases_run("tables", cases, W_COUNT(cases)); }
