/* affine: factors and terms in front of convolutions. */
#include "pass_case.h"

static const pass_case cases[] = {
    {"a factor and a term of all channels, into weights and a new bias", "affine",
     "input x f32[1,3,4,4]\n"
     "const s f32[] = {2}\n"
     "const t f32[1] = {0.5}\n"
     "const w f32[2,3,1,1] = {1, 2, 3, -1, 0, 4}\n"
     "m: a = Mul(x, s)\n"
     "p: b = Add(t, a)\n"
     "c: y = Conv(b, w)\n"
     "output y\n",
     "input x f32[1,3,4,4]\n"
     "const w f32[2,3,1,1] = {2, 4, 6, -2, 0, 8}\n"
     "const t.folded f32[2] = {3, 1.5}\n"
     "c: y f32[1,2,4,4] = Conv(x, w, t.folded)\n"
     "output y\n",
     0},
    {"a factor and a term a channel, into groups with a bias", "affine",
     "input x f32[1,4,3,3]\n"
     "const s f32[4,1,1] = {1, 2, 4, 8}\n"
     "const t f32[1,4,1,1] = {1, -1, 0.5, 0}\n"
     "const w f32[4,2,1,1] = {1, 1, 1, 2, 3, 1, 1, 1}\n"
     "const d f32[4] = {0, 10, 20, 30}\n"
     "m: a = Mul(s, x)\n"
     "p: b = Add(a, t)\n"
     "c: y = Conv(b, w, d) group=2\n"
     "output y\n",
     "input x f32[1,4,3,3]\n"
     "const w f32[4,2,1,1] = {1, 2, 1, 4, 12, 8, 4, 8}\n"
     "const d f32[4] = {0, 9, 21.5, 30.5}\n"
     "c: y f32[1,4,3,3] = Conv(x, w, d) group=2\n"
     "output y\n",
     0},
    {"in front of padded windows the term stays, divided by the factor", "affine",
     "input x f32[1,2,4,4]\n"
     "const s f32[2,1,1] = {2, 4}\n"
     "const t f32[2,1,1] = {1, -1}\n"
     "const w f32[2,1,3,3]\n"
     "m: a = Mul(x, s)\n"
     "p: b = Add(a, t)\n"
     "c: y = Conv(b, w) group=2 pads=[1,1,1,1]\n"
     "output y\n",
     "input x f32[1,2,4,4]\n"
     "const t f32[2,1,1] = {0.5, -0.25}\n"
     "const w f32[2,1,3,3]\n"
     "p: b f32[1,2,4,4] = Add(x, t)\n"
     "c: y f32[1,2,4,4] = Conv(b, w) pads=[1,1,1,1] group=2\n"
     "output y\n",
     0},
    {"a factor of 0 stays with its term", "affine",
     "input x f32[1,2,4,4]\n"
     "const s f32[2,1,1] = {0, 4}\n"
     "const t f32[2,1,1] = {1, -1}\n"
     "const w f32[2,1,3,3]\n"
     "m: a = Mul(x, s)\n"
     "p: b = Add(a, t)\n"
     "c: y = Conv(b, w) group=2 pads=[1,1,1,1]\n"
     "output y\n",
     "input x f32[1,2,4,4]\n"
     "const s f32[2,1,1] = {0, 4}\n"
     "const t f32[2,1,1] = {1, -1}\n"
     "const w f32[2,1,3,3]\n"
     "m: a f32[1,2,4,4] = Mul(x, s)\n"
     "p: b f32[1,2,4,4] = Add(a, t)\n"
     "c: y f32[1,2,4,4] = Conv(b, w) pads=[1,1,1,1] group=2\n"
     "output y\n",
     0},
    {"two readers, shared weights", "affine",
     "input x f32[1,2,3,3]\n"
     "const s f32[] = {2}\n"
     "const w f32[2,2,1,1] = {1, 2, 3, 4}\n"
     "m: a = Mul(x, s)\n"
     "c: y = Conv(a, w)\n"
     "d: z = Conv(a, w) strides=[2,2]\n"
     "e: u = Conv(x, w)\n"
     "output y\n"
     "output z\n"
     "output u\n",
     "input x f32[1,2,3,3]\n"
     "const w f32[2,2,1,1] = {1, 2, 3, 4}\n"
     "const w.folded f32[2,2,1,1] = {2, 4, 6, 8}\n"
     "const w.folded.2 f32[2,2,1,1] = {2, 4, 6, 8}\n"
     "c: y f32[1,2,3,3] = Conv(x, w.folded)\n"
     "d: z f32[1,2,2,2] = Conv(x, w.folded.2) strides=[2,2]\n"
     "e: u f32[1,2,3,3] = Conv(x, w)\n"
     "output y\n"
     "output z\n"
     "output u\n",
     0},
    {"stays where others read it, where it differs along a row, and where it is an output", "affine",
     "input x f32[1,2,3,3]\n"
     "const s f32[] = {2}\n"
     "const r f32[3] = {1, 2, 3}\n"
     "const w f32[2,2,1,1] = {1, 2, 3, 4}\n"
     "m: a = Mul(x, s)\n"
     "c: y = Conv(a, w)\n"
     "h: z = Relu(a)\n"
     "n: b = Mul(x, r)\n"
     "d: u = Conv(b, w)\n"
     "k: v = Mul(u, s)\n"
     "e: q = Conv(v, w)\n"
     "output y\n"
     "output z\n"
     "output v\n"
     "output q\n",
     "input x f32[1,2,3,3]\n"
     "const s f32[] = {2}\n"
     "const r f32[3] = {1, 2, 3}\n"
     "const w f32[2,2,1,1] = {1, 2, 3, 4}\n"
     "m: a f32[1,2,3,3] = Mul(x, s)\n"
     "c: y f32[1,2,3,3] = Conv(a, w)\n"
     "h: z f32[1,2,3,3] = Relu(a)\n"
     "n: b f32[1,2,3,3] = Mul(x, r)\n"
     "d: u f32[1,2,3,3] = Conv(b, w)\n"
     "k: v f32[1,2,3,3] = Mul(u, s)\n"
     "e: q f32[1,2,3,3] = Conv(v, w)\n"
     "output y\n"
     "output z\n"
     "output v\n"
     "output q\n",
     0},
    {"the sum beside a convolution's input is no input of its own", "affine",
     "input x f32[1,2,3,3]\n"
     "const s f32[] = {2}\n"
     "const w f32[2,2,1,1] = {1, 2, 3, 4}\n"
     "const d f32[2] = {0, 1}\n"
     "m: a = Mul(x, s)\n"
     "c: y = Conv(a, w, d, a)\n"
     "output y\n",
     "input x f32[1,2,3,3]\n"
     "const s f32[] = {2}\n"
     "const w f32[2,2,1,1] = {1, 2, 3, 4}\n"
     "const d f32[2] = {0, 1}\n"
     "m: a f32[1,2,3,3] = Mul(x, s)\n"
     "c: y f32[1,2,3,3] = Conv(a, w, d, a)\n"
     "output y\n",
     0},
};

int main(void) { return pass_cases_run("affine", cases, W_COUNT(cases)); }
