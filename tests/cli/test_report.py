#!/usr/bin/env python3
"""Reports as files: well-formed, self-contained, small, escaped, and tolerant of documents that lack fields.
usage: test_report.py WEIR MODEL"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

WEIR, MODEL = sys.argv[1], sys.argv[2]
EVIL = '<script>alert("1")</script> & \'two\' \x01'
passed = failed = 0


def check(name, good, why=""):
    global passed, failed
    passed += bool(good)
    failed += not good
    if not good:
        print(f"FAILED {name}: {why}")


def weir(*args):
    return subprocess.run([WEIR, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)


def parsed(name, path):
    text = path.read_text()
    try:
        return text, xml.fromstring(text.replace("<!DOCTYPE html>", "", 1))
    except (xml.ParseError, OSError) as e:
        check(name, False, e)
        return text, None


def check_page(name, path):
    text, tree = parsed(name, path)
    if tree is None:
        return ""
    check(name + " is under 2 MB", len(text.encode()) < 2_000_000)
    outside = [v for e in tree.iter() for k, v in e.attrib.items() if k in ("src", "href", "srcset", "action", "poster") and not re.match("#|data:", v)]
    check(name + " asks for nothing", not outside and not re.search(r"@import|url\(|<script|<iframe|https?://", text), outside)
    ids = [e.get("id") for e in tree.iter() if e.get("id")]
    check(name + " has each id once", len(ids) == len(set(ids)), ids)
    links = {e.get("href")[1:] for e in tree.iter("a")}
    check(name + " links to its sections", links and links <= set(ids), links - set(ids))
    check(name + " has pictures with words", all(e.get("aria-label") for e in tree.iter("svg")))
    check(name + " has tables with captions", all(t.find("caption") is not None for t in tree.iter("table")))
    words = "".join(tree.itertext())
    check(name + " prints no broken number", not re.search(r"\b(nan|inf|-nan)\b", words), re.findall(r".{20}\b(?:nan|inf)\b.{20}", words)[:3])
    check(name + " draws no broken number", not re.search(r'[ ="](-?nan|-?inf)[ "]', text))
    return words


def check_picture(name, path):
    text, tree = parsed(name, path)
    if tree is None:
        return
    ns = "{http://www.w3.org/2000/svg}"
    check(name + " is a picture with a title", tree.tag == ns + "svg" and tree.find(ns + "title").text and tree.find(ns + "desc").text)
    check(name + " brings its colours, light and dark", "prefers-color-scheme:dark" in text)
    check(name + " has no broken number", not re.search(r'[ ="](-?nan|-?inf)[ "]', text))


def side(profile, **more):
    names = {"arena_bytes": "bytes", "arena_lower_bound": "lower_bound", "arena_bound_proof": "proof", "buffers": "buffers"}
    return {"top1": 91.0, "n": 10000, "file_bytes": 1000000, "latency_ms": 0.5, "bytes": profile["bytes"], "threads": 1, "steps": profile["steps"],
            "arena": {new: profile[old] for old, new in names.items()}, **more}


def optimize_document(profile):
    counts = [0, 1, 5, 9, 5, 1, 0]
    return {"weir": {"version": "1", "commit": "c"}, "machine": profile["machine"], "command": ["weir", "optimize", EVIL], "model": "/some/where/" + EVIL,
            "baseline": side(profile), "optimized": side(profile, top1=90.8, file_bytes=100000, latency_ms=0.1),
            "drop_points": 0.2, "drop_upper95": 0.4, "max_drop": 0.5, "met": True, "verifications": 1, "trials": 12, "seconds": 3.5,
            "recipe": [{"technique": "int8", "nodes": [EVIL], "bits": 6, "rounding": EVIL, "cost": {"drop_points": 0.1, "kl": 0.001, "saved_bytes": 9e5, "saved_ms": 0.4}},
                       {"technique": "channels", "nodes": ".*" + EVIL, "keep": 0.75}, {"technique": EVIL, "nodes": []}, {"technique": "lowrank", "nodes": ["a"], "rank": 5}],
            "pareto": [{"predicted_ms": 0.1, "dram_bytes": 10, "file_bytes": 100000, "drop_points": 0.2, "drop_upper95": 0.4, "families": ["int8", EVIL], "chosen": True},
                       {"predicted_ms": 0.3, "dram_bytes": 20, "file_bytes": 300000, "drop_points": 0.0, "drop_upper95": None, "families": [], "chosen": False}],
            "joint_trials": [{"predicted_ms": 0.2, "file_bytes": 200000, "drop_points": 0.3}, {"predicted_ms": None}],
            "layers": [{"name": EVIL, "weights": 10, "options": [{"technique": "int8", "parameters": {"bits": 6}, "chosen": True, "drop_points": 0.1},
                                                                 {"technique": EVIL, "parameters": {EVIL: 0.5}, "chosen": False}]}],
            "weights": [{"name": EVIL, "lo": -1, "hi": 1, "count": {"before": 21, "after": 21}, "zeros": {"before": 0, "after": 9}, "before": counts, "after": counts,
                         "error": {"lo": -0.1, "hi": 0.1, "rms": 0.01, "counts": counts}},
                        {"name": "new", "lo": 0, "hi": 0, "count": {"before": 0, "after": 3}, "zeros": {"before": None, "after": 3}, "before": None, "after": [0, 0], "error": None}]}


def without_each_field(value, path=()):
    """The document with one field after the other taken out, then set to null, then to something of another type."""
    for key in list(value) if isinstance(value, dict) else range(min(len(value), 1)):
        old = value[key]
        if isinstance(value, dict):
            del value[key]
            yield path + (key, "gone")
        for other in (None, "x", 7, -1, [], {}, [None], {"a": 1}):
            value[key] = other
            yield path + (key, repr(other))
        value[key] = old
        if isinstance(old, (dict, list)):
            yield from without_each_field(old, path + (key,))


def small(profile):
    profile = json.loads(json.dumps(profile))
    profile["steps"] = profile["steps"][:2]
    for s in profile["steps"]:
        s["from"] = s["from"] or [-1]
    return profile


def main():
    folder = pathlib.Path(tempfile.mkdtemp())
    page, source = folder / "p.html", folder / "d.json"
    profile_text = weir("profile", MODEL, "--iterations", "3", "--html", page, "--svg", folder / "svg", "--json").stdout
    profile = json.loads(profile_text)
    words = check_page("the page of profile", page)
    check("profile: every step is in the page", all(s["name"] in words for s in profile["steps"]))
    names = {p.stem for p in (folder / "svg").iterdir()}
    check("profile --svg", {"time-per-layer", "roofline", "bytes-per-level", "bytes-per-layer", "network", "arena"} <= names, names)
    for p in (folder / "svg").iterdir():
        check_picture(p.name, p)
    source.write_text(profile_text)
    again = weir("report", source, "-o", folder / "again.html")
    check("report draws a saved profile again, the same", again.returncode == 0 and (folder / "again.html").read_text().split("<code>")[0] == page.read_text().split("<code>")[0])
    done = weir("plan", MODEL, "--html", folder / "plan.html", "--svg", folder / "svg2")
    check("plan --html", done.returncode == 0, done.stderr)
    check_page("the page of plan", folder / "plan.html")

    d = optimize_document(profile)
    d["baseline"]["steps"][0]["name"] = EVIL
    source.write_text(json.dumps(d))
    done = weir("report", source, "-o", page, "--svg", folder / "svg3")
    check("report", done.returncode == 0, done.stderr)
    words = check_page("the page of optimize", page)
    check("names are shown as they are", EVIL.replace("\x01", "\ufffd") in words)
    check("numbers a manager reads", all(t in words for t in ("10× smaller", "5.0× faster", "fell by 0.20 points", "the accuracy budget is met", "91.00 % to 90.80 %", "10,000 images")), words[:900])
    check("rules in words", all(t in words for t in ("weights of 6 bits", "Remove 25 % of the channels", "two thin layers of rank 5")))
    check("each picture has its file", {p.stem for p in (folder / "svg3").iterdir()} >= {"front-time", "front-file", "network-before", "network-after", "arena-before", "arena-after",
          "roofline", "bytes-per-level", "bytes-per-layer", "time-per-layer", "weights"})
    for p in (folder / "svg3").iterdir():
        check_picture(p.name, p)

    tried = 0
    for d in (optimize_document(small(profile)), small(profile)):
        for what in without_each_field(d):
            tried += 1
            if tried % int(os.environ.get("WEIR_REPORT_EVERY", "11")):
                continue
            source.write_text(json.dumps(d))
            done = weir("report", source, "-o", page)
            if done.returncode == 0:
                check_page(f"a page with {'.'.join(map(str, what))}", page)
            check(f"a document with {'.'.join(map(str, what))}", done.returncode in (0, 3), f"{done.returncode} {done.stderr[-200:]}")
    check("documents without fields were tried", tried > 500, tried)

    for name, text, says in (("empty", "{}", "no 'baseline'"), ("no JSON", "{", "line 1"), ("a list", "[]", "no 'baseline'")):
        source.write_text(text)
        done = weir("report", source, "-o", folder / "none.html")
        check(f"{name} is refused", done.returncode == 3 and says in done.stderr, done.stderr)
    check("a refused report leaves nothing", not (folder / "none.html").exists())
    check("a report of nothing", weir("report", folder / "absent.json", "-o", page).returncode == 3)
    check("a report to nowhere", weir("report", source, "-o", "/nowhere/p.html").returncode == 3)
    check("report without an output", weir("report", source).returncode == 2)
    source.write_text(profile_text)
    check("pictures into a file", weir("report", source, "--svg", source).returncode == 3)
    check("a page where no page can be", weir("report", source, "-o", "/nowhere/p.html").returncode == 3)
    check("no rubbish is left", not [p for p in folder.rglob("*.tmp*")])
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed != 0)


main()
