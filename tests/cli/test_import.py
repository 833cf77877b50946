"""How exporters write dimensions that they leave open, and what a model that has them becomes when they are bound.

usage: test_import.py WEIR FOLDER
"""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../robust"))
from pb import *


def inspect(weir, path, *more):
    p = subprocess.run([weir, "inspect", path, "--json", *more], capture_output=True, text=True)
    return json.loads(p.stdout) if p.returncode == 0 else p.stderr


def main(weir, folder):
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "open.onnx")
    scalars = [tensor("lo", [], floats(0)), tensor("hi", [], floats(6))]
    with open(path, "wb") as f:  # the shape behind the Reshape is not known before x is bound, nor the type of what Clip reads
        f.write(model(node=[node("Shape", ["x"], ["s"]), node("Reshape", ["x", "s"], ["r"]), node("Relu", ["r"], ["q"]),
                            node("Clip", ["q", "lo", "hi"], ["y"])],
                      init=scalars, input=[info("x", [-1, 3, "?", "?"])], output=[info("y", [-1, 3, -1, -1])]))
    bound = inspect(weir, path, "--shape", "x:1x3x5x7")  # two '?' may differ
    assert bound["bytes"]["compulsory"] == 2 * 4 * 3 * 5 * 7, bound
    wrong = inspect(weir, path, "--shape", "x:1x4x5x7")
    assert "dimension 1 of the model is fixed at 3" in wrong, wrong


main(*sys.argv[1:])
