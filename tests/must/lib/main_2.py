"""Top-1 on all 10,000 test images, and weir's outputs beside ONNX Runtime's, image by image."""
import pathlib
import tempfile

import numpy as np

import datasets
import ortlib
import verdicts
import weirlib

FLOOR = {"lenet5": 91.0, "resnet8": 92.5, "mobilenet": 91.5}
SAME, NEAR = 9998, 1e-4


def top1(logits, labels):
    return 100 * float((logits.argmax(1) == labels).mean())


def compare(v, path, images, near):
    """Both engines on the same tensors."""
    ours, theirs = weirlib.logits(path, images), ortlib.logits(path, images)
    same = int((ours.argmax(1) == theirs.argmax(1)).sum())
    worst = float((np.abs(ours - theirs).max(1) / np.abs(theirs).max(1)).max())
    v.line(same >= SAME, f"{path.stem}: ONNX Runtime's class on {same} of {len(images)} images (at least {SAME})")
    text = f"{path.stem}: largest difference of a logit is {worst:.2e} of the image's largest logit"
    if near:
        v.line(worst <= NEAR, f"{text} (at most {NEAR:.0e})")
    else:
        v.note(text)
    return ours


def examples(v):
    images, labels = datasets.fashion()
    for net in verdicts.NETS:
        path = verdicts.MODELS / f"{net}.onnx"
        result = verdicts.weir("eval", path, "--data", "fashion-mnist")
        v.line(result["n"] == 10000 and result["top1"] >= FLOOR[net],
               f"{net}: top-1 {result['top1']:.2f} % on {result['n']} images (at least {FLOOR[net]})")
        ours = compare(v, path, images, True)
        v.line(abs(top1(ours, labels) - result["top1"]) < 1e-9, f"{net}: a count of the classes gives {top1(ours, labels):.2f} %")


def others(v, folder):
    path = datasets.shared("models", "mnist-cntk.onnx")
    if path:
        result = verdicts.weir("eval", path, "--data", datasets.mnist_spec(folder, "t10k"))
        v.line(result["n"] == 10000 and abs(result["top1"] - 98.91) <= 0.01 + 1e-9,
               f"mnist-cntk: top-1 {result['top1']:.2f} % on {result['n']} images (98.91 within 0.01)")
    else:
        v.skip("mnist-cntk: no shared/models")
    path = datasets.shared("models", "resnet20-cifar10.onnx")
    if path:
        images, labels = datasets.cifar()
        ours = compare(v, path, images, False)
        result = verdicts.weir("eval", path, "--data", datasets.cifar_spec(folder))
        v.note(f"resnet20-cifar10: top-1 {top1(ours, labels):.2f} % as Pillow decodes, {result['top1']:.2f} % as weir does")
    else:
        v.skip("resnet20-cifar10: no shared/models")


def main():
    v = verdicts.Verdict("main-2")
    v.note(f"ONNX Runtime {ortlib.version()}")
    examples(v)
    with tempfile.TemporaryDirectory() as folder:
        others(v, pathlib.Path(folder))
    v.finish()


main()
