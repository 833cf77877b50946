"""Sums gcov's counts over src/ and lab/. A line is covered when any object that holds it ran it.

Left out, and printed: files of instruction sets that this CPU lacks (no test can run them here; weir-check runs every kernel of
the sets that a CPU has against its reference).

usage: coverage.py BUILD_FOLDER LIMIT
"""
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SETS = {"avx2": "avx2", "avxvnni": "avx_vnni", "avx512": "avx512bw", "vnni": "avx512_vnni", "512": "avx512bw"}


def lacking(name, flags):
    """The instruction set that a kernel file needs and this CPU lacks, from the last word of its name."""
    word = name.rsplit(".", 1)[0].rsplit("_", 1)[-1]
    return SETS[word] if word in SETS and SETS[word] not in flags else None


def gcov(objects):
    """One document for each object file that was run."""
    for gcda in objects:
        p = subprocess.run(["gcov", "--json-format", "--stdout", str(gcda)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for line in p.stdout.splitlines():
            yield json.loads(line)


def collect(build):
    notes = [g for g in sorted(build.rglob("*.gcno")) if "/src/" in str(g) or "/lab/" in str(g)]
    lines = {}
    for doc in gcov([g.resolve() for g in notes]):
        for f in doc["files"]:
            path = os.path.normpath(os.path.join(doc["current_working_directory"], f["file"]))
            name = os.path.relpath(path, ROOT)
            if name.startswith(("src/", "lab/")):
                mine = lines.setdefault(name, {})
                for line in f["lines"]:
                    mine[line["line_number"]] = max(mine.get(line["line_number"], 0), line["count"])
    return lines


def main():
    build, limit = pathlib.Path(sys.argv[1]).resolve(), float(sys.argv[2])
    flags = next(line for line in open("/proc/cpuinfo") if line.startswith("flags")).split()
    lines = collect(build)
    left_out = {n: lacking(os.path.basename(n), flags) for n in lines}
    rows, ran, total, out = [], 0, 0, 0
    for name, counts in sorted(lines.items()):
        if left_out[name]:
            out += len(counts)
            continue
        hit = sum(c > 0 for c in counts.values())
        ran, total = ran + hit, total + len(counts)
        rows.append((100 * hit / max(len(counts), 1), hit, len(counts), name))
    for percent, hit, n, name in sorted(rows):
        if percent < 90:
            print("%6.1f %%  %5d of %5d  %s" % (percent, hit, n, name))
    print("left out, because this CPU lacks the instructions (%d lines):" % out)
    for name, need in sorted(left_out.items()):
        if need:
            print("    %s (%s)" % (name, need))
    percent = 100 * ran / total if total else 0
    print("line coverage of src/ and lab/: %.2f %% (%d of %d lines), limit %g %%" % (percent, ran, total, limit))
    return 0 if total and percent >= limit else 1


sys.exit(main())
