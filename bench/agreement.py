"""Do two engines give the same answer? Tolerances follow from the arithmetic, not from what is seen."""
import numpy as np
import onnx
from onnx import TensorProto

PRODUCTS = ("Conv", "ConvTranspose", "Gemm", "MatMul", "MatMulNBits")
EACH_SUM = 8          # times the rounding of one sum in random order; Winograd's transforms are the reason that it is not 2
INT8_WORSE = 1.1      # error to the float network, as a multiple of ONNX Runtime's


def reduction(node, shapes):
    if node.op_type == "MatMulNBits":
        return next(a.i for a in node.attribute if a.name == "K")
    weights = shapes.get(node.input[1])
    if not weights:
        return 64     # a product of two computed operands: a head of attention
    return int(np.prod(weights[1:])) if node.op_type != "MatMul" else weights[-2 if len(weights) > 1 else 0]


def tolerance(path):
    """Of the largest output: the rounding of each sum, over all sums that follow one another; in a network with weights in f16,
    the rounding of each layer's result to f16, which is larger."""
    graph = onnx.load(path, load_external_data=False).graph
    shapes = {w.name: list(w.dims) for w in graph.initializer}
    products = [n for n in graph.node if n.op_type in PRODUCTS]
    if any(w.data_type == TensorProto.FLOAT16 for w in graph.initializer):
        return EACH_SUM * 2.0 ** -11 * len(products) ** 0.5
    return EACH_SUM * 2.0 ** -24 * max(sum(reduction(n, shapes) for n in products), 1) ** 0.5


def furthest(ours, theirs):
    """The largest difference, as a part of the largest number; infinite where shapes differ."""
    if [a.shape for a in ours] != [b.shape for b in theirs]:
        return float("inf")
    return max(float(np.abs(a.astype(np.float64) - b).max() / max(np.abs(b).max(), 1e-30)) for a, b in zip(ours, theirs))


def noise(ours, exact):
    """Root of the mean squared error as a part of the signal."""
    a, b = (np.concatenate([x.ravel() for x in xs]).astype(np.float64) for xs in (ours, exact))
    return float(np.sqrt(np.mean((a - b) ** 2) / max(np.mean(b ** 2), 1e-60)))
