"""ONNX files that break one rule each: (name, bytes, what the message must say)."""
import struct

from pb import *

NAN = b"\x00\x00\xc0\x7f"
EXTERNAL = lambda **kv: num(14, 1) + b"".join(raw(13, raw(1, k) + raw(2, v)) for k, v in kv.items())


def with_init(t, **kw):
    p = parts(**kw)
    return model(init=[t] + p["init"][1:], **kw)


def with_node(i, n):
    nodes = parts()["node"]
    nodes[i] = n
    return model(node=nodes)


def nbits(w=None, inputs=("x", "w", "s"), domain="com.microsoft", **changes):
    """MatMulNBits of a row of 33 with 3 columns of 3 blocks."""
    a = dict(dict(K=33, N=3, bits=4, block_size=16), **changes)
    init = [w or tensor("w", [3, 3, 8], bytes(72), UINT8), tensor("s", [9]), tensor("i", [33], bytes(132), INT32)]
    return model(node=[node("MatMulNBits", inputs, ["y"], *[attr(k, v) for k, v in a.items()], name="few", domain=domain)], init=init,
                 input=[info("x", [1, 33])], output=[info("y", None)])


CASES = [
    # ---- the protobuf itself
    ("empty", b"", "the file is empty"),
    ("text", b"This is not a model.\n" * 20, "model: damaged protobuf"),
    ("truncated", model()[:-40], "model: damaged protobuf"),
    ("trailing-garbage", model() + b"\xff\xff\xff\xff", "model: damaged protobuf"),
    ("varint-too-long", b"\x08" + b"\xff" * 11 + model()[2:], "model: damaged protobuf"),
    ("graph-not-a-message", num(1, 8) + num(7, 5) + opset(), "graph has the wrong wire type"),
    ("graph-twice", model() + raw(7, graph()), "graph appears twice, expected once"),
    ("ir-version-wrong-wire-type", raw(1, "8") + model()[2:], "damaged protobuf message (wrong wire type)"),
    ("node-length-past-end", model(g=b"\x0a\x7f" + graph()), "graph: damaged protobuf"),
    ("group-wire-type", model(g=graph() + b"\x0b"), "graph: damaged protobuf"),
    # ---- the model
    ("no-ir-version", model(ir=None), "no ir_version"),
    ("ir-version-99", model(ir=99), "ir_version 99, expected 1 to"),
    ("no-graph", num(1, 8) + opset(), "the model has no graph"),
    ("no-opset", model(opsets=b""), "opset_import names no version of the default domain"),
    ("opset-other-domain-only", model(opsets=opset(1, "com.example")), "opset_import names no version of the default domain"),
    ("opset-0", model(opsets=opset(0)), "opset 0, expected 1 to"),
    ("opset-9999", model(opsets=opset(9999)), "opset 9999, expected 1 to"),
    ("opset-twice", model(opsets=opset() + opset(12)), "the default domain appears twice"),
    ("functions", model(extra=raw(25, b"")), "model-local functions (1) are not supported"),
    # ---- initializers
    ("initializer-short", with_init(tensor("w", [2, 1, 3, 3], bytes(68))), "initializer 0 'w': its dims and type f32 need 72 bytes, raw_data holds 68"),
    ("initializer-long", with_init(tensor("w", [2, 1, 3, 3], bytes(76))), "need 72 bytes, raw_data holds 76"),
    ("initializer-no-data", with_init(tensor("w", [2, 1, 3, 3], False)), "initializer 0 'w': its dims need 18 elements, float_data holds 0"),
    ("initializer-both-data", with_init(tensor("w", [2, 1, 3, 3], extra=raw(4, floats(1)))), "has raw_data and 1 typed elements"),
    ("initializer-wrong-list", with_init(tensor("w", [2, 1, 3, 3], False, extra=raw(7, varint(1) * 18))), "elements of type f32 are expected in float_data"),
    ("initializer-ragged-floats", with_init(tensor("w", [2, 1, 3, 3], False, extra=raw(4, bytes(71)))), "initializer 0: damaged protobuf"),
    ("initializer-negative-dim", with_init(tensor("w", [2, 1, -3, 3], bytes(72))), "dimension 2 is -3, expected at least 0"),
    ("initializer-huge-dim", with_init(tensor("w", [2, 1 << 33, 3, 3], bytes(72))), "dimension 1 is 8589934592, the largest is"),
    ("initializer-dims-overflow", with_init(tensor("w", [1 << 30] * 4, bytes(72))), "its dims overflow"),
    ("initializer-rank-9", with_init(tensor("w", [1] * 9, bytes(4))), "more than 8 entries"),
    ("initializer-no-type", with_init(raw(8, "w") + num(1, 1) + raw(9, bytes(4))), "initializer 0 'w': has no data_type"),
    ("initializer-strings", with_init(tensor("w", [1], bytes(4), STRING)), "element type 8 of ONNX is not supported (strings)"),
    ("initializer-type-77", with_init(tensor("w", [1], bytes(4), 77)), "element type 77 of ONNX is not supported"),
    ("initializer-no-name", with_init(tensor(None, [1], bytes(4))), "initializer 0: has no name"),
    ("initializer-twice", model(init=parts()["init"] + [tensor("w", [1])]), "initializer 4: another initializer is named 'w'"),
    ("initializer-name-not-utf8", with_init(tensor(b"w\xc3\x28", [1])), "name is not valid UTF-8"),
    ("initializer-name-nul", with_init(tensor(b"w\0x", [1])), "name has a NUL"),
    ("initializer-int8-range", with_init(tensor("w", [2], False, INT8, raw(5, varint(1) + varint(300)))), "int32_data holds 300, outside the type s8"),
    ("initializer-bool-7", with_init(tensor("w", [2], b"\1\7", BOOL)), "element 1 of a bool tensor is 7"),
    ("initializer-segment", with_init(tensor("w", [1], extra=raw(3, b""))), "segments are not supported"),
    ("external-parent", with_init(tensor("w", [1], False, extra=EXTERNAL(location="../secret"))), "without '..'"),
    ("external-absolute", with_init(tensor("w", [1], False, extra=EXTERNAL(location="/etc/passwd"))), "not absolute"),
    ("external-missing", with_init(tensor("w", [1], False, extra=EXTERNAL(location="no-such-file.bin"))), "no-such-file.bin"),
    ("external-bad-number", with_init(tensor("w", [1], False, extra=EXTERNAL(location="empty.onnx", offset="-4"))), "'offset' must be a number"),
    ("external-too-short", with_init(tensor("w", [1], False, extra=EXTERNAL(location="text.onnx", offset="1000000"))), "external data needs 4 bytes from 1000000 on"),
    ("sparse-initializer", model(extra=b"", g=graph() + raw(15, b"")), "sparse initializers (1) are not supported"),
    # ---- inputs and outputs
    ("input-twice", model(input=[info("x", ["batch", 1, 4, 4])] * 2), "graph input 'x' is listed twice"),
    ("input-no-name", model(input=[info(None, [1])]), "graph input 0: has no name"),
    ("input-no-shape", model(input=[info("x", None)]), "graph input 'x' has no shape"),
    ("input-sequence", model(input=[info("x", None, type_=raw(4, b""))]), "is not a tensor"),
    ("input-negative-dim", model(input=[info("x", ["batch", 1, -4, 4])]), "dimension 2 is -4, expected 0 to"),
    ("input-rank-9", model(input=[info("x", [1] * 9)]), "rank 9, at most 8 is supported"),
    ("input-contradicts-initializer", model(input=[info("x", ["batch", 1, 4, 4]), info("w", [2, 1, 5, 5])]), "initializer 'w' is declared with another shape"),
    ("no-outputs", model(output=[]), "the graph has no outputs"),
    ("output-never-produced", model(output=[info("z", [1])]), "graph output 'z' is no graph input, initializer or output of a node"),
    ("output-twice", model(output=[info("y", ["batch", 3])] * 2), "graph output 'y' is listed twice"),
    # ---- nodes
    ("unknown-operator", with_node(1, node("Frobnicate", ["c"], ["r"], name="frob")), "node 'frob' (Frobnicate): operator 'Frobnicate' of domain 'ai.onnx' is not supported"),
    ("unknown-domain", with_node(1, node("Relu", ["c"], ["r"], name="relu", domain="com.example")), "operator 'Relu' of domain 'com.example' is not supported"),
    ("internal-operator", with_node(1, node("weir.Layout", ["c"], ["r"], name="l")), "operator 'weir.Layout' of domain 'ai.onnx' is not supported"),
    ("no-op-type", with_node(1, node(None, ["c"], ["r"])), "has no op_type"),
    ("undefined-input", with_node(1, node("Relu", ["nowhere"], ["r"], name="relu")), "node 'relu' (Relu): its input 'nowhere' is no graph input"),
    ("output-name-taken", with_node(1, node("Relu", ["c"], ["w"], name="relu")), "its output 'w' is already the name of a graph input or initializer"),
    ("produced-twice", with_node(2, node("Flatten", ["r"], ["r"], name="flatten")), "its output 'r' is already the name of another node's output"),
    ("cycle", with_node(0, node("Add", ["x", "r"], ["c"], name="add")), "cycle"),
    ("too-few-inputs", with_node(0, node("Conv", ["x"], ["c"], name="conv")), "node 'conv' (Conv): has 1 inputs, expected 2 to"),
    ("too-many-inputs", with_node(1, node("Relu", ["c", "c"], ["r"], name="relu")), "has 2 inputs, expected 1 to 1"),
    ("no-node-output", with_node(1, node("Relu", ["c"], [], name="relu")), "has 0 outputs, expected 1 to 1"),
    ("required-input-empty", with_node(0, node("Conv", ["", "w"], ["c"], name="conv")), "input 0 is required but empty"),
    ("unknown-attribute", with_node(0, conv(frobs=3)), "attribute 'frobs': is not an attribute of Conv"),
    ("internal-attribute", with_node(0, conv(weir_act=1)), "attribute 'weir_act': is not an attribute of Conv"),
    ("attribute-wrong-kind", with_node(0, conv(group="2")), "attribute 'group': expected an int, found type 3"),
    ("attribute-twice", with_node(0, node("Conv", ["x", "w", "b"], ["c"], attr("group", 1), attr("group", 1), name="conv")), "attribute 'group': appears twice"),
    ("attribute-no-name", with_node(0, node("Conv", ["x", "w", "b"], ["c"], num(3, 1) + num(20, 2), name="conv")), "an attribute has no name"),
    ("attribute-subgraph", with_node(0, node("Conv", ["x", "w", "b"], ["c"], raw(1, "body") + raw(6, b"") + num(20, 5), name="conv")), "subgraphs are not supported"),
    ("attribute-missing", one("Cast", ["x"], ["y"]), "the required attribute 'to' is missing"),
    ("node-name-not-utf8", with_node(1, node("Relu", ["c"], ["r"], name=b"\xff")), "name is not valid UTF-8"),
    # ---- shapes and attributes that contradict each other: found by the shape rules
    ("conv-channels", with_init(tensor("w", [2, 3, 3, 3])), "node 'conv' (Conv): W has 3 input channels"),
    ("conv-weight-rank", with_init(tensor("w", [2, 1, 3])), "node 'conv' (Conv): W has rank 3, expected 4"),
    ("conv-kernel-shape", with_node(0, conv(kernel_shape=[5, 5])), "node 'conv' (Conv): kernel_shape[0] is 5, W has 3"),
    ("conv-kernel-too-large", with_node(0, conv(pads=[0, 0, 0, 0], dilations=[9, 9])), "node 'conv' (Conv): the kernel spans 19 on spatial axis 0"),
    ("conv-stride-0", with_node(0, conv(strides=[0, 1])), "node 'conv' (Conv): strides[0] is 0, expected 1 to"),
    ("conv-pads-3", with_node(0, conv(pads=[1, 1, 1])), "node 'conv' (Conv): pads has 3 entries, expected 4"),
    ("conv-pads-huge", with_node(0, conv(pads=[1 << 62, 1, 1, 1])), "node 'conv' (Conv): pads[0] is 4611686018427387904, expected 0 to"),
    ("conv-group-0", with_node(0, conv(group=0)), "node 'conv' (Conv): group is 0, expected at least 1"),
    ("conv-auto-pad", with_node(0, conv(auto_pad="SOMETIMES", pads=None)), "node 'conv' (Conv): auto_pad is 'SOMETIMES', expected"),
    ("conv-bias-length", model(init=[parts()["init"][0], tensor("b", [7])] + parts()["init"][2:]), "node 'conv' (Conv): B has shape [7], expected [2]"),
    ("gemm-sizes", model(init=parts()["init"][:2] + [tensor("v", [3, 31]), tensor("d", [3])]), "node 'gemm' (Gemm): the inner dimension of B is 31, expected 32"),
    ("gemm-of-integers", model(init=parts()["init"][:2] + [tensor("v", [3, 32], dtype=INT32), tensor("d", [3])]), "node 'gemm' (Gemm): input 1 has type s32, expected f32"),
    ("pool-kernel", with_node(1, node("MaxPool", ["c"], ["r"], attr("kernel_shape", [0, 2]), name="pool")), "node 'pool' (MaxPool): kernel_shape[0] is 0, expected 1 to"),
    ("pool-kernel-huge", with_node(1, node("MaxPool", ["c"], ["r"], attr("kernel_shape", [1 << 40, 2]), name="pool")), "node 'pool' (MaxPool): kernel_shape[0] is 1099511627776, expected 1 to"),
    ("flatten-axis", with_node(2, node("Flatten", ["r"], ["f"], attr("axis", 9), name="flatten")), "node 'flatten' (Flatten): axis is 9, expected -4 to 4"),
    ("add-broadcast", with_node(1, node("Add", ["c", "d"], ["r"], name="add")), "node 'add' (Add): shapes [batch, 2, 4, 4] and [3] do not broadcast"),
    ("concat-shapes", with_node(1, node("Concat", ["c", "x"], ["r"], attr("axis", 3), name="concat")), "node 'concat' (Concat): input 1 has shape [batch, 1, 4, 4], expected [batch, 2, 4, 4]"),
    ("transpose-perm", with_node(1, node("Transpose", ["c"], ["r"], attr("perm", [0, 1, 1, 3]), name="turn")), "node 'turn' (Transpose): perm has axis 1 twice"),
    ("nbits-blocks", nbits(tensor("w", [3, 1, 16], bytes(48), UINT8)), "node 'few' (MatMulNBits): B has shape [3, 1, 16], expected 72 elements"),
    ("nbits-block-size", nbits(block_size=1 << 40), "node 'few' (MatMulNBits): block_size is 1099511627776, expected a power of two"),
    ("nbits-block-size-0", nbits(block_size=0), "node 'few' (MatMulNBits): block_size is 0, expected a power of two"),
    ("nbits-sizes-huge", nbits(K=1 << 62), "node 'few' (MatMulNBits): K is 4611686018427387904 and N is 3, expected 1 to"),
    ("nbits-depth", nbits(K=40), "node 'few' (MatMulNBits): the last dimension of A is 33, expected 40"),
    ("nbits-group-index", nbits(inputs=["x", "w", "s", "", "i"]), "node 'few' (MatMulNBits): has g_idx, which is not supported"),
    ("nbits-default-domain", nbits(domain=None), "operator 'MatMulNBits' of domain 'ai.onnx' is not supported"),
    ("reshape-two-unknown", model(node=[node("Reshape", ["x", "s"], ["y"], name="shape")], output=[info("y", None)],
                                  init=[tensor("s", [2], struct.pack("<2q", -1, -1), INT64)]), "node 'shape' (Reshape): shape has -1 at 0 and at 1"),
    ("reshape-count", model(node=[node("Reshape", ["x", "s"], ["y"], name="shape")], output=[info("y", None)], input=[info("x", [1, 1, 4, 4])],
                            init=[tensor("s", [1], struct.pack("<q", 17), INT64)]), "node 'shape' (Reshape): [1, 1, 4, 4] has 16 elements, [17] has 17"),
    ("expand-huge", model(node=[node("Expand", ["x", "s"], ["y"], name="grow")], output=[info("y", None)], input=[info("x", [1])],
                          init=[tensor("s", [4], struct.pack("<4q", *[1 << 30] * 4), INT64)]), "node 'grow' (Expand): output 0 would have shape"),
    ("constant-of-shape-huge", model(node=[node("ConstantOfShape", ["s"], ["y"], name="fill")], output=[info("y", None)],
                                     init=[tensor("s", [4], struct.pack("<4q", *[1 << 30] * 4), INT64)]), "node 'fill' (ConstantOfShape): output 0 would have shape"),
    ("declared-output-shape", model(output=[info("y", ["batch", 4])]), "graph output 'y' is declared with another shape than it has"),
    ("declared-output-type", model(output=[info("y", ["batch", 3], INT64)]), "graph output 'y' is declared s64 but holds f32"),
    ("declared-inner-type", model(info=[info("c", ["batch", 2, 4, 4], INT64)]), "value 'c' is declared s64 but holds f32"),
]
