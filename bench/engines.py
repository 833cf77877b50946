"""The engines that bench/versus compares, each at its best documented settings for one stream of single calls.

An engine is a class with a name, version(), and instances made from (path, threads) that have feed(*arrays), run(), outputs
(the arrays of the last run), close(); nothing(shape) gives such an instance for a model that does nothing, so that what a call
costs can be taken off. Importing an engine is left until it is used: a missing package is the reason why it is skipped.
"""
import numpy as np

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


RIVALS = {e.name: e for e in (OnnxRuntime, OpenVino)}
OTHERS = {"ncnn": "its converter starts from PyTorch, not from ONNX files with QDQ",
          "MNN": "its converter is not run here yet", "LiteRT": "no converter from ONNX that keeps QDQ"}
