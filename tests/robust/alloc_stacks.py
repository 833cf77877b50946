"""Fails an allocation at every distinct call stack of `weir optimize` (with its report) and of weir_optimize with its output, on
64 images to verify and 240 to search on.

usage: alloc_stacks.py WEIR_STACKS ALLOC_OPTIMIZE MODEL [EVERY]
"""
import os
import subprocess
import sys
import tempfile

import tiny


def run(name, command, folder, out, every):
    log = os.path.join(folder, "log")
    env = dict(os.environ, WEIR_ALLOC_STACKS=log, WEIR_ALLOC_EVERY=every, WEIR_ALLOC_OUT=out)
    p = subprocess.run(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=3000)
    lines = open(log).read().splitlines()
    if p.returncode != 0:
        lines.append("FAIL the undisturbed run: exit %d: %s" % (p.returncode, p.stderr.decode("utf-8", "replace")[:500]))
    bad = sum(line.startswith("FAIL") for line in lines)
    print("%s: %s" % (name, lines[-1] if lines else "no result"))
    print("\n".join(lines[:-1][:200]))
    return bad or not lines


def main():
    program, library, model = sys.argv[1:4]
    every = sys.argv[4] if len(sys.argv) > 4 else "1"
    with tempfile.TemporaryDirectory() as folder:
        data, train, machine = tiny.images(folder), tiny.images(folder, 240, 64), tiny.machine(os.path.join(folder, "machine.json"))
        report, out = os.path.join(folder, "o.html"), os.path.join(folder, "o.weir")
        bad = run("weir optimize", [program, "optimize", model, "--dry-run", "--data", data, "--train", train, "--no-finetune", "--max-drop", "90",
                                    "--only", "/8/Gemm", "--machine", machine, "--threads", "1", "--report", report, "--json"], folder, report, every)
        bad += run("weir_optimize", [library, model, train, data, out, machine], folder, out, every)
    return 1 if bad else 0


sys.exit(main())
