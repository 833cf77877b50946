/* attention: the chains that become one node, and what is near them but something else. */
#include "pass_case.h"

#define HEADS \
    "input q f32[2,3,5,4]\n" \
    "input k f32[2,3,7,4]\n" \
    "input v f32[2,3,7,6]\n"
#define CHAIN(mask, axis) \
    HEADS mask \
    "const s f32[] = {0.5}\n" \
    "t: kt = Transpose(k) perm=[0,1,3,2]\n" \
    "a: x = MatMul(q, kt)\n" \
    "b: y = Mul(x, s)\n" \
    "c: z = Add(y, m)\n" \
    "d: p = Softmax(z) axis=" axis "\n" \
    "e: o = MatMul(p, v)\n" \
    "output o\n"
#define INFERRED(mask, axis) \
    HEADS mask \
    "const s f32[] = {0.5}\n" \
    "t: kt f32[2,3,4,7] = Transpose(k) perm=[0,1,3,2]\n" \
    "a: x f32[2,3,5,7] = MatMul(q, kt)\n" \
    "b: y f32[2,3,5,7] = Mul(x, s)\n" \
    "c: z f32[2,3,5,7] = Add(y, m)\n" \
    "d: p f32[2,3,5,7] = Softmax(z) axis=" axis "\n" \
    "e: o f32[2,3,5,6] = MatMul(p, v)\n" \
    "output o\n"

static const pass_case cases[] = {
    {"scale and mask", "attention", CHAIN("input m f32[2,1,1,7]\n", "3"),
     HEADS "input m f32[2,1,1,7]\n"
     "e: o f32[2,3,5,6] = Attention(q, k, v, m) scale=0.5 weir_nan=1\n"
     "output o\n", 0},
    {"a mask for each row", "attention", CHAIN("input m f32[5,7]\n", "3"),
     HEADS "input m f32[5,7]\n"
     "e: o f32[2,3,5,6] = Attention(q, k, v, m) scale=0.5 weir_nan=1\n"
     "output o\n", 0},
    {"a mask of one number a row is no mask of keys", "attention", CHAIN("input m f32[5,1]\n", "3"), INFERRED("input m f32[5,1]\n", "3"), 0},
    {"another axis", "attention", CHAIN("input m f32[5,7]\n", "2"), INFERRED("input m f32[5,7]\n", "2"), 0},
    {"heads side by side, the scale on Q, no mask", "attention",
     "input q f32[2,5,12]\n"
     "input k f32[2,7,12]\n"
     "input v f32[2,7,18]\n"
     "const four s64[4] = {2,5,3,4}\n"
     "const four2 s64[4] = {2,7,3,4}\n"
     "const six s64[4] = {2,7,3,6}\n"
     "const whole s64[3] = {2,5,18}\n"
     "const s f32[] = {2}\n"
     "r1: q4 = Reshape(q, four)\n"
     "r2: k4 = Reshape(k, four2)\n"
     "r3: v4 = Reshape(v, six)\n"
     "t1: qh = Transpose(q4) perm=[0,2,1,3]\n"
     "t2: kh = Transpose(k4) perm=[0,2,3,1]\n"
     "t3: vh = Transpose(v4) perm=[0,2,1,3]\n"
     "n: qs = Div(qh, s)\n"
     "a: x = MatMul(qs, kh)\n"
     "d: p = Softmax(x) axis=3\n"
     "e: y = MatMul(p, vh)\n"
     "t4: yt = Transpose(y) perm=[0,2,1,3]\n"
     "r4: o = Reshape(yt, whole)\n"
     "output o\n",
     "input q f32[2,5,12]\n"
     "input k f32[2,7,12]\n"
     "input v f32[2,7,18]\n"
     "e: o f32[2,5,18] = Attention(q, k, v) scale=0.5 q_num_heads=3 kv_num_heads=3 weir_nan=1\n"
     "output o\n", 0},
    {"K that is turned from rows of heads keeps a Transpose of its own", "attention",
     "input q f32[2,3,5,4]\n"
     "input k f32[2,7,3,4]\n"
     "input v f32[2,3,7,6]\n"
     "t: kt = Transpose(k) perm=[0,2,3,1]\n"
     "a: x = MatMul(q, kt)\n"
     "d: p = Softmax(x) axis=3\n"
     "e: o = MatMul(p, v)\n"
     "output o\n",
     "input q f32[2,3,5,4]\n"
     "input k f32[2,7,3,4]\n"
     "input v f32[2,3,7,6]\n"
     "t: kt f32[2,3,7,4] = Transpose(k) perm=[0,2,1,3]\n"
     "e: o f32[2,3,5,6] = Attention(q, kt, v) scale=1 weir_nan=1\n"
     "output o\n", 0},
    {"somebody else reads the scores", "attention",
     HEADS
     "t: kt = Transpose(k) perm=[0,1,3,2]\n"
     "a: x = MatMul(q, kt)\n"
     "d: p = Softmax(x) axis=3\n"
     "e: o = MatMul(p, v)\n"
     "output o\n"
     "output x\n",
     HEADS
     "t: kt f32[2,3,4,7] = Transpose(k) perm=[0,1,3,2]\n"
     "a: x f32[2,3,5,7] = MatMul(q, kt)\n"
     "d: p f32[2,3,5,7] = Softmax(x) axis=3\n"
     "e: o f32[2,3,5,6] = MatMul(p, v)\n"
     "output o\n"
     "output x\n", 0},
    {"a scale that only the run knows", "attention",
     HEADS
     "input s f32[]\n"
     "t: kt = Transpose(k) perm=[0,1,3,2]\n"
     "a: x = MatMul(q, kt)\n"
     "b: y = Mul(x, s)\n"
     "d: p = Softmax(y) axis=3\n"
     "e: o = MatMul(p, v)\n"
     "output o\n",
     HEADS
     "input s f32[]\n"
     "t: kt f32[2,3,4,7] = Transpose(k) perm=[0,1,3,2]\n"
     "a: x f32[2,3,5,7] = MatMul(q, kt)\n"
     "b: y f32[2,3,5,7] = Mul(x, s)\n"
     "d: p f32[2,3,5,7] = Softmax(y) axis=3\n"
     "e: o f32[2,3,5,6] = MatMul(p, v)\n"
     "output o\n", 0},
};

int main(void) { return pass_cases_run("attention", cases, W_COUNT(cases)); }
