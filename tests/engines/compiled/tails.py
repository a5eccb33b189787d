"""Random ends of softmax units: products, shifts, roundings, limits and quotients, with parameters of any size."""

from __future__ import annotations

from random import Random

from narrowmax.datapath import Datapath, Row, Wire, draw, fit, largest, round_off, total
from narrowmax.formats import parse

ROUNDINGS = ("floor", "half_up", "half_even", "half_away", "toward_zero")
WIDTHS = (1, 3, 7, 8, 9, 12, 15, 16, 17, 20, 24, 31, 32, 33, 40)
ENDS = (1, 200, 255, 256, 257, 65535, 65536, 2**31, 2**32 - 1, 2**32, 2**40)


def tail(random: Random) -> Datapath:
    """A row's and an element's wire of any width, brought together as units do."""
    bits = random.choice([8, 16, 17, 32, 60])
    form, max_n = parse(random.choice(["Q4.0", "UQ4.0", "Q8.0", "UQ3.0"])), random.choice([1, 3, 7, 16])

    def end(row: Row) -> Wire:
        a, b = _of_element(random, row), _of_row(random, row)
        found = _quotient(random, row, a, b) if random.random() < 0.3 else _rounded(random, row, a * b)
        if random.random() < 0.6:
            found = found.minimum(random.choice(ENDS))
        return fit(found, 0, 2**bits - 1, random.choice(["saturate", "wrap"]))

    return draw(end, form, parse(f"UQ{bits}.0"), max_n)


def _below(random: Random) -> int:
    return random.randrange(1 << random.choice(WIDTHS))


def _of_element(random: Random, row: Row) -> Wire:
    top = largest(row.x)
    least = max(0, -row.x.lo)
    x = random.choice(
        [row.x + least, row.x * row.x, top - row.x, row.x < top, (row.x + least).maximum(3), row.position]
    )
    return x * (_below(random) + 1) if random.random() < 0.7 else (x << random.randrange(20)) + _below(random)


def _of_row(random: Random, row: Row) -> Wire:
    top, squares = largest(row.x) + max(0, -row.x.lo), total(row.x * row.x)
    constant = row.drawing.constant(_below(random))
    return random.choice(
        [squares * (_below(random) + 1), top + _below(random), squares.minimum(_below(random)), row.n, constant]
    )


def _rounded(random: Random, row: Row, product: Wire) -> Wire:
    top, up = largest(row.x) + max(0, -row.x.lo), random.choice([0, 0, 0, 1, 5, 12])
    product = product << up
    if random.random() < 0.6:
        least = random.randrange(1, 30)
        by = [top, top.minimum(least), top * random.randrange(1, 6), top.minimum(max(up, 1)), top + least]
        product = product >> random.choice(by)
    count = random.choice([0, 1, 2, 3, 7, 8, 15, 16, 17, 24, 31, 40])
    if count and random.random() < 0.2:
        return (product + random.randrange(1 << count)) >> count
    return round_off(product.at_point(50), count, random.choice(ROUNDINGS)).at_point(0)


def _quotient(random: Random, row: Row, a: Wire, b: Wire) -> Wire:
    above = random.choice(
        [a, a << random.randrange(12), (a << random.randrange(12)) + (b >> random.randrange(30)), a + b]
    )
    below = random.choice([b, b + 1, b.maximum(1), (b >> 5) + 1, b >> 3])
    return above.divide(below, random.choice([0, 1, -1, 77, -300, 2**40]))
