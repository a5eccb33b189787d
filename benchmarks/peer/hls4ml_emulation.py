"""hls4ml's C++ emulation of its "stable" softmax, compiled here from the headers of its installed package."""

from __future__ import annotations

import ctypes
import importlib.util
import tempfile
from pathlib import Path

import numpy as np
from benchmarks.peer.terms import Terms

from narrowmax import tools

PACKAGE = "hls4ml"
LEFT_OUT = "its own datapath: the sum is not normalised before its reciprocal is looked up"
SOURCE = Path(__file__).with_name("hls4ml_stable.cc")


def prepare(terms: Terms, x: np.ndarray):
    """A call from float32 (rows, n) to codes uint8.  Raises ToolMissing without a C++ compiler."""
    run = _compiled(x.shape[1])
    codes = np.empty(x.shape, np.uint8)

    def call() -> np.ndarray:
        run(ctypes.c_void_p(x.ctypes.data), ctypes.c_void_p(codes.ctypes.data), ctypes.c_long(len(x)))
        return codes

    return call


def _compiled(n: int):
    headers = _headers()
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "softmax.so"
        words = ["-O3", "-std=c++17", "-shared", "-fPIC", "-w"]
        words += [
            f"-DELEMENTS={n}",
            f"-DGROWTH={n.bit_length()}",
            f"-I{headers}",
            f"-I{headers / 'ap_types'}",
            SOURCE,
            "-o",
            library,
        ]
        tools.compiler().run(*words, timeout=300)
        return ctypes.CDLL(str(library)).run


def _headers() -> Path:
    found = importlib.util.find_spec("hls4ml")  # not imported: only its headers are wanted
    if found is None:
        raise ImportError("hls4ml is not installed")
    return Path(found.submodule_search_locations[0]) / "templates" / "vivado"
