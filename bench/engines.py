"""The engines that bench/versus compares, each at its best documented settings for one stream of single calls.

An engine is a class with a name, version(), and instances made from (path, threads) that have feed(*arrays), run(), outputs
(the arrays of the last run), close(); nothing(shape) gives such an instance for a model that does nothing, so that what a call
costs can be taken off. Importing an engine is left until it is used: a missing package is the reason why it is skipped.
"""
import numpy as np

import convert
import models
import weirlib


class Weir:
    name = "weir"

    def __init__(self, path, threads, cpu=None):
        self.session = weirlib.Session(path, threads=threads, cpu=cpu)
        self.feed, self.run, self.isa = self.session.feed, self.session.run, self.session.cpu

    @property
    def outputs(self):
        return [np.array(o) for o in self.session.outputs]

    def close(self):
        self.session.close()


class OnnxRuntime:
    """All optimisations, sequential, bound buffers, as many threads as asked for."""
    name = "onnxruntime"

    def __init__(self, path, threads, fused=True):
        import ortlib
        self.session = ortlib.Session(path if isinstance(path, bytes) else str(path), threads=threads, fused=fused)
        self.feed, self.run = self.session.feed, self.session.run

    @staticmethod
    def version():
        import ortlib
        return ortlib.version()

    @classmethod
    def nothing(cls, shape):
        import ortlib
        return cls(ortlib.identity(shape), 1)

    @property
    def outputs(self):
        return self.session.outputs

    def close(self):
        self.session.close()


class OpenVino:
    """Latency hint, one stream, products of floats in f32 as the others compute them, tensors given once."""
    name = "openvino"

    def __init__(self, path, threads):
        import openvino as ov
        core = ov.Core()
        model = core.read_model(path if isinstance(path, bytes) else str(path))
        model.reshape({p: [1 if d.is_dynamic else d for d in p.partial_shape] for p in model.inputs})
        self.compiled = core.compile_model(model, "CPU", {
            "PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1, "INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"})
        self.request = self.compiled.create_infer_request()
        self.inputs = [np.zeros(tuple(p.shape), p.element_type.to_dtype()) for p in self.compiled.inputs]
        for i, array in enumerate(self.inputs):
            self.request.set_input_tensor(i, ov.Tensor(array, shared_memory=True))

    @staticmethod
    def version():
        import openvino as ov
        return ov.__version__

    @classmethod
    def nothing(cls, shape):
        import ortlib
        return cls(ortlib.identity(shape), 1)

    def feed(self, *arrays):
        for place, array in zip(self.inputs, arrays):
            place[...] = array

    def run(self):
        self.request.infer(share_outputs=True)

    @property
    def outputs(self):
        return [np.array(self.request.get_output_tensor(i).data) for i in range(len(self.compiled.outputs))]

    def close(self):
        self.request = self.compiled = None


def nothing_from_file(kind):
    """An instance for a model that does next to nothing, by way of a file, as converters want it; it ignores what it is fed."""
    import pathlib
    import tempfile

    import ortlib
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "nothing.onnx"
        path.write_bytes(ortlib.one_node("Relu", [1, 1, 4, 4]))
        runner = kind(path, 1)
    runner.feed(np.zeros([1, 1, 4, 4], np.float32))
    runner.feed = lambda *arrays: None
    return runner


class Mnn:
    """Its Module interface with precision high, which is f32; inputs written in place."""
    name = "mnn"

    def __init__(self, path, threads):
        import MNN
        runtime = MNN.nn.create_runtime_manager(({"backend": "CPU", "numThread": threads, "precision": "high"},))
        self.net = MNN.nn.load_module_from_file(str(convert.mnn(path)), [], [], runtime_manager=runtime)
        kinds = {"float32": MNN.expr.float, "int32": MNN.expr.int, "int64": MNN.expr.int}
        self.inputs = [MNN.expr.placeholder(shape, MNN.expr.NCHW, kinds[kind.name]) for shape, kind in models.inputs(path).values()]

    @staticmethod
    def version():
        import MNN
        return MNN.version()

    @classmethod
    def nothing(cls, shape):
        return nothing_from_file(cls)

    def feed(self, *arrays):
        for place, array in zip(self.inputs, arrays):
            place.write(array if array.dtype == np.float32 else array.astype(np.int32))

    def run(self):
        self.results = self.net.forward(self.inputs)
        for result in self.results:
            result.read()  # forward alone may leave work undone

    @property
    def outputs(self):
        return [np.array(result.read()) for result in self.results]

    def close(self):
        self.net = self.inputs = self.results = None


class Ncnn:
    """All in f32; an extractor for each call, as its documentation says. It knows no batch: images come without that axis."""
    name = "ncnn"

    def __init__(self, path, threads):
        import ncnn
        self.kinds = list(models.inputs(path).values())
        if any(kind != np.float32 for _, kind in self.kinds):
            raise convert.Unsupported("inputs of integers are not tried")
        structure, weights = convert.ncnn(path, [shape for shape, _ in self.kinds])
        self.net, self.mat = ncnn.Net(), ncnn.Mat
        self.net.opt.num_threads = threads
        for narrow in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_storage"):
            setattr(self.net.opt, f"use_{narrow}", False)
        if self.net.load_param(str(structure)) or self.net.load_model(str(weights)):
            raise convert.Unsupported("ncnn does not load what pnnx wrote")
        self.results = []

    @staticmethod
    def version():
        import ncnn
        return ncnn.__version__

    @classmethod
    def nothing(cls, shape):
        return nothing_from_file(cls)

    def feed(self, *arrays):
        self.inputs = [self.mat(np.ascontiguousarray(a[0])).clone() for a in arrays]

    def run(self):
        extractor = self.net.create_extractor()
        for name, mat in zip(self.net.input_names(), self.inputs):
            extractor.input(name, mat)
        got = [extractor.extract(name) for name in self.net.output_names()]
        failed = [f"{name}: status {status}" for name, (status, _) in zip(self.net.output_names(), got) if status]
        if failed:
            raise convert.Unsupported(f"a layer failed: {', '.join(failed)}")
        self.results = [mat for _, mat in got]

    @property
    def outputs(self):
        return [np.array(mat)[None] for mat in self.results]

    def close(self):
        self.net = self.inputs = self.results = None


RIVALS = {e.name: e for e in (OnnxRuntime, OpenVino, Mnn, Ncnn)}
USUAL = ("onnxruntime", "openvino", "mnn")
OTHERS = {"ncnn": "runs when asked for by --engines: on some networks it ends the process that all engines share",
          "LiteRT": "its converters from ONNX need TensorFlow, and none keeps QDQ"}
