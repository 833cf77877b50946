"""Labelled images as weir's models take them: Fashion-MNIST (Debian), MNIST and CIFAR-10 (where $WEIR_SHARED is)."""
import gzip
import io
import json
import os
import pathlib
import tarfile

import numpy as np
import zstandard
from PIL import Image

FASHION = pathlib.Path("/usr/share/datasets/fashion-mnist")
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def shared(*parts):
    """A path under $WEIR_SHARED, or None where it is absent."""
    path = pathlib.Path(os.environ["WEIR_SHARED"], *parts)
    return path.resolve() if path.exists() else None


def idx(path):
    with (gzip.open if str(path).endswith(".gz") else open)(path, "rb") as f:
        data = f.read()
    rank = data[3]
    dims = [int.from_bytes(data[4 + 4 * i:8 + 4 * i], "big") for i in range(rank)]
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(dims)


def pair(folder, split, divisor):
    def one(kind):
        return next(p for p in sorted(folder.iterdir()) if p.name.startswith(f"{split}-{kind}"))
    images = idx(one("images")).astype(np.float32)[:, None] / np.float32(divisor)
    return images, idx(one("labels")).astype(np.int64)


def fashion(split="t10k"):
    return pair(FASHION, split, 255)


def mnist(split="t10k"):
    return pair(shared("data"), split, 1)


def cifar():
    """The test shard, decoded with Pillow and normalised."""
    raw = {}
    with open(shared("data", "cifar10-test.tar.zst"), "rb") as f:
        with zstandard.ZstdDecompressor().stream_reader(f) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
            for member in tar:
                if member.isfile():
                    raw[member.name] = tar.extractfile(member).read()
    keys = sorted({name.rsplit(".", 1)[0] for name in raw})
    images = np.stack([np.asarray(Image.open(io.BytesIO(raw[k + ".jpg"])).convert("RGB"), np.float32) for k in keys])
    images = (images / 255 - np.array(MEAN, np.float32)) / np.array(STD, np.float32)
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2)), np.array([int(raw[k + ".cls"]) for k in keys])


def write_spec(file, **fields):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(fields))
    return str(file)


def mnist_spec(folder, split):
    data = shared("data")
    return write_spec(folder / f"mnist-{split}.json", format="idx", scale=1,
                      path=[str(data / f"{split}-images-idx3-ubyte.gz"), str(data / f"{split}-labels-idx1-ubyte.gz")])


def cifar_spec(folder):
    return write_spec(folder / "cifar10-test.json", format="tar", path=str(shared("data", "cifar10-test.tar.zst")),
                      scale=1 / 255, mean=MEAN, std=STD)
