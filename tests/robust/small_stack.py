"""The verbs with little stack: main thread and workers get 256 KiB (RLIMIT_STACK; glibc gives new threads the same).

usage: small_stack.py WEIR MODEL KIB
"""
import os
import resource
import subprocess
import sys
import tempfile

import tiny


def main():
    weir, model, limit = sys.argv[1], sys.argv[2], int(sys.argv[3]) << 10
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        at = lambda name: os.path.join(folder, name)
        data, train, machine = tiny.images(folder), tiny.images(folder, 240, 64), tiny.machine(at("machine.json"))
        deep = at("deep.json")
        with open(deep, "w") as f:
            f.write("{\"rules\": " + "[" * 100000)
        verbs = [(["inspect", model], 0), (["plan", model], 0), (["convert", model, at("c.weir")], 0), (["convert", at("c.weir"), at("c.onnx")], 0),
                 (["run", model, "-i", tiny.array(at("x.npy")), "-o", at("y.npz")], 0), (["eval", model, "--data", data], 0),
                 (["bench", model, "--iterations", "3", "--duration", "0"], 0), (["profile", model, "--iterations", "3", "--html", at("p.html")], 0),
                 (["compress", model, "-o", at("k.weir"), "--recipe", tiny.recipe(at("r.json")), "--data", data], 0),
                 (["compress", model, "-o", at("k.weir"), "--recipe", deep], 3),
                 (["optimize", model, "-o", at("o.weir"), "--data", data, "--train", train, "--no-finetune", "--max-drop", "90", "--accept", "point",
                   "--only", "/8/Gemm", "--report", at("o.html")], 0)]
        for arguments, want in verbs:
            p = subprocess.run([weir] + arguments + ["--machine", machine, "--threads", "2"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_STACK, (limit, limit)), timeout=300)
            if p.returncode != want:
                print("FAIL %s: exit %d, expected %d: %s" % (arguments[0], p.returncode, want, p.stderr.decode("utf-8", "replace")[:400]))
                bad += 1
        print("%d verbs with %d KiB of stack, %d failures" % (len(verbs), limit >> 10, bad))
    return 1 if bad else 0


sys.exit(main())
