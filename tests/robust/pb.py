"""A protobuf and ONNX encoder just large enough to write models, and models that break one rule."""
import struct


def varint(v):
    v &= (1 << 64) - 1
    out = bytearray()
    while v >= 0x80:
        out.append(v & 0x7F | 0x80)
        v >>= 7
    out.append(v)
    return bytes(out)


def num(tag, v):
    return varint(tag << 3) + varint(v)


def raw(tag, data):
    data = data.encode() if isinstance(data, str) else data
    return varint(tag << 3 | 2) + varint(len(data)) + data


def fixed(tag, v):
    return varint(tag << 3 | 5) + struct.pack("<f", v)


def floats(*v):
    return struct.pack("<%df" % len(v), *v)


FLOAT, UINT8, INT8, INT32, INT64, STRING, BOOL, DOUBLE = 1, 2, 3, 6, 7, 8, 9, 11


def tensor(name, dims, data=None, dtype=FLOAT, extra=b""):
    """data: raw bytes; None: zeros of the right size; False: no data at all."""
    size = {FLOAT: 4, UINT8: 1, INT8: 1, INT32: 4, INT64: 8, BOOL: 1, DOUBLE: 8}.get(dtype, 4)
    if data is None:
        n = size
        for d in dims:
            n *= d
        data = bytes(n)
    out = b"".join(num(1, d) for d in dims) + num(2, dtype)
    if name is not None:
        out += raw(8, name)
    return out + (raw(9, data) if data is not False else b"") + extra


def info(name, dims, dtype=FLOAT, type_=None):
    """dims: ints, strings (symbols), None (unknown); dims None: no shape."""
    shape = b""
    if dims is not None:
        dim = lambda d: b"" if d is None else num(1, d) if isinstance(d, int) else raw(2, d)
        shape = raw(2, b"".join(raw(1, dim(d)) for d in dims))
    if type_ is None:
        type_ = raw(1, num(1, dtype) + shape)
    return (raw(1, name) if name is not None else b"") + raw(2, type_)


def attr(name, value, type_=None):
    out = raw(1, name)
    if isinstance(value, float):
        return out + fixed(2, value) + num(20, type_ or 1)
    if isinstance(value, int):
        return out + num(3, value) + num(20, type_ or 2)
    if isinstance(value, str):
        return out + raw(4, value) + num(20, type_ or 3)
    if isinstance(value, bytes):
        return out + raw(5, value) + num(20, type_ or 4)
    return out + raw(8, b"".join(varint(v) for v in value)) + num(20, type_ or 7)


def node(op, inputs, outputs, *attrs, name=None, domain=None):
    out = b"".join(raw(1, i) for i in inputs) + b"".join(raw(2, o) for o in outputs)
    if name is not None:
        out += raw(3, name)
    out += raw(4, op) if op is not None else b""
    out += b"".join(raw(5, a) for a in attrs)
    return out + (raw(7, domain) if domain is not None else b"")


CONV = dict(kernel_shape=[3, 3], pads=[1, 1, 1, 1])


def conv(**changes):
    a = dict(CONV, **changes)
    return node("Conv", ["x", "w", "b"], ["c"], *[attr(k, v) for k, v in a.items() if v is not None], name="conv")


def parts(**changes):
    """The base network: Conv, Relu, Flatten, Gemm over a 1x1x4x4 image, as lists of encoded messages."""
    p = dict(
        node=[conv(), node("Relu", ["c"], ["r"], name="relu"), node("Flatten", ["r"], ["f"], name="flatten"),
              node("Gemm", ["f", "v", "d"], ["y"], attr("transB", 1), name="gemm")],
        init=[tensor("w", [2, 1, 3, 3], floats(*range(18))), tensor("b", [2]), tensor("v", [3, 32]), tensor("d", [3])],
        input=[info("x", ["batch", 1, 4, 4])], output=[info("y", ["batch", 3])], info=[], extra=b"")
    p.update(changes)
    return p


def graph(**changes):
    p = parts(**changes)
    tags = (("node", 1), ("init", 5), ("input", 11), ("output", 12), ("info", 13))
    return b"".join(raw(tag, m) for key, tag in tags for m in p[key]) + raw(2, "g") + p["extra"]


def opset(version=13, domain=""):
    return raw(8, raw(1, domain) + num(2, version))


def model(g=None, ir=8, opsets=None, extra=b"", **changes):
    g = graph(**changes) if g is None else g
    return (num(1, ir) if ir is not None else b"") + raw(7, g) + (opset() if opsets is None else opsets) + extra


def one(op, inputs, outputs, *attrs, init=(), dims=(1, 4), opsets=None, dtype=FLOAT, **kw):
    """A model of a single node over x."""
    return model(node=[node(op, inputs, outputs, *attrs, name="n", **kw)], init=list(init), input=[info("x", list(dims))],
                 output=[info(outputs[0], None, dtype)], opsets=opsets)
