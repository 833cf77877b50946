"""What opening a network costs: a process for each engine imports it, then opens the file and runs once.

Called as a program: python loading.py ENGINE PATH THREADS prints {"load_first_ms", "peak_mb"}. Memory is what the process
reached beyond what it held after the import; pages of a mapped file count.
"""
import json
import pathlib
import subprocess
import sys
import time

import convert


def status_kb(field):
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1])
    raise RuntimeError(f"/proc/self/status has no {field}")


def once(engine, path, threads):
    """A process of its own; convert.Unsupported with its last words where it fails."""
    done = subprocess.run([sys.executable, __file__, engine, str(path), str(threads)], capture_output=True, text=True, errors="replace")
    if done.returncode:
        words = done.stderr.strip().splitlines()
        raise convert.Unsupported(words[-1].removeprefix("convert.Unsupported: ") if words else f"exit {done.returncode}")
    return json.loads(done.stdout.splitlines()[-1])  # some engines talk


def measure(engine, path, threads, times=3):
    """The least of several processes' times and memories."""
    rows = [once(engine, path, threads) for _ in range(times)]
    return {key: min(row[key] for row in rows) for key in rows[0]}


def main():
    import engines
    import models
    kind = {"weir": engines.Weir, **engines.RIVALS}[sys.argv[1]]
    path, threads = pathlib.Path(sys.argv[2]), int(sys.argv[3])
    feeds = list(models.feeds(path, 1).values())
    kind.nothing([1, 8]).close() if hasattr(kind, "nothing") else kind(pathlib.Path("examples/models/lenet5.onnx"), 1).close()
    path.read_bytes()
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # the peak from here on
    held, begin = status_kb("VmRSS"), time.perf_counter()
    session = kind(path, threads)
    session.feed(*feeds)
    session.run()
    took = time.perf_counter() - begin
    print(json.dumps({"load_first_ms": 1e3 * took, "peak_mb": (status_kb("VmHWM") - held) / 1024}))


if __name__ == "__main__":
    main()
