"""Small networks whose plans are kept as text: concat, residual, depthwise, grouped, int8. Weights come from a fixed generator."""
import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "robust"))
from pb import FLOAT, INT8, UINT8, attr, floats, info, model, node, tensor


class Net:
    """Nodes and weights in the order in which they are added; every method returns the name of its result."""

    def __init__(self, channels, size):
        self.nodes, self.init, self.seed = [], [], 1
        self.input = [info("x", ["batch", channels, size, size])]

    def numbers(self, n):
        out = []
        for _ in range(n):
            self.seed = (self.seed * 1664525 + 1013904223) & 0xFFFFFFFF
            out.append(((self.seed >> 8) / (1 << 24) - 0.5) / 4)
        return out

    def weights(self, name, dims):
        n = 1
        for d in dims:
            n *= d
        self.init.append(tensor(name, dims, floats(*self.numbers(n))))
        return name

    def op(self, name, kind, inputs, *attrs):
        self.nodes.append(node(kind, inputs, [name], *attrs, name=name))
        return name

    def conv(self, name, x, cin, cout, k=3, stride=1, group=1, bias=True):
        w = [self.weights(name + ".w", [cout, cin // group, k, k])] + ([self.weights(name + ".b", [cout])] if bias else [])
        return self.op(name, "Conv", [x] + w, attr("kernel_shape", [k, k]), attr("strides", [stride, stride]),
                       attr("pads", [k // 2] * 4), attr("group", group))

    def batchnorm(self, name, x, c):
        for part in ("scale", "bias", "mean"):
            self.weights(name + "." + part, [c])
        self.init.append(tensor(name + ".var", [c], floats(*([1.0] * c))))
        return self.op(name, "BatchNormalization", [x] + [name + "." + p for p in ("scale", "bias", "mean", "var")])

    def relu6(self, name, x):
        self.init += [tensor(name + ".lo", [], floats(0.0)), tensor(name + ".hi", [], floats(6.0))]
        return self.op(name, "Clip", [x, name + ".lo", name + ".hi"])

    def head(self, x, c, classes=10):
        p = self.op("pool", "GlobalAveragePool", [x])
        f = self.op("flat", "Flatten", [p])
        w = [self.weights("fc.w", [classes, c]), self.weights("fc.b", [classes])]
        return self.op("fc", "Gemm", [f] + w, attr("transB", 1))

    # ---- 8 bits: a scale and a zero point beside each value
    def quantised(self, name, x, scale, zero):
        self.init += [tensor(name + ".s", [], floats(scale)), tensor(name + ".z", [], bytes([zero]), UINT8)]
        q = self.op(name + ".q", "QuantizeLinear", [x, name + ".s", name + ".z"])
        return self.op(name, "DequantizeLinear", [q, name + ".s", name + ".z"])

    def weights8(self, name, dims):
        n = 1
        for d in dims:
            n *= d
        data = struct.pack("%db" % n, *[round(v * 8 * 127) for v in self.numbers(n)])
        scales = [0.002 + 0.0001 * (i % 7) for i in range(dims[0])]
        self.init += [tensor(name + ".i8", dims, data, INT8), tensor(name + ".s", [dims[0]], floats(*scales)),
                      tensor(name + ".z", [dims[0]], bytes(dims[0]), INT8)]
        return self.op(name, "DequantizeLinear", [name + ".i8", name + ".s", name + ".z"], attr("axis", 0))

    def conv8(self, name, x, cin, cout, k=3, group=1):
        w = [self.weights8(name + ".w", [cout, cin // group, k, k]), self.weights(name + ".b", [cout])]
        return self.op(name, "Conv", [x] + w, attr("kernel_shape", [k, k]), attr("pads", [k // 2] * 4), attr("group", group))

    def bytes(self, y, dims=("batch", 10)):
        return model(node=self.nodes, init=self.init, input=self.input, output=[info(y, list(dims), FLOAT)])


def concat():
    n = Net(8, 20)
    a = n.op("a.relu", "Relu", [n.conv("a", "x", 8, 24, k=1)])
    b = n.op("b.relu", "Relu", [n.conv("b", "x", 8, 40)])
    c = n.op("c", "MaxPool", ["x"], attr("kernel_shape", [3, 3]), attr("pads", [1] * 4), attr("strides", [1, 1]))
    j = n.op("join", "Concat", [a, b, c], attr("axis", 1))
    return n.bytes(n.head(n.conv("mix", j, 72, 32, k=1), 32))


def residual():
    n = Net(16, 16)
    a = n.op("a.relu", "Relu", [n.batchnorm("a.bn", n.conv("a", "x", 16, 32, stride=2, bias=False), 32)])
    b = n.batchnorm("b.bn", n.conv("b", a, 32, 32, bias=False), 32)
    s = n.conv("short", "x", 16, 32, k=1, stride=2)
    r = n.op("sum.relu", "Relu", [n.op("sum", "Add", [b, s])])
    c = n.conv("c", r, 32, 32)
    return n.bytes(n.head(n.op("sum2.relu", "Relu", [n.op("sum2", "Add", [c, r])]), 32))


def depthwise():
    n = Net(3, 32)
    x = n.relu6("stem.act", n.conv("stem", "x", 3, 24, stride=2))
    x = n.relu6("dw1.act", n.conv("dw1", x, 24, 24, group=24))
    x = n.conv("pw1", x, 24, 48, k=1)
    x = n.relu6("dw2.act", n.conv("dw2", x, 48, 48, k=5, stride=2, group=48))
    return n.bytes(n.head(n.conv("pw2", x, 48, 40, k=1), 40))


def grouped():
    n = Net(32, 14)
    x = n.op("g4.relu", "Relu", [n.conv("g4", "x", 32, 64, group=4)])
    x = n.op("g2.relu", "Relu", [n.conv("g2", x, 64, 32, k=1, group=2)])
    x = n.conv("g3", x, 32, 96, group=32)
    return n.bytes(n.head(x, 96))


def int8():
    n = Net(8, 16)
    x = n.quantised("in", "x", 0.02, 128)
    a = n.quantised("a.out", n.op("a.relu", "Relu", [n.conv8("a", x, 8, 32)]), 0.03, 0)
    d = n.quantised("d.out", n.op("d.relu", "Relu", [n.conv8("d", a, 32, 32, group=32)]), 0.03, 0)
    e = n.quantised("e.out", n.op("e.relu", "Relu", [n.conv8("e", d, 32, 32)]), 0.04, 0)
    b = n.quantised("b.out", n.conv8("b", e, 32, 32, k=1), 0.05, 120)
    s = n.quantised("sum.out", n.op("sum", "Add", [b, a]), 0.06, 100)
    m = n.op("float", "Conv", [s, n.weights("float.w", [16, 32, 3, 3])], attr("kernel_shape", [3, 3]), attr("pads", [1] * 4))
    return n.bytes(n.head(m, 16))


MODELS = {f.__name__: f for f in (concat, residual, depthwise, grouped, int8)}

if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in MODELS.items():
        (folder / (name + ".onnx")).write_bytes(make())
