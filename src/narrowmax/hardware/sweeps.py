"""Blocks by themselves: those with few input bits on every input that can occur, the others on many."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod

import numpy as np

from narrowmax import store
from narrowmax.hardware import verilated
from narrowmax.hardware.stimulus import edges

MOST_BITS = 16  # of a block's inputs together, for every input to be tried
_SAMPLED = 4096  # inputs of a larger block: half uniform in each port, half at the edges of widths


@dataclass(frozen=True)
class Swept:
    """A block after its inputs: how many were tried, how many differ, and the first that does.

    exhaustive: whether those were all that can occur
    first: (inputs, outputs wanted, outputs got), integers in the order of the ports, or None
    """

    name: str
    tried: int
    wrong: int
    first: tuple | None
    exhaustive: bool


def is_small(block) -> bool:
    """Whether every input of a block is tried."""
    return sum(port[1] for port in block.inputs) <= MOST_BITS


class Sweep:
    """All blocks of a unit in one library, swept together; a clocked block takes an input each cycle."""

    def __init__(
        self, unit, *, files: Mapping[str, str] | None = None, planted: bool = False,
        cache: store.Store | None = None,
    ):  # fmt: skip
        self.blocks = list(unit.modules)
        if not self.blocks:
            return
        self._in_words = [_words(block.inputs) for block in self.blocks]
        self._out_words = [_words(block.outputs) for block in self.blocks]
        self._inputs = [_possible(block, _inputs(block)) for block in self.blocks]
        self._wanted = [_expected(*pair) for pair in zip(self.blocks, self._inputs, strict=True)]
        defines = {"IN_WORDS": sum(self._in_words), "OUT_WORDS": sum(self._out_words)}
        files = {**(files or unit.files), "narrowmax_sweep.v": self._top()}
        defines |= {"PLANTED": 1} if planted else {}
        optimise = "-O1" if planted else "-O0"  # faults are run one after the other
        source = verilated.Source(files, "narrowmax_sweep", "exhaustive.cc", defines, optimise)
        self._library = verilated.load(source, cache)

    def run(self, fault: int = 0) -> list[Swept]:
        """Try the inputs of every block; fault: the planted fault that is chosen, 0 for none."""
        if not self.blocks:
            return []
        got, ends = self._got(fault), np.cumsum(self._out_words)
        return [
            _compared(block, inputs, wanted, got[block.latency : block.latency + len(wanted), end - words : end])
            for block, inputs, wanted, words, end in zip(
                self.blocks, self._inputs, self._wanted, self._out_words, ends, strict=True
            )
        ]

    def _got(self, fault: int) -> np.ndarray:
        """(steps, words) what the blocks gave."""
        driven, steps = self._driven, len(self._driven)
        got = np.zeros((steps, sum(self._out_words)), np.uint64)
        pointers = (ctypes.c_void_p(array.ctypes.data) for array in (driven, got))
        self._library.nm_sweep(*pointers, ctypes.c_int64(steps), ctypes.c_int64(fault))
        return got

    @cached_property
    def _driven(self) -> np.ndarray:
        """(steps, words) the inputs of all blocks, each from the beginning again when it has had all."""
        pairs = list(zip(self.blocks, self._inputs, strict=True))
        steps = max(len(inputs) + block.latency for block, inputs in pairs)
        driven = [_packed(block.inputs, inputs)[np.arange(steps) % len(inputs)] for block, inputs in pairs]
        return np.ascontiguousarray(np.concatenate(driven, axis=1))

    def _top(self) -> str:
        bodies, at_in, at_out = [], 0, 0
        for index, block in enumerate(self.blocks):
            bodies.append(_instance(block, index, at_in, at_out))
            at_in += 64 * self._in_words[index]
            at_out += 64 * self._out_words[index]
        return (
            f"module narrowmax_sweep (\n  input logic aclk,\n  input logic [{at_in - 1}:0] in,\n"
            f"  output logic [{at_out - 1}:0] out\n);\n" + "".join(bodies) + "endmodule\n"
        )


def _words(ports) -> int:
    """64-bit words that the ports' bits fill, at least one."""
    return max(1, -(-sum(port[1] for port in ports) // 64))


def _instance(block, index: int, at_in: int, at_out: int) -> str:
    inputs, _ = _connected(block.inputs, "in", at_in)
    outputs, end = _connected(block.outputs, "out", at_out)
    ports = [*([".aclk(aclk)"] if block.latency else []), *inputs, *outputs]
    top = at_out + 64 * _words(block.outputs)
    rest = f"  assign out[{top - 1}:{end}] = 0;\n" if end < top else ""
    return f"  {block.name} block_{index} ({', '.join(ports)});\n{rest}"


def _connected(ports, bus: str, at: int) -> tuple[list[str], int]:
    """The ports on the bits of a bus from `at` on, and the first bit after them."""
    made = []
    for name, bits, *_ in ports:
        made.append(f".{name}({bus}[{at + bits - 1}:{at}])")
        at += bits
    return made, at


def _inputs(block) -> np.ndarray:
    """(count, ports) inputs to try, as Python integers: every combination, or a sample."""
    ranges = [range(low, high + 1) for _, _, low, high in block.inputs]
    if is_small(block):
        return np.array(list(product(*ranges)), object).reshape(prod(map(len, ranges)), len(ranges))
    random = np.random.default_rng(0)
    return np.stack([_sample(values[0], values[-1], random) for values in ranges], axis=1)


def _sample(low: int, high: int, random: np.random.Generator) -> np.ndarray:
    corners = edges(low, high)
    uniform = [low + int(random.integers(1 << 62)) * (high - low + 1) // (1 << 62) for _ in range(_SAMPLED)]
    at_edges = [corners[index] for index in random.integers(len(corners), size=_SAMPLED)]
    return np.where(random.random(_SAMPLED) < 0.5, np.array(uniform, object), np.array(at_edges, object))


def _possible(block, inputs: np.ndarray) -> np.ndarray:
    """Those inputs that can meet: a block is not asked for the others."""
    return inputs[[block.evaluate(*values) is not None for values in inputs.tolist()]]


def _expected(block, inputs: np.ndarray) -> np.ndarray:
    """(inputs, words) what is right."""
    return _packed(block.outputs, np.array([block.evaluate(*values) for values in inputs.tolist()], object))


def _packed(ports, values: np.ndarray) -> np.ndarray:
    """(count, words) uint64 of (count, ports) integers, the first port lowest."""
    count = _words(ports)
    words = [_joined(ports, row) for row in values.reshape(-1, len(ports)).tolist()]
    return np.array([[word >> 64 * k & (1 << 64) - 1 for k in range(count)] for word in words], np.uint64)


def _joined(ports, values: list[int]) -> int:
    total, at = 0, 0
    for value, (_, bits, *_) in zip(values, ports, strict=True):
        total |= (value & ((1 << bits) - 1)) << at
        at += bits
    return total


def _compared(block, inputs: np.ndarray, wanted: np.ndarray, got: np.ndarray) -> Swept:
    wrong = np.flatnonzero((wanted != got).any(axis=1))
    first = None
    if len(wrong):
        values = tuple(inputs[wrong[0]].tolist())
        first = (values, tuple(block.evaluate(*values)), _split(block.outputs, got[wrong[0]]))
    return Swept(block.name, len(inputs), len(wrong), first, is_small(block))


def _split(ports, words: np.ndarray) -> tuple:
    total = sum(int(word) << 64 * place for place, word in enumerate(words))
    values = []
    for _, bits, low, _ in ports:
        value = total & (1 << bits) - 1
        values.append(value - (1 << bits) if low < 0 and value >> bits - 1 else value)
        total >>= bits
    return tuple(values)
