"""The share of its bound that each kind of layer reaches in the networks of bench/models: `weir profile` sets every step against
the clock and what the cores gave meanwhile, and steps of a kind are summed up, which weighs them by their time. Arguments are those of bench/versus."""
import collections
import re
import sys

import verdicts

sys.path.insert(0, str(verdicts.ROOT / "bench"))
import versus  # noqa: E402

KINDS = {  # least share of the bound
    "f32 GEMM, 64 rows and 20 M multiply-adds or more": 0.90,
    "f32 convolution": 0.80,
    "8-bit convolution and GEMM": 0.65,
    "f32 depthwise": 0.60,
    "8-bit depthwise": 0.60,
    "f32 GEMV, weights beyond the last cache": 0.90,
    "8-bit GEMV, weights beyond the last cache": 0.90,
    "f32 rows by 8-bit weights beyond the last cache": 0.90,
}
FOUR_BITS = {"vnni": 6.5, "bf16": 6.5, "amx": 6.5}  # times as fast as f32; other sets:
FOUR_BITS_ELSE = 4.0
LARGE_ROWS, LARGE_MACS, RUNS = 64, 2e7, 60
CONTRADICTED = 1.3  # of a bound: then others were busy while the machine was measured


def kind_of(step, streams):
    """streams: the network's weights do not fit the last cache, so that they come from memory."""
    impl, shape = step["impl"], re.search(r"of (\d+)x", step["tile"])
    rows, bits = int(shape[1]) if shape else 0, "8-bit" if "_u8" in impl else "f32"
    if impl.endswith("_dw"):
        return f"{bits} depthwise"
    if "narrow" in impl:
        return "f32 rows by 8-bit weights beyond the last cache" if "_q8_" in step["kernel"] and streams else None
    if rows == 1:
        return f"{bits} GEMV, weights beyond the last cache" if streams else None
    if impl.startswith("conv_") or (bits == "8-bit" and impl.startswith(("gemm", "matmul"))):
        return "8-bit convolution and GEMM" if bits == "8-bit" else "f32 convolution"
    if impl.startswith(("gemm", "matmul")) and rows >= LARGE_ROWS and step["macs"] >= LARGE_MACS:
        return "f32 GEMM, 64 rows and 20 M multiply-adds or more"
    return None


def main():
    v = verdicts.Verdict("kernels-3")
    last_cache = verdicts.weir("machine", "--refresh")["machine"]["levels"]["llc"]["bytes"]
    spent = collections.defaultdict(lambda: [0.0, 0.0, None])  # bound, clock, (share, name) of the worst
    latency, isa = {}, None
    for name, path in versus.chosen(versus.arguments(sys.argv[1:])):
        profile = verdicts.weir("profile", path, "--threads", 1, "--iterations", RUNS)
        latency[name], isa = profile["latency_median_ms"], profile["isa"]
        streams = sum(s.get("packed_bytes", 0) for s in profile["steps"]) > last_cache
        for step in profile["steps"]:
            kind = kind_of(step, streams)
            if kind and step["fraction_of_bound"] > 0:
                of = spent[kind]
                of[0] += step["bound_ms"]
                of[1] += step["bound_ms"] / step["fraction_of_bound"]
                of[2] = min(of[2] or (9, ""), (step["fraction_of_bound"], f"{name} {step['name']}"))
    for kind, least in KINDS.items():
        if kind not in spent:
            v.skip(f"{kind}: no such layer")
            continue
        bound, clock, (worst, where) = spent[kind]
        share = bound / clock
        v.line(share >= least, f"{kind}: {share:.2f} of the bound (at least {least:.2f}); worst {worst:.2f}, {where}")
        if share > CONTRADICTED:
            v.line(False, f"{kind}: the clock contradicts the machine model, whose figures were taken while others were busy")
    if {"perceptron", "perceptron_q4"} <= latency.keys():
        times, least = latency["perceptron"] / latency["perceptron_q4"], FOUR_BITS.get(isa, FOUR_BITS_ELSE)
        v.line(times >= least, f"perceptron: 4-bit weights {times:.1f} times as fast as f32 (at least {least})")
    v.finish()


main()
