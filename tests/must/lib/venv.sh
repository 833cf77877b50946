# Sourced by the scripts that need ONNX Runtime: builds weir where it is missing, makes the environment build/$venv once (or
# again when $packages changed), and sets $python, $weir (the program), $WEIR_BUILD (its build folder) and $WEIR_SHARED (test
# data outside the project, may be absent). Before sourcing, a script may name another environment, other packages, and one to
# install without what it depends on ($bare).
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
export WEIR_BUILD=${WEIR_BUILD:-$root/build}
export WEIR_SHARED=${WEIR_SHARED:-$root/../shared}
export PYTHONPATH=$root/tests/must/lib PYTHONDONTWRITEBYTECODE=1
[ -x "$WEIR_BUILD/weir" ] || "$root/script/build"
weir=$WEIR_BUILD/weir
venv=$root/build/${venv:-must-venv}
packages=${packages:-onnx onnxruntime numpy pillow zstandard}
python=$venv/bin/python
if [ "$packages" != "$(cat "$venv/packages" 2>/dev/null)" ]; then
    mkdir -p "$root/build"
    python3 -m venv "$venv"
    # shellcheck disable=SC2086  # a list of words
    "$venv/bin/pip" install --quiet --upgrade $packages
    [ -z "${bare:-}" ] || "$venv/bin/pip" install --quiet --upgrade --no-deps "$bare"
    echo "$packages" >"$venv/packages"
fi
cd "$root"
