"""Writes golden/NAME.npy: what ONNX Runtime gives for the inputs of test_model.c. Usage: make_golden.py MODEL.onnx ..."""
import pathlib
import sys

import numpy as np
import onnxruntime as ort


def images(shape, n):
    """The same numbers as `fill` in test_model.c: a smooth picture with some noise, in [-1, 2)."""
    def mix(h):
        h = (h * 0x9E3779B1) & 0xFFFFFFFF
        h ^= h >> 15
        h = (h * 0x85EBCA77) & 0xFFFFFFFF
        return (h ^ h >> 13) >> 10
    k, c, y, x = np.meshgrid(*(np.arange(d, dtype=np.uint64) for d in (n, *shape)), indexing="ij")
    coarse = mix(((k * 16 + c) * 64 + y // 7) * 64 + x // 7 + 1)
    fine = mix(((k * 16 + c) * 1024 + y) * 1024 + x + 77777)
    v = (3 * coarse + fine).astype(np.float32) * np.float32(2.0**-24)
    return v * np.float32(3) - np.float32(1)


for path in map(pathlib.Path, sys.argv[1:]):
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    arg = session.get_inputs()[0]
    n = 2 if arg.shape[-1] > 64 else 32
    x = images(arg.shape[1:], n).astype(np.float16 if "float16" in arg.type else np.float32)
    y = np.concatenate([session.run(None, {arg.name: x[i:i + 1]})[0] for i in range(n)]).astype(np.float32)
    np.save(pathlib.Path(__file__).parent / "golden" / (path.stem + ".npy"), y.reshape(n, -1))
