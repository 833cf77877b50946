"""Writes .weir files by hand (docs/format.md), right and wrong. The checksums are filled in by the seal program."""
import struct
from pb import varint, floats

MAGIC = b"\x89WEIR\r\n\x1a"


def signed(v):
    return varint(v << 1 if v >= 0 else (-v << 1) - 1)


def string(s):
    s = s.encode() if isinstance(s, str) else s
    return varint(len(s)) + s


def f32(*v):
    """Floats: form 0, byte planes."""
    data = floats(*v)
    return b"\0" + b"".join(data[k::4] for k in range(4))


def shape(*dims):
    return bytes([len(dims)]) + b"".join(signed(d) for d in dims)


def zstd(data):
    """A zstd frame of raw blocks."""
    out = b"\x28\xb5\x2f\xfd\x00\x58"  # no content size, window of 2 MiB
    blocks = [data[i:i + 65536] for i in range(0, len(data), 65536)] or [b""]
    for i, b in enumerate(blocks):
        out += struct.pack("<I", len(b) << 3 | (i == len(blocks) - 1))[:3] + b
    return out


def value(kind, name, type_=1, dims=None, quant=None, coding=None, storage=0, data=b""):
    flags = kind | (4 if dims is not None else 0) | (8 if quant else 0) | (16 if coding else 0) | storage << 5
    s = dims if isinstance(dims, bytes) else shape(*dims) if dims is not None else b""
    return bytes([flags]) + string(name) + bytes([type_]) + s + (quant or b"") + (coding or b"") + data


def ids(*v):
    return varint(len(v)) + b"".join(varint(i + 1) for i in v)


def node(op, name, inputs, outputs, bits=0, attrs=b""):
    return varint(op) + string(name) + ids(*inputs) + ids(*outputs) + varint(bits) + attrs


OPS = [("Relu", []), ("Gemm", ["transB"])]
VALUES = [value(1, "x", 1, [-1, 4]), value(2, "w", 1, [2, 4], data=f32(*range(8))), value(0, "h", 1, [-1, 2]), value(0, "y", 1, [-1, 2])]
NODES = [node(1, "gemm", [0, 1], [2], 1, signed(1)), node(0, "relu", [2], [3])]


def meta(opset=13, canonical=1, ops=None, symbols=("batch",), values=None, nodes=None, inputs=(0,), outputs=(3,), recipe=None, extra=b""):
    ops = OPS if ops is None else ops
    values = VALUES if values is None else values
    nodes = NODES if nodes is None else nodes
    out = varint(opset) + bytes([canonical]) + varint(len(ops))
    for name, attrs in ops:
        out += string(name) + varint(len(attrs)) + b"".join(string(a) for a in attrs)
    out += varint(len(symbols)) + b"".join(string(s) for s in symbols)
    out += varint(len(values)) + b"".join(values) + varint(len(nodes)) + b"".join(nodes)
    out += ids(*inputs) + ids(*outputs)
    return out + (b"\0" if recipe is None else b"\1" + string(recipe)) + extra


def features(*listed):
    """The list at the head of the metadata: (name, needed, data) each; goes before meta(), with feature bit 0."""
    return varint(len(listed)) + b"".join(string(name) + bytes([needed]) + varint(len(data)) + data for name, needed, data in listed)


def weights(**kw):
    """The base model with another record for its weights."""
    return meta(values=[VALUES[0], value(2, "w", **kw)] + VALUES[2:])


def file(m=None, packed=None, coded=b"", dense=b"", version=1, features=0, size=None, raw_size=None, meta_size=None, coded_size=None,
         dense_size=None, pad=b"\0", tail=b""):
    m = meta() if m is None else m
    packed = zstd(m) if packed is None else packed
    body = packed + coded
    if dense:
        body += pad * (-(88 + len(body)) % 64) + dense
    body += tail
    pick = lambda given, own: own if given is None else given
    head = MAGIC + struct.pack("<IIQQQQQ", version, features, pick(size, 88 + len(body)), pick(meta_size, len(packed)), pick(raw_size, len(m)),
                               pick(coded_size, len(coded)), pick(dense_size, len(dense)))
    return head + bytes(32) + body
