"""Encoders: BERT-base at 128 tokens and ViT-S/16, in the operators that PyTorch's exporter writes at opset 17."""
import math

import numpy as np
from onnx import TensorProto

from .net import Net


def linear(net, x, out, gain=1.0):
    weights = net.constant(net.normal((x.shape[-1], out), gain / math.sqrt(x.shape[-1])), "w")
    return net.binary("Add", net.op("MatMul", [x, weights], (*x.shape[:-1], out)), net.bias(out))


def layer_norm(net, x, epsilon):
    scale = net.constant(1 + net.normal(x.shape[-1:], 0.1), "scale")
    return net.op("LayerNormalization", [x, scale, net.bias(x.shape[-1])], x.shape, axis=-1, epsilon=epsilon)


def heads_of(net, x, heads, *perm):
    n, tokens, width = x.shape
    return net.transpose(net.reshape(x, n, tokens, heads, width // heads), *perm)


def matmul(net, a, b):
    return net.op("MatMul", [a, b], (*a.shape[:-1], b.shape[-1]))


def attention(net, x, heads, mask=None):
    q = heads_of(net, linear(net, x, x.shape[-1]), heads, 0, 2, 1, 3)
    k = heads_of(net, linear(net, x, x.shape[-1]), heads, 0, 2, 3, 1)
    v = heads_of(net, linear(net, x, x.shape[-1]), heads, 0, 2, 1, 3)
    scores = net.binary("Div", matmul(net, q, k), net.scalar(math.sqrt(x.shape[-1] // heads)))
    if mask:
        scores = net.binary("Add", scores, mask)
    y = matmul(net, net.unary("Softmax", scores, axis=-1), v)
    return linear(net, net.reshape(net.transpose(y, 0, 2, 1, 3), *x.shape), x.shape[-1])


def feed_forward(net, x):
    return linear(net, net.act(linear(net, x, 4 * x.shape[-1]), "gelu"), x.shape[-1])


def embed(net, ids, count, width):
    table = net.constant(net.normal((count, width), 1.0), "table")
    return net.op("Gather", [table, ids], (*ids.shape, width))


def attention_mask(net, tokens):
    """Zeros of the mask become large negative scores."""
    mask = net.input("attention_mask", (1, tokens), TensorProto.INT64)
    axes = net.constant(np.array([1, 2], np.int64))
    mask = net.op("Cast", [net.op("Unsqueeze", [mask, axes], (1, 1, 1, tokens))], (1, 1, 1, tokens), to=TensorProto.FLOAT)
    return net.binary("Mul", net.binary("Sub", net.scalar(1), mask), net.scalar(-10000))


def bert_base(tokens=128, width=768, layers=12, heads=12, words=30522):
    """The sentence is of one type, so that the embedding of types is a constant row."""
    net = Net("bert_base")
    x = embed(net, net.input("input_ids", (1, tokens), TensorProto.INT64), words, width)
    mask = attention_mask(net, tokens)
    x = net.binary("Add", x, net.constant(net.normal((1, tokens, width), 0.5), "positions"))
    x = layer_norm(net, x, 1e-12)
    for _ in range(layers):
        x = layer_norm(net, net.binary("Add", attention(net, x, heads, mask), x), 1e-12)
        x = layer_norm(net, net.binary("Add", feed_forward(net, x), x), 1e-12)
    net.output(x)
    return net.model()


def vit_s16(width=384, layers=12, heads=6, size=224, patch=16):
    net = Net("vit_s16")
    x = net.conv(net.input("x", (1, 3, size, size)), width, patch, patch, pads=[0] * 4)
    tokens = (size // patch) ** 2
    x = net.transpose(net.reshape(x, 1, width, tokens), 0, 2, 1)
    x = net.concat([net.constant(net.normal((1, 1, width), 1.0), "class"), x], 1)
    x = net.binary("Add", x, net.constant(net.normal((1, tokens + 1, width), 0.5), "positions"))
    for _ in range(layers):
        x = net.binary("Add", attention(net, layer_norm(net, x, 1e-6), heads), x)
        x = net.binary("Add", feed_forward(net, layer_norm(net, x, 1e-6)), x)
    x = net.op("Gather", [layer_norm(net, x, 1e-6), net.constant(np.array(0, np.int64))], (1, width), axis=1)
    net.output(net.gemm(x, 1000))
    return net.model()


MODELS = {"bert_base": bert_base, "vit_s16": vit_s16}
