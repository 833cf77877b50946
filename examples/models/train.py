#!/usr/bin/env python3
"""Train the example networks on Fashion-MNIST and write them as ONNX.

    python3 train.py lenet5          # writes lenet5.onnx and lenet5.log
    python3 train.py resnet8
    python3 train.py mobilenet

Every network takes "input", float32 [N,1,28,28] with pixel / 255 and nothing
else done to it, and returns "logits", float32 [N,10].  BatchNormalization is
left unfolded in the file.

A plain run trains on all 60,000 training images and looks at the test set
once, at the end.  To choose hyper-parameters use --val 5000: it trains on the
other 55,000 images, scores the held-out ones, and writes no file.
"""

import argparse
import gzip
import os
import platform
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

DATA = "/usr/share/datasets/fashion-mnist"  # Debian: dataset-fashion-mnist
PAD = 2  # pixels of zero border around a stored image: the largest --shift


# --------------------------------------------------------------------- data

def read_idx(path):
    """Return the uint8 array in a gzipped IDX file."""
    with gzip.open(path, "rb") as f:
        raw = f.read()
    rank = raw[3]
    shape = np.frombuffer(raw, ">u4", rank, 4).astype(int)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(shape)


def load(folder, split):
    """Return (images uint8 [n,32,32] with a zero border, labels int64 [n])."""
    x = read_idx(os.path.join(folder, f"{split}-images-idx3-ubyte.gz"))
    y = read_idx(os.path.join(folder, f"{split}-labels-idx1-ubyte.gz"))
    x = np.pad(x, ((0, 0), (PAD, PAD), (PAD, PAD)))
    return torch.from_numpy(x), torch.from_numpy(y.astype(np.int64))


def to_input(x):
    """uint8 [n,28,28] -> what the networks take."""
    return x.float().div_(255).unsqueeze(1)


def augment(x, shift, rng):
    """Crop a bordered uint8 batch to 28x28: random shift, random mirror.

    One gather for the whole batch: row and column numbers per image.
    """
    n = len(x)
    d = torch.randint(PAD - shift, PAD + shift + 1, (2, n, 1), generator=rng)
    flip = torch.randint(0, 2, (n, 1), generator=rng)
    at = torch.arange(28)
    rows = d[0] + at
    cols = d[1] + torch.where(flip == 1, 27 - at, at)
    return x[torch.arange(n)[:, None, None], rows[:, :, None], cols[:, None]]


# ----------------------------------------------------------------- networks

def lenet5(args):
    """Caffe's LeNet-5: 431,080 parameters, no activation after the convs."""
    net = nn.Sequential(
        nn.Conv2d(1, 20, 5), nn.MaxPool2d(2),
        nn.Conv2d(20, 50, 5), nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(800, 500), nn.ReLU(),
        nn.Dropout(args.dropout),
        nn.Linear(500, 10))
    # There is no BatchNorm to take care of the input's mean and deviation
    # (0.286, 0.353), so the first layer starts as if they had been removed.
    with torch.no_grad():
        conv = net[0]
        conv.weight /= 0.353
        conv.bias -= 0.286 * conv.weight.sum((1, 2, 3))
    return net


def conv_bn(cin, cout, k, stride=1, groups=1):
    return nn.Sequential(
        nn.Conv2d(cin, cout, k, stride, k // 2, groups=groups, bias=False),
        nn.BatchNorm2d(cout))


class Residual(nn.Module):
    """Two 3x3 convs; the shortcut is a 1x1 conv where the shape changes."""

    def __init__(self, cin, cout, stride):
        super().__init__()
        self.body = nn.Sequential(conv_bn(cin, cout, 3, stride), nn.ReLU(),
                                  conv_bn(cout, cout, 3))
        self.shortcut = (nn.Conv2d(cin, cout, 1, stride)
                         if stride > 1 or cin != cout else nn.Identity())

    def forward(self, x):
        return F.relu(self.body(x) + self.shortcut(x))


def resnet8(args):
    """The ResNet-8 shape of MLPerf Tiny, for one input channel."""
    w = args.width
    return nn.Sequential(
        conv_bn(1, w, 3), nn.ReLU(),
        Residual(w, w, 1),
        Residual(w, 2 * w, 2),
        Residual(2 * w, 4 * w, 2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(4 * w, 10))


def mobilenet(args):
    """MobileNetV1 for 28x28: depthwise 3x3 + pointwise 1x1, ReLU6, BN."""
    w = args.width
    layers = [conv_bn(1, w, 3), nn.ReLU6()]
    cin = w
    for cout, stride in ((2 * w, 2), (2 * w, 1), (4 * w, 2),
                         (4 * w, 1), (4 * w, 1), (4 * w, 1)):
        layers += [conv_bn(cin, cin, 3, stride, groups=cin), nn.ReLU6(),
                   conv_bn(cin, cout, 1), nn.ReLU6()]
        cin = cout
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Linear(cin, 10))


# Chosen with --val 5000 (lenet5; see lenet5-search.log) or common practice.
RECIPES = {
    "lenet5": dict(opt="adam", lr=3e-3, l2=1e-3, dropout=0.0, shift=1,
                   epochs=40, width=0),
    "resnet8": dict(opt="sgd", lr=0.1, l2=5e-4, dropout=0.0, shift=2,
                    epochs=40, width=16),
    "mobilenet": dict(opt="sgd", lr=0.1, l2=2e-4, dropout=0.0, shift=2,
                      epochs=30, width=32),
}
NETS = {"lenet5": lenet5, "resnet8": resnet8, "mobilenet": mobilenet}


# ----------------------------------------------------------------- training

class Average:
    """Exponential moving average of weights and BatchNorm statistics."""

    def __init__(self, net, build, decay=0.999):
        self.net, self.decay, self.steps = build(), decay, 0
        self.net.load_state_dict(net.state_dict())
        self.net.eval()

    @torch.no_grad()
    def update(self, net):
        self.steps += 1
        keep = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for a, b in zip(self.net.state_dict().values(),
                        net.state_dict().values()):
            if a.is_floating_point():
                a.lerp_(b, 1 - keep)


@torch.no_grad()
def predict(net, x):
    net.eval()
    x = x[:, PAD:-PAD, PAD:-PAD]
    return torch.cat([net(to_input(b).contiguous(
        memory_format=torch.channels_last)) for b in x.split(500)])


def accuracy(net, x, y):
    return 100 * (predict(net, x).argmax(1) == y).float().mean().item()


def train(args, x, y, log, each_epoch):
    """Train and return the averaged network."""
    rng = torch.Generator().manual_seed(args.seed)

    def build():
        return NETS[args.net](args).to(memory_format=torch.channels_last)

    net = build()
    mean = Average(net, build)
    # Adam here adds the L2 term to the gradient (it is not AdamW).  The term
    # then goes through Adam's normalisation and drives weights, and whole
    # hidden units, that the loss does not need to zero.
    if args.opt == "adam":
        opt = torch.optim.Adam(net.parameters(), args.lr,
                               weight_decay=args.l2)
    else:
        opt = torch.optim.SGD(net.parameters(), args.lr, momentum=0.9,
                              nesterov=True, weight_decay=args.l2)
    per_epoch = len(x) // args.batch
    total, warm = args.epochs * per_epoch, per_epoch
    rate = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: min(
        (s + 1) / warm, 0.5 * (1 + np.cos(np.pi * s / total))))
    for epoch in range(1, args.epochs + 1):
        start, loss_sum, right = time.time(), 0.0, 0
        net.train()
        order = torch.randperm(len(x), generator=rng)
        for idx in order[:per_epoch * args.batch].split(args.batch):
            xb, yb = to_input(augment(x[idx], args.shift, rng)), y[idx]
            out = net(xb.contiguous(memory_format=torch.channels_last))
            loss = F.cross_entropy(out, yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
            rate.step()
            mean.update(net)
            loss_sum += loss.item()
            right += (out.argmax(1) == yb).sum().item()
        log(f"epoch {epoch:3d}/{args.epochs}  loss {loss_sum/per_epoch:.4f}  "
            f"train acc {100*right/(per_epoch*args.batch):.2f} %  "
            f"{time.time()-start:.1f} s" + each_epoch(epoch, mean.net))
    for p in mean.net.parameters():  # no subnormal goes into the file
        p.data[p.data.abs() < np.finfo(np.float32).tiny] = 0
    return mean.net


# ------------------------------------------------------------------- export

def export(net, path):
    """Write the network, BatchNormalization kept as its own node."""
    import onnx
    from onnx import numpy_helper
    net.eval()
    tmp = path + ".tmp"
    torch.onnx.export(
        net.to(memory_format=torch.contiguous_format),
        torch.zeros(1, 1, 28, 28), tmp, opset_version=13,
        training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False,
        input_names=["input"], output_names=["logits"],
        dynamic_axes={"input": {0: "N"}, "logits": {0: "N"}})
    net.to(memory_format=torch.channels_last)
    model = onnx.load(tmp)
    graph = model.graph
    # The exporter writes scalars, such as ReLU6's bounds, as Constant nodes;
    # as initializers they need no code of their own in a reader.
    for node in [n for n in graph.node if n.op_type == "Constant"]:
        graph.initializer.append(numpy_helper.from_array(
            numpy_helper.to_array(node.attribute[0].t), node.output[0]))
        graph.node.remove(node)
    model.doc_string = "Fashion-MNIST; input is pixel / 255; output is logits"
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, tmp)
    os.replace(tmp, path)


def check_file(net, path, x, y, log):
    """Run the file in ONNX Runtime on the test set and describe it."""
    import onnx
    import onnxruntime
    from onnx import numpy_helper
    model = onnx.load(path)
    log(f"file: {os.path.basename(path)}, {os.path.getsize(path):,} bytes, "
        f"opset {model.opset_import[0].version}")
    log("nodes: " + " ".join(n.op_type for n in model.graph.node))
    tiny = 0
    for t in model.graph.initializer:
        a = numpy_helper.to_array(t)
        if a.dtype == np.float32:
            tiny += np.sum((a != 0) & (np.abs(a) < np.finfo(a.dtype).tiny))
    log(f"subnormal weights in the file: {tiny}")
    run = onnxruntime.InferenceSession(path,
                                       providers=["CPUExecutionProvider"])
    inp = to_input(x[:, PAD:-PAD, PAD:-PAD]).numpy()
    got = np.concatenate([run.run(["logits"], {"input": b})[0]
                          for b in np.split(inp, 20)])
    want = predict(net, x).numpy()
    log(f"onnxruntime: test top-1 {100*(got.argmax(1)==y.numpy()).mean():.2f}"
        f" %, largest difference of a logit {np.abs(got-want).max():.2e}")


def macs(net):
    """Multiply-accumulates of convs and fully connected layers, one image."""
    count = 0

    def hook(m, _, out):
        nonlocal count
        w = m.weight
        count += w.numel() * (out[0, 0].numel() if w.dim() == 4 else 1)

    hooks = [m.register_forward_hook(hook) for m in net.modules()
             if isinstance(m, (nn.Conv2d, nn.Linear))]
    net.eval()
    net(torch.zeros(1, 1, 28, 28))
    for h in hooks:
        h.remove()
    return count


# ----------------------------------------------- how well lenet5 compresses

LAYERS = {"conv1": 0, "conv2": 2, "fc1": 5, "fc2": 8}


def prune(w, percent):
    """Zero the smallest percent of w by magnitude."""
    k = int(w.numel() * percent / 100)
    if k:
        cut = w.abs().flatten().kthvalue(k).values
        w = torch.where(w.abs() <= cut, torch.zeros_like(w), w)
    return w


def share(w, levels):
    """Replace the non-zero values by k-means centres (1-D Lloyd).

    The centres start halfway between evenly spaced values, which serve the
    few large weights, and quantiles, which serve the many small ones.
    """
    v = w[w != 0]
    if v.numel() <= levels:
        return w
    ranks = torch.linspace(0, v.numel() - 1, levels).long()
    c = (torch.linspace(v.min(), v.max(), levels) + v.sort().values[ranks]) / 2
    for _ in range(60):
        near = torch.bucketize(v, (c[1:] + c[:-1]) / 2)
        n = torch.bincount(near, minlength=levels)
        s = torch.zeros(levels).scatter_add_(0, near, v)
        c = torch.where(n > 0, s / n.clamp(min=1), c).sort().values
    out = w.clone()
    out[w != 0] = c[torch.bucketize(v, (c[1:] + c[:-1]) / 2)]
    return out


def entropy_bits(w):
    """Order-0 entropy of the values of w, in bits for the whole tensor."""
    p = torch.unique(w, return_counts=True)[1].double() / w.numel()
    return -(p * p.log2()).sum().item() * w.numel()


def prune_table(net, x, y, log, title):
    """Prune without retraining and print top-1."""
    keep = {n: net[i].weight.data.clone() for n, i in LAYERS.items()}
    base = accuracy(net, x, y)
    dead = (keep["fc2"].abs().max(0).values < 1e-3).sum().item()
    log(f"{title}: top-1 {base:.2f} %; hidden units of fc1 that fc2 ignores "
        f"(all |w| < 1e-3): {dead} of 500")

    def trial(percents, levels=None):
        bits = 0.0
        for n, i in LAYERS.items():
            w = prune(keep[n], percents.get(n, 0))
            if levels:
                w = share(w, levels[n])
                bits += entropy_bits(w) + 32 * levels[n]
                bits += 32 * net[i].bias.numel()
            net[i].weight.data.copy_(w)
        a = accuracy(net, x, y)
        for n, i in LAYERS.items():
            net[i].weight.data.copy_(keep[n])
        return a, bits / 431080

    for layer, percents in (("fc1", (80, 85, 90, 95, 97)),
                            ("conv2", (50, 60, 70, 80, 85, 90, 95)),
                            ("fc2", (50, 60, 70, 80, 85, 90, 95))):
        row = [f"{p}% {trial({layer: p})[0]:.2f}" for p in percents]
        log(f"  prune {layer} alone: " + "  ".join(row))
    levels = dict(conv1=64, conv2=64, fc1=32, fc2=32)
    log(f"  all layers pruned, then k-means sharing {levels}; bits per "
        "parameter is order-0 entropy + tables + float biases:")
    for f1, c2, f2 in ((80, 0, 0), (85, 0, 0), (90, 0, 0), (90, 50, 0),
                       (90, 50, 50), (95, 0, 0), (95, 50, 0), (95, 60, 50),
                       (97, 0, 0), (97, 50, 0)):
        p = dict(fc1=f1, conv2=c2, fc2=f2, conv1=0)
        a0, _ = trial(p)
        a1, b = trial(p, levels)
        log(f"    fc1 {f1}% conv2 {c2}% fc2 {f2}%: pruned {a0:.2f} "
            f"({a0-base:+.2f}), shared {a1:.2f} ({a1-base:+.2f}), "
            f"{b:.2f} bits, {32/b:.1f}x")


# --------------------------------------------------------------------- main

def arguments():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("net", choices=NETS)
    p.add_argument("--data", default=DATA, help="folder of the IDX files")
    p.add_argument("--out", default=os.path.dirname(os.path.abspath(__file__)),
                   help="folder for NET.onnx and NET.log")
    p.add_argument("--val", type=int, default=0, metavar="COUNT",
                   help="hold out COUNT training images, score those instead "
                   "of the test set and write no file")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--threads", type=int, default=0, help="0: one per core")
    p.add_argument("--batch", type=int, default=128)
    p.add_argument("--export-every", type=int, default=0, metavar="EPOCHS",
                   help="also write the ONNX file during training")
    for name, kind in (("opt", str), ("lr", float), ("l2", float),
                       ("dropout", float), ("shift", int), ("epochs", int),
                       ("width", int)):
        p.add_argument("--" + name, type=kind, help="default: the recipe's")
    args = p.parse_args()
    for name, value in RECIPES[args.net].items():
        if getattr(args, name) is None:
            setattr(args, name, value)
    if not 0 <= args.shift <= PAD:
        p.error(f"--shift must be 0..{PAD}")
    return args


def main():
    args = arguments()
    torch.manual_seed(args.seed)
    torch.set_flush_denormal(True)
    if args.threads:
        torch.set_num_threads(args.threads)
    path = os.path.join(args.out, args.net)
    file = None if args.val else open(path + ".log", "w")

    def log(line):
        print(line, flush=True)
        if file:
            print(line, file=file, flush=True)

    log("$ python3 " + " ".join(sys.argv))
    log(f"python {platform.python_version()}, torch "
        f"{torch.__version__.split('+')[0]}, numpy {np.__version__}, "
        f"{torch.get_num_threads()} thread(s), seed {args.seed}")
    log(f"{args.net}: {args.opt}, lr {args.lr} (1 epoch of warm-up, cosine to "
        f"0), L2 {args.l2}, batch {args.batch}, {args.epochs} epochs, mirror, "
        f"shift up to {args.shift}, dropout {args.dropout}, width "
        f"{args.width}; weights averaged with decay 0.999")
    x, y = load(args.data, "train")
    if args.val:  # the last images of a fixed shuffle
        order = torch.randperm(
            len(x), generator=torch.Generator().manual_seed(0))
        held = order[-args.val:]
        xt, yt = x[held], y[held]
        x, y = x[order[:-args.val]], y[order[:-args.val]]
    net = NETS[args.net](args)
    log(f"{sum(p.numel() for p in net.parameters()):,} parameters, "
        f"{macs(net):,} multiply-accumulates, {len(x):,} training images")

    def each_epoch(epoch, mean):
        if args.val:
            return f"  held-out acc {accuracy(mean, xt, yt):.2f} %"
        if args.export_every and epoch % args.export_every == 0:
            export(mean, path + ".onnx")
        return ""

    start = time.time()
    net = train(args, x, y, log, each_epoch)
    log(f"trained in {time.time()-start:.0f} s")
    if args.val:
        log(f"held-out top-1 {accuracy(net, xt, yt):.2f} %")
        if args.net == "lenet5":
            prune_table(net, xt, yt, log, "held-out images")
        return
    xt, yt = load(args.data, "t10k")
    log(f"test top-1 {accuracy(net, xt, yt):.2f} %")
    export(net, path + ".onnx")
    check_file(net, path + ".onnx", xt, yt, log)
    if args.net == "lenet5":
        prune_table(net, xt, yt, log, "test images")


if __name__ == "__main__":
    main()
