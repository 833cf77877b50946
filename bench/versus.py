"""weir beside other engines: latency at batch 1, memory and time to load, on the networks of bench/models or on ONNX files.

All engines run by turns in one process. A pair is one turn of weir and one of the best rival; the ratio is the median over
the pairs with its 95 % interval. What a call of a rival costs from Python is measured on a model that does nothing, and taken
off; of weir's nothing is taken off. When the host took processor time, the clock moved or the ratio drifted, the row says so
and has no ratio. Outputs are compared in the same run. Results: bench/out/versus.md, .json and .svg,
a row a network and thread count.
"""
import argparse
import json
import pathlib
import re

import numpy as np

import agreement
import convert
import engines
import loading
import models
import plot
import timing
import verdicts

CACHE = verdicts.ROOT / "bench" / "out" / "models"
TURN = 0.005     # seconds of a turn that are timed, at most 50 calls
WRONG = 0.02     # of the largest output (8-bit networks: 3 times ONNX Runtime's noise), beyond which a rival computes something else
WIDTH_LIMIT = 0.1  # of the ratio: a wider interval tells nothing


class Rivals:
    """Those engines that can be imported; `skipped` says why the others are absent."""

    def __init__(self, names):
        self.kinds, self.skipped = [], {} if names else dict(engines.OTHERS)
        for name in names or engines.USUAL:
            try:
                self.skipped.pop(name, None)
                engines.RIVALS[name].version()
                self.kinds.append(engines.RIVALS[name])
            except ImportError as e:
                self.skipped[name] = str(e)


def calls_in_turn(runner):
    runner.run()
    return int(np.clip(TURN / max(timing.turn(runner, 2), 1e-6), 2, 50))


def turns_in(budget, runners, burst):
    """How many rounds of all runners fit the seconds of the budget; at least 5."""
    each = timing.interleave(runners, [()], 1, burst).sum() * (burst + 1) + len(runners) * timing.SETTLE
    return int(np.clip(budget / each, 5, 600))


def measure(runners, nothings, inputs, turns, burst):
    """(seconds of a call by runner, without the call itself), each rival's ratio with its interval, the best rival's number,
    trouble. Trouble is judged by the best rival's ratio."""
    n = len(runners)

    def bare(times):
        calls = np.median(times[:, n:], axis=0)
        return np.column_stack([times[:, 0], np.maximum(times[:, 1:n] - calls, 1e-9)])

    def best(times):
        return 1 + int(np.argmin(np.median(times[:, 1:], axis=0)))

    def ratio(times):
        clean = bare(times)
        return clean[:, 0] / clean[:, best(clean)]

    times, _, trouble = timing.measure([*runners, *nothings], inputs, ratio, turns, warmup=max(2, turns // 12), burst=burst)
    clean = bare(times)
    ratios = [timing.interval(clean[:, 0] / clean[:, i]) for i in range(1, n)]
    middle, low, high = ratios[best(clean) - 1]
    if not trouble and high - low > WIDTH_LIMIT * middle:
        trouble = f"the interval spans {100 * (high - low) / middle:.0f} % of the ratio (limit {100 * WIDTH_LIMIT:.0f} %)"
    return clean, np.median(times[:, n:], axis=0), ratios, best(clean), trouble


def outputs_of(runners, inputs):
    """For each runner the outputs on all inputs, one after the other."""
    out = [[] for _ in runners]
    for x in inputs:
        for mine, r in zip(out, runners):
            r.feed(*x)
            r.run()
            mine += r.outputs
    return out


def outputs_in_runtime(path, inputs, fused=True):
    session = engines.OnnxRuntime(path, 1, fused)
    out = outputs_of([session], inputs)[0]
    session.close()
    return out


def compare(name, path, runners, inputs):
    """(error of each runner, limit of weir's), against the first rival, ONNX Runtime; 8-bit networks against the float one.

    Some networks magnify rounding (a sigmoid far from 0 of what should be exact): as far as ONNX Runtime's two ways of
    computing the same graph lie apart, twice that is allowed."""
    outs = outputs_of(runners, inputs)
    if models.group(name) == "int8":
        exact = outputs_in_runtime(models.build(name.removesuffix(models.INT8), CACHE), inputs)
        errors = [agreement.noise(o, exact) for o in outs]
        return errors, agreement.INT8_WORSE * errors[1]
    apart = agreement.furthest(outputs_in_runtime(path, inputs, fused=False), outs[1])
    return [agreement.furthest(o, outs[1]) for o in outs], max(agreement.tolerance(path), 2 * apart)


def opened(kinds, path, threads, load):
    """({engine: figures of loading}, {engine: why it does not run the network}): each in a process of its own, which may die."""
    figures, skipped = {}, {}
    for kind in kinds:
        try:
            figures[kind.name] = loading.measure(kind.name, path, threads, 3 if load else 1)
        except convert.Unsupported as e:
            skipped[kind.name] = str(e)
    return figures, skipped


def leave_out(runners, errors, skipped):
    """Rivals that give another answer are no rivals."""
    for i in range(len(runners) - 1, 1, -1):
        if not errors[i] <= max(WRONG, 3 * errors[1]):
            skipped[runners[i].name] = f"its answer differs by {errors[i]:.2g}"
            runners.pop(i).close()
            del errors[i]


def bound_ms(path, threads, cpu):
    return verdicts.weir("plan", path, "--threads", threads, *(["--cpu", cpu] if cpu else []))["bound_ms"]


def figures_of_engines(runners, times, calls, ratios, errors, trouble, opening):
    rows = {}
    for i, runner in enumerate(runners):
        ms = 1e3 * times[:, i]
        rows[runner.name] = {"min_ms": float(ms.min()), "median_ms": float(np.median(ms)), "output_error": errors[i],
                             "call_ms": 1e3 * float(calls[i - 1]) if i else 0.0, **opening.get(runner.name, {})}
        if i and not trouble:
            rows[runner.name] |= {"ratio": ratios[i - 1][0], "ratio_ci95": ratios[i - 1][1:]}
    return rows


def timed(runners, inputs, errors, opening, a):
    """What the clock says of a row. Closes the runners."""
    nothings = [r.nothing(list(inputs[0][0].shape)) for r in runners[1:]]
    burst = min(calls_in_turn(r) for r in runners)
    turns = a.turns or turns_in(4 if a.quick else 20, [*runners, *nothings], burst)
    times, calls, ratios, best, trouble = measure(runners, nothings, inputs, turns, burst)
    for r in [*runners, *nothings]:
        r.close()
    middle, low, high = ratios[best - 1]
    return {"pairs": len(times), "calls_in_turn": burst, "best_rival": runners[best].name, "unstable": trouble,
            "ratio": None if trouble else middle, "ratio_ci95": None if trouble else [low, high],
            "engines": figures_of_engines(runners, times, calls, ratios, errors, trouble, {} if a.no_load else opening)}


def row_of(name, path, threads, rivals, a):
    """One line of the table; 'failed' instead of figures when weir does not run the network."""
    row = {"model": name, "group": models.group(name), "threads": threads}
    try:
        ours = engines.Weir(path, threads, a.cpu)
    except RuntimeError as e:
        return {**row, "failed": str(e)}
    opening, skipped = opened([engines.Weir, *rivals.kinds], path, threads, not a.no_load)
    inputs = [tuple(models.feeds(path, seed).values()) for seed in range(4)]
    runners = [ours, *(kind(path, threads) for kind in rivals.kinds if kind.name in opening)]
    errors, limit = compare(name, path, runners, inputs)
    leave_out(runners, errors, skipped)
    row |= {"isa": ours.isa, "output_limit": limit, "outputs_agree": errors[0] <= limit, "skipped": skipped,
            "bound_ms": bound_ms(path, threads, a.cpu), **timed(runners, inputs, errors, opening, a)}
    return {**row, "fraction_of_bound": row["bound_ms"] / row["engines"]["weir"]["median_ms"]}


# ---- the table ----

HEAD = ("network", "threads", "weir ms (min / median)", "best rival ms", "ratio [95 %]", "fraction of bound", "load + first run ms",
        "peak MB", "outputs")


def cells(row):
    if "failed" in row:
        return (row["model"], row["threads"], f"not run: {row['failed']}", "", "", "", "", "", "")
    ours, best = row["engines"]["weir"], row["engines"][row["best_rival"]]

    def both(key, form):
        return f"{ours[key]:{form}} / {best[key]:{form}}" if key in ours else ""

    ratio = f"unstable: {row['unstable']}"
    if row["ratio"] is not None:
        ratio = f"{row['ratio']:.3f} [{row['ratio_ci95'][0]:.3f}, {row['ratio_ci95'][1]:.3f}]"
    agree = "agree" if row["outputs_agree"] else f"off: {ours['output_error']:.2g}, limit {row['output_limit']:.2g}"
    return (row["model"], row["threads"], f"{ours['min_ms']:.3f} / {ours['median_ms']:.3f}", f"{best['median_ms']:.3f} {row['best_rival']}",
            ratio, f"{row['fraction_of_bound']:.2f}", both("load_first_ms", ".0f"), both("peak_mb", ".0f"), agree)


def means(rows):
    """Geometric means of the ratios to the best rival, by group and threads, over the rows that have one."""
    for group in ("float", "int8", "narrow", "real", "file"):
        for threads in sorted({r["threads"] for r in rows}):
            ratios = [r["ratio"] for r in rows if r["group"] == group and r["threads"] == threads and r.get("ratio")]
            if ratios:
                yield f"{group}, {threads} threads: {np.exp(np.mean(np.log(ratios))):.3f} over {len(ratios)} networks"


def markdown(head, rows):
    lines = [f"weir {head['weir']} ({head['isa']}) on {head['cpu']}; " + ", ".join(f"{k} {v}" for k, v in head["rivals"].items()) + ".",
             *(f"Skipped {k}: {v}." for k, v in head["skipped"].items()), "Pairs of numbers: weir / best rival.", ""]
    lines += ["| " + " | ".join(map(str, line)) + " |" for line in (HEAD, ("---",) * len(HEAD), *map(cells, rows))]
    left = sorted({f"{engine} on {r['model']}: {why}" for r in rows for engine, why in r.get("skipped", {}).items()})
    lines += ["", "Not run:", "", *(f"- {line}" for line in left)] if left else []
    return "\n".join([*lines, "", "Geometric mean of the ratios to the best rival:", "", *(f"- {m}" for m in means(rows))]) + "\n"


def header(rivals, cpu):
    path = verdicts.MODELS / "lenet5.onnx"
    plan = verdicts.weir("plan", path, *(["--cpu", cpu] if cpu else []))
    return {"weir": f"{plan['weir']['version']} {plan['weir']['commit']}", "isa": plan["isa"], "cpu": plan["machine"]["cpu_model"],
            "rivals": {k.name: k.version() for k in rivals.kinds}, "skipped": rivals.skipped}


def write(out, head, rows):
    out.parent.mkdir(parents=True, exist_ok=True)
    out.with_suffix(".json").write_text(json.dumps({**head, "rows": rows}, indent=1) + "\n")
    out.with_suffix(".md").write_text(markdown(head, rows))
    out.with_suffix(".svg").write_text(plot.svg(head, rows))


def chosen(a):
    """(name, path) of the networks, building what is missing; those that cannot be built are named and left out."""
    for path in a.files:
        yield path.stem, path
    for name in [] if a.files else models.names():
        if re.search(a.models, name):
            try:
                yield name, models.build(name, CACHE)
            except FileNotFoundError as e:
                print(f"{name}: skipped: {e}", flush=True)


def arguments(words=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=pathlib.Path, help="ONNX files with fixed shapes; default: bench/models")
    parser.add_argument("--models", default="", metavar="REGEX", help="only networks whose name matches")
    parser.add_argument("--threads", default="1,2", help="thread counts (default 1,2)")
    parser.add_argument("--engines", metavar="NAME,..", help=f"rivals, of {', '.join(engines.RIVALS)} (the first judges outputs; default {','.join(engines.USUAL)})")
    parser.add_argument("--quick", action="store_true", help="a fifth of the time")
    parser.add_argument("--turns", type=int, help="this many turns of every engine")
    parser.add_argument("--no-load", action="store_true", help="do not measure loading and memory")
    parser.add_argument("--cpu", help="cap weir's instruction set")
    parser.add_argument("--out", type=pathlib.Path, default=verdicts.ROOT / "bench" / "out" / "versus", help="without ending")
    return parser.parse_args(words)


def main():
    a = arguments()
    rivals = Rivals(a.engines.split(",") if a.engines else None)
    head, rows = header(rivals, a.cpu), []
    for name, path in chosen(a):
        for threads in map(int, a.threads.split(",")):
            rows.append(row_of(name, path, threads, rivals, a))
            print(" | ".join(map(str, cells(rows[-1]))), flush=True)
            write(a.out, head, rows)


if __name__ == "__main__":
    main()
