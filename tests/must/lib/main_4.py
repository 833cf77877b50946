"""Runs bench/versus.py's comparison with ONNX Runtime on the example models, call by call, and holds it to the limits."""
import pathlib
import sys

import numpy as np

import datasets
import ortlib
import timing
import verdicts

sys.path.insert(0, str(pathlib.Path(verdicts.ROOT) / "bench"))
import engines  # noqa: E402
import versus  # noqa: E402

EACH, MEAN, PAIRS = 1.0, 0.85, 600


def inputs_of(shape):
    """Fashion-MNIST where it fits, else noise of the right shape."""
    if tuple(shape[1:]) == (1, 28, 28):
        return timing.one_by_one(datasets.fashion()[0][:1000])
    return timing.one_by_one(np.random.default_rng(1).standard_normal((64, *shape[1:]), np.float32))


def compare(v, net):
    path = verdicts.MODELS / f"{net}.onnx"
    ours, theirs = engines.Weir(path, 1), engines.OnnxRuntime(path, 1)
    shape = list(ours.session.input.shape)
    nothing = engines.OnnxRuntime.nothing(shape)
    times, calls, [(middle, low, high)], _, trouble = versus.measure([ours, theirs], [nothing], inputs_of(shape), PAIRS, 1)
    medians = 1e6 * np.median(times, axis=0)
    if trouble:
        v.line(False, f"{net}: the machine is too unsteady to tell: {trouble}")
    v.line(middle <= EACH, f"{net}: ratio {middle:.3f} [{low:.3f}, {high:.3f}] (at most {EACH}); weir {medians[0]:.1f} us, "
           f"ONNX Runtime {medians[1]:.1f} us without {1e6 * calls[0]:.1f} us a call; {len(times)} pairs, {ours.isa}")
    ours.close()
    return middle


def main():
    v = verdicts.Verdict("main-4")
    v.note(f"ONNX Runtime {ortlib.version()}, one thread, batch 1, f32")
    mean = float(np.exp(np.mean(np.log([compare(v, net) for net in verdicts.NETS]))))
    v.line(mean <= MEAN, f"geometric mean {mean:.3f} (at most {MEAN})")
    v.finish()


main()
