"""Kills weir optimize at random moments, goes on with --resume, and compares with a run that nobody disturbed.

One thread: the same bits as with more, and moments that depend less on what else the machine does.

usage: main_8.py [SEED]
"""
import collections
import contextlib
import hashlib
import json
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

import verdicts

KILLS = 10
EARLIEST = 0.2


def command(out, *extra):
    return [os.path.join(os.environ["WEIR_BUILD"], "weir"), "optimize", str(verdicts.MODELS / "lenet5.onnx"), "--train",
            "fashion-mnist:train", "--no-finetune", "--data", "fashion-mnist", "--max-drop", "0.5", "-o", str(out), "--json",
            "--quiet", "--threads", "1", *extra]


def attempts(out):
    """How often each trial was begun."""
    with contextlib.closing(sqlite3.connect(f"{out}.trials")) as db:
        return collections.Counter(key for (key,) in db.execute("SELECT key FROM attempt"))


def repeats(count):
    return sum(n - 1 for n in count.values())


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def recipe(text):
    return json.dumps(json.loads(text)["recipe"], sort_keys=True)


def undisturbed(v, out):
    begin = time.monotonic()
    done = subprocess.run(command(out), capture_output=True, text=True)
    seconds = time.monotonic() - begin
    if done.returncode != 0:
        v.line(False, f"the undisturbed run: exit {done.returncode}: {done.stderr.strip()}")
        v.finish()
    v.note(f"undisturbed: {seconds:.1f} s, {len(attempts(out))} trials")
    return recipe(done.stdout), digest(out), seconds


def life(out, resume, seconds):
    """True when the kill came in time."""
    process = subprocess.Popen(command(out, *(["--resume"] if resume else [])), stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        process.wait(timeout=seconds)
        return False
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True


def disturbed(v, out, seconds, rng):
    """Ten kills. A search that ends before its kill is done; the next kill then meets a new search from the start."""
    kills, resume, worst, before = 0, False, 0, 0
    while kills < KILLS:
        moment = rng.uniform(EARLIEST, max(2 * EARLIEST, 0.6 * seconds))
        killed = life(out, resume, moment)
        now = repeats(attempts(out)) if pathlib.Path(f"{out}.trials").exists() else 0
        if not killed:
            for path in out.parent.glob(f"{out.name}*"):
                path.unlink()
            resume, before = False, 0
            continue
        kills += 1
        worst = max(worst, now - before)
        before, resume = now, True
        v.note(f"kill {kills} after {moment:.2f} s: {now} trials repeated in this search so far; output "
               f"{'there' if out.exists() else 'not there'}")
    return worst, before


def main():
    v = verdicts.Verdict("main-8")
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    folder = pathlib.Path(tempfile.mkdtemp())
    try:
        (folder / "a").mkdir()
        (folder / "b").mkdir()
        want_recipe, want_bytes, seconds = undisturbed(v, folder / "a" / "lenet5.weir")
        out = folder / "b" / "lenet5.weir"
        worst, before = disturbed(v, out, seconds, random.Random(seed))
        done = subprocess.run(command(out, "--resume"), capture_output=True, text=True)
        v.line(done.returncode == 0, f"seed {seed}: after {KILLS} kills the search ends with exit {done.returncode} {done.stderr.strip()}")
        if done.returncode == 0:
            worst = max(worst, repeats(attempts(out)) - before)
            v.line(recipe(done.stdout) == want_recipe, "the recipe is the same")
            v.line(digest(out) == want_bytes, f"the output is the same: sha256 {want_bytes[:16]}")
        v.line(worst <= 1, f"at most {worst} trials repeated a kill (limit 1)")
    finally:
        shutil.rmtree(folder)
    v.finish()


main()
