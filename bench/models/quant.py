"""The 8-bit form of a float model: ONNX Runtime's static quantiser on random inputs, QuantizeLinear and DequantizeLinear around
each operator, u8 activations, s8 weights with a scale for each channel."""
import logging
import tempfile

import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

SAMPLES = 8


class Samples(CalibrationDataReader):
    def __init__(self, feeds):
        self.left = iter(feeds)

    def get_next(self):
        return next(self.left, None)


def quantise(path, feeds):
    """Convolutional networks whole; of transformers the products with weights, as ONNX Runtime's own tools for them do."""
    kinds = {n.op_type for n in onnx.load(path, load_external_data=False).graph.node}
    only = ["MatMul", "Gemm", "Conv"] if "LayerNormalization" in kinds else None
    logging.getLogger().setLevel(logging.ERROR)
    with tempfile.NamedTemporaryFile(suffix=".onnx") as out:
        quantize_static(str(path), out.name, Samples(feeds), quant_format=QuantFormat.QDQ, per_channel=True,
                        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, op_types_to_quantize=only,
                        extra_options={"MatMulConstBOnly": True})
        return onnx.load(out.name)
