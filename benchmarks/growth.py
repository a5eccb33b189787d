"""How the making of a program grows with its drawing, whatever the drawing's shape: python -m benchmarks.growth

CPU milliseconds of one thread for a program of so many steps, and of four times as many, in interleaved pairs; what
grows with the drawing takes four times as long.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchmarks.common import Job, arguments, at_most, interleaved, ratio, report, spread

from narrowmax.datapath import Datapath, Row, Wire, draw, fit, largest
from narrowmax.engines import compiled
from narrowmax.formats import parse

TIMES, MOST = 4, 8.0
HALF = 1 << 40


def summed(wires: Sequence[Wire]) -> Wire:
    """Their sum, cut as it grows."""
    found = wires[0]
    for wire in wires[1:]:
        found = fit(found + wire, -HALF, HALF - 1, "wrap")
    return found


def stepped(wire: Wire, i: int) -> Wire:
    return (wire * 3 + i).low_bits(20)


def in_order(r: Row, size: int) -> Wire:
    """A chain each of whose steps is used elsewhere, the first one first."""
    wire, found = r.x, []
    for i in range(size):
        wire = stepped(wire, i)
        found.append(wire + largest(r.x))
    return summed(found)


def turned(r: Row, size: int) -> Wire:
    """A chain each of whose steps is used elsewhere, the last one first."""
    wire, found = r.x, []
    for i in range(size):
        wire = stepped(wire, i)
        found.append(wire + largest(r.x))
    return summed(found[::-1])


def stem(r: Row, size: int) -> Wire:
    """A long chain on which as many others stand."""
    wire = r.x
    for i in range(size):
        wire = stepped(wire, i)
    return summed([(wire * (2 * i + 3)).low_bits(20) + largest(r.x) for i in range(size)])


def stems(r: Row, size: int) -> Wire:
    """Chains on chains: four stems, each on the one before."""
    wire, found = r.x, []
    for _ in range(4):
        for i in range(size // 4):
            wire = stepped(wire, i)
        found += [(wire * (2 * i + 3)).low_bits(20) + largest(r.x) for i in range(size // 4)]
    return summed(found)


def far_apart(r: Row, size: int) -> Wire:
    """Each step needs the last one and one from anywhere before."""
    wires = [r.x]
    for i in range(size):
        wires.append((wires[i * 7919 % len(wires)] * 3 + wires[-1]).low_bits(18))
    return summed([(wires[i * 104729 % size] + wires[i] * 5).low_bits(19) + largest(r.x) for i in range(size)])


def known(r: Row, size: int) -> Wire:
    """Assertions, which cost nothing, one on the other."""
    wire, found = largest(r.x) - r.x, []
    for i in range(size):
        wire = wire.known(0, 4095 - i, "an order")
        found.append(wire + largest(r.x))
    return summed(found[::-1])


SHAPES: dict[str, tuple[Callable[[Row, int], Wire], int]] = {  # and how many steps the smaller drawing has
    "a chain, used in order": (in_order, 250),
    "a chain, used last to first": (turned, 250),
    "a stem with many chains": (stem, 80),
    "stems on stems": (stems, 160),
    "steps from far apart": (far_apart, 80),
    "assertions on assertions": (known, 400),
}


def drawing(shape: Callable[[Row, int], Wire], size: int, form: str = "Q11.0") -> Datapath:
    """The shape with `size` steps, for rows of 16."""
    return draw(lambda r: shape(r, size), parse(form), parse("Q60.0"), 16)


def main(argv: Sequence[str] | None = None) -> None:
    given = arguments(__doc__.splitlines()[0], argv)
    if not compiled.available():
        raise SystemExit(compiled.WHY)
    rows = [row(name, shape, size, given.rounds) for name, (shape, size) in SHAPES.items()]
    report("the making of a program by the size of its drawing, in milliseconds", rows, given)


def row(name: str, shape: Callable[[Row, int], Wire], size: int, rounds: int) -> dict:
    jobs = {str(k): making(drawing(shape, k * size)) for k in (1, TIMES)}
    small, large = interleaved(jobs, rounds).values()
    grown = ratio(large, small)
    return {
        "drawing": name,
        "steps": size,
        "program": spread(small, 1e3),
        f"of {TIMES} times the steps": spread(large, 1e3),
        "times as long": grown,
        "goal": at_most(grown, MOST),
    }


def making(datapath: Datapath) -> Job:
    """Makes the program anew on each call."""
    from narrowmax.engines.compiled.program import FULL, Program

    return lambda: Program(datapath, FULL)


if __name__ == "__main__":
    main()
