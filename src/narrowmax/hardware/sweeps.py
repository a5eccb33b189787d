"""Blocks with few input bits, tried on every input that can occur."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np

from narrowmax import store
from narrowmax.hardware import verilated

MOST_BITS = 16  # of a block's inputs together


@dataclass(frozen=True)
class Swept:
    """A block after all its inputs: how many were tried, how many differ, and the first that does.

    first: (inputs, outputs wanted, outputs got), integers in the order of the ports, or None
    """

    name: str
    tried: int
    wrong: int
    first: tuple | None


def small(blocks) -> list:
    """The blocks whose inputs have 16 bits or fewer."""
    return [block for block in blocks if sum(port[1] for port in block.inputs) <= MOST_BITS]


class Sweep:
    """All small blocks of a unit in one library, swept together."""

    def __init__(
        self, unit, *, files: Mapping[str, str] | None = None, planted: bool = False,
        cache: store.Store | None = None,
    ):  # fmt: skip
        self.blocks = small(unit.modules)
        self._words = [-(-sum(port[1] for port in block.outputs) // 64) for block in self.blocks]
        self._inputs = [_every_input(block) for block in self.blocks]
        self._wanted: list[list[tuple]] | None = None
        if not self.blocks:
            return
        defines = {"IN_WORDS": len(self.blocks), "OUT_WORDS": sum(self._words), **({"PLANTED": 1} if planted else {})}
        text = {"narrowmax_sweep.v": self._top()}
        source = verilated.Source({**(files or unit.files), **text}, "narrowmax_sweep", "exhaustive.cc", defines)
        self._library = verilated.load(source, cache)

    def run(self, fault: int = 0) -> list[Swept]:
        """Try every input of every block; fault: the planted fault that is chosen, 0 for none."""
        if not self.blocks:
            return []
        got = self._got(fault)
        if self._wanted is None:
            self._wanted = [self._expected(*pair) for pair in zip(self.blocks, self._inputs, strict=True)]
        ends = np.cumsum(self._words)
        return [
            self._compared(block, inputs, wanted, got[block.latency :, end - words : end])
            for block, inputs, wanted, words, end in zip(
                self.blocks, self._inputs, self._wanted, self._words, ends, strict=True
            )
        ]

    def _got(self, fault: int) -> np.ndarray:
        """(steps, words) what the blocks gave."""
        steps = max(len(inputs) + block.latency for block, inputs in zip(self.blocks, self._inputs, strict=True))
        driven = np.stack([np.resize(_packed(b, i), steps) for b, i in zip(self.blocks, self._inputs, strict=True)], 1)
        driven = np.ascontiguousarray(driven, np.uint64)
        got = np.zeros((steps, sum(self._words)), np.uint64)
        pointers = (ctypes.c_void_p(array.ctypes.data) for array in (driven, got))
        self._library.nm_sweep(*pointers, ctypes.c_int64(steps), ctypes.c_int64(fault))
        return got

    def _expected(self, block, inputs: np.ndarray) -> np.ndarray:
        """(inputs, words) what is right."""
        words = -(-sum(port[1] for port in block.outputs) // 64)
        rows = [_output_words(block, block.evaluate(*values), words) for values in inputs.tolist()]
        return np.array(rows, np.uint64).reshape(len(rows), words)

    def _compared(self, block, inputs: np.ndarray, wanted: np.ndarray, got: np.ndarray) -> Swept:
        wrong = np.flatnonzero((wanted != got[: len(wanted)]).any(axis=1))
        first = None
        if len(wrong):
            place = wrong[0]
            values = tuple(inputs[place].tolist())
            first = (values, tuple(block.evaluate(*values)), _split(block, got[place]))
        return Swept(block.name, len(inputs), len(wrong), first)

    def _top(self) -> str:
        bits_in, bits_out = 64 * len(self.blocks), 64 * sum(self._words)
        bodies, word = [], 0
        for index, (block, words) in enumerate(zip(self.blocks, self._words, strict=True)):
            bodies.append(_instance(block, index, 64 * index, 64 * word, 64 * words))
            word += words
        return (
            f"module narrowmax_sweep (\n  input logic aclk,\n  input logic [{bits_in - 1}:0] in,\n"
            f"  output logic [{bits_out - 1}:0] out\n);\n" + "".join(bodies) + "endmodule\n"
        )


def _instance(block, index: int, at_in: int, at_out: int, room: int) -> str:
    ports, position = [], at_in
    for name, bits, *_ in block.inputs:
        ports.append(f".{name}(in[{position + bits - 1}:{position}])")
        position += bits
    position, total = at_out, sum(port[1] for port in block.outputs)
    for name, bits, *_ in block.outputs:
        ports.append(f".{name}(out[{position + bits - 1}:{position}])")
        position += bits
    if block.latency:
        ports = [".aclk(aclk)", *ports]
    rest = f"  assign out[{at_out + room - 1}:{position}] = 0;\n" if total < room else ""
    return f"  {block.name} block_{index} ({', '.join(ports)});\n{rest}"


def _every_input(block) -> np.ndarray:
    """(count, ports) every combination of inputs in the ranges that the block states."""
    ranges = [range(low, high + 1) for _, _, low, high in block.inputs]
    values = np.array(list(product(*ranges)), np.int64)
    return values.reshape(prod(map(len, ranges)), len(ranges))


def _packed(block, inputs: np.ndarray) -> np.ndarray:
    """(count,) the block's inputs in one word each, the first port lowest."""
    word, at = np.zeros(len(inputs), np.uint64), 0
    for column, (_, bits, *_) in enumerate(block.inputs):
        word |= (inputs[:, column].astype(np.uint64) & np.uint64((1 << bits) - 1)) << np.uint64(at)
        at += bits
    return word


def _output_words(block, values: tuple, words: int) -> list[int]:
    total, at = 0, 0
    for value, (_, bits, *_) in zip(values, block.outputs, strict=True):
        total |= (value & ((1 << bits) - 1)) << at
        at += bits
    return [total >> 64 * word & (1 << 64) - 1 for word in range(words)]


def _split(block, words: np.ndarray) -> tuple:
    total = sum(int(word) << 64 * place for place, word in enumerate(words))
    values, at = [], 0
    for _, bits, low, _ in block.outputs:
        value = total >> at & (1 << bits) - 1
        values.append(value - (1 << bits) if low < 0 and value >> bits - 1 else value)
        at += bits
    return tuple(values)
