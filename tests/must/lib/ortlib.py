"""ONNX Runtime with bound inputs and outputs: every optimisation, one thread where nothing else is said."""
import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper


NUMBERS = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(int64)": np.int64, "tensor(int32)": np.int32,
           "tensor(uint8)": np.uint8, "tensor(int8)": np.int8, "tensor(bool)": np.bool_, "tensor(double)": np.float64}


def options(threads=1, fused=True):
    """fused=False: operator by operator as the file says, so that QuantizeLinear and DequantizeLinear stand between float kernels."""
    o = ort.SessionOptions()
    o.intra_op_num_threads, o.inter_op_num_threads = threads, 1
    o.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    o.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL if fused else ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    o.log_severity_level = 3
    return o


def shape_of(info, batch):
    return [batch if i == 0 and not isinstance(d, int) else d for i, d in enumerate(info.shape)]


def zeros(info, batch):
    return np.zeros(shape_of(info, batch), NUMBERS[info.type])


class Session:
    """Bound once; feed writes into the bound inputs, run does nothing but run."""

    def __init__(self, model, batch=1, threads=1, fused=True):
        self.session = ort.InferenceSession(model, options(threads, fused), providers=["CPUExecutionProvider"])
        self.binding = self.session.io_binding()
        self.values = []
        for take in self.session.get_inputs():
            self.values.append(ort.OrtValue.ortvalue_from_numpy(zeros(take, batch)))
            self.binding.bind_ortvalue_input(take.name, self.values[-1])
        for give in self.session.get_outputs():
            if all(isinstance(d, int) for d in shape_of(give, batch)):
                self.binding.bind_ortvalue_output(give.name, ort.OrtValue.ortvalue_from_numpy(zeros(give, batch)))
            else:
                self.binding.bind_output(give.name)
        self.inner = self.session._sess
        self.raw = self.binding._iobinding

    def feed(self, *arrays):
        for value, array in zip(self.values, arrays):
            value.update_inplace(np.ascontiguousarray(array))

    def run(self):
        self.inner.run_with_iobinding(self.raw, None)

    @property
    def outputs(self):
        return self.binding.copy_outputs_to_cpu()

    def close(self):
        self.binding = self.raw = self.inner = self.session = None


def one_node(operator, shape):
    """The bytes of a model of one operator without attributes."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)
    graph = helper.make_graph([helper.make_node(operator, ["x"], ["y"])], "one", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model.SerializeToString()


def identity(shape):
    """A model that only passes its input on: what a call costs."""
    return one_node("Identity", shape)


def logits(path, images, batch=100, fused=True):
    o = options(threads=0, fused=fused)
    session = ort.InferenceSession(str(path), o, providers=["CPUExecutionProvider"])
    take = session.get_inputs()[0]
    step = take.shape[0] if isinstance(take.shape[0], int) else batch
    parts = [session.run(None, {take.name: images[i:i + step]})[0].reshape(min(step, len(images) - i), -1)
             for i in range(0, len(images), step)]
    return np.concatenate(parts)


def version():
    return ort.__version__
