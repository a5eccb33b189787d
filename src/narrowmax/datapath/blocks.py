"""Named blocks: functions in the language that stay visible in the graph.

A block becomes a Verilog module, an exhaustive test, a box on the page.  It knows the wires that
enter and leave it, how often it was repeated, and the real function that it approximates.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps

from narrowmax.datapath.wire import Wire


@dataclass(eq=False)
class Block:
    """One drawing of a named function; `repeat` counts those of the same name from 0."""

    name: str
    repeat: int
    purpose: str
    approximates: Callable | None = None
    parent: Block | None = None
    error: Callable | None = None
    arguments: tuple[Wire, ...] = field(default=())
    outputs: tuple[Wire, ...] = field(default=())
    scales: tuple | None = None

    @property
    def outermost(self) -> Block:
        return self.parent.outermost if self.parent else self

    def wires(self, drawing) -> list[Wire]:
        """The wires drawn inside, nested blocks included, in order."""
        return [w for w in drawing.wires if w.block and w.block.within(self)]

    def within(self, other: Block) -> bool:
        return self is other or bool(self.parent and self.parent.within(other))

    def inputs(self, drawing) -> list[Wire]:
        """The wires that enter, in order; constants do not count."""
        inside = set(self.wires(drawing))
        entering = {a: None for w in inside for a in w.args if a not in inside}
        return sorted((w for w in entering if w.args or w.rate), key=lambda w: w.index)


def block(
    name: str, approximates: Callable | None = None, error: Callable | None = None, scales: Callable | None = None
):
    """Decorate a function of wires so that what it draws becomes the named block `name`.

    The first line of the function's docstring is the block's purpose on pages and in Verilog.
    `approximates` is the real function of a block with one output: from the values of the wires that it
    is drawn with (not of parameters), in their order, to the output's value, all codes times 2**-point.
    `scales(*arguments)`, of what the block is drawn with, gives other readings: a scale (see `datapath.scales`)
    for each number among the wires, in order, and last that of the outputs, which may be several then.
    `error(error_of, *arguments)` is the rule of a block with one output where the rules of its
    operations would lose too much: it receives a function from a wire to its error and what the
    block was drawn with, and returns the output's error in its last bits, or None.
    """

    def decorate(function):
        @wraps(function)
        def draw(*args, **kwargs):
            wires = tuple(a for a in (*args, *kwargs.values()) if isinstance(a, Wire))
            drawing = wires[0].drawing
            parent = drawing.open_blocks[-1] if drawing.open_blocks else None
            repeat = sum(b.name == name for b in drawing.blocks)
            rule = error and (lambda error_of: error(error_of, *args, **kwargs))
            purpose = (function.__doc__ or name).strip().splitlines()[0]
            made = Block(name, repeat, purpose, approximates, parent, rule, wires)
            made.scales = scales and tuple(scales(*args, **kwargs))
            drawing.blocks.append(made)
            drawing.open_blocks.append(made)
            try:
                result = function(*args, **kwargs)
            finally:
                drawing.open_blocks.pop()
            made.outputs = tuple(r for r in (result if isinstance(result, tuple) else (result,)) if isinstance(r, Wire))
            return result

        return draw

    return decorate
