"""Integers on real networks: share of multiply-adds, agreement with the float network, signal to noise, and time.

With names of parts as arguments (resnet20, squeezenet, resnet8, mobilenet) only those. WEIR_SNR_IMAGES: fewer than 1,000 images
for SqueezeNet, for a first look; the claim is about 1,000."""
import os
import pathlib
import sys
import tempfile

import numpy as np
import onnx
from PIL import Image

import datasets
import ortlib
import timing
import verdicts
import weirlib

SHARE, AGREE, SNR, LARGE_SPEED = 0.99, 97.0, 18.0, 2.0
SPEED = {"resnet8": 2.2, "mobilenet": 1.7}
BGR = [104.0, 117.0, 123.0]
CALIBRATION = 512
VNNI = ("vnni", "bf16", "amx")
PARTS = ("resnet20", "squeezenet", "resnet8", "mobilenet")


def integer_share(path):
    """Multiply-adds of convolutions and matrix products on integer kernels, as a part of all of them."""
    steps = [s for s in verdicts.weir("plan", path, "--threads", 1)["steps"] if s["op"] in ("Conv", "Gemm", "MatMul")]
    return sum(s["macs"] for s in steps if s["kernel"].startswith("u8")) / sum(s["macs"] for s in steps)


def as_f32(path, out):
    """The same network with weights, inputs and outputs of f32, for ONNX Runtime."""
    model = onnx.load(str(path))
    for t in model.graph.initializer:
        if t.data_type == onnx.TensorProto.FLOAT16:
            t.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(t).astype(np.float32), t.name))
    for v in [*model.graph.input, *model.graph.output, *model.graph.value_info]:
        if v.type.tensor_type.elem_type == onnx.TensorProto.FLOAT16:
            v.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    for n in model.graph.node:
        for a in n.attribute:
            if n.op_type == "Cast" and a.name == "to" and a.i == onnx.TensorProto.FLOAT16:
                a.i = onnx.TensorProto.FLOAT
    onnx.save(model, str(out))
    return out


def compress(path, data, folder):
    recipe, out = folder / "int8.json", folder / f"{path.stem}-int8.weir"
    recipe.write_text('{"rules": [{"technique": "int8", "nodes": ".*"}]}')
    verdicts.weir("compress", path, "-o", out, "--recipe", recipe, "--train", data, "--no-finetune", "--threads", 1)
    return out


def shard(number):
    return datasets.shared("data", f"cifar10-train-{number:03d}.tar.zst")


def hold_share(v, name, out):
    share = integer_share(out)
    v.line(share >= SHARE, f"{name}: {100 * share:.2f} % of its multiply-adds on integer kernels (at least {100 * SHARE:.0f} %)")


def resnet20(v, folder):
    path = datasets.shared("models", "resnet20-cifar10.onnx")
    if not path:
        return v.line(False, "resnet20: its file is absent")
    spec = datasets.write_spec(folder / "cifar10-train.json", format="tar", path=str(shard(0)), scale=1 / 255, mean=datasets.MEAN,
                               std=datasets.STD, limit=CALIBRATION)
    out = compress(path, spec, folder)
    hold_share(v, "resnet20", out)
    images, labels = datasets.cifar()
    before, after = weirlib.logits(path, images), weirlib.logits(out, images)
    same = 100 * float((before.argmax(1) == after.argmax(1)).mean())
    top1 = [100 * float((x.argmax(1) == labels).mean()) for x in (before, after)]
    v.line(same >= AGREE, f"resnet20: the class of the float network on {same:.2f} % of {len(images)} test images (at least {AGREE:.0f} %); "
           f"top-1 {top1[0]:.2f} -> {top1[1]:.2f} %")
    return path, out, images[:1000]


def squeezenet_images(images):
    """CIFAR pictures as SqueezeNet wants them: 224 pixels, blue first, 0 to 255 less the mean."""
    back = images.transpose(0, 2, 3, 1) * np.array(datasets.STD, np.float32) + np.array(datasets.MEAN, np.float32)
    for picture in np.clip(np.rint(back * 255), 0, 255).astype(np.uint8):
        large = np.asarray(Image.fromarray(picture).resize((224, 224), Image.BILINEAR), np.float32)[:, :, ::-1]
        yield np.ascontiguousarray((large - np.array(BGR, np.float32)).transpose(2, 0, 1))


def signal_to_noise(path, out, images):
    plain, small, signal, noise = weirlib.Session(path), weirlib.Session(out), 0.0, 0.0
    for image in squeezenet_images(images):
        results = []
        for session in (plain, small):
            session.feed(image[None])
            session.run()
            results.append(session.output.reshape(-1).astype(np.float64))
        signal += float((results[0] ** 2).sum())
        noise += float(((results[0] - results[1]) ** 2).sum())
    plain.close()
    small.close()
    return 10 * np.log10(signal / noise)


def squeezenet(v, folder):
    path = datasets.shared("models", "squeezenet11-fp16.onnx")
    if not path:
        return v.line(False, "squeezenet: its file is absent")
    # weir's own decoding and resizing, red first: the statistics hardly depend on the order, the test images have it right
    spec = datasets.write_spec(folder / "cifar10-224.json", format="tar", path=str(shard(1)), scale=1, mean=BGR[::-1], std=[1, 1, 1],
                               resize=[224, 224], limit=64)
    path = logits_only(path, folder)
    out = compress(path, spec, folder)
    hold_share(v, "squeezenet", out)
    images = datasets.cifar()[0][:int(os.environ.get("WEIR_SNR_IMAGES", 1000))]
    snr = signal_to_noise(path, out, images)
    v.line(snr >= SNR, f"squeezenet: {snr:.1f} dB at its logits on {len(images)} images of 224 pixels (at least {SNR:.0f} dB)")
    return path, out, np.stack(list(squeezenet_images(images[:100])))


def logits_only(path, folder):
    """Without the Softmax at the end, if there is one: what is compared are the logits."""
    model = onnx.load(str(path))
    last = model.graph.node[-1]
    if last.op_type == "Softmax":
        model.graph.output[0].name = last.input[0]
        model.graph.node.remove(last)
        path = folder / path.name
        onnx.save(model, str(path))
    return path


OPTIMIZE = ["--train", "fashion-mnist:train", "--no-finetune", "--data", "fashion-mnist", "--max-drop", 1.0, "--objective", "time"]


def one_family(path, family, folder):
    """Milliseconds that are predicted for the best recipe of one technique; those that are not asked here change no time."""
    r = verdicts.weir("optimize", path, *OPTIMIZE, "--techniques", family, "-o", folder / f"{path.stem}-{family}.weir", accept=(0, 1))
    return r["predicted_ms"] if r["met"] else float("inf")


def optimised(name):
    def part(v, folder):
        path, out = verdicts.MODELS / f"{name}.onnx", folder / f"{name}.weir"
        r = verdicts.weir("optimize", path, *OPTIMIZE, "-o", out, accept=(0, 1))
        families = sorted({rule["technique"] for rule in r["recipe"]} - {"ans"})
        v.line(r["met"] is True and out.exists(), f"{name}: met {r['met']}, drop {r['drop_points']:.2f} points, upper end "
               f"{r['drop_upper95']:.2f}; {' and '.join(families)}; {r['trials']} trials, {r['seconds']:.0f} s")
        if name == "resnet8":
            v.line(len(families) >= 2, f"resnet8: mixes {len(families)} families (at least 2)")
            best = min(one_family(path, family, folder) for family in ("int8", "channels", "lowrank"))
            v.line(r["predicted_ms"] <= best < float("inf"), f"resnet8: predicted {1e3 * r['predicted_ms']:.1f} us, best of one family "
                   f"{1e3 * best:.1f} us")
        return (path, out, datasets.fashion()[0][:1000]) if out.exists() else None
    return part


def hold_speed(v, name, want, path, out, images, folder):
    small, plain = weirlib.Session(out), weirlib.Session(path)
    other = ortlib.Session(str(as_f32(path, folder / f"{name}-f32.onnx")))

    def ratio(times):
        others = [2] if name in ("resnet20", "squeezenet") else [1, 2]  # the claim there names ONNX Runtime alone
        fastest = others[int(np.argmin(np.median(times[:, others], axis=0)))]
        return times[:, fastest] / times[:, 0]

    calls = 100 if name == "squeezenet" else 600
    times, ratios, trouble = timing.measure([small, plain, other], timing.one_by_one(images), ratio, calls)
    middle, low, high = timing.interval(ratios)
    if trouble:
        v.line(False, f"{name}: the machine is too unsteady to tell: {trouble}")
    v.line(middle >= want, f"{name}, {small.cpu}: f32 over int8 {middle:.2f} [{low:.2f}, {high:.2f}] (at least {want}); us int8 / f32 / "
           "ONNX Runtime " + " / ".join(f"{1e6 * t:.1f}" for t in np.median(times, axis=0)))
    small.close()
    plain.close()


def machine_set():
    session = weirlib.Session(verdicts.MODELS / "lenet5.onnx")
    cpu = session.cpu
    session.close()
    return cpu


def main():
    v = verdicts.Verdict("depth-1")
    parts = sys.argv[1:] or PARTS
    cpu = machine_set()
    v.note(f"ONNX Runtime {ortlib.version()}, {cpu}, one thread, batch 1")
    todo = {"resnet20": (resnet20, LARGE_SPEED), "squeezenet": (squeezenet, LARGE_SPEED),
            "resnet8": (optimised("resnet8"), SPEED["resnet8"]), "mobilenet": (optimised("mobilenet"), SPEED["mobilenet"])}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for part in parts:
            try:
                made = todo[part][0](v, folder)
                if made and cpu in VNNI:
                    hold_speed(v, part, todo[part][1], *made, folder)
            except RuntimeError as error:
                v.line(False, f"{part}: {error}")
            if cpu not in VNNI:
                v.line(False, f"{part}: its time is refused: the claim is about machines with VNNI, this one has {cpu}")
    v.finish()


if __name__ == "__main__":
    main()
