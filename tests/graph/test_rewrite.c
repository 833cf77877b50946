/* fold, batchnorm, cse, dce: the graph before and after. */
#include "pass_case.h"

static const pass_case cases[] = {
    {"shape arithmetic and what stands on it", "fold",
     "input x f32[2,3,4]\n"
     "const i s64[] = {0}\n"
     "const ax s64[1] = {0}\n"
     "const m s64[1] = {-1}\n"
     "s: sh = Shape(x)\n"
     "g: d = Gather(sh, i)\n"
     "u: d1 = Unsqueeze(d, ax)\n"
     "c: to = Concat(d1, m) axis=0\n"
     "r: y = Reshape(x, to)\n"
     "output y\n",
     "input x f32[2,3,4]\n"
     "const to s64[2] = {2, -1}\n"
     "r: y f32[2,12] = Reshape(x, to)\n"
     "output y\n",
     0},
    {"constants meet constants", "fold",
     "input x f32[2]\n"
     "const a f32[2] = {1, 2}\n"
     "const b f32[2] = {3, 4}\n"
     "s: c = Add(a, b)\n"
     "y: y = Mul(x, c)\n"
     "output y\n",
     "input x f32[2]\n"
     "const c f32[2] = {4, 6}\n"
     "y: y f32[2] = Mul(x, c)\n"
     "output y\n",
     0},
    {"quantised constants stay as they are", "fold",
     "input x f32[1,2]\n"
     "const a s8[2,2] q(0.5,0)\n"
     "n: b = Identity(a)\n"
     "m: y = MatMul(x, b)\n"
     "output y\n",
     "input x f32[1,2]\n"
     "const a s8[2,2] q(0.5,0) = {-6, -12, 0, -2}\n"
     "n: b f32[2,2] = Identity(a)\n"
     "m: y f32[1,2] = MatMul(x, b)\n"
     "output y\n",
     0},
    {"a constant graph output stays a node", "fold",
     "const a f32[2] = {1, 2}\n"
     "r: y = Relu(a)\n"
     "output y\n",
     "const a f32[2] = {1, 2}\n"
     "r: y f32[2] = Relu(a)\n"
     "output y\n",
     0},
    {"into a convolution without bias", "batchnorm",
     "input x f32[1,1,4,4]\n"
     "const w f32[2,1,3,3]\n"
     "const s f32[2] = {1, 2}\n"
     "const t f32[2] = {0.5, -1}\n"
     "const m f32[2] = {0.25, 0}\n"
     "const v f32[2] = {1, 4}\n"
     "c: u = Conv(x, w)\n"
     "b: y = BatchNormalization(u, s, t, m, v)\n"
     "output y\n",
     "input x f32[1,1,4,4]\n"
     "const w f32[2,1,3,3]\n"
     "const t f32[2] = {0.250001, -1}\n"
     "c: y f32[1,2,2,2] = Conv(x, w, t)\n"
     "output y\n",
     0},
    {"into a convolution with bias, depthwise", "batchnorm",
     "input x f32[1,2,4,4]\n"
     "const w f32[2,1,3,3]\n"
     "const d f32[2]\n"
     "const s f32[2] +\n"
     "const t f32[2]\n"
     "const m f32[2]\n"
     "const v f32[2] +\n"
     "c: u = Conv(x, w, d) group=2\n"
     "b: y = BatchNormalization(u, s, t, m, v)\n"
     "output y\n",
     "input x f32[1,2,4,4]\n"
     "const w f32[2,1,3,3]\n"
     "const d f32[2] = {-1.08482, -1.18907}\n"
     "c: y f32[1,2,2,2] = Conv(x, w, d) group=2\n"
     "output y\n",
     0},
    {"into Gemm, both ways round", "batchnorm",
     "input x f32[2,3]\n"
     "const w f32[3,4]\n"
     "const k f32[5,4]\n"
     "const d f32[4]\n"
     "const s f32[4] +\n"
     "const t f32[4]\n"
     "const m f32[4]\n"
     "const v f32[4] +\n"
     "const s2 f32[5] +\n"
     "const t2 f32[5]\n"
     "const m2 f32[5]\n"
     "const v2 f32[5] +\n"
     "g: u = Gemm(x, w, d)\n"
     "b: p = BatchNormalization(u, s, t, m, v)\n"
     "h: q = Gemm(p, k) transB=1\n"
     "e: y = BatchNormalization(q, s2, t2, m2, v2)\n"
     "output y\n",
     "input x f32[2,3]\n"
     "const w f32[3,4]\n"
     "const k f32[5,4]\n"
     "const d f32[4] = {-1.08482, -1.18907, 0.74493, -0.336915}\n"
     "const t2 f32[5] = {1.27526, 0.125, -0.213198, 0.264837, 0.25561}\n"
     "g: p f32[2,4] = Gemm(x, w, d)\n"
     "h: y f32[2,5] = Gemm(p, k, t2) transB=1\n"
     "output y\n",
     0},
    {"stays where others read the convolution, and alone", "batchnorm",
     "input x f32[1,1,4,4]\n"
     "const w f32[2,1,3,3]\n"
     "const s f32[2] +\n"
     "const t f32[2]\n"
     "const m f32[2]\n"
     "const v f32[2] +\n"
     "c: u = Conv(x, w)\n"
     "b: y = BatchNormalization(u, s, t, m, v)\n"
     "r: p = Relu(u)\n"
     "e: z = BatchNormalization(p, s, t, m, v)\n"
     "output y\n"
     "output z\n",
     "input x f32[1,1,4,4]\n"
     "const w f32[2,1,3,3]\n"
     "const s f32[2] = {0.28125, 0.8125}\n"
     "const t f32[2] = {-0.8125, -0.65625}\n"
     "const m f32[2] = {0.46875, 0.5}\n"
     "const v f32[2] = {0.9375, 0.65625}\n"
     "c: u f32[1,2,2,2] = Conv(x, w)\n"
     "b: y f32[1,2,2,2] = BatchNormalization(u, s, t, m, v)\n"
     "r: p f32[1,2,2,2] = Relu(u)\n"
     "e: z f32[1,2,2,2] = BatchNormalization(p, s, t, m, v)\n"
     "output y\n"
     "output z\n",
     0},
    {"constants that others read are copied", "batchnorm",
     "input x f32[1,1,4,4]\n"
     "const w f32[2,1,3,3]\n"
     "const s f32[2] +\n"
     "const t f32[2]\n"
     "const m f32[2]\n"
     "const v f32[2] +\n"
     "c: u = Conv(x, w)\n"
     "b: y = BatchNormalization(u, s, t, m, v)\n"
     "d: z = Conv(x, w)\n"
     "output y\n"
     "output z\n",
     "input x f32[1,1,4,4]\n"
     "const w f32[2,1,3,3]\n"
     "const t f32[2] = {-0.948659, -1.15773}\n"
     "const w.folded f32[2,1,3,3]\n"
     "c: y f32[1,2,2,2] = Conv(x, w.folded, t)\n"
     "d: z f32[1,2,2,2] = Conv(x, w)\n"
     "output y\n"
     "output z\n",
     0},
    {"a factor per channel", "batchnorm",
     "input x f32[1,1,4,4]\n"
     "const w f32[2,1,3,3]\n"
     "const b f32[2] = {1, 2}\n"
     "const f f32[2,1,1] = {2, 4}\n"
     "c: u = Conv(x, w, b)\n"
     "m: y = Mul(f, u)\n"
     "output y\n",
     "input x f32[1,1,4,4]\n"
     "const w f32[2,1,3,3]\n"
     "const b f32[2] = {2, 8}\n"
     "c: y f32[1,2,2,2] = Conv(x, w, b)\n"
     "output y\n",
     0},
    {"equal nodes and equal constants", "cse",
     "input x f32[2]\n"
     "const a f32[2] = {1, 2}\n"
     "const b f32[2] = {1, 2}\n"
     "const c f32[2] = {1, 3}\n"
     "p: t = Add(x, a)\n"
     "q: u = Add(x, b)\n"
     "r: v = Add(x, c)\n"
     "s: w = Mul(t, u)\n"
     "y: y = Mul(w, v)\n"
     "output y\n",
     "input x f32[2]\n"
     "const a f32[2] = {1, 2}\n"
     "const c f32[2] = {1, 3}\n"
     "p: t f32[2] = Add(x, a)\n"
     "r: v f32[2] = Add(x, c)\n"
     "s: w f32[2] = Mul(t, t)\n"
     "y: y f32[2] = Mul(w, v)\n"
     "output y\n",
     0},
    {"attributes and outputs tell apart", "cse",
     "input x f32[2]\n"
     "a: p = LeakyRelu(x) alpha=0.5\n"
     "b: q = LeakyRelu(x) alpha=0.25\n"
     "c: y = LeakyRelu(x) alpha=0.5\n"
     "d: z = Mul(p, q)\n"
     "output y\n"
     "output z\n",
     "input x f32[2]\n"
     "a: p f32[2] = LeakyRelu(x) alpha=0.5\n"
     "b: q f32[2] = LeakyRelu(x) alpha=0.25\n"
     "c: y f32[2] = LeakyRelu(x) alpha=0.5\n"
     "d: z f32[2] = Mul(p, q)\n"
     "output y\n"
     "output z\n",
     0},
    {"unused nodes and constants", "dce",
     "input x f32[2]\n"
     "input unused f32[2]\n"
     "const a f32[2] = {1, 2}\n"
     "p: t = Add(x, a)\n"
     "r: y = Relu(x)\n"
     "output y\n",
     "input x f32[2]\n"
     "input unused f32[2]\n"
     "r: y f32[2] = Relu(x)\n"
     "output y\n",
     0},
};

int main(void) { return pass_cases_run("rewrite", cases, W_COUNT(cases)); }
