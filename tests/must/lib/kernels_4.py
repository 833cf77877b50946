"""Two threads against one on every network of bench/models: never slower, and on networks bound by arithmetic nearly as much
faster as the measured peak is. Arguments are those of bench/versus (--models REGEX)."""
import sys

import numpy as np

import timing
import verdicts

sys.path.insert(0, str(verdicts.ROOT / "bench"))
import engines  # noqa: E402
import models  # noqa: E402
import versus  # noqa: E402

SCALING, NEVER, LABELLED, LEAST_MS, SECONDS = 0.93, 0.98, 0.90, 2.0, 12


def bound_by_arithmetic(path):
    """The share of the multiply-adds in steps whose bound is arithmetic."""
    steps = verdicts.weir("plan", path, "--threads", 1)["steps"]
    macs = sum(s["macs"] for s in steps)
    return sum(s["macs"] for s in steps if s["bound_by"] == "compute") / macs if macs else 0.0


def compare(v, name, path, peak):
    runners = [engines.Weir(path, threads) for threads in (1, 2)]
    inputs = [tuple(models.feeds(path, seed).values()) for seed in range(4)]
    burst = min(versus.calls_in_turn(r) for r in runners)
    turns = versus.turns_in(SECONDS, runners, burst)
    times, ratios, trouble = timing.measure(runners, inputs, lambda t: t[:, 0] / t[:, 1], turns, warmup=3, burst=burst)
    for r in runners:
        r.close()
    middle, low, high = timing.interval(ratios)
    one, share = 1e3 * np.median(times[:, 0]), bound_by_arithmetic(path)
    labelled = share >= LABELLED and one >= LEAST_MS
    limit = max(NEVER, SCALING * peak) if labelled else NEVER
    if trouble:
        v.line(False, f"{name}: the machine is too unsteady to tell: {trouble}")
        return
    v.line(middle >= limit, f"{name}: {middle:.2f} times as fast [{low:.2f}, {high:.2f}] (at least {limit:.2f}); {one:.2f} ms on one thread, "
           f"{100 * share:.0f} % of the work bound by arithmetic")


def main():
    v = verdicts.Verdict("kernels-4")
    peaks = verdicts.weir("machine")["machine"]["peak_gmacs"]
    scaling = {kind: p[1] / p[0] for kind, p in peaks.items() if p}
    v.note("two threads have " + ", ".join(f"{s:.2f} times the {kind} peak of one" for kind, s in scaling.items()))
    for name, path in versus.chosen(versus.arguments(sys.argv[1:])):
        compare(v, name, path, scaling["int8" if models.group(name) == "int8" else "f32"])
    v.finish()


main()
