"""Networks of depthwise convolutions: MobileNetV1, V2, V3-Large, EfficientNet-Lite0."""
from .net import Net


def mobilenet_v1():
    net = Net("mobilenet_v1")
    x = net.same_conv(net.input("x", (1, 3, 224, 224)), 32, 3, 2, act="relu6")
    for width, stride in ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)):
        x = net.same_conv(x, x.shape[1], 3, stride, group=x.shape[1], act="relu6")
        x = net.conv(x, width, 1, act="relu6")
    net.classify(x)
    return net.model()


def inverted(net, x, expanded, out, k, stride, act, conv, squeeze=0):
    """Expand, depthwise by `conv`, squeeze-and-excite, project; the sum where shapes agree."""
    y = net.conv(x, expanded, 1, act=act) if expanded != x.shape[1] else x
    y = conv(y, expanded, k, stride, group=expanded, act=act)
    if squeeze:
        s = net.conv(net.conv(net.global_average(y), squeeze, 1, act="relu"), expanded, 1)
        y = net.binary("Mul", net.unary("HardSigmoid", s, alpha=1 / 6), y)
    y = net.conv(y, out, 1, gain=0.7)
    return net.binary("Add", x, y) if y.shape == x.shape else y


def mobilenet_v2():
    net = Net("mobilenet_v2")
    x = net.conv(net.input("x", (1, 3, 224, 224)), 32, 3, 2, act="relu6")
    for expand, out, blocks, stride in ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
                                        (6, 320, 1, 1)):
        for block in range(blocks):
            x = inverted(net, x, expand * x.shape[1], out, 3, 1 if block else stride, "relu6", net.conv)
    net.classify(net.conv(x, 1280, 1, act="relu6"))
    return net.model()


V3_LARGE = (  # kernel, expanded, out, squeeze, activation, stride
    (3, 16, 16, 0, "relu", 1), (3, 64, 24, 0, "relu", 2), (3, 72, 24, 0, "relu", 1), (5, 72, 40, 24, "relu", 2),
    (5, 120, 40, 32, "relu", 1), (5, 120, 40, 32, "relu", 1), (3, 240, 80, 0, "hardswish", 2), (3, 200, 80, 0, "hardswish", 1),
    (3, 184, 80, 0, "hardswish", 1), (3, 184, 80, 0, "hardswish", 1), (3, 480, 112, 120, "hardswish", 1),
    (3, 672, 112, 168, "hardswish", 1), (5, 672, 160, 168, "hardswish", 2), (5, 960, 160, 240, "hardswish", 1),
    (5, 960, 160, 240, "hardswish", 1))


def mobilenet_v3():
    net = Net("mobilenet_v3")
    x = net.conv(net.input("x", (1, 3, 224, 224)), 16, 3, 2, act="hardswish")
    for k, expanded, out, squeeze, act, stride in V3_LARGE:
        x = inverted(net, x, expanded, out, k, stride, act, net.conv, squeeze)
    x = net.flatten(net.global_average(net.conv(x, 960, 1, act="hardswish")))
    net.output(net.gemm(net.gemm(x, 1280, act="hardswish"), 1000))
    return net.model()


def efficientnet_lite0():
    net = Net("efficientnet_lite0")
    x = net.same_conv(net.input("x", (1, 3, 224, 224)), 32, 3, 2, act="relu6")
    for expand, k, out, blocks, stride in ((1, 3, 16, 1, 1), (6, 3, 24, 2, 2), (6, 5, 40, 2, 2), (6, 3, 80, 3, 2), (6, 5, 112, 3, 1),
                                           (6, 5, 192, 4, 2), (6, 3, 320, 1, 1)):
        for block in range(blocks):
            x = inverted(net, x, expand * x.shape[1], out, k, 1 if block else stride, "relu6", net.same_conv)
    net.classify(net.conv(x, 1280, 1, act="relu6"))
    return net.model()


MODELS = {"mobilenet_v1": mobilenet_v1, "mobilenet_v2": mobilenet_v2, "mobilenet_v3": mobilenet_v3,
          "efficientnet_lite0": efficientnet_lite0}
