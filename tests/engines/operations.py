"""One small graph for each operation (and for each way a fold or scan works), by name."""

# ruff: noqa: E501  (cases stand one to a line)

from narrowmax.datapath import Rate, Table, fit, fold, largest, round_off, scan, smallest, total

SQUARES = Table("squares", tuple(i * i - 20 for i in range(16)), 0, "i*i - 20", "exactly")


def up(wire):
    """An element wire that is not negative."""
    return wire.maximum(0)


def chunks(r):
    return total(r.x, to=Rate.CHUNK), largest(r.x, to=Rate.CHUNK)


def renormalised(m, s, c, t):
    top = m.maximum(c)
    return top, (s >> (top - m).minimum(9)) + (t >> (top - c).minimum(9))


GRAPHS = {
    "Source": lambda r: r.x + r.present + r.position * 3 + r.n * 20,
    "Constant": lambda r: r.x * 0 + 5,
    "Add": lambda r: r.x + r.position,
    "Subtract": lambda r: largest(r.x) - r.x,
    "Multiply": lambda r: r.x * (r.x - 3) * r.position,
    "ShiftLeft": lambda r: (r.x << 3) + r.x.at_point(2).at_point(0),
    "ShiftRight": lambda r: (r.x >> 2) + (r.x >> 40) * 2,
    "ShiftLeftBy": lambda r: r.x << r.position.minimum(5),
    "ShiftRightBy": lambda r: (r.x * 100) >> (r.position * 20),
    "Minimum": lambda r: r.x.minimum(r.position - 3),
    "Maximum": lambda r: r.x.maximum(r.position - 3),
    "Less": lambda r: (r.x < r.position) + (r.x >= 2) * 2 + (r.x > r.position) * 4 + (r.x <= -2) * 8,
    "Equal": lambda r: r.x.equals(r.position) + r.x.equals(-1) * 2,
    "Select": lambda r: (r.x < 2).select(r.x + 9, r.position) + (r.x < 0).select(3, -3),
    "LowBits": lambda r: r.x.low_bits(3) + r.x.low_bits(9) * 8 + up(r.x).low_bits(70),
    "LeadingZeros": lambda r: up(r.x).leading_zeros(6),
    "Normalise": lambda r: up(r.x).normalise(6),
    "Divide": lambda r: (up(r.x) * 7).divide(up(r.position - 1), 99) + up(r.x).divide(3, 0) * 1000,
    "Known": lambda r: (r.n - r.position).known(1, 9, "a position is within its row"),
    "Lookup": lambda r: up(r.x).lookup(SQUARES),
    "FoldOutput": lambda r: total(r.x) + largest(r.x) * 100 + smallest(r.x) * 1000 + r.x * 0,
    "FoldOutput row": lambda r: largest(r.x),
    "FoldOutput empty": lambda r: fold(lambda a, b: a + b, r.x, empty=3) + 0,
    "FoldOutput serial": lambda r: fold(lambda a, b: fit(2 * a - b, -99, 99, "saturate"), r.x, order="serial") + 0 * r.x,
    "FoldOutput tree": lambda r: fold(lambda a, b: fit(2 * a - b, -99, 99, "saturate"), r.x, order="tree") + 0 * r.x,
    "FoldOutput interleaved": lambda r: fold(lambda a, b: fit(2 * a - b, -99, 99, "saturate"), r.x, order="interleaved(2)"),
    "FoldOutput tuple": lambda r: sum(
        fold(lambda a, i, b, j: ((a < b).select(b, a), (a < b).select(j, i)), r.x, r.position * 50, order="serial")),
    "FoldOutput chunk": lambda r: chunks(r)[0] * 10 + r.x,
    "FoldOutput of chunks": lambda r: fold(lambda a, b: fit(2 * a - b, -99, 99, "saturate"), chunks(r)[1], order="serial"),
    "FoldOutput known": lambda r: fold(lambda a, b: fit(a - b, -9, 9, "saturate").known(-9, 9, "fitted"), r.x, order="serial") + r.x,
    "ScanOutput": lambda r: sum(w * k for w, k in zip(scan(lambda s, c: (s >> 1) + c, chunks(r)[0], start=7), (1, 100, 10000), strict=True)) + 0 * r.x,
    "ScanOutput tuple": lambda r: sum(part * k for parts, k in zip(scan(renormalised, *chunks(r)[::-1], start=(-8, 0)), (1, 60, 3600), strict=True)
                                     for part in parts) + r.x,
    "ScanOutput known": lambda r: scan(lambda s, c: (s - s + c).known(-16, 15, "it is c"), chunks(r)[1], start=3)[1] + r.x,
    "round_off": lambda r: sum(round_off(r.x.at_point(2), 2, m).at_point(0) * k for k, m in enumerate(
        ("floor", "half_up", "half_even", "half_away", "toward_zero"), 1)),
    "round_off stochastic": lambda r: round_off(r.x, 2, "stochastic", (r.position * 3).low_bits(2)).at_point(0),
    "fit": lambda r: fit(r.x * 5, -16, 15, "wrap") + fit(r.x * 5, 0, 9, "saturate") * 100,
}  # fmt: skip
