"""A small builder of ONNX graphs with seeded weights: each method adds nodes and returns a value that knows its shape.

Batch normalisation is not written: exporters fold it into the convolution before it, so a convolution here has a bias.
"""
import dataclasses
import math
import zlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


@dataclasses.dataclass(frozen=True)
class Value:
    name: str
    shape: tuple


class Net:
    def __init__(self, name, opset=17):
        self.name, self.opset = name, opset
        self.random = np.random.default_rng(zlib.crc32(name.encode()))
        self.nodes, self.weights, self.inputs, self.outputs = [], [], [], []

    # ---- the graph ----

    def input(self, name, shape, kind=TensorProto.FLOAT):
        self.inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return Value(name, tuple(shape))

    def output(self, value):
        self.outputs.append(helper.make_tensor_value_info(value.name, TensorProto.FLOAT, value.shape))

    def constant(self, array, name="c"):
        array = np.asarray(array)
        value = Value(f"{name}_{len(self.weights)}", array.shape)
        self.weights.append(numpy_helper.from_array(array, value.name))
        return value

    def op(self, kind, inputs, shape, **attributes):
        """One node with one output of `shape`; absent inputs are None."""
        return self.split_op(kind, inputs, [shape], **attributes)[0]

    def split_op(self, kind, inputs, shapes, **attributes):
        stem = f"{kind.lower()}_{len(self.nodes)}"
        outs = [Value(f"{stem}_{i}" if i else stem, tuple(s)) for i, s in enumerate(shapes)]
        names = [v.name if v else "" for v in inputs]
        self.nodes.append(helper.make_node(kind, names, [o.name for o in outs], name=f"n_{stem}", **attributes))
        return outs

    def model(self):
        graph = helper.make_graph(self.nodes, self.name, self.inputs, self.outputs, self.weights)
        domains = sorted({n.domain for n in self.nodes if n.domain})
        opsets = [helper.make_opsetid("", self.opset), *(helper.make_opsetid(d, 1) for d in domains)]
        model = helper.make_model(graph, opset_imports=opsets, producer_name="weir-bench")
        model.ir_version = 8
        onnx.checker.check_model(model)
        return model

    # ---- weights ----

    def normal(self, shape, deviation):
        return (self.random.standard_normal(shape, np.float32) * np.float32(deviation)).astype(np.float32)

    def kernel(self, shape, gain):
        """Keeps the size of activations: deviation gain / sqrt(fan-in), where shape is (out, in, ...)."""
        return self.constant(self.normal(shape, gain / math.sqrt(math.prod(shape[1:]))), "w")

    def bias(self, n):
        return self.constant(self.normal((n,), 0.1), "b")

    # ---- layers ----

    def conv(self, x, out, k, stride=1, group=1, pads=None, act=None, gain=None):
        """Square kernel; pads default to k // 2 on every side. act: a key of ACTIVATIONS."""
        pads = pads or [k // 2] * 4
        n, c, h, w = x.shape
        size = [(d + pads[i] + pads[i + 2] - k) // stride + 1 for i, d in enumerate((h, w))]
        weights = self.kernel((out, c // group, k, k), gain or (1.4 if act else 1.0))
        y = self.op("Conv", [x, weights, self.bias(out)], (n, out, *size), kernel_shape=[k, k], strides=[stride] * 2,
                    pads=pads, group=group)
        return self.act(y, act)

    def same_conv(self, x, out, k, stride=1, **more):
        """Padding of TensorFlow's SAME: what is odd goes to the end."""
        pads = [0, 0, 0, 0]
        for i, d in enumerate(x.shape[2:]):
            total = max((math.ceil(d / stride) - 1) * stride + k - d, 0)
            pads[i], pads[i + 2] = total // 2, total - total // 2
        return self.conv(x, out, k, stride, pads=pads, **more)

    def act(self, x, act):
        return ACTIVATIONS[act](self, x) if act else x

    def unary(self, kind, x, **attributes):
        return self.op(kind, [x], x.shape, **attributes)

    def binary(self, kind, a, b):
        return self.op(kind, [a, b], np.broadcast_shapes(a.shape, b.shape))

    def scalar(self, value):
        return self.constant(np.float32(value))

    def gemm(self, x, out, act=None, gain=None):
        weights = self.kernel((out, x.shape[1]), gain or (1.4 if act else 1.0))
        return self.act(self.op("Gemm", [x, weights, self.bias(out)], (x.shape[0], out), transB=1), act)

    def max_pool(self, x, k, stride, pad=0, ceil=False):
        size = [(math.ceil if ceil else math.floor)((d + 2 * pad - k) / stride) + 1 for d in x.shape[2:]]
        return self.op("MaxPool", [x], (*x.shape[:2], *size), kernel_shape=[k, k], strides=[stride] * 2, pads=[pad] * 4,
                       ceil_mode=int(ceil))

    def global_average(self, x):
        return self.op("GlobalAveragePool", [x], (*x.shape[:2], 1, 1))

    def flatten(self, x):
        return self.op("Flatten", [x], (x.shape[0], math.prod(x.shape[1:])))

    def classify(self, x, classes=1000):
        self.output(self.gemm(self.flatten(self.global_average(x)), classes))

    def reshape(self, x, *shape):
        return self.op("Reshape", [x, self.constant(np.array(shape, np.int64))], shape)

    def transpose(self, x, *perm):
        return self.op("Transpose", [x], [x.shape[i] for i in perm], perm=perm)

    def concat(self, values, axis):
        shape = list(values[0].shape)
        shape[axis] = sum(v.shape[axis] for v in values)
        return self.op("Concat", values, shape, axis=axis)

    def split(self, x, sizes, axis):
        shapes = [[*x.shape[:axis], s, *x.shape[axis + 1:]] for s in sizes]
        return self.split_op("Split", [x, self.constant(np.array(sizes, np.int64))], shapes, axis=axis)


def clip6(net, x):
    return net.op("Clip", [x, net.scalar(0), net.scalar(6)], x.shape)


def silu(net, x):
    return net.binary("Mul", x, net.unary("Sigmoid", x))


def gelu(net, x):
    """As PyTorch exports it below opset 20."""
    erf = net.unary("Erf", net.binary("Div", x, net.scalar(math.sqrt(2))))
    return net.binary("Mul", net.binary("Mul", x, net.binary("Add", erf, net.scalar(1))), net.scalar(0.5))


ACTIVATIONS = {"relu": lambda net, x: net.unary("Relu", x), "relu6": clip6, "silu": silu, "gelu": gelu,
               "hardswish": lambda net, x: net.unary("HardSwish", x)}
