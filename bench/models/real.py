"""Trained networks of others: PP-OCR from the Python package rapidocr-onnxruntime, and those of $WEIR_SHARED/models.

Their free dimensions are bound in the copy that is measured, so that every engine may plan for the one shape."""
import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile

import onnx

PACKAGE = "rapidocr-onnxruntime==1.4.4"
OCR = {"ppocr_det": ("ch_PP-OCRv4_det_infer", (1, 3, 640, 640)), "ppocr_rec": ("ch_PP-OCRv4_rec_infer", (1, 3, 48, 320)),
       "ppocr_cls": ("ch_ppocr_mobile_v2.0_cls_infer", (1, 3, 48, 192))}
SHARED = {"mnist_cntk": ("mnist-cntk", (1, 1, 28, 28)), "resnet20_cifar10": ("resnet20-cifar10", (1, 3, 32, 32)),
          "squeezenet11_fp16": ("squeezenet11-fp16", (1, 3, 224, 224))}


def bind(model, shape):
    """Gives the graph's one input this shape, and drops shapes that were inferred for another."""
    given = {w.name for w in model.graph.initializer}
    take = next(i for i in model.graph.input if i.name not in given)
    del take.type.tensor_type.shape.dim[:]
    for d in shape:
        take.type.tensor_type.shape.dim.add().dim_value = d
    del model.graph.value_info[:]
    return model


def wheel(folder):
    found = list(folder.glob("rapidocr_onnxruntime-*.whl"))
    if not found:
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, PACKAGE], check=True)
        found = list(folder.glob("rapidocr_onnxruntime-*.whl"))
    return found[0]


def ocr(name, cache):
    file, shape = OCR[name]
    with zipfile.ZipFile(wheel(cache)) as z, tempfile.TemporaryDirectory() as folder:
        path = z.extract(f"rapidocr_onnxruntime/models/{file}.onnx", folder)
        return bind(onnx.load(path), shape)


def shared(name, cache):
    file, shape = SHARED[name]
    path = pathlib.Path(os.environ["WEIR_SHARED"], "models", f"{file}.onnx")
    if not path.exists():
        raise FileNotFoundError(f"no {file}.onnx in $WEIR_SHARED/models")
    return bind(onnx.load(path), shape)


MODELS = {**dict.fromkeys(OCR, ocr), **dict.fromkeys(SHARED, shared)}
