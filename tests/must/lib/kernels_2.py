"""Opening and first run against ONNX Runtime on every network of bench/models over 5 MB, and the peak memory of both.
Arguments are those of bench/versus (--models REGEX)."""
import sys

import verdicts

sys.path.insert(0, str(verdicts.ROOT / "bench"))
import loading  # noqa: E402
import versus  # noqa: E402

LEAST_BYTES, LOAD, MEMORY, ROOM_MB = 5e6, 0.5, 1.1, 10


def main():
    v = verdicts.Verdict("kernels-2")
    for name, path in versus.chosen(versus.arguments(sys.argv[1:])):
        if path.stat().st_size <= LEAST_BYTES:
            continue
        ours, theirs = (loading.measure(engine, path, 1) for engine in ("weir", "onnxruntime"))
        ratio = ours["load_first_ms"] / theirs["load_first_ms"]
        held = (path.stat().st_size + verdicts.weir("plan", path, "--threads", 1)["arena_bytes"]) / 2**20
        limit = min(MEMORY * held + ROOM_MB, theirs["peak_mb"])
        v.line(ratio <= LOAD, f"{name}: opening and first run {ours['load_first_ms']:.0f} ms, {ratio:.2f} of ONNX Runtime's {theirs['load_first_ms']:.0f}"
               f" (at most {LOAD})")
        v.line(ours["peak_mb"] <= limit, f"{name}: peak {ours['peak_mb']:.0f} MB, ONNX Runtime's {theirs['peak_mb']:.0f}, file and arena {held:.0f}"
               f" (at most {limit:.0f})")
    v.finish()


main()
