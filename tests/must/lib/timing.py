"""Paired timing on a machine that may be shared: interleaved calls, medians of ratios, and a check that it was quiet."""
import time

import numpy as np

STEAL_LIMIT = 0.02   # share of all processor time that the host took away
DRIFT_LIMIT = 0.05   # relative change of the median ratio between the halves of a run


def cpu_times():
    with open("/proc/stat") as f:
        fields = [int(x) for x in f.readline().split()[1:]]
    return sum(fields[:8]), fields[7]


def interleave(runners, images, calls):
    """Seconds of each call, calls x runners. Every runner gets the same new image; the order turns from call to call."""
    clock, n = time.perf_counter, len(runners)
    took = np.empty((calls, n))
    for i in range(calls):
        image = images[i % len(images)][None]
        for k in range(n):
            which = (i + k) % n
            runners[which].feed(image)
            begin = clock()
            runners[which].run()
            took[i, which] = clock() - begin
    return took


def interval(ratios, confidence=1.96):
    """Median and the order statistics around it (normal approximation of the binomial), about 95 %."""
    ordered, n = np.sort(ratios), len(ratios)
    half = confidence * np.sqrt(n) / 2
    low, high = int(max(0, np.floor(n / 2 - half))), int(min(n - 1, np.ceil(n / 2 + half)))
    return float(np.median(ordered)), float(ordered[low]), float(ordered[high])


def drift(ratios):
    half = len(ratios) // 2
    first, second = np.median(ratios[:half]), np.median(ratios[half:])
    return float(abs(second / first - 1))


def measure(runners, images, ratio, calls=600, warmup=50, tries=3):
    """(times, ratios, trouble) of the first quiet try; ratio maps times to one number a pair. trouble is None when quiet."""
    interleave(runners, images, warmup)
    for _ in range(tries):
        all_before, steal_before = cpu_times()
        times = interleave(runners, images, calls)
        all_after, steal_after = cpu_times()
        ratios = ratio(times)
        stolen = (steal_after - steal_before) / max(1, all_after - all_before)
        moved = drift(ratios)
        trouble = None
        if stolen > STEAL_LIMIT:
            trouble = f"the host took {100 * stolen:.1f} % of the processor time (limit {100 * STEAL_LIMIT:.0f} %)"
        elif moved > DRIFT_LIMIT:
            trouble = f"the ratio moved by {100 * moved:.1f} % between the halves (limit {100 * DRIFT_LIMIT:.0f} %)"
        if trouble is None:
            break
    return times, ratios, trouble
