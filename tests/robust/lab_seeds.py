"""Writes the hand-made part of the fuzz corpora of the lab's readers: arrays, archives, IDX pairs, shards, documents.

usage: lab_seeds.py FOLDER (gets npy/, npz/, idx/, tar/, describe/, recipe/, machine/)
"""
import bz2
import gzip
import io
import json
import lzma
import os
import struct
import sys
import tarfile
import zipfile
import zlib

from bad_data import IMAGES, LABELS, MACHINE, header, idx, npy


def png(w=2, h=2, colour=2, depth=8, extra=b""):
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    row = b"\0" + bytes(range(1, 1 + (w * channels * depth + 7) // 8))
    palette = chunk(b"PLTE", bytes(range(12))) if colour == 3 else b""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, colour, 0, 0, 0)) + palette + extra + \
        chunk(b"IDAT", zlib.compress(row * h)) + chunk(b"IEND", b"")


def npz(arrays, method=zipfile.ZIP_STORED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as z:
        for name, data in arrays.items():
            z.writestr(zipfile.ZipInfo(name), data, method)
    return out.getvalue()


def tar(files, form=tarfile.USTAR_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form, bufsize=512) as t:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            t.addfile(info, io.BytesIO(data))
    return out.getvalue()


def pair(images, labels):
    return bytes([len(labels)]) + labels + images


TYPES = {"<f4": 4, "<f8": 8, "<f2": 2, "|u1": 1, "|i1": 1, "<i4": 4, "<i8": 8, "|b1": 1, "<u2": 2, "<i2": 2}
NPY = {"type-" + t[1:]: npy(header(t, shape="(2, 3)"), bytes(range(6 * n))) for t, n in TYPES.items()}
NPY.update({"scalar": npy(header(shape="()"), bytes(4)), "empty": npy(header(shape="(0, 4)"), b""), "fortran": npy(header(order="True"), bytes(64)),
            "long-header": b"\x93NUMPY\2\0" + struct.pack("<I", 52) + header(shape="(1,)").encode() + b"\n" + bytes(4), "png-rgb": png(), "png-grey": png(colour=0),
            "png-palette": png(colour=3), "png-alpha": png(colour=6), "png-16": png(depth=16), "png-1": png(w=9, colour=0, depth=1)})
SET = {"images.npy": npy(header("|u1", shape="(2, 1, 2, 2)"), bytes(8)), "labels.npy": npy(header("<i8", shape="(2,)"), bytes(16))}
NPZ = {"one": npz({"x.npy": npy()}), "set": npz(SET), "deflated": npz(SET, zipfile.ZIP_DEFLATED), "empty": npz({}),
       "short-names": npz({"x.npy": SET["images.npy"], "y.npy": SET["labels.npy"]}), "no-array": npz({"readme.txt": b"hello"})}
IDX = {"plain": pair(IMAGES, LABELS), "gz": pair(gzip.compress(IMAGES, mtime=0), gzip.compress(LABELS, mtime=0)), "xz": pair(lzma.compress(IMAGES), LABELS),
       "bz2": pair(bz2.compress(IMAGES), LABELS), "huge": pair(idx([2, 60000, 60000], b"abc"), LABELS), "counts": pair(idx([3, 2, 2], bytes(12)), LABELS),
       "colour": pair(idx([2, 2, 2, 3], bytes(24)), LABELS), "none": pair(idx([0, 2, 2], b""), idx([0], b"")), "cut": pair(IMAGES[:20], LABELS)}
SHARD = {"a.png": png(), "a.cls": b"1", "b.png": png(), "b.cls": b"0\n"}
TAR = {"plain": tar(SHARD), "gz": gzip.compress(tar(SHARD), mtime=0), "json": tar({"a.png": png(), "a.json": b'{"label": 3}'}),
       "no-label": gzip.compress(tar({"a.png": png()}), mtime=0), "bad-label": gzip.compress(tar({"a.png": png(), "a.cls": b"cat"}), mtime=0),
       "sizes": gzip.compress(tar({"a.png": png(), "a.cls": b"1", "b.png": png(w=3), "b.cls": b"1"}), mtime=0),
       "pax": gzip.compress(tar({"folder/" + "a" * 200 + ".png": png()}, tarfile.PAX_FORMAT), mtime=0),
       "gnu": gzip.compress(tar({"a" * 200 + ".png": png(), "a" * 200 + ".cls": b"2"}, tarfile.GNU_FORMAT), mtime=0)}
DESCRIBE = {"idx": {"format": "idx", "path": ["a", "b"], "mean": [0.5], "std": 0.25, "scale": 0.0039},
            "tar": {"format": "tar", "path": "s-*.tar", "resize": [8, 9], "crop": 4, "layout": "NHWC", "limit": 7},
            "npz": {"format": "npz", "path": "x.npz", "resize": 16, "mean": [1, 2, 3], "std": [1, 2, 3]}, "later": {"format": "csv", "path": "a"},
            "augment": {"format": "npz", "path": "a", "augment": {"flip": True}}, "unknown": {"format": "npz", "path": "a", "wings": 2}, "list": [1, 2]}
RULE = lambda technique, nodes=".*", **kw: {"rules": [dict(technique=technique, nodes=nodes, **kw)]}
RECIPE = {"prune": RULE("prune", density=0.25), "obs": RULE("prune", density=0.5, method="obs"), "cluster": RULE("cluster", codebook=4, bias_correction=False),
          "ans": RULE("ans", ["conv"]), "int8": RULE("int8", bits=4, calibration="mse", rounding="feedback"), "regex": RULE("ans", "(conv|ge{1,2}[a-m])"),
          "several": {"version": 1, "rules": RULE("prune", density=0.5)["rules"] + RULE("cluster", codebook=3)["rules"] + RULE("ans")["rules"]},
          "cost": RULE("ans", cost={"kl": 0.1}), "version": {"version": 2, "rules": []}, "none": {"rules": []}, "list": [{"technique": "ans", "nodes": ".*"}]}
MACHINES = {"plain": MACHINE, "wrapped": {"machine": MACHINE, "weir": {"version": "0"}}, "victim": dict(MACHINE, llc_policy="victim", ghz=None, threads=8),
            "bf16": dict(MACHINE, peak_gmacs={"f32": [1, 2], "bf16": [2, 4], "int8": None}), "version": dict(MACHINE, version=2), "levels": dict(MACHINE, levels={})}
TEXT = lambda d: {k: json.dumps(v).encode() for k, v in d.items()}


def main():
    sets = {"npy": NPY, "npz": NPZ, "idx": IDX, "tar": TAR, "describe": TEXT(DESCRIBE), "recipe": TEXT(RECIPE), "machine": TEXT(MACHINES)}
    for kind, files in sets.items():
        os.makedirs(os.path.join(sys.argv[1], kind), exist_ok=True)
        for name, data in files.items():
            with open(os.path.join(sys.argv[1], kind, name + "." + kind), "wb") as f:
                f.write(data)


if __name__ == "__main__":
    main()
