"""Runs bench/versus on every network with one thread and with two, again where the machine was unsteady, and holds the ratios
to the limits. Arguments go to bench/versus (--models REGEX for a trial); its files lie in build/must-kernels-1."""
import json
import re
import subprocess
import sys

import numpy as np

import verdicts

OUT = verdicts.ROOT / "build" / "must-kernels-1" / "versus"
EACH, GROUP, BEST, REAL, REAL_EACH, AGAIN = 1.0, 0.80, 1.0, 0.55, 0.70, 2
OCR = "ppocr_"


def versus(arguments):
    subprocess.run([verdicts.ROOT / "bench" / "versus", "--no-load", "--out", OUT, *arguments], check=True)
    return {(r["model"], r["threads"]): r for r in json.loads(OUT.with_suffix(".json").read_text())["rows"]}


def steady_rows(arguments):
    """Rows by network and threads; those without a ratio are measured again."""
    rows = versus(arguments)
    for _ in range(AGAIN):
        for threads in (1, 2):
            names = [m for (m, t), r in rows.items() if t == threads and r.get("unstable")]
            if names:
                rows |= versus(["--threads", str(threads), "--models", "^(" + "|".join(map(re.escape, names)) + ")$"])
    return rows


def mean(values):
    return float(np.exp(np.mean(np.log(values))))


def judge_each(v, rows):
    for (model, threads), r in rows.items():
        name = f"{model}, threads {threads}"
        if "failed" in r or r["unstable"]:
            v.line(False, f"{name}: {r.get('failed') or 'no ratio, unsteady: ' + r['unstable']}")
            continue
        theirs = r["engines"]["onnxruntime"]
        limit = REAL_EACH if model.startswith(OCR) else EACH
        v.line(theirs["ratio"] < limit, f"{name}: {theirs['ratio']:.3f} of ONNX Runtime (limit {limit}), {r['ratio']:.3f} of {r['best_rival']}, "
               f"{r['fraction_of_bound']:.2f} of the bound")
        if not r["outputs_agree"]:
            v.line(False, f"{name}: outputs differ by {r['engines']['weir']['output_error']:.2g} (limit {r['output_limit']:.2g})")


def judge_groups(v, rows):
    good = [r for r in rows.values() if not r.get("unstable", True)]
    for group in ("float", "int8"):
        of = [r for r in good if r["group"] == group]
        if of:
            ours, best = mean([r["engines"]["onnxruntime"]["ratio"] for r in of]), mean([r["ratio"] for r in of])
            v.line(ours <= GROUP, f"{group}: geometric mean {ours:.3f} of ONNX Runtime over {len(of)} rows (at most {GROUP})")
            v.line(best <= BEST, f"{group}: geometric mean {best:.3f} of the best rival (at most {BEST})")
    ocr = [r["engines"]["onnxruntime"]["ratio"] for r in good if r["model"].startswith(OCR)]
    if ocr:
        v.line(mean(ocr) <= REAL, f"PP-OCR: geometric mean {mean(ocr):.3f} of ONNX Runtime over {len(ocr)} rows (at most {REAL})")


def main():
    v = verdicts.Verdict("kernels-1")
    rows = steady_rows(sys.argv[1:])
    judge_each(v, rows)
    judge_groups(v, rows)
    v.finish()


main()
