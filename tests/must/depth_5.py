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


def noise_data(path):
    """Images of noise with any label: enough to search on, nothing to conclude from."""
    import numpy
    rng = numpy.random.default_rng(1)
    numpy.savez(path, x=rng.standard_normal((128, 3, 224, 224), dtype=numpy.float32), y=rng.integers(0, 1000, 128))


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
        noise_data(out / "noise.npz")
        weir(program, "optimize", SQUEEZENET, "--data", f"npz:{out / 'noise.npz'}", "--dry-run", "--max-drop", "100", "--time-limit", "20s", "--threads", "1",
             "--report", out / "squeezenet.html", "--svg", out / "squeezenet-svg")
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
