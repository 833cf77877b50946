# Sourced by what measures weir beside other engines: venv.sh with those engines.
venv=versus-venv
packages="onnx onnxruntime openvino numpy pillow zstandard sympy"
source "$(dirname "${BASH_SOURCE[0]}")/venv.sh"
