"""The main job on four networks, each result held to its limits. Everything is made in a temporary folder."""
import json
import pathlib
import tempfile

import numpy as np
import onnx

import datasets
import ortlib
import timing
import verdicts
import weirlib

SMALLER = {"lenet5": 15.0, "resnet8": 4.5, "mobilenet": 4.5}
LEVELS = ("l1", "l2", "llc", "dram")
POINTS = 0.05
VNNI_SPEED, AVX2_SPEED = 1.8, 1.2
CALLS = 600
EXACT_PRODUCTS = {"avx512_vnni", "avx_vnni", "amx_int8"}  # of /proc/cpuinfo


def parameters(path):
    """Elements of the float initialisers of the file, counted."""
    graph = onnx.load(str(path)).graph
    return sum(int(np.prod(t.dims)) for t in graph.initializer if t.data_type == onnx.TensorProto.FLOAT)


def optimize(v, path, train, data, folder):
    out = folder / f"{path.stem}.weir"
    result = verdicts.weir("optimize", path, "--train", train, "--no-finetune", "--data", data, "--max-drop", 0.5, "-o", out,
                           "--report", folder / f"{path.stem}.html", accept=(0, 1))
    v.line(result["met"] is True and out.exists(),
           f"{path.stem}: met {result['met']}; top-1 {result['baseline']['top1']:.2f} -> {result['optimized']['top1']:.2f} %, "
           f"drop {result['drop_points']:.2f} points, upper end {result['drop_upper95']:.2f}; {result['verifications']} looks, "
           f"{result['trials']} trials, {result['seconds']:.0f} s")
    return out if out.exists() else None


def small_file(v, path, out):
    count = parameters(path)
    times = 4 * count / out.stat().st_size
    text = f"{path.stem}: file {out.stat().st_size} bytes, {times:.1f}x smaller than 4 x {count} parameters"
    if path.stem in SMALLER:
        v.line(times >= SMALLER[path.stem], f"{text} (at least {SMALLER[path.stem]}x)")
    else:
        v.note(text)


def fewer_bytes(v, path, out):
    before, after = (verdicts.weir("plan", p, "--threads", 1)["bytes"] for p in (path, out))
    v.line(before["state"] == after["state"] == "cold" and all(after[k] < before[k] for k in LEVELS),
           f"{path.stem}: planned bytes, cold, batch 1: " + ", ".join(f"{k} {before[k]:.0f} -> {after[k]:.0f}" for k in LEVELS))


def in_onnx_runtime(v, path, out, images, labels, spec, folder):
    exact = bool(EXACT_PRODUCTS & verdicts.cpu_flags())  # elsewhere its fused 8-bit products saturate
    exported = folder / f"{path.stem}.onnx"
    verdicts.weir("convert", out, exported)
    theirs = 100 * float((ortlib.logits(exported, images, fused=exact).argmax(1) == labels).mean())
    ours = verdicts.weir("eval", out, "--data", spec)["top1"]
    v.line(abs(theirs - ours) <= POINTS + 1e-9,
           f"{path.stem}: top-1 of the exported file in ONNX Runtime{'' if exact else ', unfused,'} {theirs:.2f} %, of weir {ours:.2f} % (within {POINTS})")


def dynamic_in_onnx_runtime(v, path, images, labels, folder):
    """Scales of the tensors themselves, the same batches in both engines; exported so that no product saturates on any CPU."""
    recipe, out, exported = folder / "dynamic.json", folder / f"{path.stem}-dynamic.weir", folder / f"{path.stem}-dynamic.onnx"
    recipe.write_text(json.dumps({"rules": [{"technique": "int8", "nodes": ".*", "activations": "dynamic"}]}))
    verdicts.weir("compress", path, "-o", out, "--recipe", recipe)
    verdicts.weir("convert", out, exported)
    ours, theirs = (100 * float((f(p, images).argmax(1) == labels).mean()) for f, p in ((weirlib.logits, out), (ortlib.logits, exported)))
    v.line(abs(theirs - ours) <= POINTS + 1e-9,
           f"{path.stem}: dynamic int8, top-1 of the exported file in ONNX Runtime {theirs:.2f} %, of weir {ours:.2f} % (within {POINTS})")


def speed(v, path, out, images):
    small, plain, other = weirlib.Session(out), weirlib.Session(path), ortlib.Session(str(path))
    if small.cpu not in ("vnni", "bf16", "amx"):
        v.skip(f"resnet8 latency with VNNI: the machine has {small.cpu}")
    else:
        hold_speed(v, f"resnet8, {small.cpu}: faster of weir f32 and ONNX Runtime f32 over int8", [small, plain, other], images,
                   VNNI_SPEED)
    for session in (small, plain):
        session.close()
    pair = [weirlib.Session(p, cpu="avx2") for p in (out, path)]
    hold_speed(v, "resnet8, --cpu avx2: weir f32 over int8", pair, images, AVX2_SPEED)
    for session in pair:
        session.close()


def hold_speed(v, what, runners, images, want):
    def ratio(times):
        fastest = 1 + int(np.argmin(np.median(times[:, 1:], axis=0)))
        return times[:, fastest] / times[:, 0]

    times, ratios, trouble = timing.measure(runners, timing.one_by_one(images), ratio, CALLS)
    middle, low, high = timing.interval(ratios)
    if trouble:
        v.line(False, f"{what}: the machine is too unsteady to tell: {trouble}")
    v.line(middle >= want, f"{what}: {middle:.2f} [{low:.2f}, {high:.2f}] (at least {want}); us " +
           " ".join(f"{1e6 * t:.1f}" for t in np.median(times, axis=0)))


def cases(folder):
    images, labels = datasets.fashion()
    for net in verdicts.NETS:
        yield verdicts.MODELS / f"{net}.onnx", "fashion-mnist:train", "fashion-mnist", images, labels
    path = datasets.shared("models", "mnist-cntk.onnx")
    if path:
        yield path, datasets.mnist_spec(folder, "train"), datasets.mnist_spec(folder, "t10k"), *datasets.mnist()


def one(v, folder, path, train, data, images, labels):
    out = optimize(v, path, train, data, folder)
    if out is None:
        return
    small_file(v, path, out)
    fewer_bytes(v, path, out)
    in_onnx_runtime(v, path, out, images, labels, data, folder)
    if path.stem in verdicts.NETS:  # which take batches
        dynamic_in_onnx_runtime(v, path, images, labels, folder)
    if path.stem == "resnet8":
        speed(v, path, out, images[:1000])


def main():
    v = verdicts.Verdict("main-3")
    v.note(f"ONNX Runtime {ortlib.version()}")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for case in cases(folder):
            try:
                one(v, folder, *case)
            except RuntimeError as error:
                v.line(False, f"{case[0].stem}: {error}")
    if not datasets.shared("models", "mnist-cntk.onnx"):
        v.skip("mnist-cntk: no shared/models")
    v.finish()


main()
