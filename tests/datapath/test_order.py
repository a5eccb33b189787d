"""Order facts: shown where the drawing shows them, and never where a row could belie them."""

import pytest
from tests.datapath.drawings import drawn, free, reached, sound, stated

from narrowmax.datapath import Drawing, Rate, fold, largest, scan, smallest, total
from narrowmax.datapath.order import at_least


def chunk_max(r):
    return largest(r.x, to=Rate.CHUNK)


def running(r, start=-2, step=lambda m, c: m.maximum(c)):
    return scan(step, chunk_max(r), start=start)


# (greater, lesser): the drawing shows greater >= lesser
SHOWN = {
    "row maximum and element": lambda r: (largest(r.x), r.x),
    "chunk maximum and element": lambda r: (chunk_max(r), r.x),
    "maximum of chunk maxima and element": lambda r: (largest(chunk_max(r)), r.x),
    "row maximum and chunk maximum": lambda r: (largest(r.x), chunk_max(r)),
    "element and row minimum": lambda r: (r.x, smallest(r.x)),
    "maximum and minimum": lambda r: (largest(r.x), smallest(r.x)),
    "chunk maximum and row minimum": lambda r: (chunk_max(r), smallest(r.x)),
    "maximum of two": lambda r: (r.x.maximum(r.position), r.position),
    "minimum of two": lambda r: (r.position, r.x.minimum(r.position)),
    "maximum of what is greater": lambda r: (largest(r.x.maximum(r.position)), r.x),
    "maximum of a ceiling": lambda r: (largest(((r.x + 1) >> 1) << 1), r.x),
    "shifted maximum of a ceiling": lambda r: (largest((r.x + 1) >> 1) << 1, r.x),
    "shifted maximum and shifted element": lambda r: (largest(r.x) >> 1, r.x >> 1),
    "clipped maximum and clipped element": lambda r: (largest(r.x).minimum(0), r.x.minimum(0)),
    "maximum plus one": lambda r: (largest(r.x) + 1, r.x),
    "maximum and a reversed body": lambda r: (fold(lambda a, b: b.maximum(a), r.x), r.x),
    "serial maximum": lambda r: (fold(lambda a, b: a.maximum(b), r.x, order="serial"), r.x),
    "running maximum at and chunk": lambda r: (running(r)[1], chunk_max(r)),
    "running maximum at and element": lambda r: (running(r)[1], r.x),
    "running maximum after and element": lambda r: (running(r)[2], r.x),
    "running maximum at and before": lambda r: running(r)[1::-1],
    "running maximum after and before": lambda r: running(r)[2::-2],
    "running maximum after and at": lambda r: running(r)[2:0:-1],
    "running maximum from a greater start": lambda r: (running(r, start=9)[1], r.x),
    "a known wire and its wire": lambda r: (largest(r.x).known(-2, 1, "codes"), r.x),
    "a maximum and a known element": lambda r: (largest(r.x), r.x.known(-2, 1, "codes")),
}

# the drawing must not claim greater >= lesser, because some row shows otherwise
NOT_SHOWN = {
    "element and row maximum": lambda r: (r.x, largest(r.x)),
    "chunk maximum and row maximum": lambda r: (chunk_max(r), largest(r.x)),
    "maximum of other elements": lambda r: (largest(r.x), r.position),
    "maximum of less": lambda r: (largest(r.x.minimum(r.position)), r.x),
    "maximum of a floor": lambda r: (largest((r.x >> 1) << 1), r.x),
    "shifted maximum": lambda r: (largest(r.x) >> 1, r.x),
    "shifted up negative maximum": lambda r: (largest(r.x) << 1, r.x),
    "row minimum and element": lambda r: (smallest(r.x), r.x),
    "minimum of two and one": lambda r: (r.x.minimum(r.position), r.x),
    "one and maximum of two": lambda r: (r.x, r.x.maximum(r.position)),
    "running maximum before and chunk": lambda r: (running(r)[0], chunk_max(r)),
    "running maximum before and element": lambda r: (running(r)[0], r.x),
    "running maximum before and at": lambda r: running(r)[:2],
    "running maximum at and after": lambda r: running(r)[1:],
    "running minimum at and before": lambda r: running(r, 1, lambda m, c: m.minimum(c))[1::-1],
    "replaced state at and before": lambda r: running(r, -2, lambda m, c: c)[1::-1],
    "forgetful state at and before": lambda r: running(r, -2, lambda m, c: (m - 1).maximum(c))[1::-1],
    "forgetful state at and element": lambda r: (running(r, -2, lambda m, c: m.maximum(c) - 1)[1], r.x),
    "state against two states": lambda r: (
        scan(lambda m, k, c: (m.maximum(k), c), chunk_max(r), start=(-2, -2))[1][0],
        r.x,
    ),
    "other position of the state": lambda r: (
        scan(lambda m, k, c: (m.maximum(c), k), chunk_max(r), start=(-2, -2))[1][1],
        r.x,
    ),
    "a sum and its term": lambda r: (total(r.x), r.x),
    "a tuple fold of maxima": lambda r: (fold(lambda a, b, c, d: (c.maximum(d), a), r.x, r.x, order="serial")[1], r.x),
    "a maximum less one": lambda r: (largest(r.x) - 1, r.x),
    "a number less a maximum": lambda r: (1 - largest(r.x), r.x),
    "a clipped maximum": lambda r: (largest(r.x).minimum(0), r.x),
    "a maximum of the element's position": lambda r: (largest(r.position), r.n),
}


@pytest.mark.parametrize("pair", SHOWN.values(), ids=SHOWN)
def test_shown_and_true_in_every_row(pair):
    def difference(r):
        greater, lesser = pair(r)
        assert at_least(greater, lesser)
        return (greater - lesser).named("d") + 0 * r.x

    d = drawn(difference, input="Q2.0", max_n=4, chunk=2)
    assert sound(d)
    assert stated(d).get("d", (0, 0))[0] >= 0


@pytest.mark.parametrize("pair", NOT_SHOWN.values(), ids=NOT_SHOWN)
def test_not_shown_where_it_is_false(pair):
    def difference(r):
        greater, lesser = pair(r)
        assert not at_least(greater, lesser)
        return (greater - lesser).named("d") + 0 * r.x

    d = drawn(difference, input="Q2.0", max_n=4, chunk=2)
    assert sound(d)
    assert reached(d)["d"][0] < 0  # the case is a real attempt: a row belies the claim


def test_a_masked_element_may_lie_above_the_maximum():
    """The order holds where an element is present; elsewhere nothing is claimed and nothing shown."""
    d = drawn(lambda r: (largest(r.x) - r.x).named("d"), input="Q2.0", output="UQ3.0")
    from narrowmax.engines import array, interpret

    codes, present = [1, -2, 0], [False, True, False]
    assert interpret.run(d, codes, present) == array.run(d, [codes], [present])[0].tolist() == [0, 0, 0]


def test_bounds_that_int64_might_not_hold_are_not_used():
    """A lower bound shifted beyond 62 bits would wrap to something great."""
    drawing = Drawing()
    x, y = free(drawing, (-100, 100), (2**55, 2**56))
    greatest = (x << 50).maximum(y)
    assert greatest.range[0] == 2**55
    shifted = greatest << 4
    assert not at_least(shifted, (x << 54) + 2**60)


def test_a_long_chain_of_maxima_is_followed_once():
    drawing = Drawing()
    wires = free(drawing, *[(0, 1000)] * 4)
    top = wires[0]
    for i in range(2000):
        top = top.maximum(wires[i % 4] + i % 7).maximum(top)
    assert at_least(top, wires[0]) and not at_least(top, wires[0] + 50)
