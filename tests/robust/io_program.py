"""Every verb that writes, on a disk that is full, broken or read-only: each writing system call of the verb fails in turn (by the
preloaded io_fail.c). Exit code 0 where the call may fail without harm, else 4 (no room) or 3 with a message that names the file;
no partial output, nothing left behind but the trial store.

usage: io_program.py WEIR IO_FAIL_SO MODEL [--all]
"""
import errno
import os
import resource
import subprocess
import sys
import tempfile

import tiny

JOURNAL = ".trials-journal"
HARMLESS = "a failing folder sync, cache or close of a lock is no failure of the verb"


class Place:
    """Inputs in one folder, outputs in another one, which starts empty for each run."""

    def __init__(self, folder, model):
        self.inputs, self.out, self.counts = (os.path.join(folder, k) for k in ("in", "out", "count"))
        os.makedirs(self.inputs)
        at = lambda name: os.path.join(self.inputs, name)
        self.model, self.data, self.train = model, tiny.images(self.inputs), tiny.images(self.inputs, 240, 64)
        self.machine, self.recipe, self.array = tiny.machine(at("machine.json")), tiny.recipe(at("recipe.json")), tiny.array(at("x.npy"))

    def empty(self):
        subprocess.run(["rm", "-rf", self.out], check=True)
        os.makedirs(self.out)


def cases(p):
    """(name, arguments, outputs that are whole or not there)"""
    planned = ["--machine", p.machine, "--threads", "1", "--quiet"]
    o = lambda name: os.path.join(p.out, name)
    optimize = ["optimize", p.model, "-o", o("o.weir"), "--data", p.data, "--train", p.train, "--no-finetune", "--max-drop", "90", "--only", "/8/Gemm", "--accept", "point"]
    return [
        ("convert to .weir", ["convert", p.model, o("c.weir")] + planned, ["c.weir"]),
        ("convert to .onnx", ["convert", p.model, o("c.onnx")] + planned, ["c.onnx"]),
        ("compress", ["compress", p.model, "-o", o("c.weir"), "--recipe", p.recipe, "--data", p.data] + planned, ["c.weir"]),
        ("run to .npy", ["run", p.model, "-i", p.array, "-o", o("y.npy")] + planned, ["y.npy"]),
        ("run to .npz", ["run", p.model, "-i", p.array, "-o", o("y.npz")] + planned, ["y.npz"]),
        ("profile --html", ["profile", p.model, "--iterations", "1", "--html", o("p.html")] + planned, ["p.html"]),
        ("machine -o", ["machine", "-o", o("m.json")] + planned, ["m.json"]),
        ("optimize", optimize + ["--report", o("o.html")] + planned, ["o.weir", "o.html"]),
        ("machine cache", ["plan", p.model, "--threads", "1"], []),
    ]


def run(weir, p, arguments, library=None, fail_at=0, code=errno.ENOSPC, forever=False, limit=None, stdout=subprocess.DEVNULL):
    env = dict(os.environ, XDG_CACHE_HOME=os.path.join(p.out, "cache"))
    if library:
        env.update(LD_PRELOAD=library, WEIR_IO_UNDER=p.out, WEIR_IO_COUNT=p.counts, WEIR_IO_FAIL=str(fail_at), WEIR_IO_ERRNO=str(code))
        if forever:
            env["WEIR_IO_FOREVER"] = "1"
    small = (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))) if limit else None
    r = subprocess.run([weir] + arguments, env=env, stdout=stdout, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=300, preexec_fn=small)
    return r.returncode, r.stderr.decode("utf-8", "replace")


def contents(p, outputs):
    return {name: open(os.path.join(p.out, name), "rb").read() for name in outputs if os.path.exists(os.path.join(p.out, name))}


def left_over(p, outputs):
    """Names that should not be there. The trial store and a cached machine model may stay; of the store, too, what its next user
    rolls back (recovers)."""
    names = [os.path.relpath(os.path.join(f, n), p.out) for f, _, files in os.walk(p.out) for n in files]
    store = [n + s for n in outputs for s in (".trials", ".trials-wal", ".trials-shm", JOURNAL)]
    return [n for n in names if n not in outputs and n not in store and not (n.startswith("cache/") and n.endswith(".json"))]


def judge(p, what, outputs, whole, same, code, err, allowed):
    wrong = []
    now = contents(p, outputs)
    if code not in allowed:
        wrong.append("exit code %d, expected one of %s" % (code, sorted(allowed)))
    if code != 0 and not err.startswith("weir: "):
        wrong.append("no message")
    if code == 0 and outputs and set(now) != set(whole):
        wrong.append("exit code 0 but only %s was written" % sorted(now))
    for name, data in now.items():
        if same and data != whole[name]:
            wrong.append("%s is not what an undisturbed run writes" % name)
        elif not same and len(data) < len(whole[name]) // 2:
            wrong.append("%s has %d bytes, an undisturbed run writes %d" % (name, len(data), len(whole[name])))
    if code != 0 and outputs and now and set(now) == set(whole):
        wrong.append("exit code %d, but everything is there" % code)
    wrong += ["left behind: " + n for n in left_over(p, outputs)]
    if wrong:
        print("FAIL %s: %s\n     %s" % (what, "; ".join(wrong), err.strip()[:500]))
    return not wrong


def recovers(weir, p, what, arguments, outputs):
    """Where a rollback was cut off: the next run, on a whole disk, does it and succeeds."""
    if not any(os.path.exists(os.path.join(p.out, n + JOURNAL)) for n in outputs):
        return True
    code, err = run(weir, p, arguments + ["--resume"])
    left = left_over(p, outputs) + [n + JOURNAL for n in outputs if os.path.exists(os.path.join(p.out, n + JOURNAL))]
    if code or left:
        print("FAIL %s, then undisturbed: exit %d, left behind %s\n     %s" % (what, code, left, err.strip()[:500]))
    return not (code or left)


ERRORS = {"ENOSPC": ({0, 4}, [False, True]), "EIO": ({0, 3, 4}, [False]), "EROFS": ({0, 3, 4}, [True])}


def disturb(weir, library, p, case, every):
    name, arguments, outputs = case
    p.empty()
    code, err = run(weir, p, arguments, library)
    if code != 0:
        print("FAIL %s, undisturbed: exit %d: %s" % (name, code, err[:500]))
        return 1, 1
    whole, total = contents(p, outputs), int(open(p.counts).read())
    same = all(not n.endswith(".html") for n in outputs)  # a report tells how long things took
    runs = bad = 0
    slow = name in ("optimize", "machine cache")
    for error, (allowed, ways) in ERRORS.items():
        if slow and not every and error != "ENOSPC":
            continue
        for forever in ways:
            points = range(1, total + 1)
            if slow and not every:
                points = sorted({1 + i * (total - 1) // 11 for i in range(12)} if name == "optimize" else {1, 3, total - 1}) if forever else []
            for n in points:
                p.empty()
                code, err = run(weir, p, arguments, library, n, getattr(errno, error), forever)
                what = "%s, %s from call %d of %d%s" % (name, error, n, total, " on" if forever else " only")
                bad += not (judge(p, what, outputs, whole, same, code, err, allowed) and recovers(weir, p, what, arguments, outputs))
                runs += 1
    return runs, bad


def plain(weir, p, all_cases):
    """Without a shim: file size limit, a full device as output, a full standard output."""
    runs = bad = 0
    for name, arguments, outputs in all_cases:
        if not outputs or name == "machine -o":
            continue
        p.empty()
        code, err = run(weir, p, arguments, limit=1000 if name in ("machine -o", "run to .npy", "run to .npz") else 3000)
        ok = code == 4 or (code == 0 and name.startswith("run"))  # a small result fits
        if not ok or left_over(p, outputs) or (code and contents(p, outputs)):
            print("FAIL %s with a file size limit: exit %d, left %s: %s" % (name, code, os.listdir(p.out), err[:500]))
            bad += 1
        runs += 1
    for target, arguments in (("full.weir", ["convert", p.model]), ("full.npy", ["run", p.model, "--machine", p.machine, "-i", p.array, "-o"]),
                              ("full.html", ["profile", p.model, "--iterations", "1", "--machine", p.machine, "--html"]),
                              ("full.json", ["machine", "--machine", p.machine, "-o"])):
        p.empty()
        link = os.path.join(p.out, target)
        os.symlink("/dev/full", link)
        code, err = run(weir, p, arguments + [link])
        if code != 4 or "No space left" not in err or os.listdir(p.out) != [target]:
            print("FAIL %s on /dev/full: exit %d: %s" % (arguments[0], code, err[:500]))
            bad += 1
        runs += 1
    for arguments in (["inspect", p.model], ["plan", p.model, "--json", "--machine", p.machine], ["--help"], ["machine", "--machine", p.machine]):
        with open("/dev/full", "wb") as full:
            code, err = run(weir, p, arguments, stdout=full)
        if code != 4 or "could not be written" not in err:
            print("FAIL %s to a full standard output: exit %d: %s" % (" ".join(arguments), code, err[:500]))
            bad += 1
        runs += 1
    return runs, bad


def main():
    weir, library, model = sys.argv[1], os.path.abspath(sys.argv[2]), sys.argv[3]
    every = "--all" in sys.argv
    os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"  # the shim comes first
    with tempfile.TemporaryDirectory() as folder:
        p = Place(folder, model)
        all_cases = cases(p)
        results = [disturb(weir, library, p, c, every) for c in all_cases] + [plain(weir, p, all_cases)]
    print("%d runs with failing output, %d failures" % tuple(map(sum, zip(*results))))
    return 1 if any(bad for _, bad in results) else 0


sys.exit(main())
