"""Random legal graphs of words up to 127 bits, which those of tests/engines/graphs.py hardly reach."""

from __future__ import annotations

from random import Random

from narrowmax.datapath import Datapath, Rate, Table, Wire, draw, fit, fold, largest, scan, smallest, total
from narrowmax.formats import parse

WIDE = Table("wide", tuple((-1) ** i * ((1 << 8 * i) + i) for i in range(15)), 0, "256**i", "exactly")
ORDERS = ("serial", "tree", "interleaved(2)", "interleaved(5)")


def wide_graph(random: Random) -> Datapath:
    """4 to 13 operations on words of any width, shifted into an output of 51 bits."""
    form, max_n = parse(random.choice(["Q4.0", "UQ4.0", "Q8.0", "UQ3.0"])), random.choice([1, 3, 7, 16])
    return draw(lambda row: _drawn(random, row), form, parse("Q51.0"), max_n, random.choice([1, 3, 4, 16]))


def _drawn(random: Random, row) -> Wire:
    wires = [row.x]
    for _ in range(random.randrange(4, 14)):
        a, b, c = (random.choice(wires + wires[-3:]) for _ in range(3))
        wires.append(_held(random, random.choice(OPERATIONS)(random, row, a, b, c)).at_point(0))
    found = row.x
    for _ in range(4):
        found = found + (random.choice(wires) >> random.choice([1, 20, 60, 100]))
    return fit(found, -(1 << 50), (1 << 50) - 1, "wrap")


def _held(random: Random, wire: Wire) -> Wire:
    """The wire, cut to what the engine holds."""
    if wire.bits > 127 and random.random() < 0.5:
        wire = wire >> 40
    return fit(wire, -(1 << 90), (1 << 90) - 1, "wrap") if wire.bits > 127 else wire


def _big(random: Random) -> int:
    power = 1 << random.randrange(126)
    return random.choice([random.getrandbits(random.randrange(1, 100)), power, power - 1]) * random.choice([-1, 1])


def _cut(random: Random, wire: Wire, *tops: int) -> Wire:
    return fit(wire, 0, random.choice(tops), "wrap")


def _running(random: Random, row, a, b, c):
    largest_of_each = largest(a, to=Rate.CHUNK)
    state = scan(lambda s, v: s.maximum(v) - (s >> 2), largest_of_each, start=random.choice([0, 5, -(2**70), 2**70]))
    return random.choice(state)


OPERATIONS = (
    lambda random, row, a, b, c: a + b,
    lambda random, row, a, b, c: a - b,
    lambda random, row, a, b, c: a * b,
    lambda random, row, a, b, c: a * _big(random),
    lambda random, row, a, b, c: a + _big(random),
    lambda random, row, a, b, c: a << random.randrange(1, 60),
    lambda random, row, a, b, c: a >> random.randrange(1, 130),
    lambda random, row, a, b, c: a >> _cut(random, b, 3, 127, 255, 2**20 - 1),
    lambda random, row, a, b, c: a << _cut(random, b, 1, 3, 15, 31),
    lambda random, row, a, b, c: a.minimum(b),
    lambda random, row, a, b, c: a.maximum(b),
    lambda random, row, a, b, c: a < b,
    lambda random, row, a, b, c: a.equals(b),
    lambda random, row, a, b, c: (a < b).select(b, c),
    lambda random, row, a, b, c: a.low_bits(random.randrange(1, 126)),
    lambda random, row, a, b, c: a.low_bits(random.randrange(6, 11)) * 3,
    lambda random, row, a, b, c: a.low_bits(4).minimum(14).lookup(WIDE),
    lambda random, row, a, b, c: a.maximum(0).minimum(1 << random.randrange(1, 126)).leading_zeros(127),
    lambda random, row, a, b, c: a.maximum(0).minimum(1 << random.randrange(1, 126)).normalise(127),
    lambda random, row, a, b, c: a.maximum(0).divide(b.maximum(random.randrange(2)), random.choice([0, -1, 2**63 - 1])),
    lambda random, row, a, b, c: fit(a, -(1 << random.randrange(60)), 1 << random.randrange(60), "saturate"),
    lambda random, row, a, b, c: random.choice([largest, smallest, total])(a) if a.rate is Rate.ELEMENT else a,
    lambda random, row, a, b, c: total(a, to=Rate.CHUNK) if a.rate is Rate.ELEMENT else a,
    lambda random, row, a, b, c: total(a) if a.rate is Rate.CHUNK else a,
    lambda random, row, a, b, c: _ordered(random, a) if a.rate > Rate.ROW else a,
    lambda random, row, a, b, c: _running(random, row, a, b, c) if a.rate is Rate.ELEMENT else a,
    lambda random, row, a, b, c: random.choice([row.position, row.n, row.present]),
)  # fmt: skip


def _ordered(random: Random, wire: Wire) -> Wire:
    to = Rate.CHUNK if wire.rate is Rate.ELEMENT and random.random() < 0.5 else Rate.ROW
    body = random.choice([lambda a, b: a.maximum(b) - (a.minimum(b) >> 3), lambda a, b: (a >> 1) + b])
    return fold(body, wire, order=random.choice(ORDERS), to=to)
