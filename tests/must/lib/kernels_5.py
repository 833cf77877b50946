"""tests/must/kernels-5: weir-check at every CPU set; attention without its scores."""
import os
import subprocess
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import verdicts

BUILD = os.environ["WEIR_BUILD"]
HEADS, SIZE, TOKENS = 2, 64, (1024, 2048, 4096)
SETS = ("ref", "avx2", "avxvnni", "avx512", "vnni", "neon", "dotprod", "i8mm")


def model(path, tokens, mask):
    def info(name, *dims):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)

    heads = [info(name, 1, HEADS, tokens, SIZE) for name in "qkv"]
    nodes = [helper.make_node("Transpose", ["k"], ["kt"], perm=[0, 1, 3, 2]), helper.make_node("MatMul", ["q", "kt"], ["x"]),
             helper.make_node("Mul", ["x", "scale"], ["y"])]
    if mask:
        nodes.append(helper.make_node("Add", ["y", "m"], ["z"]))
    nodes += [helper.make_node("Softmax", [nodes[-1].output[0]], ["p"], axis=-1), helper.make_node("MatMul", ["p", "v"], ["o"])]
    graph = helper.make_graph(nodes, "attention", heads + [info("m", 1, 1, tokens, tokens)] * mask, [info("o", 1, HEADS, tokens, SIZE)],
                              [numpy_helper.from_array(np.float32(SIZE**-0.5), "scale")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def truth(feeds):
    """The result in doubles, and how far f32 may be from it: the scores err by the rounding of SIZE products and of the mask, which
    is a relative error of each weight; e^x has 2 ulp, the sums of weights and of weighted values as many roundings as keys."""
    q, k, v = (feeds[name][0].astype(np.float64) for name in "qkv")
    out, bound, unit = np.empty_like(q), np.empty_like(q), 2.0**-24
    for h in range(HEADS):
        x = q[h] @ k[h].T * SIZE**-0.5
        error = (SIZE + 2) * unit * (abs(q[h]) @ abs(k[h]).T) * SIZE**-0.5
        if "m" in feeds:
            x += feeds["m"][0, 0]
        far = np.where(np.isfinite(x), x.max(1, keepdims=True) - x, 0)
        p = np.exp(x - x.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        each = error + (far + 8) * unit
        each = each + (p * each).sum(1, keepdims=True) + 2 * x.shape[1] * unit
        out[h], bound[h] = p @ v[h], (p * each) @ abs(v[h])
    return out, bound


def run(path, feeds, folder):
    args = []
    for name, a in feeds.items():
        np.save(os.path.join(folder, name + ".npy"), a)
        args += ["-i", f"{name}={folder}/{name}.npy"]
    subprocess.run([os.path.join(BUILD, "weir"), "run", path, *args, "-o", f"{folder}/o.npy", "-q"], check=True)
    return np.load(f"{folder}/o.npy")


def compare(v, tokens, mask, folder):
    rng = np.random.default_rng(tokens + mask)
    feeds = {name: rng.standard_normal((1, HEADS, tokens, SIZE)).astype(np.float32) for name in "qkv"}
    if mask:
        feeds["m"] = np.where(rng.random((tokens, tokens)) < 0.3, -np.inf, rng.standard_normal((tokens, tokens))).astype(np.float32)[None, None]
    path = f"{folder}/attention.onnx"
    model(path, tokens, mask)
    out, bound = truth(feeds)
    share = float((abs(run(path, feeds, folder)[0] - out) / bound).max())
    v.line(share <= 1, f"{tokens} tokens, {'a' if mask else 'no'} mask: largest error is {share:.3f} of its bound")


def arena(tokens, folder):
    path = f"{folder}/attention.onnx"
    model(path, tokens, False)
    return verdicts.weir("plan", path, "--threads", 1)["arena_bytes"]


def check_set(v, name):
    r = subprocess.run([os.path.join(BUILD, "weir-check"), "--cpu", name], capture_output=True, text=True)
    if r.returncode == 2 or f"CPU set {name}" not in r.stdout.splitlines()[0]:
        v.skip(f"weir-check --cpu {name}: not on this machine")
    else:
        v.line(r.returncode == 0, f"weir-check --cpu {name}: {r.stdout.splitlines()[-1]}")


def main():
    v = verdicts.Verdict("kernels-5")
    for name in SETS:
        check_set(v, name)
    with tempfile.TemporaryDirectory() as folder:
        for mask in (False, True):
            compare(v, TOKENS[-1], mask, folder)
        before = None
        for tokens in TOKENS:
            held, scores = arena(tokens, folder), 4 * tokens**2
            linear = held < scores and (before is None or held <= 2.1 * before)
            v.line(linear, f"{tokens} tokens: arena {held} bytes, the scores of one head would be {scores}")
            before = held
    v.finish()


main()
