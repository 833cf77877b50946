"""Paired timing on a machine that may be shared: interleaved calls, medians of ratios, and a check that it was quiet."""
import hashlib
import time

import numpy as np

STEAL_LIMIT = 0.02   # share of all processor time that the host took away
DRIFT_LIMIT = 0.05   # relative change of the median ratio between the halves of a run
CLOCK_LIMIT = 0.03   # relative change of the time of a fixed loop from before a run to after it
SETTLE = 0.004       # seconds between the turns of engines: their waiting threads spin for less


def cpu_times():
    with open("/proc/stat") as f:
        fields = [int(x) for x in f.readline().split()[1:]]
    return sum(fields[:8]), fields[7]


def fixed_loop():
    """Seconds of a loop whose work never changes and fits the first cache: the clock of the processor. Least of many."""
    data, best = bytes(16384), np.inf
    for _ in range(40):
        begin = time.perf_counter()
        for _ in range(8):
            hashlib.sha256(data)
        best = min(best, time.perf_counter() - begin)
    return best


def settle():
    until = time.perf_counter() + SETTLE
    while time.perf_counter() < until:
        pass


def turn(runner, burst):
    """Seconds of a call. burst > 1: the median of that many after one that warms the caches, once the others' threads sleep."""
    clock, took = time.perf_counter, []
    if burst > 1:
        settle()
        runner.run()
    for _ in range(burst):
        begin = clock()
        runner.run()
        took.append(clock() - begin)
    return np.median(took)


def one_by_one(images):
    """What interleave takes, for networks of one input."""
    return [(image[None],) for image in images]


def interleave(runners, inputs, turns, burst=1):
    """Seconds of a call, turns x runners. Every runner gets the same new input; the order changes from turn to turn.

    inputs: tuples of what a runner's feed takes. burst 1: calls alternate one by one, on caches that the others used."""
    n = len(runners)
    took = np.empty((turns, n))
    for i in range(turns):
        for k in range(n):
            which = (i + k) % n
            runners[which].feed(*inputs[i % len(inputs)])
            took[i, which] = turn(runners[which], burst)
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


def trouble_of(stolen, clock, moved):
    if stolen > STEAL_LIMIT:
        return f"the host took {100 * stolen:.1f} % of the processor time (limit {100 * STEAL_LIMIT:.0f} %)"
    if clock > CLOCK_LIMIT:
        return f"the clock moved by {100 * clock:.1f} % (limit {100 * CLOCK_LIMIT:.0f} %)"
    if moved > DRIFT_LIMIT:
        return f"the ratio moved by {100 * moved:.1f} % between the halves (limit {100 * DRIFT_LIMIT:.0f} %)"
    return None


def measure(runners, inputs, ratio, calls=600, warmup=50, tries=3, burst=1):
    """(times, ratios, trouble) of the first quiet try; ratio maps times to one number a pair. trouble is None when quiet."""
    interleave(runners, inputs, warmup, burst)
    for _ in range(tries):
        (all_before, steal_before), clock = cpu_times(), fixed_loop()
        times = interleave(runners, inputs, calls, burst)
        clock = fixed_loop() / clock
        all_after, steal_after = cpu_times()
        ratios = ratio(times)
        stolen = (steal_after - steal_before) / max(1, all_after - all_before)
        trouble = trouble_of(stolen, max(clock, 1 / clock) - 1, drift(ratios))
        if trouble is None:
            break
    return times, ratios, trouble
