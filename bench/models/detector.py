"""A detector in the manner of YOLOv8n at 640 x 640: backbone, pyramid in both directions, and a head that decodes boxes."""
import numpy as np

from .net import Net

BINS, CLASSES = 16, 80


def conv(net, x, out, k, stride=1):
    return net.conv(x, out, k, stride, act="silu", gain=1.6)


def cross_stage(net, x, out, blocks, add=True):
    """C2f: half of the channels goes through a chain of blocks, and every stage of it is kept."""
    parts = net.split(conv(net, x, out, 1), [out // 2] * 2, 1)
    for _ in range(blocks):
        y = conv(net, conv(net, parts[-1], out // 2, 3), out // 2, 3)
        parts.append(net.binary("Add", parts[-1], y) if add else y)
    return conv(net, net.concat(parts, 1), out, 1)


def pyramid_pool(net, x):
    parts = [conv(net, x, x.shape[1] // 2, 1)]
    for _ in range(3):
        parts.append(net.max_pool(parts[-1], 5, 1, 2))
    return conv(net, net.concat(parts, 1), x.shape[1], 1)


def backbone(net, x):
    kept = []
    x = conv(net, x, 16, 3, 2)
    for width, blocks in ((32, 1), (64, 2), (128, 2), (256, 1)):
        x = cross_stage(net, conv(net, x, width, 3, 2), width, blocks)
        kept.append(x)
    return kept[1], kept[2], pyramid_pool(net, x)


def upsample(net, x):
    scales = net.constant(np.array([1, 1, 2, 2], np.float32))
    return net.op("Resize", [x, None, scales], (*x.shape[:2], 2 * x.shape[2], 2 * x.shape[3]), mode="nearest",
                  coordinate_transformation_mode="asymmetric", nearest_mode="floor")


def neck(net, p3, p4, p5):
    up4 = cross_stage(net, net.concat([upsample(net, p5), p4], 1), 128, 1, add=False)
    up3 = cross_stage(net, net.concat([upsample(net, up4), p3], 1), 64, 1, add=False)
    down4 = cross_stage(net, net.concat([conv(net, up3, 64, 3, 2), up4], 1), 128, 1, add=False)
    down5 = cross_stage(net, net.concat([conv(net, down4, 128, 3, 2), p5], 1), 256, 1, add=False)
    return up3, down4, down5


def head(net, x):
    """Distances as bins and one score a class, for each cell of one scale: [1, 4 * BINS + CLASSES, cells]."""
    box = net.conv(conv(net, conv(net, x, 64, 3), 64, 3), 4 * BINS, 1)
    score = net.conv(conv(net, conv(net, x, CLASSES, 3), CLASSES, 3), CLASSES, 1)
    return net.reshape(net.concat([box, score], 1), 1, 4 * BINS + CLASSES, x.shape[2] * x.shape[3])


def anchors(scales):
    """Centres of the cells in cells, and their strides in pixels."""
    points, strides = [], []
    for x in scales:
        y, x_ = np.meshgrid(np.arange(x.shape[2]) + 0.5, np.arange(x.shape[3]) + 0.5, indexing="ij")
        points.append(np.stack([x_.ravel(), y.ravel()]))
        strides.append(np.full((1, x.shape[2] * x.shape[3]), 640 / x.shape[2]))
    return np.concatenate(points, 1)[None].astype(np.float32), np.concatenate(strides, 1).astype(np.float32)


def distances(net, box):
    """The mean of each side's distribution over the bins."""
    cells = box.shape[2]
    x = net.transpose(net.reshape(box, 1, 4, BINS, cells), 0, 2, 1, 3)
    x = net.unary("Softmax", x, axis=1)
    bins = net.constant(np.arange(BINS, dtype=np.float32).reshape(1, BINS, 1, 1), "bins")
    return net.reshape(net.op("Conv", [x, bins], (1, 1, 4, cells)), 1, 4, cells)


def decode(net, box, scales):
    points, strides = anchors(scales)
    low, high = net.split(distances(net, box), [2, 2], 1)
    points = net.constant(points, "anchors")
    low, high = net.binary("Sub", points, low), net.binary("Add", points, high)
    centre = net.binary("Div", net.binary("Add", low, high), net.scalar(2))
    corners = net.concat([centre, net.binary("Sub", high, low)], 1)
    return net.binary("Mul", corners, net.constant(strides, "strides"))


def yolo_n():
    net = Net("yolo_n")
    scales = neck(net, *backbone(net, net.input("x", (1, 3, 640, 640))))
    both = net.concat([head(net, x) for x in scales], 2)
    box, score = net.split(both, [4 * BINS, CLASSES], 1)
    net.output(net.concat([decode(net, box, scales), net.unary("Sigmoid", score)], 1))
    return net.model()


MODELS = {"yolo_n": yolo_n}
