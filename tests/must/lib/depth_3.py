"""The promise. Each sample: 2,000 of the 10,000 test images, drawn with replacement; optimize selects and verifies on it, all
with one trial store, since the training data is the same. The truth is the drop on the 10,000.
Arguments: how many samples (100), which networks (lenet5, resnet8, mobilenet in turn)."""
import pathlib
import sys
import tempfile

import numpy as np

import datasets
import depthlib
import verdicts

SAMPLES, DRAWN, BUDGET, EXCEED = 100, 2000, 1.0, 0.10


def draw(full, number, folder):
    index = np.random.default_rng(number).integers(0, len(full.labels), DRAWN)
    np.savez(folder / "sample.npz", images=full.images[index], labels=full.labels[index])
    return datasets.write_spec(folder / "sample.json", format="npz", path="sample.npz", layout="NCHW", scale=1)


def sample(full, model, number, folder, train):
    """(stated upper end, true drop, met, looks)"""
    data = draw(full, number, folder)
    result = verdicts.weir("optimize", model, "-o", folder / f"{model.stem}.weir", "--resume", "--train", train, "--no-finetune",
                           "--data", data, "--max-drop", BUDGET, accept=(0, 1))
    true, _ = full.drop(model, result["recipe"])
    return result["drop_upper95"], true, result["met"], result["verifications"]


def main():
    v = verdicts.Verdict("depth-3")
    count = int(sys.argv[1]) if len(sys.argv) > 1 else SAMPLES
    nets = sys.argv[2:] or verdicts.NETS
    exceeded = met = broken = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        train = depthlib.train_spec(folder)
        full = depthlib.Full(folder, train)
        for i in range(count):
            model = verdicts.MODELS / f"{nets[i % len(nets)]}.onnx"
            upper, true, good, looks = sample(full, model, i, folder, train)
            exceeded += true > upper
            met += good
            broken += good and true > BUDGET
            v.note(f"sample {i}, {model.stem}: at most {upper:.2f} stated, {true:.2f} true, {'met' if good else 'not met'} after {looks} looks"
                   + (": EXCEEDED" if true > upper else ""))
    v.note(f"{met} of {count} met; of those {broken} lose more than the {BUDGET} points allowed")
    v.line(exceeded <= EXCEED * count, f"{exceeded} of {count} true drops above the stated upper end (at most {EXCEED:.0%})")
    v.finish()


main()
