# Sourced by what measures weir beside other engines: venv.sh with those engines.
venv=versus-venv
packages="onnx onnxruntime openvino MNN ncnn numpy pillow zstandard sympy"
bare=pnnx # its program needs none of what its package asks for
source "$(dirname "${BASH_SOURCE[0]}")/venv.sh"
