"""weir diff: what it compares, --fail-on at its limits, and what it refuses.

usage: test_diff.py WEIR MODEL SCRATCH
"""
import copy
import json
import os
import pathlib
import pty
import subprocess
import sys

weir, model, scratch = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
scratch.mkdir(parents=True, exist_ok=True)
passed = failed = 0


def run(*arguments, stdin=subprocess.DEVNULL, **kw):
    p = subprocess.run([weir, *map(str, arguments)], stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300, **kw)
    return p.returncode, p.stdout.decode(), p.stderr.decode()


def check(name, ok, *more):
    global passed, failed
    if ok:
        passed += 1
    else:
        failed += 1
        print("FAILED %s" % name, *[str(m)[:600] for m in more], sep="\n    ")


def file(name, content):
    path = scratch / name
    path.write_bytes(content if isinstance(content, bytes) else (content if isinstance(content, str) else json.dumps(content)).encode())
    return path


def diff(name, want, a, b, *arguments, says=None, silent=None):
    """Runs diff on two documents (or paths) and checks exit status and what it says."""
    paths = [p if isinstance(p, (str, pathlib.Path)) else file("%s.json" % k, p) for k, p in (("a", a), ("b", b))]
    code, out, err = run("diff", *paths, *arguments)
    ok = code == want and all(s in out + err for s in ([says] if isinstance(says, str) else says or [])) and (silent is None or silent not in out + err)
    check(name, ok, "exit %d, expected %d; says %r" % (code, want, says), err, out)
    return out, err


def limits(name, cases, make):
    """(old, new, limit, violated?) with documents made from a number"""
    for old, new, limit, violated in cases:
        diff("%s %s -> %s at %s" % (name, old, new, limit), 1 if violated else 0, make(old), make(new), "--fail-on", "bytes.dram:" + limit)


# ---- models and documents
code, text, _ = run("plan", model, "--json", "--threads", "1")
plan = json.loads(text)
p = file("plan.json", plan)
out, _ = diff("a model against itself", 0, model, model, "--threads", "1", "--fail-on", "bytes.dram:+0", "--fail-on", "steps.*.bytes.dram:+0%")
check("nothing differs", "0 changed, 0 added, 0 removed" in out, out)
diff("a document against the model", 0, p, model, "--threads", "1", "--fail-on", "bytes.dram:+0", "--fail-on", "bytes.dram:-0", "--fail-on", "bound_ms:+0%",
     says=["plan and model: only", "0 changed, 0 added, 0 removed"])
diff("quiet", 0, p, model, "-q", silent="note")
out, _ = diff("--json", 0, p, model, "--json", "--threads", "1")
d = json.loads(out)
check("--json: fields", d["a"]["kind"] == "plan" and d["b"]["kind"] == "model" and d["weir"]["version"] and d["command"][1] == "diff" and
      d["machine"]["cpu_model"] and d["violated"] == 0 and all(set(t) >= {"path", "a", "b", "change", "relative"} for t in d["totals"]), d)
check("--json: every step is there", len(d["steps"]) == len(plan["steps"]) and all(s["status"] == "same" and s["changes"] == [] for s in d["steps"]), d["steps"][:1])
out, _ = diff("--json without a model", 0, p, p, "--json")
check("--json without a model: no machine, with a reason", json.loads(out)["machine"] == {"model": None, "reason": "two results were compared, nothing was planned"}, out)
out, _ = diff("--all", 0, p, model, "--all", "--threads", "1")
check("--all shows what is the same", "bytes.dram" in out and "same" in out, out)
machine = pathlib.Path(__file__).resolve().parent.parent / "plan/golden/machine-vnni.json"
out, _ = diff("models planned for a stored machine", 0, model, model, "--machine", machine, "--json")
check("models planned for a stored machine: its set and threads", json.loads(out)["a"]["isa"] == "vnni" and json.loads(out)["a"]["threads"] == 4, out)

# ---- a planted regression in a real document
worse = copy.deepcopy(plan)
worse["bytes"]["dram"] = round(plan["bytes"]["dram"] * 1.03)
step = worse["steps"][2]
step["bytes"]["dram"] += worse["bytes"]["dram"] - plan["bytes"]["dram"]
step["kernel"] = "f32_other_1x1__ref"
out, err = diff("3 % more", 1, plan, worse, "--fail-on", "bytes.dram:+2%",
                says=["bytes.dram: %d -> %d (+3.00 %%), the limit is +2%%" % (plan["bytes"]["dram"], worse["bytes"]["dram"]), "1 changed", "f32_other_1x1__ref"])
check("3 % more: the changed step comes first", out.index(step["name"]) < out.index("f32_other"), out)
diff("3 % more is inside 3.5 %", 0, plan, worse, "--fail-on", "bytes.dram:+3.5%")
diff("3 % less is no rise", 0, worse, plan, "--fail-on", "bytes.dram:+2%")
diff("3 % less is a fall", 1, worse, plan, "--fail-on", "bytes.dram:-2%", says="the limit is -2%")
diff("a step", 1, plan, worse, "--fail-on", "steps.%s.bytes.dram:+1%%" % step["name"], says="steps.%s.bytes.dram" % step["name"])
_, err = diff("any step", 1, plan, worse, "--fail-on", "steps.*.bytes.dram:+1%")
check("any step: only the one that grew is named", err.count("the limit is") == 1 and step["name"] in err, err)
out, _ = diff("several limits", 1, plan, worse, "--fail-on", "bytes.dram:+50%", "--fail-on", "bytes.dram:+1000", "--fail-on", "macs:+0", "--json")
d = json.loads(out)
check("several limits: the document", d["violated"] == 1 and [l["violated"] for l in d["limits"]] == [False, True, False] and
      d["limits"][1]["limit"] == "bytes.dram:+1000" and d["limits"][1]["path"] == "bytes.dram", d["limits"])
check("what changed most is first", d["totals"][0]["path"] == "bytes.dram" and abs(d["totals"][0]["relative"] - 0.03) < 1e-5, d["totals"][:2])
changed = [s for s in d["steps"] if s["status"] == "changed"]
check("the step's changes", len(changed) == 1 and d["steps"][0] == changed[0] and {c["path"] for c in changed[0]["changes"]} == {"bytes.dram", "kernel"} and
      d["steps_by"] == "bytes.dram", changed)

# ---- arithmetic at the limit is exact
number = lambda n: {"bytes": {"dram": n}}
limits("percent", [(1000, 1020, "+2%", False), (1000, 1021, "+2%", True), (100, 129, "+29%", False), (100, 130, "+29%", True), (1000, 1001, "+0.1%", False),
                   (10000, 10011, "+0.1%", True), (7, 7, "+0%", False), (7, 8, "+0%", True), (0, 0, "+2%", False), (0, 1, "+2%", True), (-100, -98, "+2%", False),
                   (-100, -97, "+2%", True), (1000, 980, "-2%", False), (1000, 979, "-2%", True), (1000, 5000, "-2%", False), (0.1, 0.102, "+2%", False),
                   (0.1, 0.1020001, "+2%", True), (1.1, 1.122, "+2%", False), (3e-7, 3.06e-7, "+2%", False), (3e-7, 3.0600001e-7, "+2%", True),
                   (10 ** 17, 102 * 10 ** 15, "+2%", False), (10 ** 17, 102 * 10 ** 15 + 1, "+2%", True), (1, 1.02, "+2e0%", False)], number)
limits("absolute", [(1000, 2000, "+1000", False), (1000, 2001, "+1000", True), (0.3, 0.6, "+0.3", False), (0.3, 0.61, "+0.3", True), (5, 2, "-3", False),
                    (5, 1, "-3", True), (9223372036854775806, 9223372036854775807, "+1", False), (-9223372036854775808, 9223372036854775807, "+1", True),
                    (-9223372036854775808, 9223372036854775807, "+999999999999999999", True), (1e300, 1.5e300, "+1", True), (1e-300, 1e300, "+2%", True)], number)
limits("B itself", [(1, 5000, "5000", False), (9999, 5000, "5000", False), (1, 5001, "5000", True), (1, 5000.5, "5000", True), (None, 4, "5", False),
                    (1, -2, "-3", False)], number)
diff("1 and 1.0 are the same", 0, {"bytes": {"dram": 1}}, {"bytes": {"dram": 1.0}}, says="1 more are the same")

# ---- paths
bench = {"command": ["weir", "bench"], "threads": 1, "batch": 1, "latency_ms": {"p50": 2.0, "p99.9": 3.0}, "samples_ns": [1] * 100, "peak_rss_bytes": None,
         "peak_rss_why_null": "two networks share this process", "top1_ci95": [91.0, 92.0], "top1": 91.5, "isa": "avx2"}
slower = dict(bench, latency_ms={"p50": 2.2, "p99.9": 3.0})
diff("latency_ms means the median", 1, bench, slower, "--fail-on", "latency_ms:+5%", says="latency_ms: 2 -> 2.2 (+10.00 %), the limit is +5%")
diff("a key with a dot", 0, bench, slower, "--fail-on", "latency_ms.p99.9:+0", "--fail-on", "latency_ms.p50:+10%")
diff("a path that is null", 2, bench, slower, "--fail-on", "peak_rss_bytes:+1", says=["is null", "two networks share this process"])
diff("a path that is null without a reason", 2, {"bytes": {"dram": None}}, {"bytes": {"dram": 1}}, "--fail-on", "bytes.dram:+1", says=["of A", "is null"])
diff("a path that is not there", 2, bench, slower, "--fail-on", "bytes.dram:+1", says=["has no 'bytes.dram'", "bench"])
diff("a path in one of the two", 2, bench, dict(bench, extra=1), "--fail-on", "extra:+1", says="A (")
diff("a text", 2, bench, slower, "--fail-on", "isa:+1", says="a number is expected")
diff("an object", 2, {"bytes": {"dram": 1}}, {"bytes": {"dram": 1}}, "--fail-on", "bytes:+1", says="is an object")
diff("a list", 2, bench, slower, "--fail-on", "top1_ci95:+1", says="is a list")
diff("any key that is a number", 1, {"bytes": {"l2": 1, "dram": 1, "state": "cold"}}, {"bytes": {"l2": 1, "dram": 2, "state": "cold"}}, "--fail-on", "bytes.*:+5%",
     says="bytes.dram: 1 -> 2")
diff("a wildcard over nothing", 2, bench, slower, "--fail-on", "steps.*.ms:+5%", says="no number there in common")
diff("a wildcard over a null", 2, {"bytes": {"l2": 1, "dram": None}}, {"bytes": {"l2": 1, "dram": 1}}, "--fail-on", "bytes.*:+5%", says="is null")
for bad in ("bytes.dram", "bytes.dram:", ":+2%", "bytes.dram:2%", "bytes.dram:+-2", "bytes.dram:++2", "bytes.dram:+2x", "bytes.dram:+", "bytes.dram:+2%%", "bytes.dram:nan",
            "bytes.dram:+1234567890123456789", "bytes.dram:+1e999", "x" * 2000 + ":+1"):
    diff("limit '%s'" % bad[:40], 2, bench, slower, "--fail-on", bad, says="is expected")
diff("accuracy: a fall within", 0, {"top1": 90.0}, {"top1": 89.1}, "--fail-on", "top1:-1%")
diff("accuracy: a fall beyond", 1, {"top1": 90.0}, {"top1": 89.09}, "--fail-on", "top1:-1%", says="90 -> 89.09")

# ---- steps: added, removed, renamed, twice the same name
steps = lambda **ms: {"steps": [{"name": k.rstrip("_"), "ms": v, "kernel": "k"} for k, v in ms.items()]}
out, _ = diff("timed steps", 0, steps(a=1.0, b=2.0, c=3.0), steps(a=1.5, b=1.0, d=9.0), says=["2 changed, 1 added, 1 removed", "(ms)"])
check("steps: the largest change first", [out.index("\n" + n + " ") for n in "dcba"] == sorted(out.index("\n" + n + " ") for n in "dcba"), out)
diff("renamed layers", 0, steps(a=1.0, b=2.0), steps(x=1.0, y=2.0), says=["0 changed, 2 added, 2 removed", "was the network renamed?"])
diff("renamed layers with a wildcard", 2, steps(a=1.0), steps(x=1.0), "--fail-on", "steps.*.ms:+5%", says="no number there in common")
diff("an added layer with a wildcard", 0, steps(a=1.0), steps(a=1.0, x=1.0), "--fail-on", "steps.*.ms:+5%", says="1 places are in one of the two only")
diff("two layers of one name", 1, steps(a=1.0, a_=2.0), steps(a=1.0, a_=3.0), "--fail-on", "steps.a#2.ms:+5%", says="steps.a#2.ms: 2 -> 3")
rows = lambda x: {"command": ["weir", "bench"], "rows": [{"threads": t, "batch": b, "latency_ms": {"p50": x * t * b}} for t in (1, 2) for b in (1, 8)]}
diff("rows of bench", 1, rows(1.0), rows(1.1), "--fail-on", "rows.threads=2,batch=8.latency_ms.p50:+5%", says="16 -> 17.6 (+10.00 %)")

# ---- what makes results hard to compare is said
base = dict(plan)
other = copy.deepcopy(plan)
other["machine"]["cpu_model"], other["weir"]["commit"], other["threads"], other["bytes"]["state"] = "Another", "0123", 7, "warm"
diff("other machine, commit, threads, state", 0, plan, other, says=["other machines", "Another", "other commits of weir", "other numbers of threads", "cold and warm"])

# ---- recipes and results of optimize
rules = lambda *r: {"top1": 1, "recipe": list(r)}
int8, prune = {"technique": "int8", "nodes": ".*", "cost": {"kl": 1}}, {"technique": "prune", "nodes": ["a"], "density": 0.5}
out, _ = diff("recipes", 0, rules(int8, prune), rules(dict(int8, cost={"kl": 2}), dict(prune, density=0.25), {"technique": "ans", "nodes": ".*"}), "--json")
check("recipes: the document", [(r["status"], r["technique"]) for r in json.loads(out)["recipe"]] == [("same", "int8"), ("changed", "prune"), ("added", "ans")], out)
out, _ = diff("a result that does not say its recipe", 0, rules(int8, prune), {"top1": 1}, "--json")
check("a result that does not say its recipe: no rule is said to be gone", json.loads(out)["recipe"] == [], out)
diff("recipes for people", 0, rules(prune), rules(dict(prune, density=0.25)), says=['["a"]', '{"density":0.5} -> {"density":0.25}'])
best = lambda n: {"command": ["weir", "optimize"], "baseline": {"bytes": {"dram": 100}}, "optimized": {"bytes": {"dram": n}, "top1": 90.0}, "met": True}
diff("optimized networks", 1, best(50), best(60), "--fail-on", "bytes.dram:+10%", says="bytes.dram: 50 -> 60 (+20.00 %)")
diff("optimized networks by their own path", 1, best(50), best(60), "--fail-on", "optimized.bytes.dram:+10%")
diff("an optimized network and a plan", 1, best(50), plan, "--fail-on", "bytes.dram:+10%", says="optimize and plan: only what both say")

# ---- files that are nothing
diff("no file", 3, plan, scratch / "none.json", says="none.json")
diff("a folder", 3, plan, scratch)
for name, content in {"empty": b"", "blank": b"  \n", "cut": json.dumps(plan)[:-20], "nan": b'{"bytes": {"dram": NaN}}', "infinite": b'{"bytes": {"dram": 1e999}}',
                      "list": b"[1, 2]", "nothing": b"{}", "foreign": b'{"colour": "red"}', "trailing": b'{"top1": 1} x', "twice": b'{"top1": 1}{"top1": 1}',
                      "not-utf8": b'{"top1": 1, "x": "\xff"}', "nul": b'{"top1": 1, "x": "\x00"}', "deep": b'{"bytes":' * 100000, "broad": b'{"steps": [1, 2',
                      "huge-integer": b'{"top1": 123456789012345678901234567890}'}.items():
    diff("bad: " + name, 3, file("bad-%s.json" % name, content), plan, says="bad-%s.json" % name)
with open(scratch / "huge.json", "wb") as f:
    f.write(b"{")
    f.truncate(300 << 20)
diff("a huge file", 3, scratch / "huge.json", plan, says="more than 256 MiB")
os.remove(scratch / "huge.json")
long_name = "n" * 5000
diff("a name longer than any path", 0, {"top1": 1, "steps": [{"name": long_name, "ms": 1.0}]}, {"top1": 1, "steps": [{"name": long_name, "ms": 2.0}]}, says="1 changed")
nested = {"bytes": {"dram": 1}}
for _ in range(500):
    nested = {"bytes": {"dram": 1}, "x": nested}
diff("a deep document", 0, nested, nested, "--fail-on", "bytes.dram:+0")
many = {"steps": [{"name": "s", "ms": 1.0}] * 20000}
diff("many steps of one name", 0, many, many, says="20000 the same")

# ---- usage, pipes, terminals
check("one argument", run("diff", p)[0] == 2)
check("three arguments", run("diff", p, p, p)[0] == 2)
with open(p, "rb") as f:
    r, w = os.pipe()
    writer = subprocess.Popen(["cat", str(p)], stdout=w)
    os.close(w)
    code, out, err = run("diff", "/dev/stdin", p, stdin=r)
    writer.wait()
    os.close(r)
check("a pipe", code == 0, err)
check("no colour in a pipe", "\033" not in out)


def on_terminal(env):
    pid, fd = pty.fork()
    if pid == 0:
        os.execvpe(weir, [weir, "diff", str(scratch / "a.json"), str(scratch / "b.json")], dict(os.environ, **env))
    data = b""
    try:
        while chunk := os.read(fd, 65536):
            data += chunk
    except OSError:
        pass
    os.waitpid(pid, 0)
    return data


def has_terminals():
    try:
        for fd in pty.openpty():
            os.close(fd)
        return True
    except OSError:
        return False


if has_terminals():
    file("a.json", number(1000)), file("b.json", number(2000))
    check("red on a terminal", b"\033[31m" in on_terminal({"NO_COLOR": ""}))
    check("NO_COLOR", b"\033" not in on_terminal({"NO_COLOR": "1"}))
    file("b.json", number(500))
    check("green on a terminal", b"\033[32m" in on_terminal({"NO_COLOR": ""}))
else:
    print("no terminals here (a bare chroot): colours not tested")

print("%d passed, %d failed" % (passed, failed))
sys.exit(1 if failed else 0)
