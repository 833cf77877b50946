#!/usr/bin/env python3
"""usage: depth_5.py WEIR OUT [FILE.html ...]: makes reports and looks at them in Chromium; with files, looks at those only."""
import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "lib"))
from browser import Browser  # noqa: E402

MODELS = {"lenet5": "60s", "resnet8": "60s", "mobilenet": "60s"} # and how long to search
SQUEEZENET = pathlib.Path("../shared/models/squeezenet11-fp16.onnx")
CHECK = (pathlib.Path(__file__).parent / "lib/page_check.js").read_text()


def weir(program, *args):
    done = subprocess.run([program, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode not in (0, 1):
        raise SystemExit(f"weir {' '.join(map(str, args))}: {done.stderr}")
    return done.stdout


def two_sided(program, out):
    """A document like that of optimize for a network that optimize does not take (its input is f16), from two profiles."""
    rules = [{"technique": "prune", "nodes": ".*", "density": 0.4, "method": "magnitude"}, {"technique": "ans", "nodes": ".*"}]
    (out / "rules.json").write_text(json.dumps({"rules": rules}))
    weir(program, "compress", SQUEEZENET, "-o", out / "squeezenet.weir", "--recipe", out / "rules.json")
    document = {"recipe": rules, "met": False, "verifications": 0, "drop_points": None, "max_drop": 0.5}
    for key, path in (("baseline", SQUEEZENET), ("optimized", out / "squeezenet.weir")):
        d = json.loads(weir(program, "profile", path, "--iterations", "5", "--threads", "1", "--json"))
        arena = {"bytes": d["arena_bytes"], "lower_bound": d["arena_lower_bound"], "proof": d["arena_bound_proof"], "buffers": d["buffers"]}
        document[key] = {"bytes": d["bytes"], "steps": d["steps"], "threads": 1, "latency_ms": d["latency_median_ms"], "file_bytes": path.stat().st_size, "arena": arena}
        document.update({k: d[k] for k in ("weir", "machine", "command")}, model=str(SQUEEZENET))
    (out / "squeezenet.json").write_text(json.dumps(document))
    weir(program, "report", out / "squeezenet.json", "-o", out / "squeezenet.html", "--svg", out / "squeezenet-svg")


def make_pages(program, out):
    pages = []
    for model, limit in MODELS.items():
        args = ["optimize", f"examples/models/{model}.onnx", "-o", out / f"{model}.weir", "--train", "fashion-mnist:train", "--no-finetune", "--data",
                "fashion-mnist", "--max-drop", "0.5", "--threads", "1", "--report", out / f"{model}.html", "--svg", out / f"{model}-svg", "--json"]
        text = weir(program, *args, "--time-limit", limit)
        (out / f"{model}.json").write_text(text)
        pages.append(out / f"{model}.html")
    models = ["examples/models/resnet8.onnx"]
    if SQUEEZENET.exists():
        two_sided(program, out)
        pages.append(out / "squeezenet.html")
        models.append(SQUEEZENET)
    for path in models:
        name = pathlib.Path(path).stem
        weir(program, "profile", path, "--iterations", "20", "--threads", "1", "--html", out / f"{name}-profile.html")
        weir(program, "plan", path, "--threads", "1", "--html", out / f"{name}-plan.html")
        pages += [out / f"{name}-profile.html", out / f"{name}-plan.html"]
    return pages


def look(browser, page, out):
    problems = []
    size = page.stat().st_size
    if size > 2_000_000:
        problems.append(f"{size} bytes, more than 2 MB")
    for width in (400, 1000, 1600):
        for scheme in ("light", "dark"):
            said, asked = browser.open(page, width, scheme)
            found = browser.run(CHECK)
            where = f"{width} {scheme}"
            problems += [f"{where}: console: {json.dumps(e['params'])[:200]}" for e in said]
            problems += [f"{where}: asks for {u}" for u in asked]
            problems += [f"{where}: {b}" for b in found["bad"]]
            browser.call("Emulation.setDeviceMetricsOverride", width=width, height=min(int(found["height"]), 16000), deviceScaleFactor=1, mobile=False)
            browser.picture(out / f"{page.stem}-{width}-{scheme}.png")
    print(f"{page.name}: {size} bytes, {found['texts']} texts, {found['pictures']} pictures, {len(problems)} problems")
    for p in problems[:40]:
        print("   ", p)
    return len(problems)


def look_at_picture(browser, svg):
    problems = []
    for scheme in ("light", "dark"):
        said, asked = browser.open(svg, 1000, scheme)
        problems += [*said, *asked, *browser.run(CHECK)["bad"]]
    for p in problems[:10]:
        print(f"{svg}: {p}")
    return len(problems)


def main():
    out = pathlib.Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    pages = [pathlib.Path(p) for p in sys.argv[3:]] or make_pages(sys.argv[1], out)
    pictures = sorted(out.glob("*-svg/*.svg")) if len(sys.argv) == 3 else []
    browser = Browser()
    try:
        bad = sum(look(browser, p, out) for p in pages) + sum(look_at_picture(browser, s) for s in pictures)
    finally:
        browser.close()
    print(f"{len(pages)} pages, {len(pictures)} pictures of their own, {6 * len(pages)} screenshots in {out}: {bad} problems")
    sys.exit(bad != 0)


main()
