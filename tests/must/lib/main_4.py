"""Runs bench/versus_ort.py's comparison on the example models and holds it to the limits."""
import pathlib
import sys

import numpy as np

import ortlib
import verdicts

sys.path.insert(0, str(pathlib.Path(verdicts.ROOT) / "bench"))
import versus_ort  # noqa: E402

EACH, MEAN, PAIRS = 1.0, 0.85, 600


def main():
    v = verdicts.Verdict("main-4")
    v.note(f"ONNX Runtime {ortlib.version()}, one thread, batch 1, f32")
    ratios = []
    for net in verdicts.NETS:
        row = versus_ort.compare(verdicts.MODELS / f"{net}.onnx", PAIRS)
        low, high = row["ratio_ci95"]
        if row["unstable"]:
            v.line(False, f"{net}: the machine is too unsteady to tell: {row['unstable']}")
        v.line(row["ratio"] <= EACH, f"{net}: ratio {row['ratio']:.3f} [{low:.3f}, {high:.3f}] (at most {EACH}); weir "
               f"{row['weir_us']:.1f} us, ONNX Runtime {row['ort_us']:.1f} us without {row['ort_call_us']:.1f} us a call; "
               f"{row['pairs']} pairs, {row['isa']}")
        ratios.append(row["ratio"])
    mean = float(np.exp(np.mean(np.log(ratios))))
    v.line(mean <= MEAN, f"geometric mean {mean:.3f} (at most {MEAN})")
    v.finish()


main()
