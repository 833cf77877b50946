"""libweir through its public header: contexts, models, sessions. For timing weir in the process that times others."""
import ctypes as c
import os

import numpy as np


class Error(c.Structure):
    _fields_ = [("status", c.c_int), ("message", c.c_char * 1000)]


class ContextOptions(c.Structure):
    _fields_ = [("struct_size", c.c_size_t), ("allocate", c.c_void_p), ("release", c.c_void_p), ("user", c.c_void_p),
                ("log", c.c_void_p), ("log_user", c.c_void_p), ("progress", c.c_void_p), ("progress_user", c.c_void_p),
                ("cancel", c.c_void_p), ("threads", c.c_int), ("cpu", c.c_char_p), ("machine_file", c.c_char_p), ("plan_only", c.c_int)]


class SessionOptions(c.Structure):
    _fields_ = [("struct_size", c.c_size_t), ("batch", c.c_int64), ("shapes", c.c_void_p), ("nshapes", c.c_size_t),
                ("profile", c.c_int), ("keep_all", c.c_int)]


class TensorInfo(c.Structure):
    _fields_ = [("name", c.c_char_p), ("type", c.c_int), ("rank", c.c_int), ("dims", c.POINTER(c.c_int64)),
                ("bytes", c.c_size_t)]


def load():
    path = os.path.join(os.environ["WEIR_BUILD"], "src", "libweir.so.0")
    lib = c.CDLL(path)
    lib.weir_context_options_default.restype = ContextOptions
    lib.weir_session_options_default.restype = SessionOptions
    for kind in ("input", "output"):
        info = getattr(lib, f"weir_session_{kind}_info")
        info.restype, info.argtypes = TensorInfo, [c.c_void_p, c.c_int]
        place = getattr(lib, f"weir_session_{kind}")
        place.restype, place.argtypes = c.c_void_p, [c.c_void_p, c.c_int]
        getattr(lib, f"weir_session_{kind}_count").argtypes = [c.c_void_p]
    lib.weir_session_run.argtypes = [c.c_void_p, c.POINTER(Error)]
    for name in ("context", "model", "session"):
        getattr(lib, f"weir_{name}_destroy").argtypes = [c.c_void_p]
    lib.weir_context_cpu.restype, lib.weir_context_cpu.argtypes = c.c_char_p, [c.c_void_p]
    return lib


NUMBERS = (None, np.float32, np.float16, np.uint16, np.float64, np.uint8, np.int8, np.uint16, np.int16, np.int32, np.int64, np.bool_)


def view(lib, session, kind, index):
    """A buffer of the session as an array of its type (bf16: its bits)."""
    info = getattr(lib, f"weir_session_{kind}_info")(session, index)
    shape = tuple(info.dims[i] for i in range(info.rank))
    place = getattr(lib, f"weir_session_{kind}")(session, index)
    return np.ctypeslib.as_array(c.cast(place, c.POINTER(c.c_uint8)), shape=(info.bytes,)).view(NUMBERS[info.type]).reshape(shape)


def views(lib, session, kind):
    return [view(lib, session, kind, i) for i in range(getattr(lib, f"weir_session_{kind}_count")(session))]


class Session:
    """One model with its own context; inputs and outputs are views of the session's buffers, input and output the first of each."""

    def __init__(self, path, batch=1, threads=1, cpu=None):
        self.lib, self.error = load(), Error()
        self.context, self.model, self.session = c.c_void_p(), c.c_void_p(), c.c_void_p()
        options = self.lib.weir_context_options_default()
        options.threads, options.cpu = threads, cpu.encode() if cpu else None
        self.check(self.lib.weir_context_create(c.byref(options), c.byref(self.context), c.byref(self.error)))
        self.check(self.lib.weir_model_open(self.context, os.fsencode(path), c.byref(self.model), c.byref(self.error)))
        shape = self.lib.weir_session_options_default()
        shape.batch = batch
        self.check(self.lib.weir_session_create(self.model, c.byref(shape), c.byref(self.session), c.byref(self.error)))
        self.inputs, self.outputs = (views(self.lib, self.session, kind) for kind in ("input", "output"))
        self.input, self.output = self.inputs[0], self.outputs[0]
        self.cpu = self.lib.weir_context_cpu(self.context).decode()
        self.error_ref = c.byref(self.error)

    def check(self, status):
        if status != 0:
            raise RuntimeError(f"weir status {status}: {self.error.message.decode(errors='replace')}")

    def feed(self, *arrays):
        for place, array in zip(self.inputs, arrays):
            place[...] = array

    def run(self):
        status = self.lib.weir_session_run(self.session, self.error_ref)
        if status:
            self.check(status)

    def close(self):
        self.input = self.output = self.inputs = self.outputs = None
        self.lib.weir_session_destroy(self.session)
        self.lib.weir_model_destroy(self.model)
        self.lib.weir_context_destroy(self.context)


def logits(path, images, batch=100, cpu=None):
    """Outputs for all images, in batches where the model allows them."""
    session = Session(path, batch, cpu=cpu)
    step = session.input.shape[0]
    out = np.empty((len(images), session.output.size // step), np.float32)
    for i in range(0, len(images), step):
        part = images[i:i + step]
        session.input[:len(part)] = part
        session.run()
        out[i:i + len(part)] = session.output.reshape(step, -1)[:len(part)]
    session.close()
    return out
