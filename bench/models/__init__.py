"""The networks that bench/versus measures: built when they are missing or older than what builds them, kept in a cache folder.

    build(name, cache) -> path      names() -> every name; a float network 'x' has the 8-bit form 'x_int8'
    feeds(path, seed)  -> {input name: array}, random in the range that the input means
"""
import pathlib
import sys

import numpy as np
import onnx
from onnx import helper

from . import classic, detector, mobile, narrow, quant, real, transformer

BUILT = {n: f for family in (mobile, classic, detector, transformer) for n, f in family.MODELS.items()}
INT8 = "_int8"


def names():
    return [*BUILT, *(n + INT8 for n in BUILT), *narrow.MODELS, *real.MODELS]


def group(name):
    if name in narrow.MODELS or name in real.MODELS:
        return "narrow" if name in narrow.MODELS else "real"
    return "int8" if name.endswith(INT8) else "float"


def sources(name):
    here = pathlib.Path(__file__).parent
    maker = real if name in real.MODELS else narrow if name in narrow.MODELS else sys.modules[BUILT[name.removesuffix(INT8)].__module__]
    return [pathlib.Path(maker.__file__), here / "net.py"] + [here / "quant.py"] * name.endswith(INT8)


def make(name, cache):
    if name in real.MODELS:
        return real.MODELS[name](name, cache)
    if name in narrow.MODELS:
        return narrow.MODELS[name]()
    if name in BUILT:
        return BUILT[name]()
    path = build(name.removesuffix(INT8), cache)
    return quant.quantise(path, [feeds(path, 100 + i) for i in range(quant.SAMPLES)])


def build(name, cache):
    path = cache / f"{name}.onnx"
    if not path.exists() or path.stat().st_mtime < max(s.stat().st_mtime for s in sources(name)):
        cache.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        onnx.save(make(name, cache), part)
        part.rename(path)
    return path


def inputs(path):
    """{name: (shape, type)}; free dimensions, such as a batch, are 1."""
    graph = onnx.load(path, load_external_data=False).graph
    given = {w.name for w in graph.initializer}
    types = {i.name: i.type.tensor_type for i in graph.input if i.name not in given}
    return {name: ([d.dim_value or 1 for d in t.shape.dim], helper.tensor_dtype_to_np_dtype(t.elem_type)) for name, t in types.items()}


def feeds(path, seed):
    random = np.random.default_rng(seed)
    out = {}
    for name, (shape, kind) in inputs(path).items():
        if kind == np.int64:  # a mask, or ids of words
            out[name] = np.ones(shape, np.int64) if "mask" in name else random.integers(0, 30000, shape, np.int64)
        else:
            out[name] = random.standard_normal(shape).astype(kind)
    return out
