"""weir and ONNX Runtime side by side: f32, batch 1, one thread, a new image each call, interleaved call by call.

Prints one JSON line a model: the median of the paired ratios (weir / ONNX Runtime) with its 95 % interval. What a call of
ONNX Runtime costs is measured on an Identity model of the same input and subtracted; what a call of weir costs is not.
Both sides run with bound buffers, and the copy of the image into them is not timed.
"""
import argparse
import json
import pathlib

import numpy as np

import datasets
import ortlib
import timing
import verdicts
import weirlib


def images_of(session):
    """Fashion-MNIST where it fits, else noise of the right shape."""
    shape = session.input.shape[1:]
    if shape == (1, 28, 28):
        return datasets.fashion()[0][:1000]
    return np.random.default_rng(1).standard_normal((64, *shape), np.float32)


def compare(path, calls, cpu=None):
    ours, theirs = weirlib.Session(path, cpu=cpu), ortlib.Session(str(path))
    nothing = ortlib.identity(list(ours.input.shape))

    def ratio(times):
        return times[:, 0] / (times[:, 1] - np.median(times[:, 2]))

    times, ratios, trouble = timing.measure([ours, theirs, nothing], images_of(ours), ratio, calls)
    middle, low, high = timing.interval(ratios)
    medians = np.median(times, axis=0) * 1e6
    row = {"model": path.stem, "isa": ours.cpu, "pairs": len(ratios), "weir_us": round(medians[0], 2),
           "ort_us": round(medians[1] - medians[2], 2), "ort_call_us": round(medians[2], 2), "ratio": round(middle, 4),
           "ratio_ci95": [round(low, 4), round(high, 4)], "unstable": trouble}
    ours.close()
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", type=pathlib.Path, help="default: the three example models")
    parser.add_argument("--calls", type=int, default=600)
    parser.add_argument("--cpu", help="cap weir's instruction set")
    a = parser.parse_args()
    for path in a.models or [verdicts.MODELS / f"{net}.onnx" for net in verdicts.NETS]:
        print(json.dumps({"ort": ortlib.version(), **compare(path, a.calls, a.cpu)}), flush=True)


if __name__ == "__main__":
    main()
