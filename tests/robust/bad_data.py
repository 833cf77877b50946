"""Data and documents that break one rule each: (name, files, arguments, what the message must say). The first file is the one
that the message must name. {DIR} is the folder of the files, {MODEL} a good model, {OUT} a path that must not appear."""
import json
import struct


def npy(header=None, data=bytes(64), version=1, length=None):
    h = ("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 4, 4)}" if header is None else header).encode()
    h += b" " * (-(10 + len(h) + 1) % 64) + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H", len(h) if length is None else length) + h + data


def header(descr="<f4", order="False", shape="(1, 1, 4, 4)"):
    return "{'descr': '%s', 'fortran_order': %s, 'shape': %s}" % (descr, order, shape)


def idx(dims, data, kind=8):
    return bytes([0, 0, kind, len(dims)]) + b"".join(struct.pack(">I", d) for d in dims) + data


IMAGES = idx([2, 4, 4], bytes(32))
LABELS = idx([2], bytes([0, 1]))
MACHINE = {"version": 1, "cpu_model": "c", "isa": "ref", "threads": 1, "ghz": 1.0, "llc_policy": "inclusive", "barrier_us": 1.0, "step_us": 1.0,
           "levels": {k: {"bytes": b, "read_gbs": [1, 1], "write_gbs": [1, 1]} for k, b in (("l1", 32768), ("l2", 1 << 20), ("llc", 1 << 24), ("dram", 0))},
           "peak_gmacs": {"f32": [1, 1], "bf16": None, "int8": [1, 1]}}


def array(name, data, says):
    return ("npy " + name, {name + ".npy": data}, ["run", "{MODEL}", "-i", "{DIR}/" + name + ".npy", "-o", "{OUT}.npy"], says)


def images(name, says, img=IMAGES, lab=LABELS, blame="img"):
    files = {name + ".img": img, name + ".lab": lab}
    if blame == "lab":
        files = dict(reversed(files.items()))
    return ("idx " + name, files, ["eval", "{MODEL}", "--data", "idx:{DIR}/" + name + ".img,{DIR}/" + name + ".lab"], says)


def dataset(name, text, says):
    text = text if isinstance(text, str) else json.dumps(text)
    return ("data " + name, {"data-" + name + ".json": text.encode()}, ["eval", "{MODEL}", "--data", "{DIR}/data-" + name + ".json"], says)


def recipe(name, text, says):
    text = text if isinstance(text, str) else json.dumps(text)
    file = "recipe-" + name + ".json"
    return ("recipe " + name, {file: text.encode("latin-1")}, ["compress", "{MODEL}", "-o", "{OUT}.weir", "--recipe", "{DIR}/" + file], says)


def machine(name, says, text=None, **changes):
    text = json.dumps({**MACHINE, **changes}) if text is None else text
    return ("machine " + name, {"machine-" + name + ".json": text.encode()}, ["plan", "{MODEL}", "--machine", "{DIR}/machine-" + name + ".json"], says)


CASES = [
    array("empty", b"", "empty; expected an .npy"),
    array("not-npy", b"hello, world, this is text", "expected an .npy, .npz, JPEG or PNG file"),
    array("npy-version", npy(version=9), ".npy version 9; expected 1 to 3"),
    array("npy-header-length", npy(length=65000), "ends inside the .npy header"),
    array("npy-header", npy("{'descr': '<f4'}"), "bad .npy header"),
    array("npy-type", npy(header("<c8")), "array type '<c8'"),
    array("npy-big-endian", npy(header(">f4")), "array type '>f4'"),
    array("npy-fortran", npy(header(order="True")), "array in Fortran order"),
    array("npy-negative", npy(header(shape="(1, -1, 4, 4)")), "bad .npy header"),
    array("npy-overflow", npy(header(shape="(4294967296, 4294967296, 4294967296)")), "overflows"),
    array("npy-short", npy(data=bytes(60)), "60 bytes of data; its shape and type say 64"),
    array("npy-long", npy(data=bytes(68)), "68 bytes of data; its shape and type say 64"),
    array("npy-other-shape", npy(header(shape="(1, 1, 4, 5)"), bytes(80)), "takes 64 bytes, the array has 80"),
    images("images-magic", "expected an IDX file of images", img=idx([2, 4, 4], bytes(32), kind=9)),
    images("labels-magic", "expected an IDX file of labels", lab=idx([2, 1], bytes(2)), blame="lab"),
    images("images-short", "ends inside", img=idx([2, 4, 4], bytes(31))),
    images("images-long", "more data than its header says", img=idx([2, 4, 4], bytes(33))),
    images("labels-short", "ends inside", lab=idx([2], bytes(1)), blame="lab"),
    images("counts-differ", "holds 3 images", img=idx([3, 4, 4], bytes(48))),
    images("no-pixels", "expected sides of 1 to", img=idx([2, 0, 4], b"")),
    images("images-huge", "expected sides of 1 to", img=idx([2, 1 << 31, 4], bytes(32))),
    images("header-cut", "ends inside the IDX header", img=IMAGES[:9]),
    images("no-samples", "no samples", img=idx([0, 4, 4], b""), lab=idx([0], b"")),
    dataset("not-json", "{\"format\": ", "data-not-json.json"),
    dataset("array", [1, 2], "expected a JSON object"),
    dataset("no-format", {"path": "a"}, "\"format\" is missing"),
    dataset("no-path", {"format": "idx"}, "\"path\" is missing"),
    dataset("unknown-field", {"format": "idx", "path": "a", "frobs": 1}, "unknown field \"frobs\""),
    dataset("std-zero", {"format": "npz", "path": "good.onnx", "std": 0}, "\"std\": expected a number above 0"),
    dataset("deep", "[" * 100000, "data-deep.json"),
    recipe("not-json", "{", "recipe-not-json.json"),
    recipe("not-utf8", "{\"rules\": [\"\xff\xfe\"]}", "recipe-not-utf8.json"),
    recipe("no-rules", {}, "a recipe is an object with a list 'rules'"),
    recipe("technique", {"rules": [{"nodes": ".*", "technique": "frobnicate"}]}, "technique 'frobnicate' is not one of"),
    recipe("regex", {"rules": [{"nodes": "(", "technique": "prune", "density": 0.5}]}, "'(' is no regular expression"),
    recipe("parameter", {"rules": [{"nodes": ".*", "technique": "prune", "frobs": 1}]}, "'frobs' is no parameter of prune"),
    machine("not-json", "machine-not-json.json", "{\"version\":"),
    machine("version", "field 'version'", version=77),
    machine("threads", "field 'threads'", threads=-1),
    machine("levels", "field 'levels'", levels=[]),
    machine("policy", "field 'llc_policy'", llc_policy="maybe"),
    machine("peak", "peak_gmacs", peak_gmacs={"f32": [0, 0]}),
]
