"""Makes files that break one rule each and gives them to the program: exit code 3 (2 where the case says so), a message that
names the file and says what was expected, nothing on standard output, no output file.

usage: bad_files.py WEIR SEAL FOLDER
"""
import os
import subprocess
import sys

import bad_data
import bad_onnx
import bad_sets
import bad_weir
import pb
import tiny

MODEL28 = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../examples/models/lenet5.onnx")


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)
    return path


def model_cases(folder, seal):
    """(name, arguments, what the message must say, file that it must name)"""
    out, sealed = [], []
    for name, data, says in bad_onnx.CASES:
        path = write(os.path.join(folder, name + ".onnx"), data)
        out.append(("onnx " + name, ["inspect", path], says, name + ".onnx"))
    for name, data, says, with_sums in bad_weir.CASES:
        path = write(os.path.join(folder, name + ".weir"), data)
        sealed += [path] if with_sums else []
        out.append((".weir " + name, ["inspect", path], says, name + ".weir"))
    subprocess.run([seal] + sealed, check=True)
    return out


def data_cases(folder, model):
    out = []
    small = {"MODEL28": MODEL28, "SET28": tiny.images(folder), "TRAIN28": tiny.images(folder, 240, 64), "MACHINE": tiny.machine(os.path.join(folder, "good-machine.json"))}
    for name, files, arguments, says, *code in bad_data.CASES + bad_sets.CASES:
        for file, data in files.items():
            write(os.path.join(folder, file), data)
        fill = {**small, "DIR": folder, "MODEL": model, "OUT": os.path.join(folder, "out-of-" + name.replace(" ", "-"))}
        out.append((name, [a.format(**fill) for a in arguments], says, next(iter(files)), *code))
    return out


def run(weir, arguments):
    p = subprocess.run([weir] + arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=120)
    return p.returncode, p.stdout.decode("utf-8", "replace"), p.stderr.decode("utf-8", "replace")


def judge(weir, name, arguments, says, file, expected=3):
    code, out, err = run(weir, arguments)
    wrong = []
    if code != expected:
        wrong.append("exit code %d, expected %d" % (code, expected))
    if says not in err:
        wrong.append("the message does not say '%s'" % says)
    if file not in err:
        wrong.append("the message does not name %s" % file)
    if out:
        wrong.append("%d bytes on standard output" % len(out))
    for path in arguments:
        if ("out-of-" in path or path.endswith(".weir") and "store-" in path) and os.path.exists(path):
            wrong.append("%s was written" % path)
    if wrong:
        print("FAIL %s: %s\n     %s\n     %s" % (name, "; ".join(wrong), " ".join(arguments), err.strip()[:600]))
    return not wrong


def main():
    weir, seal, folder = sys.argv[1:4]
    os.makedirs(folder, exist_ok=True)
    model = write(os.path.join(folder, "good.onnx"), pb.model())
    good = [write(os.path.join(folder, "good-%s.weir" % name), data) for name, data in bad_weir.GOOD]
    subprocess.run([seal] + good, check=True)
    cases = model_cases(folder, seal) + data_cases(folder, model)
    bad = len(cases) - len({c[0] for c in cases})
    for path in [model] + good:
        code, _, err = run(weir, ["inspect", path])
        if code != 0:
            print("FAIL %s: the whole file is refused: %s" % (path, err))
            bad += 1
    bad += sum(not judge(weir, *c) for c in cases)
    print("%d bad files, %d failures" % (len(cases), bad))
    return 1 if bad else 0


sys.exit(main())
