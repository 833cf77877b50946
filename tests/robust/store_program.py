"""One trial store, several runs of the program: two at the same time find the same as one alone, a killed one leaves a store that
resumes, a run that starts afresh does not pull the store from under another.

usage: store_program.py WEIR MODEL
"""
import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

import tiny


class Runs:
    def __init__(self, weir, model, folder):
        self.folder, self.out = folder, os.path.join(folder, "o.weir")
        self.store = self.out + ".trials"
        data, train = tiny.images(folder), tiny.images(folder, 240, 64)
        self.command = [weir, "optimize", model, "-o", self.out, "--data", data, "--train", train, "--no-finetune", "--max-drop", "90", "--accept", "point",
                        "--only", "/8/Gemm", "--objective", "size", "--machine", tiny.machine(os.path.join(folder, "machine.json")), "--threads", "1",
                        "--json"]

    def start(self, *more):
        return subprocess.Popen(self.command + list(more), stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def end(self, p):
        out, err = p.communicate(timeout=600)
        return p.returncode, json.loads(out) if p.returncode == 0 else None, err.decode("utf-8", "replace")

    def fresh(self):
        for name in os.listdir(self.folder):
            if name.startswith("o.weir"):
                os.unlink(os.path.join(self.folder, name))

    def trials(self):
        if not os.path.exists(self.store):
            return 0
        try:
            # closed whatever happens: a connection that is left open holds a lock on the store
            with contextlib.closing(sqlite3.connect("file:%s?mode=ro" % self.store, uri=True, timeout=30)) as db:
                return db.execute("SELECT count(*) FROM trial").fetchone()[0]
        except sqlite3.Error:
            return 0


failures = 0


def check(what, good, more=""):
    global failures
    failures += not good
    if not good:
        print("FAIL %s %s" % (what, more))


def chosen(d):
    return {k: d[k] for k in ("recipe", "drop_points", "drop_upper95", "met")}


def same(what, r, result, alone, data):
    code, d, err = result
    check(what + ": exit code", code == 0, "%s %s" % (code, err[:400]))
    if d:
        check(what + ": the result", chosen(d) == chosen(alone), "%s\n%s" % (chosen(d), chosen(alone)))
        check(what + ": the file", open(r.out, "rb").read() == data)


def main():
    with tempfile.TemporaryDirectory() as folder:
        r = Runs(sys.argv[1], sys.argv[2], folder)
        code, alone, err = r.end(r.start())
        check("alone", code == 0, err)
        if code:
            return 1
        check("alone: no side files", not os.path.exists(r.store + "-wal"), os.listdir(folder))
        data, total = open(r.out, "rb").read(), r.trials()
        # at the same time, from nothing; then one of them joins late and starts afresh
        for delay in (0, 0.4):
            r.fresh()
            a = r.start()
            time.sleep(delay)
            b = r.start()
            for name, result in (("first of two", r.end(a)), ("second of two", r.end(b))):
                same("%s, %.1f s apart" % (name, delay), r, result, alone, data)
            check("two runs: as many trials as one", r.trials() == total, "%d, alone %d" % (r.trials(), total))
        # killed after some trials, then resumed, by two at once
        r.fresh()
        p = r.start()
        give_up = time.time() + 120
        while r.trials() < 3 and p.poll() is None and time.time() < give_up:
            time.sleep(0.02)
        p.send_signal(signal.SIGKILL)
        p.communicate()
        kept = r.trials()
        check("killed: the store has trials", kept >= 3 or p.returncode == 0, str(kept))
        check("killed: no output", not os.path.exists(r.out) or p.returncode == 0)
        a, b = r.start("--resume"), r.start("--resume")
        for name, p in (("resumed", a), ("resumed beside it", b)):
            same(name, r, r.end(p), alone, data)
        # a whole store: nothing is measured again
        code, again, err = r.end(r.start("--resume"))
        same("resumed at the end", r, (code, again, err), alone, data)
        # entries that are damaged
        for what, value in (("no JSON", "{"), ("no numbers", "{}"), ("another type", "{\"n\": \"many\"}")):
            db = sqlite3.connect(r.store)
            db.execute("UPDATE trial SET value = ?", (value,))
            db.commit()
            db.close()
            os.unlink(r.out)
            code, _, err = r.end(r.start("--resume"))
            check("entries with %s: exit code 3" % what, code == 3, "%d %s" % (code, err[:300]))
            check("entries with %s: message" % what, r.store in err, err[:300])
            check("entries with %s: no output" % what, not os.path.exists(r.out))
            code, d, err = r.end(r.start())
            same("afresh after entries with %s" % what, r, (code, d, err), alone, data)
    print("%d failures" % failures)
    return 1 if failures else 0


sys.exit(main())
