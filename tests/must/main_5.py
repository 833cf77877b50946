"""Compulsory bytes, smallest arena and peak memory, counted from the files and from the plan's own lifetimes.

usage: main_5.py WEIR MODEL.onnx...

Three figures per model, each beside weir's:
  compulsory  weights in use (batch-norm folded to one bias per channel), what is read of inputs, and outputs, once, batch 1, no padding
  arena       the smallest height for the lifetimes of the plan's buffers; the lifetimes are checked against its steps
  peak        the allocator's high-water mark of a run against the peak certified before it
"""
import json
import subprocess
import sys
import time

import onnx

LINE = 64
FLOATS = {onnx.TensorProto.FLOAT: 4, onnx.TensorProto.FLOAT16: 2, onnx.TensorProto.BFLOAT16: 2, onnx.TensorProto.DOUBLE: 8}
SETTINGS = {"Reshape": 1, "Squeeze": 1, "Unsqueeze": 1, "Slice": 1, "Pad": 1, "Clip": 1, "Expand": 1, "Dropout": 1, "Split": 1}


def weir(program, *arguments):
    done = subprocess.run([program, *arguments, "--json", "--threads", "1"], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{program} {' '.join(arguments)}: exit {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout)


# ---- compulsory bytes --------------------------------------------------------------------------

def bind_batch(model):
    for value in [*model.graph.input, *model.graph.output]:
        for dim in value.type.tensor_type.shape.dim:
            if not dim.HasField("dim_value"):
                dim.dim_value = 1
    return model


def count(dims):
    n = 1
    for d in dims:
        n *= d
    return n


def border_bytes(value):
    tensor = value.type.tensor_type
    return count(d.dim_value for d in tensor.shape.dim) * FLOATS[tensor.elem_type]


def reached(node, size, axis, kernel):
    """How many of `size` places along a spatial axis the windows of a convolution or pool touch."""
    a = {x.name: list(x.ints) for x in node.attribute}
    auto = next((x.s for x in node.attribute if x.name == "auto_pad"), b"NOTSET")
    if auto not in (b"NOTSET", b""):
        return size
    n = len(kernel)
    stride, dilation = a.get("strides", [1] * n)[axis], a.get("dilations", [1] * n)[axis]
    lo, hi = a.get("pads", [0] * 2 * n)[axis], a.get("pads", [0] * 2 * n)[axis + n]
    windows = (size + lo + hi - (kernel[axis] - 1) * dilation - 1) // stride + 1
    places = {w * stride + k * dilation - lo for w in range(windows) for k in range(kernel[axis])}
    return sum(0 <= p < size for p in places)


def input_bytes(graph, value, tensors):
    """Bytes of a graph input; where a convolution alone reads it, of the rectangle that its windows reach."""
    readers = [n for n in graph.node if value.name in n.input]
    dims = [d.dim_value for d in value.type.tensor_type.shape.dim]
    if len(readers) == 1 and readers[0].op_type == "Conv" and readers[0].input[1] in tensors:
        kernel = list(tensors[readers[0].input[1]].dims)[2:]
        dims[2:] = [reached(readers[0], size, axis, kernel) for axis, size in enumerate(dims[2:])]
    return count(dims) * FLOATS[value.type.tensor_type.elem_type]


def weights_in_use(graph):
    """Names of the float initialisers that a node computes with."""
    known = {t.name for t in graph.initializer if t.data_type in FLOATS}
    used = set()
    for node in graph.node:
        for i, name in enumerate(node.input):
            if name in known and i < SETTINGS.get(node.op_type, len(node.input)):
                used.add(name)
    return used


def compulsory(path):
    model = bind_batch(onnx.load(path))
    graph = model.graph
    tensors = {t.name: t for t in graph.initializer}
    maker = {name: node for node in graph.node for name in node.output}
    total = sum(input_bytes(graph, v, tensors) for v in graph.input if v.name not in tensors)
    total += sum(border_bytes(v) for v in graph.output)
    used = weights_in_use(graph)
    for node in graph.node:
        if node.op_type != "BatchNormalization":
            continue
        conv = maker[node.input[0]]
        if conv.op_type not in ("Conv", "Gemm"):
            sys.exit(f"{path}: a batch-norm that does not follow a convolution is not counted here")
        used -= set(node.input[1:5])
        has_bias = len(conv.input) > 2 and conv.input[2] != ""
        if not has_bias:
            scale = tensors[node.input[1]]
            total += count(scale.dims) * FLOATS[scale.data_type]
    return total + sum(count(tensors[n].dims) * FLOATS[tensors[n].data_type] for n in used)


# ---- arena -------------------------------------------------------------------------------------

def padded(size):
    return (size + LINE - 1) // LINE * LINE


def meet(a, b):
    return a["first"] <= b["last"] and b["first"] <= a["last"]


def may_lie_over(buffers, i, j):
    """Whether i and j may have the same bytes although they meet: one is made, in place, where the other dies."""
    for x, y in ((i, j), (j, i)):
        if y in buffers[x]["may_share"] and buffers[y]["last"] == buffers[x]["first"]:
            return True
    return False


def place_of(operand):
    """Offset, bytes to its last one, and how far inside a larger value it may begin: an operand whose pixels lie apart fills some
    channels of every pixel of the value that holds it."""
    if "pitch" not in operand:
        return operand["offset"], operand["bytes"], 0
    pixels = operand["shape"][0] * operand["shape"][2] * operand["shape"][3]
    pixel = operand["bytes"] // pixels
    return operand["offset"], (pixels - 1) * operand["pitch"] + pixel, operand["pitch"] - pixel


def holds(buffer, step, offset, size, inside):
    return (buffer["first"] <= step <= buffer["last"] and buffer["offset"] <= offset <= buffer["offset"] + inside
            and offset + size <= buffer["offset"] + buffer["bytes"])


def check_lifetimes(plan):
    """Every operand lies in a live buffer, and no buffer lives longer than its operands ask for."""
    buffers, touched = plan["buffers"], {}
    for t, step in enumerate(plan["steps"]):
        places = [place_of(o) for o in step["in"] + step["out"] if o["place"] == "arena" and o["bytes"] > 0]
        if step["scratch"]["bytes"] > 0:
            places.append((step["scratch"]["offset"], step["scratch"]["bytes"], 0))
        for offset, size, inside in places:
            holders = [i for i, b in enumerate(buffers) if holds(b, t, offset, size, inside)]
            if not holders:
                return f"step {t} ({step['name']}): nothing holds its operand at {offset}"
            for i in holders:
                touched.setdefault(i, []).append(t)
    for i, b in enumerate(buffers):
        if min(touched.get(i, [-1])) != b["first"] or max(touched.get(i, [-1])) != b["last"]:
            return f"buffer {i} ({b['value']}) lives from {b['first']} to {b['last']}, used in {touched.get(i)}"
    return None


def check_placement(plan):
    buffers = plan["buffers"]
    for i, a in enumerate(buffers):
        if a["offset"] % LINE or a["offset"] + padded(a["bytes"]) > plan["arena_bytes"]:
            return f"buffer {i} is not aligned or not inside the arena"
        for j in range(i):
            b = buffers[j]
            apart = a["offset"] + a["bytes"] <= b["offset"] or b["offset"] + b["bytes"] <= a["offset"]
            if meet(a, b) and not apart and not (a["offset"] == b["offset"] and may_lie_over(buffers, i, j)):
                return f"buffers {j} and {i} overlap while both live"
    return None


def live_bound(plan):
    worst = 0
    for t in range(len(plan["steps"])):
        live = 0
        for b in plan["buffers"]:
            if b["first"] <= t <= b["last"]:
                live += padded(b["bytes"])
                if b["first"] == t and any(plan["buffers"][k]["last"] == t for k in b["may_share"]):
                    live -= padded(b["bytes"])
        worst = max(worst, live)
    return worst


def fits(plan, height, deadline):
    """Whether all buffers fit below `height`: a depth-first search, most constrained (largest) buffer first, over the
    offsets that are sums of sizes, which is where buffers pushed down come to rest. None when time ran out."""
    buffers = plan["buffers"]
    order = sorted(range(len(buffers)), key=lambda i: -padded(buffers[i]["bytes"]))
    sums = {0}
    for b in buffers:
        sums |= {s + padded(b["bytes"]) for s in sums if s + padded(b["bytes"]) < height}
    sums = sorted(sums)
    at = {}

    def place(k):
        if time.monotonic() > deadline:
            raise TimeoutError
        if k == len(order):
            return True
        i = order[k]
        size = padded(buffers[i]["bytes"])
        for offset in sums:
            if offset + size > height:
                break
            clear = True
            for j, other in at.items():
                if meet(buffers[i], buffers[j]) and offset < other + padded(buffers[j]["bytes"]) and other < offset + size \
                        and not (offset == other and may_lie_over(buffers, i, j)):
                    clear = False
                    break
            if clear:
                at[i] = offset
                if place(k + 1):
                    return True
                del at[i]
        return False

    try:
        return place(0)
    except TimeoutError:
        return None


def smallest_arena(plan):
    """The smallest height and how it is known, or None."""
    bound, height = live_bound(plan), plan["arena_bytes"]
    if height == bound:
        return bound, "live bytes"
    deadline = time.monotonic() + 120
    while height > bound:
        lower = fits(plan, height - LINE, deadline)
        if lower is None:
            return None, "no answer in two minutes"
        if not lower:
            return height, "search"
        height -= LINE
    return height, "search"


# ---- one model ---------------------------------------------------------------------------------

def check(program, path):
    seen, plan = weir(program, "inspect", path), weir(program, "plan", path)
    run = weir(program, "bench", path, "--warmup", "1", "--iterations", "5")
    bad = [text for text in (check_lifetimes(plan), check_placement(plan)) if text]
    want = compulsory(path)
    smallest, how = smallest_arena(plan)
    rows = [("compulsory bytes", seen["bytes"]["compulsory"], want, "counted from the file"),
            ("arena bytes", plan["arena_bytes"], smallest, how),
            ("arena bytes (inspect)", seen["arena_bytes"], plan["arena_bytes"], "plan"),
            ("peak bytes", seen["peak_bytes"], run.get("allocator_peak_bytes"), "high-water mark of a run")]
    for what, have, expected, source in rows:
        same = have == expected
        print(f"{path}: {what}: weir {have}, {source} {expected}: {'equal' if same else 'DIFFERENT'}")
        if not same:
            bad.append(what)
    for text in bad:
        print(f"{path}: failed: {text}")
    return not bad


def main():
    results = [check(sys.argv[1], path) for path in sys.argv[2:]]
    print(f"{sum(results)} of {len(results)} models agree")
    sys.exit(0 if all(results) and results else 1)


main()
