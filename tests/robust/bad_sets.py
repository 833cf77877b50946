"""Archives, shards, images and trial stores that break one rule each, in the form of bad_data.CASES; a fifth entry, where there
is one, is the exit code (3)."""
import gzip
import os
import sqlite3
import struct
import tarfile
import tempfile
import zipfile
import zlib

from bad_data import dataset, header, machine, npy, recipe
from lab_seeds import SET, npz, png, tar

PHOTO = open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus/npy/photo.jpg"), "rb").read()


def archive(name, data, says):
    return ("npz " + name, {name + ".npz": data}, ["eval", "{MODEL}", "--data", "npz:{DIR}/" + name + ".npz"], says)


def array_of(name, data, says):
    return ("npz " + name, {name + ".npz": data}, ["run", "{MODEL}", "-i", "{DIR}/" + name + ".npz", "-o", "{OUT}.npy"], says)


def shard(name, files, says, pack=lambda b: b):
    data = pack(files if isinstance(files, bytes) else tar(files))
    return ("tar " + name, {name + ".tar": data}, ["eval", "{MODEL}", "--data", "tar:{DIR}/" + name + ".tar"], says)


def image(name, data, says):
    file = name + (".png" if data[:1] == b"\x89" else ".jpg")
    return ("image " + name, {file: data}, ["run", "{MODEL}", "-i", "{DIR}/" + file, "-o", "{OUT}.npy"], says)


def usage(name, text, says):
    return dataset(name, text, says) + (2,)


def samples(x, y):
    return npz({"x.npy": x, "y.npy": y})


X, Y = npy(header("|u1", shape="(2, 1, 4, 4)"), bytes(32)), npy(header("<i8", shape="(2,)"), bytes(16))
FULL = {"a.png": png(), "a.cls": b"1"}


def flip(data, at):
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1:]


def chunk(data, kind, body):
    """A PNG with the body of its first chunk of a kind exchanged."""
    at = data.index(kind)
    length = struct.unpack(">I", data[at - 4:at])[0]
    return data[:at - 4] + struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) + data[at + 8 + length:]


def store(name, says, statements=None, data=None, arguments=("--resume",), code=3):
    if data is None:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "s")
            db = sqlite3.connect(path)
            for s in statements:
                db.execute(s)
            db.commit()
            db.close()
            data = open(path, "rb").read()
    out = "store-" + name + ".weir"
    return ("store " + name, {out + ".trials": data},
            ["optimize", "{MODEL28}", "-o", "{DIR}/" + out, "--data", "{SET28}", "--train", "{TRAIN28}", "--no-finetune", "--machine", "{MACHINE}", "--max-drop", "50"] + list(arguments), says, code)


TABLES = ["CREATE TABLE trial (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID", "CREATE TABLE attempt (id INTEGER PRIMARY KEY, key TEXT NOT NULL)"]
MAGIC = b"SQLite format 3\0"

CASES = [
    # ---- .npz
    archive("npz-no-archive", b"PK\3\4" + bytes(60), "npz-no-archive.npz"),
    archive("npz-not-zip", X, "not an .npz file"),
    archive("npz-empty", npz({}), "no samples; expected arrays"),
    archive("npz-no-labels", npz({"x.npy": X}), "no labels; expected arrays"),
    archive("npz-label-count", samples(X, npy(header("<i8", shape="(3,)"), bytes(24))), "the labels are not 2 integers, one a sample"),
    archive("npz-label-rank", npz({"x.npy": X, "y.npy": npy(header("<i8", shape="(2, 1)"), bytes(16))}), "the labels are not 2 integers, one a sample"),
    archive("npz-label-floats", npz({"x.npy": X, "labels.npy": npy(header("<f4", shape="(2,)"), bytes(8))}), "the labels are not 2 integers, one a sample"),
    archive("npz-label-negative", samples(X, npy(header("<i8", shape="(2,)"), struct.pack("<2q", 0, -1))), "class -1; expected 0 or more"),
    archive("npz-label-huge", samples(X, npy(header("<i8", shape="(2,)"), struct.pack("<2q", 1 << 40, 0))), "class 1099511627776; expected 0 or more"),
    archive("npz-no-values", samples(npy(header("|u1", shape="(2, 0, 4, 4)"), b""), Y), "samples of 0 values"),
    archive("npz-array-bomb", samples(npy(header("<f8", shape="(1000000, 1000000)"), bytes(8)), Y), "more than the file can hold"),
    archive("npz-array-short", samples(npy(header("|u1", shape="(2, 1, 4, 4)"), bytes(30)), Y), "ends early"),
    archive("npz-array-long", samples(npy(header("|u1", shape="(2, 1, 4, 4)"), bytes(33)), Y), "more data than its shape says"),
    archive("npz-array-type", samples(npy(header("<c8", shape="(2, 4)"), bytes(64)), Y), "array type '<c8'"),
    archive("npz-array-header", samples(b"\x93NUMPY\1\0\xff\xff{", Y), "ends early"),
    archive("npz-long-name", npz({"n" * 300 + ".npy": X}), "an array name of 300 characters"),
    archive("npz-damaged", flip(npz(SET, zipfile.ZIP_DEFLATED), 60), "npz-damaged.npz"),
    array_of("npz-no-arrays", npz({}), "no arrays"),
    array_of("npz-cut", npz({"x.npy": npy()})[:100], "npz-cut.npz"),
    # ---- shards
    shard("tar-text", b"hello " * 200, "tar-text.tar"),
    shard("tar-checksum", flip(tar(FULL), 3), "tar-checksum.tar"),
    shard("tar-cut", tar(FULL)[:600], "tar-cut.tar"),
    shard("tar-gz-cut", FULL, "tar-gz-cut.tar", lambda b: gzip.compress(b, mtime=0)[:-12]),
    shard("tar-no-label", {"a.png": png()}, "no .cls with its class"),
    shard("tar-no-image", {"a.cls": b"1"}, "no .jpg or .png"),
    shard("tar-label-text", {"a.png": png(), "a.cls": b"cat"}, ".cls is not a class number"),
    shard("tar-label-empty", {"a.png": png(), "a.cls": b""}, ".cls is not a class number"),
    shard("tar-label-nul", {"a.png": png(), "a.cls": b"1\0"}, ".cls is not a class number"),
    shard("tar-label-long", {"a.png": png(), "a.cls": b"1" * 100}, "a file of 100 bytes; expected at most 64"),
    shard("tar-label-huge", {"a.png": png(), "a.cls": b"99999999999"}, "class 99999999999; expected 0 or more"),
    shard("tar-two-images", {"a.png": png(), "a.jpg": PHOTO, "a.cls": b"1"}, "two images"),
    shard("tar-two-labels", {"a.cls": b"1", "a.CLS": b"2"}, "two classes"),
    shard("tar-long-key", tar({"d/" * 20 + "k" * 280 + ".png": png()}, tarfile.GNU_FORMAT), "a key of 320 characters"),
    shard("tar-not-image", {"a.png": b"GIF89a" + bytes(30), "a.cls": b"1"}, "neither JPEG nor PNG"),
    shard("tar-sizes-differ", dict(FULL, **{"b.png": png(w=3), "b.cls": b"0"}), "expected 3x2x2 like the first sample"),
    shard("tar-nothing", tar({"readme": b"x"}), "no samples"),
    # ---- images
    image("png-cut", png()[:40], "PNG:"),
    image("png-crc", flip(png(), 30), "PNG:"),
    image("png-no-pixels", chunk(png(), b"IDAT", zlib.compress(b"")), "PNG:"),
    image("png-too-few-rows", chunk(png(), b"IDAT", zlib.compress(b"\0" * 7)), "PNG:"),
    image("png-width-0", chunk(png(), b"IHDR", struct.pack(">IIBBBBB", 0, 2, 8, 2, 0, 0, 0)), "PNG:"),
    image("png-huge", chunk(png(), b"IHDR", struct.pack(">IIBBBBB", 65000, 65000, 8, 2, 0, 0, 0)), "pixels are too many"),
    image("png-depth-7", chunk(png(), b"IHDR", struct.pack(">IIBBBBB", 2, 2, 7, 2, 0, 0, 0)), "PNG:"),
    image("jpeg-cut", PHOTO[:-200], "JPEG:"),
    image("jpeg-no-frame", PHOTO[:20] + b"\xff\xd9", "JPEG:"),
    image("jpeg-marker", PHOTO.replace(b"\xff\xc0", b"\xff\xc8"), "JPEG:"),
    image("jpeg-huge", PHOTO.replace(PHOTO[PHOTO.index(b"\xff\xc0") + 5:PHOTO.index(b"\xff\xc0") + 9], b"\xff\xff\xff\xff"), "JPEG: Maximum supported image dimension"),
    # ---- data sets in JSON
    dataset("path-number", {"format": "idx", "path": 3}, "\"path\": expected a file name or a list of them"),
    dataset("path-list", {"format": "idx", "path": ["a", 3]}, "\"path\": expected a file name or a list of them"),
    dataset("path-itself", {"format": "npz", "path": "data-path-itself.json"}, "not an .npz file"),
    dataset("path-pattern", {"format": "tar", "path": "no-such-*.tar"}, "no file matches"),
    dataset("format-number", {"format": 3, "path": "a"}, "\"format\": expected"),
    dataset("layout", {"format": "idx", "path": "a", "layout": "CHWN"}, "\"layout\": expected \"NCHW\" or \"NHWC\""),
    dataset("scale", {"format": "idx", "path": "a", "scale": "half"}, "\"scale\": expected a number"),
    dataset("mean-empty", {"format": "idx", "path": "a", "mean": []}, "\"mean\": expected a number, or one per channel"),
    dataset("mean-17", {"format": "idx", "path": "a", "mean": [0] * 17}, "\"mean\": expected a number, or one per channel"),
    dataset("std-text", {"format": "idx", "path": "a", "std": ["x"]}, "\"std\": expected a number above 0"),
    dataset("std-negative", {"format": "idx", "path": "a", "std": [1, -1]}, "\"std\": expected a number above 0"),
    dataset("resize-0", {"format": "idx", "path": "a", "resize": 0}, "\"resize\": expected pixels of the shorter side"),
    dataset("resize-three", {"format": "idx", "path": "a", "resize": [1, 2, 3]}, "\"resize\": expected pixels of the shorter side"),
    dataset("crop-huge", {"format": "idx", "path": "a", "crop": 1 << 40}, "\"crop\": expected the side of the square"),
    dataset("limit-negative", {"format": "idx", "path": "a", "limit": -1}, "\"limit\": expected a number of samples"),
    dataset("many-wildcards", {"format": "idx", "path": "*/*/*/a"}, "wildcards may stand in 2 parts of a path"),
    dataset("wildcards-back", {"format": "idx", "path": "*/../a"}, "no '..' behind one"),
    dataset("twice", "{\"format\": \"idx\", \"format\": \"npz\", \"path\": \"a\"}", "data-twice.json"),
    dataset("number-range", "{\"format\": \"idx\", \"path\": \"a\", \"scale\": 1e999}", "data-number-range.json"),
    dataset("empty", "", "data-empty.json"),
    usage("format-later", {"format": "csv", "path": "a"}, "data format \"csv\" is not yet there"),
    usage("format-unknown", {"format": "parquet", "path": "a"}, "unknown data format \"parquet\""),
    usage("path-empty", {"format": "idx", "path": ""}, "an empty path in the list of data files"),
    usage("augment", {"format": "idx", "path": "a", "augment": {}}, "\"augment\" is not yet there"),
    # ---- recipes
    recipe("list", "[1, 2]", "a recipe is an object with a list 'rules'"),
    recipe("version", {"version": 7, "rules": []}, "recipe version 7, this weir reads 1"),
    recipe("rule-number", {"rules": [3]}, "rule 1 has no 'technique'"),
    recipe("no-nodes", {"rules": [{"technique": "ans"}]}, "'nodes' must be a regular expression or a list of names"),
    recipe("nodes-empty", {"rules": [{"technique": "ans", "nodes": []}]}, "'nodes' must be a regular expression or a list of names"),
    recipe("nodes-number", {"rules": [{"technique": "ans", "nodes": [3]}]}, "'nodes' may hold names only"),
    recipe("nodes-long", {"rules": [{"technique": "ans", "nodes": "a" * 400}]}, "'nodes' is longer than 300 characters"),
    recipe("nobody", {"rules": [{"technique": "ans", "nodes": "nobody"}]}, "no node of"),
    recipe("cannot-take", {"rules": [{"technique": "prune", "nodes": "flatten"}]}, "none of the 1 nodes named can take it"),
    recipe("density", {"rules": [{"technique": "prune", "nodes": ".*", "density": 2}]}, "'density' must be a number from"),
    recipe("codebook", {"rules": [{"technique": "cluster", "nodes": ".*", "codebook": 1000}]}, "'codebook' must be a number from"),
    recipe("method", {"rules": [{"technique": "prune", "nodes": ".*", "method": "luck"}]}, "'method' must be one of"),
    recipe("flag", {"rules": [{"technique": "prune", "nodes": ".*", "bias_correction": 1}]}, "'bias_correction' must be true or false"),
    recipe("too-many", {"rules": [{"technique": "ans", "nodes": ".*"}] * 5000}, "more than 4096 rules"),
    recipe("nul", "{\"rules\": []}\0 and more", "a NUL byte"),
    recipe("repeats", {"rules": [{"technique": "ans", "nodes": "((.{99}){99}){99}"}]}, "repeats more than"),
    recipe("pluses", {"rules": [{"technique": "ans", "nodes": ".*" + "+" * 50}]}, "repeats more than"),
    recipe("nested-pluses", {"rules": [{"technique": "ans", "nodes": "(" * 40 + "a" + ")+" * 40}]}, "repeats more than"),
    recipe("open-repeats", {"rules": [{"technique": "ans", "nodes": "a" + "{1,}" * 40}]}, "repeats more than"),
    # ---- machine models
    machine("deep", "machine-deep.json", "[" * 3000),
    machine("no-levels", "field 'levels'", levels=None),
    machine("levels-shrink", "capacities that grow", levels=dict(l1={"bytes": 1 << 30, "read_gbs": [1, 1], "write_gbs": [1, 1]},
            l2={"bytes": 1 << 20, "read_gbs": [1, 1], "write_gbs": [1, 1]}, llc={"bytes": 1 << 24, "read_gbs": [1, 1], "write_gbs": [1, 1]},
            dram={"bytes": 0, "read_gbs": [1, 1], "write_gbs": [1, 1]})),
    machine("bandwidth-zero", "field 'levels.l1.read_gbs'", levels={"l1": {"bytes": 32768, "read_gbs": [0, 1], "write_gbs": [1, 1]}}),
    machine("bandwidth-one", "two numbers: one thread, all threads", levels={"l1": {"bytes": 32768, "read_gbs": [1], "write_gbs": [1, 1]}}),
    machine("ghz", "field 'ghz'", ghz=1e9),
    machine("barrier", "field 'barrier_us'", barrier_us=-1),
    machine("step", "field 'step_us'", step_us="quick"),
    machine("model-long", "field 'cpu_model': expected a short text", cpu_model="c" * 100),
    machine("isa-missing", "field 'isa'", isa=None),
    # ---- trial stores
    store("text", "is no trial store and is left alone", data=b"my notes, which weir must not throw away\n" * 3, arguments=()),
    store("text-resumed", "trial store", data=b"my notes, which weir must not throw away\n" * 30),
    store("foreign", "an sqlite file of another program", ["CREATE TABLE mail (id INTEGER)"]),
    store("foreign-number", "an sqlite file of another program", TABLES + ["PRAGMA application_id=7", "PRAGMA user_version=1"]),
    store("version", "version 9, this weir reads 2", TABLES + ["PRAGMA application_id=%d" % 0x57454952, "PRAGMA user_version=9"]),
    store("no-tables", "no such table", ["CREATE TABLE t (x)", "PRAGMA application_id=%d" % 0x57454952, "PRAGMA user_version=2"]),
    store("cut", "remove it to start afresh", data=MAGIC + bytes(300)),
    store("damaged", "remove it to start afresh", data=MAGIC + bytes([16, 0, 1, 1, 0, 64, 32, 32]) + b"\xff" * 4072),
]
