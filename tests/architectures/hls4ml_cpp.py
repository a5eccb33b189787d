"""hls4ml's own C++: its headers compiled with a small harness, and its own choice of types and sizes.

A case is a dictionary of C++ texts, one for each typedef and constant of hls4ml's configuration of a softmax, beside
the data's types.  All cases of one call are compiled together, since reading the headers takes most of the time.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import warnings
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np

from narrowmax import tools

SAT = "ap_fixed<18,8,AP_RND,AP_SAT>"
DEFAULTS = {
    "implementation": "stable",
    "input": "ap_fixed<16,6>",
    "difference": "ap_ufixed<15,5>",
    "scale": "1.0",
    "exp_size": "1024",
    "exp": SAT,
    "sum": SAT,
    "divisor": SAT,
    "reciprocal_size": "1024",
    "reciprocal": SAT,
    "table": "ap_fixed<18,8>",
    "output": "ap_fixed<16,6>",
}

_HEAD = """
#include <cstdint>
#include "nnet_utils/nnet_activation.h"
template <class C> int rows(const int64_t* x, int64_t* y, int64_t count) {
    static typename C::input_t a[C::n_in];
    static typename C::output_t b[C::n_in];
    for (; count--; x += C::n_in, y += C::n_in) {
        for (unsigned i = 0; i < C::n_in; i++) a[i].range() = x[i];
        nnet::softmax<typename C::input_t, typename C::output_t, C>(a, b);
        for (unsigned i = 0; i < C::n_in; i++) y[i] = b[i].range().to_uint64();
    }
    return 0;
}
template <class C, class I> int tables(int64_t* exps, int64_t* reciprocals, bool negative) {
    static typename C::exp_table_t e[C::exp_table_size];
    static typename C::inv_table_t r[C::inv_table_size];
    nnet::init_exp_table<I, C>(e, negative);
    nnet::init_invert_table<typename C::inv_inp_t, C>(r);
    for (unsigned i = 0; i < C::exp_table_size; i++) exps[i] = e[i].range().to_uint64();
    for (unsigned i = 0; i < C::inv_table_size; i++) reciprocals[i] = r[i].range().to_uint64();
    return 0;
}
"""

_CONFIG = """
template <unsigned N> struct config_%(name)s : nnet::activ_config {
    static const unsigned n_in = N, n_slice = N, n_outer = 1, n_inner = 1;
    static const unsigned exp_table_size = %(exp_size)s, inv_table_size = %(reciprocal_size)s;
    static const nnet::softmax_implementation implementation = nnet::softmax_implementation::%(implementation)s;
    static constexpr float exp_scale = %(scale)s;
    typedef %(exp)s exp_table_t;
    typedef %(reciprocal)s inv_table_t;
    typedef %(sum)s accum_t;
    typedef %(divisor)s inv_inp_t;
    typedef %(difference)s inp_norm_t;
    typedef %(table)s table_t;
    typedef %(input)s input_t;
    typedef %(output)s output_t;
};
extern "C" int rows_%(name)s(int n, const int64_t* x, int64_t* y, int64_t count) {
    switch (n) { %(lengths)s }
    return 1;
}
extern "C" int tables_%(name)s(int64_t* exps, int64_t* reciprocals) {
    return tables<config_%(name)s<1>, %(addressed)s>(exps, reciprocals, %(negative)s);
}
"""


def templates() -> Path:
    """The folder of hls4ml's C++, found without importing the package."""
    return Path(importlib.util.find_spec("hls4ml").submodule_search_locations[0]) / "templates" / "vivado"


class Compiled:
    """Cases by name, as C++ that was compiled for rows of the given lengths."""

    def __init__(self, cases: dict[str, dict[str, str]], lengths: dict[str, tuple[int, ...]]):
        self.cases = {name: DEFAULTS | case for name, case in cases.items()}
        source = _HEAD + "".join(_config(name, case, lengths[name]) for name, case in self.cases.items())
        self.library = ctypes.CDLL(str(_built(source)))

    def __call__(self, name: str, codes: np.ndarray) -> np.ndarray:
        """Output codes (rows, n) of input codes (rows, n)."""
        codes = np.ascontiguousarray(codes, dtype=np.int64)
        words = np.empty_like(codes)
        run = getattr(self.library, f"rows_{name}")
        assert run(codes.shape[1], _at(codes), _at(words), ctypes.c_int64(len(codes))) == 0, "a length not compiled"
        return _signed(words, self.cases[name]["output"])

    def tables(self, name: str) -> tuple[list[int], list[int]]:
        """The entries of both tables as hls4ml fills them."""
        case = self.cases[name]
        exps, reciprocals = (np.empty(int(case[k]), dtype=np.int64) for k in ("exp_size", "reciprocal_size"))
        assert getattr(self.library, f"tables_{name}")(_at(exps), _at(reciprocals)) == 0
        return _signed(exps, case["exp"]).tolist(), _signed(reciprocals, case["reciprocal"]).tolist()


def _config(name: str, case: dict[str, str], lengths: tuple[int, ...]) -> str:
    calls = (f"case {n}: return rows<config_{name}<{n}>>(x, y, count);" for n in lengths)
    stable = case["implementation"] == "stable"
    # tables of latency are addressed by the input; those of legacy are not asked for
    addressed = case["difference"] if stable else case["input"]
    return _CONFIG % {
        **case, "name": name, "lengths": " ".join(calls), "addressed": addressed, "negative": str(stable).lower(),
    }  # fmt: skip


@cache
def _folder() -> Path:
    return Path(mkdtemp(prefix="hls4ml-"))


def _built(source: str) -> Path:
    """The library made of a source, once in a session."""
    made = _folder() / f"{hashlib.sha256(source.encode()).hexdigest()[:16]}.so"
    if not made.exists():
        written = made.with_suffix(".cc")
        written.write_text(source)
        folders = [f"-I{templates()}", f"-I{templates() / 'ap_types'}"]
        # without assertions: one stops a rounding that drops every bit of a word, which comes out right without it
        options = ["-std=c++14", "-O1", "-DNDEBUG", "-w", "-shared", "-fPIC"]
        tools.compiler().run(*options, *folders, written, "-o", made, timeout=600)
    return made


def _at(array: np.ndarray) -> ctypes.c_void_p:
    return array.ctypes.data_as(ctypes.c_void_p)


def width(form: str) -> int:
    return int(form.split("<")[1].split(",")[0])


def _signed(words: np.ndarray, form: str) -> np.ndarray:
    """Words as they lie in a type, read as its codes."""
    half = 1 << width(form) - 1
    return words if form.startswith("ap_u") else words - 2 * half * (words >= half)


def chosen(precision: str, implementation: str = "stable", **types: str) -> dict[str, str]:
    """What hls4ml itself writes for a softmax of 10 behind an input of that precision: typedefs and constants.

    `types` are typedefs by hls4ml's names, such as inv_table_t.
    """
    import hls4ml
    from hls4ml.model.graph import ModelGraph

    backend = hls4ml.backends.get_backend("Vivado")
    options = {"Implementation": implementation, **types}
    project = {"Backend": "Vivado", "ProjectName": "p", "OutputDir": str(_folder()), "IOType": "io_parallel"}
    model = {"Model": {"Precision": precision, "ReuseFactor": 1}, "LayerName": {"softmax": options}}
    layers = [
        {"class_name": "InputLayer", "name": "x", "input_shape": [10], "data_format": "channels_last"},
        {"class_name": "Softmax", "name": "softmax", "activation": "softmax", "n_in": 10, "inputs": ["x"], "axis": -1},
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it caps a table
        graph = ModelGraph.from_layer_list({**project, "Part": "", "ClockPeriod": 5, "HLSConfig": model}, layers)
        graph.apply_flow(backend.get_default_flow())
    softmax = next(layer for layer in graph.get_layers() if layer.class_name == "Softmax")
    kept = {k: f"ap_{v.precision}" for k, v in softmax.attributes.items() if k.endswith("_t")}
    lines = [line.strip(" ;").split() for line in softmax.get_attr("config_cpp").splitlines()]
    kept |= {words[-3]: words[-1] for words in lines if "=" in words}
    return kept | {words[-1]: "".join(words[1:-1]) for words in lines if words[-1:] == ["inp_norm_t"]}
