"""ONNX files in the form of engines that read another: made by the engine's own converter, kept beside the file."""
import pathlib
import subprocess
import sys
import tempfile

import onnx

PATIENCE = 300  # seconds for one converter


class Unsupported(RuntimeError):
    """The converter, or the engine, does not take the network; says why."""


def fresh(files, path):
    return all(f.exists() and f.stat().st_mtime >= path.stat().st_mtime for f in files)


def run(command, folder, made):
    """Runs a converter and returns the files that it was to write."""
    done = subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True, timeout=PATIENCE, errors="replace")
    made = [folder / m for m in made]
    if done.returncode or not all(m.exists() for m in made):
        words = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise Unsupported(f"{pathlib.Path(command[0]).name}: exit {done.returncode}: {words[-1][:200] if words else 'no message'}")
    return made


def keep(path, endings, command):
    """The files path.stem + ending, written by command(copy of path in a folder of its own)."""
    files = [path.with_name(path.stem + ending) for ending in endings]
    if not fresh(files, path):
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            folder = pathlib.Path(folder)
            copy = folder / "net.onnx"
            copy.symlink_to(path.resolve())
            for made, file in zip(run(command(copy), folder, ["net" + ending for ending in endings]), files):
                made.rename(file)
    return files


def quantised(path):
    return any(n.op_type == "QuantizeLinear" for n in onnx.load(path, load_external_data=False).graph.node)


def tool(name):
    return pathlib.Path(sys.executable).with_name(name)


def mnn(path):
    if quantised(path):
        raise Unsupported("its converter leaves QDQ in f32")
    return keep(path, [".mnn"], lambda copy: [tool("mnnconvert"), "-f", "ONNX", "--modelFile", copy, "--MNNModel", copy.with_suffix(".mnn"),
                                              "--bizCode", "weir"])[0]


def ncnn(path, shapes):
    """(structure, weights). pnnx is a program in its package: the package itself would pull in PyTorch."""
    if quantised(path):
        raise Unsupported("its converter does not read QDQ")
    import importlib.util
    program = pathlib.Path(importlib.util.find_spec("pnnx").submodule_search_locations[0]) / "pnnx"
    given = ",".join("[" + ",".join(map(str, s)) + "]" for s in shapes)
    return keep(path, [".ncnn.param", ".ncnn.bin"], lambda copy: [program, copy, f"inputshape={given}", "fp16=0"])
