"""Lines of figures with yes or no, and the exit status that sums them; and weir's own program."""
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
MODELS = ROOT / "examples" / "models"
NETS = ("lenet5", "resnet8", "mobilenet")


class Verdict:
    def __init__(self, name):
        self.name, self.failed = name, 0

    def line(self, good, text):
        self.failed += not good
        print(f"{self.name}: {'ok  ' if good else 'FAIL'} {text}", flush=True)

    def note(self, text):
        print(f"{self.name}: {text}", flush=True)

    def skip(self, text):
        self.note(f"skipped: {text}")

    def finish(self):
        self.note("met" if not self.failed else f"not met: {self.failed} lines")
        sys.exit(1 if self.failed else 0)


def cpu_flags():
    """What the kernel says that this processor can do."""
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("flags"):
            return set(line.split(":", 1)[1].split())
    return set()


def weir(*arguments, accept=(0,)):
    """The JSON object that a verb prints; raises with its message when the exit status is another."""
    command = [os.path.join(os.environ["WEIR_BUILD"], "weir"), *map(str, arguments), "--json", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in accept:
        raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout)
