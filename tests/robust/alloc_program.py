"""Fails each allocation of `weir plan MODEL` in turn, from outside: exit code 4 and a message each time.

usage: alloc_program.py WEIR ALLOC_FAIL_SO MODEL
"""
import os
import subprocess
import sys
import tempfile


def run(weir, library, arguments, fail_at, count_file):
    env = dict(os.environ, LD_PRELOAD=os.path.abspath(library), WEIR_FAIL_ALLOC=str(fail_at), WEIR_COUNT_ALLOC=count_file)
    p = subprocess.run([weir] + arguments, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=120)
    return p.returncode, p.stderr.decode("utf-8", "replace")


def main():
    weir, library, model = sys.argv[1:4]
    with tempfile.TemporaryDirectory() as folder:
        machine, counts = os.path.join(folder, "machine.json"), os.path.join(folder, "count")
        subprocess.run([weir, "machine", "-o", machine], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        arguments = ["plan", model, "--threads", "1", "--machine", machine]
        code, err = run(weir, library, arguments, 0, counts)
        total = int(open(counts).read())
        bad = 1 if code else 0
        for n in range(1, total + 1):
            code, err = run(weir, library, arguments, n, counts)
            if code != 4 or not err.strip():
                bad += 1
                if bad <= 20:
                    print("allocation %d of %d: exit %d: %s" % (n, total, code, err.strip()[:400]))
    print("%d allocations failed in turn, %d failures" % (total, bad))
    return 1 if bad else 0


sys.exit(main())
