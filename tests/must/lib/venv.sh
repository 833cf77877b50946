# Sourced by the scripts that need ONNX Runtime: builds weir where it is missing, makes build/must-venv once, and sets
# $python, $weir (the program), $WEIR_BUILD (its build folder) and $WEIR_SHARED (test data outside the project, may be absent).
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
export WEIR_BUILD=${WEIR_BUILD:-$root/build}
export WEIR_SHARED=${WEIR_SHARED:-$root/../shared}
export PYTHONPATH=$root/tests/must/lib PYTHONDONTWRITEBYTECODE=1
[ -x "$WEIR_BUILD/weir" ] || "$root/script/build"
weir=$WEIR_BUILD/weir
venv=$root/build/must-venv
python=$venv/bin/python
if ! "$python" -c 'import onnx, onnxruntime, numpy, PIL, zstandard' 2>/dev/null; then
    mkdir -p "$root/build"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --upgrade onnx onnxruntime numpy pillow zstandard
fi
cd "$root"
