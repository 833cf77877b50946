"""Every long verb interrupted at many moments (SIGINT and SIGTERM in turn): exit code 130, or 0 where it was already done; no
partial output, nothing left behind but the trial store, from which a search resumes. Moments are fractions of an undisturbed
run, from a fixed seed; before the program has taken over the signal, the shell's 130 is death by it.

usage: interrupt.py WEIR MODEL MOMENTS
"""
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

import tiny


def cases(folder, out, model):
    data, train = tiny.images(folder, 2000), tiny.images(folder, 240, 64)
    common = ["--machine", tiny.machine(os.path.join(folder, "machine.json")), "--threads", "1"]
    o = lambda name: os.path.join(out, name)
    return [
        ("eval", ["eval", model, "--data", data], None),
        ("run", ["run", model, "-i", tiny.array(os.path.join(folder, "big.npy"), (3000, 1, 28, 28)), "-o", o("y.npy")], "y.npy"),
        ("bench", ["bench", model, "--iterations", "3000", "--duration", "0"], None),
        ("profile", ["profile", model, "--iterations", "2000", "--html", o("p.html")], "p.html"),
        ("compress", ["compress", model, "-o", o("c.weir"), "--recipe", tiny.recipe(os.path.join(folder, "r.json")), "--data", data], "c.weir"),
        ("optimize", ["optimize", model, "-o", o("o.weir"), "--data", data, "--train", train, "--no-finetune", "--max-drop", "90", "--accept", "point",
                      "--only", "/8/Gemm", "--report", o("o.html")], "o.weir"),
    ], common


def measure(folder):
    return [("machine", ["machine", "--refresh", "--threads", "1"], None)]


def run(weir, arguments, out, after=None, sig=signal.SIGINT):
    env = dict(os.environ, XDG_CACHE_HOME=os.path.join(out, "cache"))
    started = time.monotonic()
    p = subprocess.Popen([weir] + arguments, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    if after is not None:
        try:
            p.wait(after)
        except subprocess.TimeoutExpired:
            p.send_signal(sig)
    sent = time.monotonic()
    err = p.communicate(timeout=600)[1].decode("utf-8", "replace")
    return p.returncode, err, time.monotonic() - (sent if after is not None else started)


def clean(out):
    subprocess.run(["rm", "-rf", out], check=True)
    os.makedirs(out)


def left(out, allowed):
    names = [os.path.relpath(os.path.join(f, n), out) for f, _, files in os.walk(out) for n in files]
    return [n for n in names if not any(n == a or n.startswith(a + ".trials") for a in allowed) and not (n.startswith("cache/") and n.endswith(".json"))]


def main():
    weir, model, moments = sys.argv[1], sys.argv[2], int(sys.argv[3])
    rng, runs, bad, stopped, slowest = random.Random(7), 0, 0, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out")
        clean(out)
        verbs, common = cases(folder, out, model)
        for name, arguments, output in [(n, a + common, o) for n, a, o in verbs] + measure(folder):
            clean(out)
            code, err, whole = run(weir, arguments, out)
            if code != 0:
                print("FAIL %s, undisturbed: exit %d: %s" % (name, code, err[:400]))
                bad += 1
                continue
            outputs = [output, "o.html"] if output else []
            sizes = {n: os.path.getsize(os.path.join(out, n)) for n in outputs if os.path.exists(os.path.join(out, n))}
            for k in range(moments):
                clean(out)
                sig = signal.SIGTERM if k % 2 else signal.SIGINT
                at = whole * (k + rng.random()) / moments
                code, err, took = run(weir, arguments, out, at, sig)
                wrong = []
                early = code == -sig and at < 0.5 * whole
                if code not in (0, 130) and not early:
                    wrong.append("exit code %d" % code)
                if code == 130 and not err.startswith("weir: "):
                    wrong.append("no message")
                if code != 0 and output and os.path.exists(os.path.join(out, output)) and name != "optimize":
                    wrong.append("an output in spite of the interruption")
                for n in sizes:
                    path = os.path.join(out, n)
                    if os.path.exists(path) and os.path.getsize(path) < sizes[n] * 0.9:
                        wrong.append("%s is not whole" % n)
                wrong += ["left behind: " + n for n in left(out, outputs)]
                if wrong:
                    print("FAIL %s after %.3f of %.3f s: %s: %s" % (name, at, whole, "; ".join(wrong), err[:300]))
                    bad += 1
                runs += 1
                stopped += code == 130
                slowest = max(slowest, took if code == 130 else 0)
    print("%d interruptions, %d of them in time, the slowest answer took %.2f s, %d failures" % (runs, stopped, slowest, bad))
    return 1 if bad else 0


sys.exit(main())
