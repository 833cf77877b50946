"""Networks of dense convolutions, and the perceptron: VGG-16, ResNet-50, ResNet-20, SqueezeNet 1.1."""
import numpy as np

from .net import Net


def vgg16():
    net = Net("vgg16")
    x = net.input("x", (1, 3, 224, 224))
    for widths in ([64] * 2, [128] * 2, [256] * 3, [512] * 3, [512] * 3):
        for width in widths:
            x = net.conv(x, width, 3, act="relu")
        x = net.max_pool(x, 2, 2)
    x = net.flatten(x)
    for width in (4096, 4096):
        x = net.gemm(x, width, act="relu")
    net.output(net.gemm(x, 1000))
    return net.model()


def bottleneck(net, x, width, stride):
    y = net.conv(x, width, 1, act="relu")
    y = net.conv(y, width, 3, stride, act="relu")
    y = net.conv(y, 4 * width, 1, gain=0.5)
    if stride != 1 or x.shape[1] != 4 * width:
        x = net.conv(x, 4 * width, 1, stride)
    return net.act(net.binary("Add", y, x), "relu")


def resnet50():
    """The stride is in the 3x3 convolution, as in torchvision (v1.5)."""
    net = Net("resnet50")
    x = net.conv(net.input("x", (1, 3, 224, 224)), 64, 7, 2, act="relu")
    x = net.max_pool(x, 3, 2, 1)
    for stage, (width, blocks) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3))):
        for block in range(blocks):
            x = bottleneck(net, x, width, 2 if stage and not block else 1)
    net.classify(x)
    return net.model()


def shortcut(net, x, width):
    """Option A: every second pixel, and channels of zeros on both sides."""
    ends = [net.constant(np.array(v, np.int64)) for v in ([0, 0], [x.shape[2], x.shape[3]], [2, 3], [2, 2])]
    n, c, h, w = x.shape
    x = net.op("Slice", [x, *ends], (n, c, h // 2, w // 2))
    side = (width - c) // 2
    pads = net.constant(np.array([0, side, 0, 0, 0, side, 0, 0], np.int64))
    return net.op("Pad", [x, pads], (n, width, h // 2, w // 2))


def resnet20():
    net = Net("resnet20")
    x = net.conv(net.input("x", (1, 3, 32, 32)), 16, 3, act="relu")
    for stage, width in enumerate((16, 32, 64)):
        for block in range(3):
            stride = 2 if stage and not block else 1
            y = net.conv(net.conv(x, width, 3, stride, act="relu"), width, 3, gain=0.5)
            x = net.act(net.binary("Add", y, x if stride == 1 else shortcut(net, x, width)), "relu")
    net.classify(x, 10)
    return net.model()


def fire(net, x, squeeze, expand):
    x = net.conv(x, squeeze, 1, act="relu")
    return net.concat([net.conv(x, expand, k, act="relu") for k in (1, 3)], 1)


def squeezenet11():
    net = Net("squeezenet11")
    x = net.conv(net.input("x", (1, 3, 224, 224)), 64, 3, 2, pads=[0] * 4, act="relu")
    for squeezes in ([16, 16], [32, 32], [48, 48, 64, 64]):
        x = net.max_pool(x, 3, 2, ceil=True)
        for squeeze in squeezes:
            x = fire(net, x, squeeze, 4 * squeeze)
    x = net.conv(x, 1000, 1, act="relu")
    net.output(net.flatten(net.global_average(x)))
    return net.model()


def perceptron():
    net = Net("perceptron")
    x = net.input("x", (1, 4096))
    for _ in range(5):
        x = net.gemm(x, 4096, act="relu")
    net.output(net.gemm(x, 4096))
    return net.model()


MODELS = {"resnet50": resnet50, "vgg16": vgg16, "resnet20": resnet20, "squeezenet11": squeezenet11, "perceptron": perceptron}
