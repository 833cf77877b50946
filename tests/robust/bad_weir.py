""".weir files that break one rule each: (name, bytes, what the message must say, whether to fill in the checksums)."""
from pb import varint, floats
from weirfile import *

RELU_LOOP = [value(1, "x", 1, [1]), value(0, "a", 1, [1]), value(0, "y", 1, [1])]
LOOP = [node(0, "p", [2], [1]), node(0, "q", [1], [2])]
QUANT = lambda n, axis, scales, zero=b"\0": varint(n) + signed(axis) + f32(*scales) + zero
CODING = lambda density=1.0, ans=1, book=(): bytes([ans]) + f32(density) + varint(len(book)) + (f32(*book) if book else b"")
CODED = lambda size, dims=(2, 4), coding=None, type_=1: weights(type_=type_, dims=list(dims), coding=coding or CODING(), storage=2, data=varint(size))
SYMBOLS = lambda *planes: b"".join(planes)
PLANE_ONE = lambda n, sym: b"\0" + varint(3 if n < 128 else 4) + b"\1" + varint(n) + bytes([sym])
BYTES4 = b"\2" + PLANE_ONE(8, 0) * 4


def broken(data, at, v=0xFF):
    return data[:at] + bytes([data[at] ^ v]) + data[at + 1:]


# Files that must open: what is optional may be ignored.
GOOD = [
    ("plain", file()),
    ("no-features-listed", file(features() + meta(), features=1)),
    ("optional-feature", file(features(("nice", 0, b"some data"), ("nicer", 0, b"")) + meta(), features=1)),
    ("optional-bits", file(features=0xffff0000)),
]

DENSE = weights(type_=1, dims=[2, 4], storage=1)

CASES = [
    # ---- header and sections
    ("short", file()[:60], "60 bytes, the header has 88", False),
    ("version", file(version=2), "reads up to version 1, a newer weir wrote this", True),
    ("version-0", file(version=0), "format version 0, expected 1 to 1", True),
    ("feature-bit", file(features=4), "needs feature bit 2, which weir", True),
    ("feature-bit-15", file(features=1 << 31 | 1 << 15), "needs feature bit 15, which weir", True),
    ("feature", file(features(("frobs", 1, b"")) + meta(), features=1), "needs the feature 'frobs', which weir", True),
    ("feature-second", file(features(("nice", 0, b"123"), ("frobs", 1, b"4")) + meta(), features=1), "needs the feature 'frobs'", True),
    ("feature-list-cut", file(features(("nice", 0, bytes(9)))[:-3], features=1), "damaged in its list of features", True),
    ("feature-list-count", file(varint(1 << 40) + meta(), features=1), "damaged in its list of features", True),
    ("feature-list-size", file(varint(1) + string("a") + b"\0" + varint(1 << 60) + meta(), features=1), "damaged in its list of features", True),
    ("feature-needed", file(features(("nice", 2, b"")) + meta(), features=1), "damaged in its list of features", True),
    ("feature-unnamed", file(features(("", 0, b"")) + meta(), features=1), "damaged in its list of features", True),
    ("feature-not-utf8", file(features((b"\xff", 1, b"")) + meta(), features=1), "damaged in its list of features", True),
    ("feature-list-missing", file(features=1), "damaged in", True),
    ("header-damaged", broken(file(), 30, 1), "the header is damaged (checksum)", False),
    ("size", file(size=12345), "its header says 12345", True),
    ("cut", file(size=len(file()))[:-1], "its header says", True),
    ("sections-too-long", file(meta_size=1 << 40), "its sections are longer than the file", True),
    ("sections-do-not-add-up", file(tail=b"12345678"), "its sections do not add up to the file", True),
    ("padding", file(DENSE, dense=bytes(32), pad=b"\1"), "between its sections is not 0", True),
    ("metadata-not-zstd", file(packed=bytes(50)), "its metadata cannot be decompressed", True),
    ("metadata-bomb", file(raw_size=1 << 31), "more than weir reads", True),
    ("metadata-size", file(raw_size=len(meta()) + 1), "bytes of metadata, its header says", True),
    # ---- metadata
    ("metadata-empty", file(b""), "the metadata ends early or is damaged in its head", True),
    ("metadata-cut", file(meta()[:-6]), "the metadata ends early or is damaged in", True),
    ("metadata-extra", file(meta(extra=b"123")), "3 bytes follow the metadata", True),
    ("opset", file(meta(opset=99999)), "the head of the metadata is wrong: opset 99999", True),
    ("operator", file(meta(ops=[("Frobnicate", []), ("Gemm", ["transB"])])), "operator 'Frobnicate' is unknown to weir", True),
    ("operator-layout", file(meta(ops=[("weir.Layout", []), ("Gemm", ["transB"])])), "operator 'weir.Layout' is unknown to weir", True),
    ("attribute", file(meta(ops=[("Relu", []), ("Gemm", ["frobs"])])), "attribute 'frobs' of Gemm is unknown", True),
    ("symbol-twice", file(meta(symbols=("n", "n"))), "symbol 'n' is listed twice", True),
    ("counts", file(meta(values=[b""] * 100000)), "the metadata ends early or is damaged in the values", True),
    # ---- values
    ("name-empty", file(meta(values=VALUES + [value(2, "", 1, [1], data=f32(0))])), "its name is empty or not UTF-8", True),
    ("name-not-utf8", file(meta(values=VALUES + [value(2, b"\xff", 1, [1], data=f32(0))])), "its name is empty or not UTF-8", True),
    ("name-twice", file(meta(values=VALUES + [value(2, "w", 1, [1], data=f32(0))])), "tensor 'w' is listed twice", True),
    ("type", file(weights(type_=99, dims=[2, 4], data=bytes(32))), "tensor 'w': unknown type 99", True),
    ("type-missing", file(weights(type_=0, dims=[2, 4], data=bytes(32))), "is constant but has no type", True),
    ("shape-missing", file(weights(data=bytes(32))), "is constant but has no shape", True),
    ("rank", file(weights(dims=[1] * 9, data=bytes(4))), "rank 9, at most 8 is supported", True),
    ("dimension", file(weights(dims=[2, 1 << 40], data=bytes(32))), "dimension 1 is 1099511627776", True),
    ("symbol-unknown", file(weights(dims=[2, -9], data=bytes(32))), "dimension 1 is -9", True),
    ("constant-symbolic", file(weights(dims=[-1, 4], data=bytes(32))), "is constant but its dimension 0 is a symbol", True),
    ("dims-overflow", file(weights(dims=[1 << 30] * 4, data=bytes(32))), "its dims overflow", True),
    ("input-no-shape", file(meta(values=[value(1, "x")] + VALUES[1:])), "is a graph input without type or shape", True),
    ("inline-too-short", file(meta(values=VALUES[:1] + [value(2, "w", 1, [200, 4], data=bytes(32))])), "the metadata ends early or is damaged in tensor 'w'", True),
    ("scales", file(weights(type_=6, dims=[2, 4], quant=QUANT(3, 0, [1, 1, 1]), data=bytes(8))), "3 scales on axis 0", True),
    ("scale-negative", file(weights(type_=6, dims=[2, 4], quant=QUANT(1, 0, [-1]), data=bytes(8))), "scale 0 is -1, expected a positive number", True),
    ("scale-of-floats", file(weights(type_=1, dims=[2, 4], quant=QUANT(1, 0, [1]), data=bytes(32))), "is quantised, expected type u8 or s8", True),
    ("zero-point", file(weights(type_=6, dims=[2, 4], quant=QUANT(1, 0, [1], b"\1" + signed(4000)), data=bytes(8))), "zero point 0 is 4000", True),
    ("density", file(weights(type_=1, dims=[2, 4], coding=CODING(7.0), data=bytes(33))), "density 7, expected 0 to 1", True),
    # ---- data
    ("storage", file(weights(type_=1, dims=[2, 4], storage=3)), "unknown storage 3", True),
    ("dense-outside", file(DENSE, dense=bytes(16)), "needs 32 bytes from 0 on, the section of dense tensors has 16", True),
    ("dense-left-over", file(DENSE, dense=bytes(48)), "the tensors end at 0 and 32, their sections at 0 and 48", True),
    ("coded-outside", file(CODED(100), coded=BYTES4), "needs 100 coded bytes", True),
    ("coded-left-over", file(CODED(len(BYTES4)), coded=BYTES4 + b"\0"), "their sections at", True),
    ("coded-bomb", file(CODED(len(BYTES4), (1 << 20, 1 << 10)), coded=BYTES4), "times as many are decoded", True),
    ("coded-head", file(CODED(1), coded=b"\xff"), "tensor 'w': the head of a coded tensor is wrong", True),
    ("coded-extra", file(CODED(len(BYTES4) + 1), coded=BYTES4 + b"\0"), "1 bytes follow a coded tensor", True),
    ("plane-head", file(CODED(2), coded=b"\2\xff"), "the head of a coded plane is wrong", True),
    ("plane-contexts", file(CODED(3), coded=b"\2\1\x63"), "the head of a coded plane is wrong", True),
    ("stream-cut", file(CODED(3), coded=b"\2\0\x20"), "a coded stream ends early", True),
    ("stream-count", file(CODED(6), coded=b"\2" + PLANE_ONE(9, 0)), "damaged coded stream: another number of symbols", True),
    ("level", file(CODED(len(b"\2\1\2" + PLANE_ONE(2, 99)[1:])), coded=b"\2\1\2" + PLANE_ONE(2, 99)[1:]), "a level is 99, at most 15", True),
    ("present-twice", file(CODED(6), coded=b"\3" + PLANE_ONE(8, 2)), "an element is present 2 times", True),
    ("codebook-missing", file(CODED(6), coded=b"\0" + PLANE_ONE(8, 0)), "indices without an f32 codebook", True),
    ("codebook-index", file(CODED(6, coding=CODING(book=(1.0, 2.0))), coded=b"\0" + PLANE_ONE(8, 5)), "codebook index 5, the codebook has 2 entries", True),
    # ---- nodes and ends
    ("node-value", file(meta(nodes=[node(1, "gemm", [0, 77], [2], 1, signed(1)), NODES[1]])), "refers to value 77 of 4", True),
    ("node-operator", file(meta(nodes=[node(9, "gemm", [0, 1], [2]), NODES[1]])), "the metadata ends early or is damaged in node 0", True),
    ("node-bits", file(meta(nodes=[node(1, "gemm", [0, 1], [2], 6), NODES[1]])), "the metadata ends early or is damaged in node 'gemm'", True),
    ("produced-twice", file(meta(nodes=NODES + [node(0, "again", [2], [3])])), "its output 'y' is produced elsewhere", True),
    ("input-produced", file(meta(nodes=NODES + [node(0, "again", [2], [0])])), "its output 'x' is produced elsewhere", True),
    ("never-produced", file(meta(nodes=NODES[:1])), "no node produces tensor 'y'", True),
    ("cycle", file(meta(ops=OPS[:1], values=RELU_LOOP, nodes=LOOP, outputs=(2,))), "cycle", True),
    ("inputs", file(meta(inputs=(0, 0))), "2 graph inputs are listed, 1 values are inputs", True),
    ("input-kind", file(meta(inputs=(1,))), "graph input 0 is no input value or listed twice", True),
    ("outputs-none", file(meta(outputs=())), "0 graph outputs, expected 1 to", True),
    ("recipe-not-utf8", file(meta(recipe=b"\xff\xfe")), "the recipe is not UTF-8", True),
]
