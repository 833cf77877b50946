/* fuse: the graph before and after. */
#include "pass_case.h"

static const pass_case cases[] = {
    {"activations into convolutions", "fuse",
     "input x f32[1,1,4,4]\n"
     "const w f32[2,1,3,3]\n"
     "const lo f32[] = {0}\n"
     "const hi f32[] = {6}\n"
     "a: t = Conv(x, w)\n"
     "b: y = Relu(t)\n"
     "c: u = Conv(x, w) pads=[1,1,1,1]\n"
     "d: z = Clip(u, lo, hi)\n"
     "e: v = Conv(x, w) strides=[2,2]\n"
     "f: q = Clip(v, lo)\n"
     "output y\n"
     "output z\n"
     "output q\n",
     "input x f32[1,1,4,4]\n"
     "const w f32[2,1,3,3]\n"
     "a: y f32[1,2,2,2] = Conv(x, w) weir_act=1\n"
     "c: z f32[1,2,4,4] = Conv(x, w) pads=[1,1,1,1] weir_act=2 weir_act_b=6\n"
     "e: q f32[1,2,1,1] = Conv(x, w) strides=[2,2] weir_act=1\n"
     "output y\n"
     "output z\n"
     "output q\n",
     0},
    {"every activation has its epilogue", "fuse",
     "input x f32[2,3]\n"
     "const w f32[3,2]\n"
     "a: a1 = Gemm(x, w)\n"
     "b: a2 = Sigmoid(a1)\n"
     "c: a3 = Gemm(a2, w) transB=1\n"
     "d: a4 = Tanh(a3)\n"
     "e: a5 = Gemm(a4, w)\n"
     "f: a6 = LeakyRelu(a5) alpha=0.125\n"
     "g: a7 = Gemm(a6, w) transB=1\n"
     "h: a8 = HardSigmoid(a7) alpha=0.25 beta=0.5\n"
     "i: a9 = Gemm(a8, w)\n"
     "j: b1 = HardSwish(a9)\n"
     "k: b2 = Gemm(b1, w) transB=1\n"
     "l: b3 = Elu(b2) alpha=0.5\n"
     "m: b4 = Gemm(b3, w)\n"
     "n: y = Gelu(b4)\n"
     "output y\n",
     "input x f32[2,3]\n"
     "const w f32[3,2] = {0.125, -0.6875, 0.78125, -0.65625, -0.21875, -0.3125}\n"
     "a: a2 f32[2,2] = Gemm(x, w) weir_act=6\n"
     "c: a4 f32[2,3] = Gemm(a2, w) transB=1 weir_act=7\n"
     "e: a6 f32[2,2] = Gemm(a4, w) weir_act=3 weir_act_a=0.125\n"
     "g: a8 f32[2,3] = Gemm(a6, w) transB=1 weir_act=5 weir_act_a=0.25 weir_act_b=0.5\n"
     "i: b1 f32[2,2] = Gemm(a8, w) weir_act=4\n"
     "k: b3 f32[2,3] = Gemm(b1, w) transB=1 weir_act=10 weir_act_a=0.5\n"
     "m: y f32[2,2] = Gemm(b3, w) weir_act=9\n"
     "output y\n",
     0},
    {"what others read stays", "fuse",
     "input x f32[1,1,4,4]\n"
     "const w f32[2,1,3,3]\n"
     "a: t = Conv(x, w)\n"
     "b: y = Relu(t)\n"
     "c: z = Tanh(t)\n"
     "d: u = Conv(x, w) pads=[1,1,1,1]\n"
     "e: p = Relu(u)\n"
     "output y\n"
     "output z\n"
     "output u\n"
     "output p\n",
     "input x f32[1,1,4,4]\n"
     "const w f32[2,1,3,3]\n"
     "a: t f32[1,2,2,2] = Conv(x, w)\n"
     "b: y f32[1,2,2,2] = Relu(t)\n"
     "c: z f32[1,2,2,2] = Tanh(t)\n"
     "d: u f32[1,2,4,4] = Conv(x, w) pads=[1,1,1,1]\n"
     "e: p f32[1,2,4,4] = Relu(u)\n"
     "output y\n"
     "output z\n"
     "output u\n"
     "output p\n",
     0},
    {"a residual into the later convolution", "fuse",
     "input x f32[1,2,4,4]\n"
     "const w f32[2,2,3,3]\n"
     "const v f32[2,2,1,1]\n"
     "a: t = Conv(x, w) pads=[1,1,1,1]\n"
     "b: s = Conv(x, v)\n"
     "c: u = Add(t, s)\n"
     "d: y = Relu(u)\n"
     "output y\n",
     "input x f32[1,2,4,4]\n"
     "const w f32[2,2,3,3]\n"
     "const v f32[2,2,1,1] = {0.90625, -0.625, 0.59375, -0.96875}\n"
     "a: t f32[1,2,4,4] = Conv(x, w) pads=[1,1,1,1]\n"
     "b: y f32[1,2,4,4] = Conv(x, v, -, t) weir_act=1\n"
     "output y\n",
     0},
    {"a residual that is made later moves up", "fuse",
     "input x f32[1,2,4,4]\n"
     "const w f32[2,2,3,3]\n"
     "a: t = Conv(x, w) pads=[1,1,1,1]\n"
     "b: s = Sigmoid(x)\n"
     "c: p = Tanh(s)\n"
     "d: y = Add(p, t)\n"
     "output y\n",
     "input x f32[1,2,4,4]\n"
     "const w f32[2,2,3,3]\n"
     "b: s f32[1,2,4,4] = Sigmoid(x)\n"
     "c: p f32[1,2,4,4] = Tanh(s)\n"
     "a: y f32[1,2,4,4] = Conv(x, w, -, p) pads=[1,1,1,1]\n"
     "output y\n",
     0},
    {"a residual that depends on the convolution stays", "fuse",
     "input x f32[1,2,4,4]\n"
     "const w f32[2,2,3,3]\n"
     "a: t = Conv(x, w) pads=[1,1,1,1]\n"
     "b: s = Sigmoid(t)\n"
     "c: y = Add(t, s)\n"
     "output y\n",
     "input x f32[1,2,4,4]\n"
     "const w f32[2,2,3,3]\n"
     "a: t f32[1,2,4,4] = Conv(x, w) pads=[1,1,1,1]\n"
     "b: s f32[1,2,4,4] = Sigmoid(t)\n"
     "c: y f32[1,2,4,4] = Add(t, s)\n"
     "output y\n",
     0},
    {"a broadcast addition stays and takes the activation", "fuse",
     "input x f32[1,2,4,4]\n"
     "input z f32[1,2,1,1]\n"
     "const w f32[2,2,3,3]\n"
     "a: t = Conv(x, w) pads=[1,1,1,1]\n"
     "b: s = Add(t, z)\n"
     "c: y = Relu(s)\n"
     "output y\n",
     "input x f32[1,2,4,4]\n"
     "input z f32[1,2,1,1]\n"
     "const w f32[2,2,3,3]\n"
     "a: t f32[1,2,4,4] = Conv(x, w) pads=[1,1,1,1]\n"
     "b: y f32[1,2,4,4] = Add(t, z) weir_act=1\n"
     "output y\n",
     0},
    {"pooling takes activations", "fuse",
     "input x f32[1,2,4,4]\n"
     "a: t = MaxPool(x) kernel_shape=[2,2]\n"
     "b: y = Relu(t)\n"
     "output y\n",
     "input x f32[1,2,4,4]\n"
     "a: y f32[1,2,3,3] = MaxPool(x) kernel_shape=[2,2] weir_act=1\n"
     "output y\n",
     0},
    {"x times its sigmoid", "fuse",
     "input x f32[1,1,4,4]\n"
     "const w f32[2,1,3,3]\n"
     "a: t = Conv(x, w)\n"
     "b: s = Sigmoid(t)\n"
     "c: y = Mul(t, s)\n"
     "output y\n",
     "input x f32[1,1,4,4]\n"
     "const w f32[2,1,3,3]\n"
     "a: y f32[1,2,2,2] = Conv(x, w) weir_act=8\n"
     "output y\n",
     0},
    {"x times its hard sigmoid", "fuse",
     "input x f32[1,1,4,4]\n"
     "const w f32[2,1,3,3]\n"
     "a: t = Conv(x, w)\n"
     "b: s = HardSigmoid(t) alpha=0.16666667 beta=0.5\n"
     "c: y = Mul(s, t)\n"
     "output y\n",
     "input x f32[1,1,4,4]\n"
     "const w f32[2,1,3,3]\n"
     "a: y f32[1,2,2,2] = Conv(x, w) weir_act=4\n"
     "output y\n",
     0},
    {"hard swish spelled out, division last", "fuse",
     "input x f32[1,1,4,4]\n"
     "const w f32[2,1,3,3]\n"
     "const three f32[] = {3}\n"
     "const zero f32[] = {0}\n"
     "const six f32[] = {6}\n"
     "a: t = Conv(x, w)\n"
     "b: p = Add(t, three)\n"
     "c: q = Clip(p, zero, six)\n"
     "d: r = Mul(t, q)\n"
     "e: y = Div(r, six)\n"
     "output y\n",
     "input x f32[1,1,4,4]\n"
     "const w f32[2,1,3,3]\n"
     "a: y f32[1,2,2,2] = Conv(x, w) weir_act=4\n"
     "output y\n",
     0},
    {"hard swish spelled out, division first", "fuse",
     "input x f32[1,1,4,4]\n"
     "const w f32[2,1,3,3]\n"
     "const three f32[] = {3}\n"
     "const zero f32[] = {0}\n"
     "const six f32[] = {6}\n"
     "const sixth f32[] = {0.16666667}\n"
     "a: t = Conv(x, w)\n"
     "b: p = Add(three, t)\n"
     "c: q = Clip(p, zero, six)\n"
     "d: r = Mul(q, sixth)\n"
     "e: y = Mul(t, r)\n"
     "output y\n",
     "input x f32[1,1,4,4]\n"
     "const w f32[2,1,3,3]\n"
     "a: y f32[1,2,2,2] = Conv(x, w) weir_act=4\n"
     "output y\n",
     0},
    {"Gelu spelled out", "fuse",
     "input x f32[2,3]\n"
     "const w f32[3,2]\n"
     "const root f32[] = {1.41421356}\n"
     "const one f32[] = {1}\n"
     "const half f32[] = {0.5}\n"
     "a: t = Gemm(x, w)\n"
     "b: p = Div(t, root)\n"
     "c: q = Erf(p)\n"
     "d: r = Add(q, one)\n"
     "e: s = Mul(t, r)\n"
     "f: y = Mul(s, half)\n"
     "output y\n",
     "input x f32[2,3]\n"
     "const w f32[3,2] = {0.125, -0.6875, 0.78125, -0.65625, -0.21875, -0.3125}\n"
     "a: y f32[2,2] = Gemm(x, w) weir_act=9\n"
     "output y\n",
     0},
    {"quantised values between nodes stay", "fuse",
     "input x f32[1,1,4,4]\n"
     "const w f32[2,1,3,3]\n"
     "a: t u8 q(0.125,128) = Conv(x, w)\n"
     "b: y = Relu(t)\n"
     "output y\n",
     "input x f32[1,1,4,4]\n"
     "const w f32[2,1,3,3]\n"
     "a: t u8[1,2,2,2] q(0.125,128) = Conv(x, w)\n"
     "b: y f32[1,2,2,2] = Relu(t)\n"
     "output y\n",
     0},
};

int main(void) { return pass_cases_run("fuse", cases, W_COUNT(cases)); }
