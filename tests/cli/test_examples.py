"""Every line of an example that --help prints ends with exit status 0, in a folder with the example models.

optimize searches only, for two seconds: the whole job is script/demo's and takes minutes. usage: test_examples.py WEIR SCRATCH
"""
import os
import pathlib
import shutil
import struct
import subprocess
import sys

weir, scratch = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
root = pathlib.Path(__file__).resolve().parent.parent.parent
shutil.rmtree(scratch, ignore_errors=True)
(scratch / "bin").mkdir(parents=True)
(scratch / "bin/weir").symlink_to(weir)
(scratch / "examples").symlink_to(root / "examples")

# what the examples take as given: an image of Fashion-MNIST's size, a recipe
header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 28, 28), }"
header += " " * (63 - (10 + len(header)) % 64) + "\n"
(scratch / "input.npy").write_bytes(b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header.encode() + bytes(28 * 28 * 4))
(scratch / "recipe.json").write_text('{"rules": [{"technique": "int8", "nodes": ".*"}, {"technique": "ans", "nodes": ".*"}]}')
env = dict(os.environ, PATH="%s:%s" % (scratch / "bin", os.environ["PATH"]), XDG_CACHE_HOME=str(scratch / "cache"))


def output(*arguments):
    return subprocess.run([weir, *arguments], stdout=subprocess.PIPE, check=True).stdout.decode()


def example_lines(text):
    lines = text[text.index("\nexample:\n"):].splitlines()[2:]
    return [line[2:] for line in lines if line.startswith("  ")]


verbs = [line.split()[0] for line in output("--help").splitlines() if line.startswith("  ") and not line.startswith("  weir")]
failed = count = 0
for verb in verbs:
    lines = example_lines(output(verb, "--help"))
    if not any("weir " + verb + " " in line for line in lines):
        print("FAILED %s: its help has no example of it" % verb)
        failed += 1
    for line in lines:
        command = line + " --dry-run --time-limit 2s" if line.startswith("weir optimize") else line
        p = subprocess.run(["bash", "-c", command], cwd=scratch, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           timeout=600)
        count += 1
        print("%s %s" % ("ok    " if p.returncode == 0 else "FAILED", command))
        if p.returncode:
            failed += 1
            print("    exit %d\n    %s" % (p.returncode, p.stdout.decode()[-600:]))
print("%d lines, %d failed" % (count, failed))
sys.exit(1 if failed or count < len(verbs) else 0)
