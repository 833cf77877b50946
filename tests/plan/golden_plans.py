"""The printed plans of the example models and of small synthetic ones, per CPU set, against the kept text in golden/.

Planned for the stored machine models golden/machine-SET.json, so neither this machine's CPU nor its speed changes a letter.
usage: golden_plans.py WEIR SCRATCH [--write]    --write: keep what comes out now (script/gen-golden-plans)
"""
import difflib
import os
import pathlib
import subprocess
import sys

import golden_models

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SETS = ["ref", "avx2", "avxvnni", "avx512", "vnni"]


def plan(weir, path, cpu):
    env = {k: v for k, v in os.environ.items() if k != "WEIR_CPU"}
    command = [weir, "plan", str(path), "--threads", "1", "--machine", str(HERE / "golden" / ("machine-%s.json" % cpu))]
    p = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, env=env, timeout=120)
    if p.returncode != 0:
        return "exit status %d: %s" % (p.returncode, p.stderr.decode())
    return p.stdout.decode()


def models(scratch):
    scratch.mkdir(parents=True, exist_ok=True)
    found = {p.stem: p for p in sorted((ROOT / "examples/models").glob("*.onnx"))}
    for name, make in golden_models.MODELS.items():
        found[name] = scratch / (name + ".onnx")
        found[name].write_bytes(make())
    return found


def compare(name, old, new):
    if old == new:
        return True
    print("FAIL %s" % name)
    sys.stdout.writelines(line.rstrip("\n")[:220] + "\n" for line in
                          difflib.unified_diff(old.splitlines(True), new.splitlines(True), "golden/" + name, "now", n=1))
    return False


def main():
    weir, scratch, write = sys.argv[1], pathlib.Path(sys.argv[2]), "--write" in sys.argv[3:]
    failed, kept = 0, {p.name for p in (HERE / "golden").glob("*.txt")}
    for stem, path in models(scratch).items():
        for cpu in SETS:
            file = HERE / "golden" / ("%s-%s.txt" % (stem, cpu))
            text = plan(weir, path, cpu)
            kept.discard(file.name)
            if write:
                file.write_text(text)
            elif not compare(file.name, file.read_text() if file.exists() else "", text):
                failed += 1
    for name in sorted(kept):
        print("FAIL golden/%s: no model has this plan" % name)
    failed += len(kept)
    if failed:
        print("\n%d plans differ. Where the change is meant, read the differences, run script/gen-golden-plans and commit golden/." % failed)
    return 1 if failed else 0


sys.exit(main())
