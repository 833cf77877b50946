/* normalise: the graph before and after. */
#include "pass_case.h"

static const pass_case cases[] = {
    {"nodes that change nothing go away", "normalise",
     "input x f32[2,3]\n"
     "a: t = Identity(x)\n"
     "b: u = Dropout(t)\n"
     "c: v = Relu(u)\n"
     "d: y = Identity(v)\n"
     "output y\n",
     "input x f32[2,3]\n"
     "c: y f32[2,3] = Relu(x)\n"
     "output y\n",
     0},
    {"an identity between an input and an output stays", "normalise",
     "input x f32[2,3]\n"
     "a: y = Identity(x)\n"
     "output y\n",
     "input x f32[2,3]\n"
     "a: y f32[2,3] = Identity(x)\n"
     "output y\n",
     0},
    {"two outputs of one value keep both names", "normalise",
     "input x f32[2,3]\n"
     "r: y = Relu(x)\n"
     "i: z = Identity(y)\n"
     "output y\n"
     "output z\n",
     "input x f32[2,3]\n"
     "r: y f32[2,3] = Relu(x)\n"
     "i: z f32[2,3] = Identity(y)\n"
     "output y\n"
     "output z\n",
     0},
    {"auto_pad and defaults become numbers", "normalise",
     "input x f32[1,1,5,5]\n"
     "const w f32[2,1,3,3]\n"
     "c: t = Conv(x, w) auto_pad=SAME_UPPER strides=[2,2]\n"
     "p: y = MaxPool(t) kernel_shape=[2,2] auto_pad=SAME_LOWER\n"
     "output y\n",
     "input x f32[1,1,5,5]\n"
     "const w f32[2,1,3,3]\n"
     "c: t f32[1,2,3,3] = Conv(x, w) kernel_shape=[3,3] strides=[2,2] pads=[1,1,1,1] dilations=[1,1]\n"
     "p: y f32[1,2,3,3] = MaxPool(t) kernel_shape=[2,2] strides=[1,1] pads=[1,1,0,0] dilations=[1,1]\n"
     "output y\n",
     0},
    {"SAME over a symbolic axis waits unless the stride is one", "normalise",
     "input x f32[1,1,H,W]\n"
     "const w f32[1,1,4,4]\n"
     "c: t = Conv(x, w) auto_pad=SAME_UPPER\n"
     "d: y = Conv(t, w) auto_pad=SAME_UPPER strides=[2,2]\n"
     "output y\n",
     "input x f32[1,1,H,W]\n"
     "const w f32[1,1,4,4]\n"
     "c: t f32[?] = Conv(x, w) kernel_shape=[4,4] strides=[1,1] pads=[1,1,2,2] dilations=[1,1]\n"
     "d: y ?[?] = Conv(t, w) kernel_shape=[4,4] strides=[2,2] auto_pad=SAME_UPPER\n"
     "output y\n",
     0},
    {"old Clip attributes become inputs", "normalise",
     "opset 10\n"
     "input x f32[4]\n"
     "c: y = Clip(x) min=0 max=0.5\n"
     "output y\n",
     "input x f32[4]\n"
     "const c.min f32[] = {0}\n"
     "const c.max f32[] = {0.5}\n"
     "c: y f32[4] = Clip(x, c.min, c.max)\n"
     "output y\n",
     0},
    {"the mean over an image is global pooling", "normalise",
     "input x f32[1,2,3,3]\n"
     "m: y = ReduceMean(x) axes=[-1,2] keepdims=0\n"
     "output y\n",
     "input x f32[1,2,3,3]\n"
     "m: y.pooled f32[1,2,1,1] = GlobalAveragePool(x)\n"
     "y: y f32[1,2] = Flatten(y.pooled)\n"
     "output y\n",
     0},
    {"one window over the image is global pooling", "normalise",
     "input x f32[1,2,3,3]\n"
     "m: y = AveragePool(x) kernel_shape=[3,3]\n"
     "n: z = MaxPool(x) kernel_shape=[3,3]\n"
     "output y\n"
     "output z\n",
     "input x f32[1,2,3,3]\n"
     "m: y f32[1,2,1,1] = GlobalAveragePool(x)\n"
     "n: z f32[1,2,1,1] = GlobalMaxPool(x)\n"
     "output y\n"
     "output z\n",
     0},
    {"MatMul and Add of constants are one Gemm", "normalise",
     "input x f32[N,3]\n"
     "const w f32[3,2]\n"
     "const b f32[1,2] = {1, 2}\n"
     "m: t = MatMul(x, w)\n"
     "a: y = Add(t, b)\n"
     "output y\n",
     "input x f32[N,3]\n"
     "const w f32[3,2] = {0.125, -0.6875, 0.78125, -0.65625, -0.21875, -0.3125}\n"
     "const b f32[2] = {1, 2}\n"
     "m: y f32[N,2] = Gemm(x, w, b)\n"
     "output y\n",
     0},
    {"MatMul of higher rank takes a bias too", "normalise",
     "input x f32[2,4,3]\n"
     "const w f32[3,2]\n"
     "const b f32[2] = {1, 2}\n"
     "m: t = MatMul(x, w)\n"
     "a: y = Add(b, t)\n"
     "output y\n",
     "input x f32[2,4,3]\n"
     "const w f32[3,2] = {0.125, -0.6875, 0.78125, -0.65625, -0.21875, -0.3125}\n"
     "const b f32[2] = {1, 2}\n"
     "m: y f32[2,4,2] = MatMul(x, w, b)\n"
     "output y\n",
     0},
    {"an added constant per channel becomes the bias", "normalise",
     "input x f32[1,1,4,4]\n"
     "const w f32[2,1,3,3]\n"
     "const b f32[2,1,1] = {1, 2}\n"
     "c: t = Conv(x, w)\n"
     "a: y = Add(t, b)\n"
     "output y\n",
     "input x f32[1,1,4,4]\n"
     "const w f32[2,1,3,3]\n"
     "const b f32[2] = {1, 2}\n"
     "c: y f32[1,2,2,2] = Conv(x, w, b) kernel_shape=[3,3] strides=[1,1] pads=[0,0,0,0] dilations=[1,1]\n"
     "output y\n",
     0},
    {"a subtracted constant changes the bias", "normalise",
     "input x f32[1,1,4,4]\n"
     "const w f32[2,1,3,3]\n"
     "const b f32[2] = {1, 2}\n"
     "const d f32[1] = {0.5}\n"
     "c: t = Conv(x, w, b)\n"
     "a: y = Sub(t, d)\n"
     "output y\n",
     "input x f32[1,1,4,4]\n"
     "const w f32[2,1,3,3]\n"
     "const b f32[2] = {0.5, 1.5}\n"
     "c: y f32[1,2,2,2] = Conv(x, w, b) kernel_shape=[3,3] strides=[1,1] pads=[0,0,0,0] dilations=[1,1]\n"
     "output y\n",
     0},
    {"a constant along the width is no bias", "normalise",
     "input x f32[1,1,4,4]\n"
     "const w f32[2,1,3,3]\n"
     "const b f32[2] = {1, 2}\n"
     "c: t = Conv(x, w)\n"
     "a: y = Add(t, b)\n"
     "output y\n",
     "input x f32[1,1,4,4]\n"
     "const w f32[2,1,3,3]\n"
     "const b f32[2] = {1, 2}\n"
     "c: t f32[1,2,2,2] = Conv(x, w) kernel_shape=[3,3] strides=[1,1] pads=[0,0,0,0] dilations=[1,1]\n"
     "a: y f32[1,2,2,2] = Add(t, b)\n"
     "output y\n",
     0},
    {"a convolution that others read keeps its bias", "normalise",
     "input x f32[1,1,4,4]\n"
     "const w f32[2,1,3,3]\n"
     "const b f32[2,1,1] = {1, 2}\n"
     "c: t = Conv(x, w)\n"
     "a: y = Add(t, b)\n"
     "output y\n"
     "output t\n",
     "input x f32[1,1,4,4]\n"
     "const w f32[2,1,3,3]\n"
     "const b f32[2,1,1] = {1, 2}\n"
     "c: t f32[1,2,2,2] = Conv(x, w) kernel_shape=[3,3] strides=[1,1] pads=[0,0,0,0] dilations=[1,1]\n"
     "a: y f32[1,2,2,2] = Add(t, b)\n"
     "output y\n"
     "output t\n",
     0},
    {"Gemm without alpha and beta", "normalise",
     "input x f32[2,3]\n"
     "const w f32[4,3]\n"
     "const b f32[1] = {2}\n"
     "g: y = Gemm(x, w, b) alpha=0.5 beta=2 transB=1\n"
     "output y\n",
     "input x f32[2,3]\n"
     "const w f32[4,3]\n"
     "const b f32[4] = {4, 4, 4, 4}\n"
     "g: y f32[2,4] = Gemm(x, w, b) transB=1\n"
     "output y\n",
     0},
    {"a beta of nothing does not scale what becomes C", "normalise",
     "input x f32[2,3]\n"
     "const w f32[4,3]\n"
     "const b f32[4] = {1, 2, 3, 4}\n"
     "g: t = Gemm(x, w) beta=0.5 transB=1\n"
     "a: y = Add(t, b)\n"
     "output y\n",
     "input x f32[2,3]\n"
     "const w f32[4,3]\n"
     "const b f32[4] = {1, 2, 3, 4}\n"
     "g: y f32[2,4] = Gemm(x, w, b) transB=1\n"
     "output y\n",
     0},
    {"a sum of two", "normalise",
     "input x f32[2]\n"
     "input z f32[2]\n"
     "s: y = Sum(x, z)\n"
     "output y\n",
     "input x f32[2]\n"
     "input z f32[2]\n"
     "s: y f32[2] = Add(x, z)\n"
     "output y\n",
     0},
    {"transposes in a row become one or none", "normalise",
     "input x f32[1,2,3,4]\n"
     "a: t = Transpose(x) perm=[0,2,3,1]\n"
     "b: u = Transpose(t) perm=[0,3,1,2]\n"
     "c: v = Relu(u)\n"
     "d: p = Transpose(v) perm=[0,2,3,1]\n"
     "e: y = Transpose(p) perm=[0,2,1,3]\n"
     "output y\n",
     "input x f32[1,2,3,4]\n"
     "c: v f32[1,2,3,4] = Relu(x)\n"
     "e: y f32[1,4,3,2] = Transpose(v) perm=[0,3,2,1]\n"
     "output y\n",
     0},
    {"a transposed convolution without overlap", "normalise",
     "input x f32[1,2,3,4]\n"
     "const w f32[2,3,2,2]\n"
     "const b f32[3] = {1, 2, 3}\n"
     "t: y = ConvTranspose(x, w, b) strides=[2,2]\n"
     "output y\n",
     "input x f32[1,2,3,4]\n"
     "const w.folded f32[12,2,1,1]\n"
     "const b.folded f32[12]\n"
     "t: y.blocks f32[1,12,3,4] = Conv(x, w.folded, b.folded) kernel_shape=[1,1] strides=[1,1] pads=[0,0,0,0] dilations=[1,1]\n"
     "y: y f32[1,3,6,8] = DepthToSpace(y.blocks) blocksize=2\n"
     "output y\n",
     1e-5},
    {"one with overlap stays", "normalise",
     "input x f32[1,2,3,4]\n"
     "const w f32[2,3,2,2]\n"
     "t: y = ConvTranspose(x, w) strides=[2,1]\n"
     "output y\n",
     "input x f32[1,2,3,4]\n"
     "const w f32[2,3,2,2]\n"
     "t: y f32[1,3,6,5] = ConvTranspose(x, w) strides=[2,1]\n"
     "output y\n",
     0},
    {"what works channel by channel goes in front of blocks, CRD", "normalise",
     "input x f32[1,8,2,3]\n"
     "const c f32[2,1,1] = {3, 5}\n"
     "d: t = DepthToSpace(x) blocksize=2 mode=CRD\n"
     "m: y = Mul(t, c)\n"
     "output y\n",
     "input x f32[1,8,2,3]\n"
     "const c.blocks f32[1,8,1,1] = {3, 3, 3, 3, 5, 5, 5, 5}\n"
     "m: y.blocks f32[1,8,2,3] = Mul(x, c.blocks)\n"
     "d: y f32[1,2,4,6] = DepthToSpace(y.blocks) blocksize=2 mode=CRD\n"
     "output y\n",
     0},
    {"and DCR, into the bias of a convolution", "normalise",
     "input x f32[1,2,3,4]\n"
     "const w f32[8,2,1,1]\n"
     "const c f32[1,2,1,1] = {3, 5}\n"
     "k: b = Conv(x, w) kernel_shape=[1,1]\n"
     "d: t = DepthToSpace(b) blocksize=2\n"
     "m: y = Add(c, t)\n"
     "output y\n",
     "input x f32[1,2,3,4]\n"
     "const w f32[8,2,1,1]\n"
     "const c.blocks f32[8] = {3, 5, 3, 5, 3, 5, 3, 5}\n"
     "k: y.blocks f32[1,8,3,4] = Conv(x, w, c.blocks) kernel_shape=[1,1] strides=[1,1] pads=[0,0,0,0] dilations=[1,1]\n"
     "d: y f32[1,2,6,8] = DepthToSpace(y.blocks) blocksize=2\n"
     "output y\n",
     1e-6},
    {"a normalisation behind blocks", "normalise",
     "input x f32[1,4,2,3]\n"
     "const s f32[1] = {2}\n"
     "const b f32[1] = {3}\n"
     "const m f32[1] = {4}\n"
     "const v f32[1] = {5}\n"
     "d: t = DepthToSpace(x) blocksize=2\n"
     "n: y = BatchNormalization(t, s, b, m, v)\n"
     "output y\n",
     "input x f32[1,4,2,3]\n"
     "const s.blocks f32[4] = {2, 2, 2, 2}\n"
     "const b.blocks f32[4] = {3, 3, 3, 3}\n"
     "const m.blocks f32[4] = {4, 4, 4, 4}\n"
     "const v.blocks f32[4] = {5, 5, 5, 5}\n"
     "n: y.blocks f32[1,4,2,3] = BatchNormalization(x, s.blocks, b.blocks, m.blocks, v.blocks)\n"
     "d: y f32[1,1,4,6] = DepthToSpace(y.blocks) blocksize=2\n"
     "output y\n",
     0},
    {"blocks that two read, and a constant of pixels, stay", "normalise",
     "input x f32[1,4,2,2]\n"
     "const p f32[1,1,1,4] = {1, 2, 3, 4}\n"
     "d: t = DepthToSpace(x) blocksize=2\n"
     "a: u = Add(t, p)\n"
     "r: y = Relu(t)\n"
     "output u\n"
     "output y\n",
     "input x f32[1,4,2,2]\n"
     "const p f32[1,1,1,4] = {1, 2, 3, 4}\n"
     "d: t f32[1,1,4,4] = DepthToSpace(x) blocksize=2\n"
     "a: u f32[1,1,4,4] = Add(t, p)\n"
     "r: y f32[1,1,4,4] = Relu(t)\n"
     "output u\n"
     "output y\n",
     0},
    {"a square is a product", "normalise",
     "input x f32[2,3]\n"
     "const two f32[] = {2}\n"
     "const three f32[] = {3}\n"
     "p: t = Pow(x, two)\n"
     "q: y = Pow(t, three)\n"
     "output y\n",
     "input x f32[2,3]\n"
     "const three f32[] = {3}\n"
     "p: t f32[2,3] = Mul(x, x)\n"
     "q: y f32[2,3] = Pow(t, three)\n"
     "output y\n",
     1e-6},
    {"a quotient by a power of two is a product, by others not", "normalise",
     "input x f32[2,3]\n"
     "const c f32[] = {8}\n"
     "const d f32[1,1] = {-0.25}\n"
     "const t f32[] = {3}\n"
     "a: u = Div(x, c)\n"
     "b: v = Div(u, d)\n"
     "e: w = Div(v, t)\n"
     "f: y = Div(t, w)\n"
     "output y\n",
     "input x f32[2,3]\n"
     "const t f32[] = {3}\n"
     "const c.inverse f32[] = {0.125}\n"
     "const d.inverse f32[1,1] = {-4}\n"
     "a: u f32[2,3] = Mul(x, c.inverse)\n"
     "b: v f32[2,3] = Mul(u, d.inverse)\n"
     "e: w f32[2,3] = Div(v, t)\n"
     "f: y f32[2,3] = Div(t, w)\n"
     "output y\n",
     0},
    {"an image and its product by gates are one product", "normalise",
     "input x f32[1,2,3,3]\n"
     "input s f32[1,2,1,1]\n"
     "m: t = Mul(s, x)\n"
     "a: y = Add(x, t) weir_act=1\n"
     "output y\n",
     "input x f32[1,2,3,3]\n"
     "input s f32[1,2,1,1]\n"
     "const a.one f32[] = {1}\n"
     "t.gate: t.gate f32[1,2,1,1] = Add(s, a.one)\n"
     "a: y f32[1,2,3,3] = Mul(x, t.gate) weir_act=1\n"
     "output y\n",
     1e-6},
    {"not where others read the product", "normalise",
     "input x f32[1,2,3,3]\n"
     "input s f32[1,2,1,1]\n"
     "m: t = Mul(s, x)\n"
     "a: y = Add(x, t)\n"
     "output y\n"
     "output t\n",
     "input x f32[1,2,3,3]\n"
     "input s f32[1,2,1,1]\n"
     "m: t f32[1,2,3,3] = Mul(s, x)\n"
     "a: y f32[1,2,3,3] = Add(x, t)\n"
     "output y\n"
     "output t\n",
     0},
    {"half precision computes in f32", "normalise",
     "input x f16[1,1,4,4]\n"
     "const w f16[1,1,3,3]\n"
     "const b f16[1]\n"
     "c: t = Conv(x, w, b)\n"
     "r: y = Relu(t)\n"
     "output y\n",
     "input x f16[1,1,4,4]\n"
     "const w f16[1,1,3,3]\n"
     "const b f16[1] = {0.34375}\n"
     "x.f32: x.f32 f32[1,1,4,4] = Cast(x) to=1\n"
     "c: t f32[1,1,2,2] = Conv(x.f32, w, b) kernel_shape=[3,3] strides=[1,1] pads=[0,0,0,0] dilations=[1,1]\n"
     "r: y.f32 f32[1,1,2,2] = Relu(t)\n"
     "y: y f16[1,1,2,2] = Cast(y.f32) to=10\n"
     "output y\n",
     2e-3},
    {"a cast to half that is an output and computed with", "normalise",
     "input x f32[1,4]\n"
     "h: h = Cast(x) to=10\n"
     "r: y = Relu(h)\n"
     "output h\n"
     "output y\n",
     "input x f32[1,4]\n"
     "r: y.f32 f32[1,4] = Relu(x)\n"
     "h: h f16[1,4] = Cast(x) to=10\n"
     "y: y f16[1,4] = Cast(y.f32) to=10\n"
     "output h\n"
     "output y\n",
     2e-3},
    {"a constant added to MatMulNBits is its bias", "normalise",
     "input x f32[2,20]\n"
     "const w u8[3,2,8]\n"
     "const s f32[6]\n"
     "const b f32[3]\n"
     "m: t = MatMulNBits(x, w, s) K=20 N=3 block_size=16\n"
     "a: y = Add(t, b)\n"
     "output y\n",
     "input x f32[2,20]\n"
     "const w u8[3,2,8]\n"
     "const s f32[6] = {-0.25, 0.78125, 0.21875, -0.4375, -0.84375, 0.875}\n"
     "const b f32[3] = {0.34375, -0.75, 0.9375}\n"
     "m: y f32[2,3] = MatMulNBits(x, w, s, -, -, b) K=20 N=3 block_size=16\n"
     "output y\n",
     1e-5},
};

int main(void) { return pass_cases_run("normalise", cases, W_COUNT(cases)); }
