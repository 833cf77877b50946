"""Cuts files at every STEP-th byte and gives the parts to `weir inspect`: exit code 3 with a message that names the file, or 0
where onnx.checker accepts the part as a model of its own.

usage: cut_files.py WEIR STEP FOLDER FILE...
"""
import concurrent.futures
import os
import subprocess
import sys


def checker_accepts(path):
    import onnx
    try:
        onnx.checker.check_model(onnx.load(path))
        return True
    except Exception:
        return False


def cut(weir, folder, file, at):
    name = "cut-%d-%s" % (at, os.path.basename(file))
    path = os.path.join(folder, name)
    with open(file, "rb") as f, open(path, "wb") as out:
        out.write(f.read(at))
    try:
        p = subprocess.run([weir, "inspect", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)
        err = p.stderr.decode("utf-8", "replace")
        if p.returncode == 0:
            return ("whole", None) if checker_accepts(path) else ("fail", "%s: exit 0, but onnx.checker refuses it" % name)
        if p.returncode == 3 and name in err:
            return "refused", None
        return "fail", "%s: exit %d: %s" % (name, p.returncode, err[:2000])
    finally:
        os.unlink(path)


def main():
    weir, step, folder, files = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4:]
    count = {"whole": 0, "refused": 0, "fail": 0}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [pool.submit(cut, weir, folder, f, at) for f in files for at in range(0, os.path.getsize(f), step)]
        for job in concurrent.futures.as_completed(jobs):
            what, message = job.result()
            count[what] += 1
            if message and count["fail"] <= 20:
                print(message)
    print("%d files, %d cuts: %d refused, %d whole models, %d failures" % (len(files), len(jobs), count["refused"], count["whole"], count["fail"]))
    return 1 if count["fail"] else 0


sys.exit(main())
