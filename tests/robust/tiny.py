"""Small inputs for tests of the whole program: images of Fashion-MNIST as IDX files (a search needs 225, a verification 50), a fixed machine model, recipes."""
import gzip
import json
import os
import struct

import bad_data

FASHION = "/usr/share/datasets/fashion-mnist"


def find(name):
    for folder, _, files in os.walk(FASHION):
        for file in files:
            if file.startswith(name):
                return os.path.join(folder, file)
    raise SystemExit("tiny: no %s below %s" % (name, FASHION))


def head(name, header, size):
    path = find(name)
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as f:
        return f.read(header + size)


def images(folder, n=64, first=0):
    """Writes the set; the --data of it."""
    pixels, labels = head("t10k-images", 16, (first + n) * 784), head("t10k-labels", 8, first + n)
    names = [os.path.join(folder, "set-%d.%s" % (first, k)) for k in ("img", "lab")]
    with open(names[0], "wb") as f:
        f.write(struct.pack(">IIII", 0x803, n, 28, 28) + pixels[16 + first * 784:])
    with open(names[1], "wb") as f:
        f.write(struct.pack(">II", 0x801, n) + labels[8 + first:])
    return "idx:" + ",".join(names)


def array(path, dims=(1, 1, 28, 28)):
    count = 1
    for d in dims:
        count *= d
    with open(path, "wb") as f:
        f.write(bad_data.npy(bad_data.header(shape=str(tuple(dims))), struct.pack("<%df" % count, *[(i % 97) / 97 for i in range(count)])))
    return path


def machine(path):
    with open(path, "w") as f:
        json.dump(bad_data.MACHINE, f)
    return path


def recipe(path):
    rules = [{"technique": "int8", "nodes": ".*", "bits": 6}, {"technique": "ans", "nodes": ".*"}]
    with open(path, "w") as f:
        json.dump({"rules": rules}, f)
    return path
