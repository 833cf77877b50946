"""Random models in ONNX Runtime: each must pass onnx.checker, and give what weir gave within the bound of its error.

usage: depth_4_graphs.py FOLDER

FOLDER holds N.onnx, N.again.onnx (the same network as weir writes it) and N.bin: for each tensor a line "in|out NAME TYPE
ERROR BYTES DIMS..." and its bytes (tests/random/rg_check.c). ERROR bounds the distance of weir's result from the exact one; it
holds for ONNX Runtime too, so that two results lie at most twice as far apart. Graph optimisations are off: the operators
mean what ONNX says, and no 8-bit kernel of the engine saturates between.
"""
import collections
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime as ort

TYPES = {"f32": np.float32, "f16": np.float16, "u8": np.uint8, "s8": np.int8, "s32": np.int32, "s64": np.int64, "bool": np.bool_}


def tensors(path):
    data = path.read_bytes()
    at = 0
    while at < len(data):
        end = data.index(b"\n", at)
        kind, name, kind_of, error, size, *dims = data[at:end].decode().split()
        at = end + 1 + int(size)
        yield kind, name, float(error), np.frombuffer(data[end + 1:at], TYPES[kind_of]).reshape([int(d) for d in dims])


def session(path):
    o = ort.SessionOptions()
    o.intra_op_num_threads = o.inter_op_num_threads = 1
    o.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    o.log_severity_level = 4
    return ort.InferenceSession(str(path), o, providers=["CPUExecutionProvider"])


def apart(a, b, allowed):
    """Where and by how much a and b differ more than allowed, or None."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return f"{a.dtype}{list(a.shape)} against {b.dtype}{list(b.shape)}"
    x, y = a.astype(np.float64).ravel(), b.astype(np.float64).ravel()
    with np.errstate(invalid="ignore"):
        bad = ~((x == y) | (np.isnan(x) & np.isnan(y)) | (np.abs(x - y) <= allowed))
    if not bad.any():
        return None
    i = int(np.argmax(bad))
    return f"element {i} is {y[i]:.9g}, weir gives {x[i]:.9g}, allowed {allowed:.3g}"


def reason(error):
    return " ".join(w for w in str(error).splitlines()[0].split() if not any(c.isdigit() for c in w))[:160]


def compare(path, feeds, wanted, times, skipped):
    """The complaint about one file, or None."""
    try:
        run = session(path)
    except Exception as error:
        if "NOT_IMPLEMENTED" in str(error):
            skipped[reason(error)] += 1
            return None
        return f"ONNX Runtime refuses it: {error}"
    names = [o.name for o in run.get_outputs()]
    inputs = {i.name for i in run.get_inputs()}
    try:
        got = run.run(None, {k: v for k, v in feeds.items() if k in inputs})
    except Exception as error:
        if "not supported" in str(error):
            skipped[str(error).split("Status Message: ")[-1].strip()] += 1
            return None
        return f"ONNX Runtime fails: {error}"
    for name, value, (want_name, error, want) in zip(names, got, wanted):
        if not np.isfinite(error):
            continue
        why = apart(want, np.asarray(value), times * error)
        if why:
            return f"output {want_name}: {why}"
    return None if len(names) == len(wanted) else f"{len(names)} outputs, expected {len(wanted)}"


def main():
    folder = pathlib.Path(sys.argv[1])
    skipped, bad, done = collections.Counter(), 0, 0
    for path in sorted(folder.glob("*.bin"), key=lambda p: int(p.stem)):
        all_tensors = list(tensors(path))
        feeds = {name: value for kind, name, _, value in all_tensors if kind == "in"}
        wanted = [(name, error, value) for kind, name, error, value in all_tensors if kind == "out"]
        for suffix, times in ((".onnx", 2), (".again.onnx", 3)):
            file = folder / (path.stem + suffix)
            try:
                onnx.checker.check_model(str(file), full_check=True)
                why = compare(file, feeds, wanted, times, skipped)
            except onnx.checker.ValidationError as error:
                why = f"the checker says: {error}"
            except onnx.shape_inference.InferenceError as error:
                why = f"the checker says: {error}"
            done += 1
            if why:
                bad += 1
                print(f"seed {path.stem}{suffix}: {why}")
    for text, n in skipped.most_common():
        print(f"skipped {n:5d}: {text}")
    print(f"onnxruntime {ort.__version__}; {done} models compared; {sum(skipped.values())} that ONNX Runtime has no kernel for; {bad} mismatches")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
