"""Writes the hand-made part of the fuzz corpus: small models of many operators, and .weir files with every storage.

usage: seeds.py FOLDER (gets onnx/ and weir/)
"""
import os
import struct
import sys

import pb
import weirfile
from pb import attr, floats, info, model, node, one, opset, tensor
from weirfile import f32, ids, meta, shape, signed, value, varint

SMALL = [1, 2, 4, 4]


def chain(*nodes, init=(), dims=SMALL, **kw):
    return model(node=list(nodes), init=list(init), input=[info("x", dims)], output=[info("y", None)], **kw)


UNARY = ["Relu", "Sigmoid", "Tanh", "HardSwish", "HardSigmoid", "Elu", "LeakyRelu", "Softplus", "Abs", "Neg", "Exp", "Sqrt", "Erf", "Floor",
         "Identity", "Dropout", "Softmax", "LogSoftmax", "Flatten", "Transpose", "Shape", "GlobalAveragePool", "GlobalMaxPool", "ReduceMean",
         "ReduceSum", "ReduceMax", "ArgMax", "Squeeze"]
I64 = lambda name, *v: tensor(name, [len(v)], struct.pack("<%dq" % len(v), *v), pb.INT64)

ONNX = {
    "net": model(), "net-ir3": model(ir=3, input=[info("x", ["batch", 1, 4, 4]), info("w", [2, 1, 3, 3])], opsets=opset(7)),
    "floats": model(init=[tensor("w", [2, 1, 3, 3], False, extra=pb.raw(4, floats(*range(18))))] + pb.parts()["init"][1:]),
    "conv-group": chain(node("Conv", ["x", "w"], ["y"], attr("group", 2), attr("strides", [2, 2]), attr("auto_pad", "SAME_UPPER")),
                        init=[tensor("w", [2, 1, 3, 3])]),
    "batchnorm": chain(node("Conv", ["x", "w"], ["c"]), node("BatchNormalization", ["c", "s", "b", "m", "v"], ["n"]), node("Relu", ["n"], ["y"]),
                       init=[tensor("w", [2, 2, 1, 1])] + [tensor(k, [2], floats(1, 2)) for k in "sbmv"]),
    "residual": chain(node("Conv", ["x", "w"], ["c"]), node("Add", ["c", "x"], ["a"]), node("Clip", ["a", "lo", "hi"], ["y"]),
                      init=[tensor("w", [2, 2, 1, 1]), tensor("lo", [], floats(0)), tensor("hi", [], floats(6))]),
    "maxpool": chain(node("MaxPool", ["x"], ["y"], attr("kernel_shape", [2, 2]), attr("strides", [2, 2]), attr("ceil_mode", 1))),
    "avgpool": chain(node("AveragePool", ["x"], ["y"], attr("kernel_shape", [3, 3]), attr("pads", [1, 1, 1, 1]), attr("count_include_pad", 1))),
    "reshape": chain(node("Reshape", ["x", "s"], ["y"]), init=[I64("s", 0, -1)]),
    "gate": chain(node("Sigmoid", ["x"], ["s"]), node("Mul", ["x", "s"], ["y"])),
    "concat": chain(node("Concat", ["x", "x"], ["y"], attr("axis", 1))),
    "split": chain(node("Split", ["x"], ["a", "b"], attr("axis", 1)), node("Sub", ["a", "b"], ["y"])),
    "slice": chain(node("Slice", ["x", "s", "e", "a"], ["y"]), init=[I64("s", 0), I64("e", 2), I64("a", 3)]),
    "pad": chain(node("Pad", ["x", "p"], ["y"]), init=[I64("p", 0, 0, 1, 1, 0, 0, 1, 1)]),
    "gather": chain(node("Gather", ["x", "i"], ["y"], attr("axis", 3)), init=[I64("i", 0, -1)]),
    "matmul": chain(node("MatMul", ["x", "w"], ["m"]), node("Add", ["m", "b"], ["y"]), init=[tensor("w", [4, 3]), tensor("b", [3])]),
    "nbits": chain(node("MatMulNBits", ["x", "w", "s", "z"], ["m"], attr("K", 4), attr("N", 3), attr("block_size", 16), domain="com.microsoft"),
                   node("Add", ["m", "b"], ["y"]),
                   init=[tensor("w", [3, 1, 8], bytes(range(24)), pb.UINT8), tensor("s", [3]), tensor("z", [3], b"\x03\x08\x0f", pb.UINT8),
                         tensor("b", [3])]),
    "constant": chain(node("Constant", [], ["k"], attr("value", tensor(None, [4], floats(1, 2, 3, 4)))), node("Mul", ["x", "k"], ["y"])),
    "of-shape": chain(node("Shape", ["x"], ["s"]), node("ConstantOfShape", ["s"], ["z"]), node("Max", ["x", "z"], ["y"])),
    "unsqueeze": chain(node("Unsqueeze", ["x", "a"], ["y"]), init=[I64("a", 0)]),
    "expand": chain(node("Expand", ["x", "s"], ["y"]), init=[I64("s", 3, 2, 4, 4)]),
    "cast": chain(node("Cast", ["x"], ["h"], attr("to", 10)), node("Cast", ["h"], ["y"], attr("to", 1))),
    "quantize": chain(node("QuantizeLinear", ["x", "s", "z"], ["q"]), node("DequantizeLinear", ["q", "s", "z"], ["y"]),
                      init=[tensor("s", [], floats(0.1)), tensor("z", [], b"\x80", pb.UINT8)]),
    "dynamic": chain(node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]), node("MatMulInteger", ["q", "w", "z"], ["m"]),
                     node("Cast", ["m"], ["f"], attr("to", 1)), node("Mul", ["f", "s"], ["y"]), init=[tensor("w", [4, 3], bytes(range(12)), pb.INT8)]),
    "convinteger": chain(node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]), node("ConvInteger", ["q", "w", "z"], ["m"], attr("pads", [1, 1, 1, 1])),
                         node("Cast", ["m"], ["y"], attr("to", 1)), init=[tensor("w", [3, 2, 3, 3], bytes(range(54)), pb.INT8)]),
    "symbols": chain(node("Relu", ["x"], ["y"]), dims=["n", None, "h", "w"]),
    "lrn": chain(node("LRN", ["x"], ["y"], attr("size", 3))), "prelu": chain(node("PRelu", ["x", "s"], ["y"]), init=[tensor("s", [2, 1, 1])]),
}
ONNX.update({"unary-" + op.lower(): one(op, ["x"], ["y"], dims=SMALL, opsets=opset(14), dtype=pb.INT64 if op in ("Shape", "ArgMax") else pb.FLOAT)
             for op in UNARY})


def section(m, coded=b"", dense=b""):
    return struct.pack("<II", len(m), len(coded)) + m + coded + dense


def plane(*streams, head=b"\0"):
    return head + b"".join(varint(len(s)) + s for s in streams)


RAW = lambda n, bits, data: bytes([(bits - 1) << 2]) + varint(n) + data
CODING = lambda *book: b"\1" + f32(0.5) + varint(len(book)) + (f32(*book) if book else b"")
WEIGHTS = lambda **kw: meta(values=[weirfile.VALUES[0], value(2, "w", **kw)] + weirfile.VALUES[2:])


def coded(data, dims=(2, 4), type_=1, book=()):
    return section(WEIGHTS(type_=type_, dims=dims, coding=CODING(*book), storage=2, data=varint(len(data))), data)


BYTES = plane(RAW(8, 8, bytes(range(8))))
LEVELS = b"\1\2" + varint(3) + RAW(2, 8, b"\7\x09")[:4] + plane(RAW(4, 1, b"\5"), head=b"") * 2
WEIR = {
    "inline": section(meta()), "recipe": section(meta(recipe='{"rules": []}')), "dense": section(WEIGHTS(dims=[2, 4], storage=1), dense=bytes(32)),
    "codebook": coded(b"\0" + plane(RAW(8, 2, b"\xe4\x1b")), book=(0.0, 1.0, -1.0, 2.0)),
    "codebook-sparse": coded(b"\1" + plane(RAW(8, 1, b"\x0f")) + plane(RAW(4, 2, b"\xe4")), book=(0.0, 1.0, -1.0, 2.0)),
    "bytes": coded(b"\2" + BYTES * 4), "s8": section(WEIGHTS(type_=6, dims=[2, 4], quant=varint(2) + signed(0) + f32(1, 2) + b"\0", coding=CODING(),
                                                         storage=2, data=varint(1 + len(BYTES))), b"\2" + BYTES),
    "levels": coded(b"\3" + LEVELS, type_=6), "low-bits": coded(b"\2" + plane(RAW(8, 2, b"\xe4\x1b"), RAW(8, 6, bytes(6)), head=b"\x10"), type_=6),
}


def main():
    for kind, files in (("onnx", ONNX), ("weir", WEIR)):
        os.makedirs(os.path.join(sys.argv[1], kind), exist_ok=True)
        for name, data in files.items():
            with open(os.path.join(sys.argv[1], kind, name + "." + kind if kind == "onnx" else name + ".sections"), "wb") as f:
                f.write(data)


main()
