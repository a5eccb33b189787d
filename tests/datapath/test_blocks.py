"""Named blocks stay in the graph with their ports and repeats."""

from tests.datapath.drawings import drawn, row

from narrowmax.datapath import block, fit, round_off


@block("square", approximates=lambda x: x * x)
def square(wire):
    """The square of a wire.

    More of no concern to a page.
    """
    return wire * wire


@block("outer")
def outer(wire, other):
    """Squares, and adds another wire and a number."""
    return square(wire) + other + 5


def pair(wire):
    return wire + 1, wire - 1


def test_ports_purpose_and_function():
    r = row()
    result = outer(r.x, r.position)
    outer_block, square_block = r.drawing.blocks
    assert (outer_block.name, outer_block.purpose) == ("outer", "Squares, and adds another wire and a number.")
    assert square_block.purpose == "The square of a wire." and square_block.approximates(3) == 9
    assert square_block.parent is outer_block and square_block.outermost is outer_block
    assert outer_block.inputs(r.drawing) == [r.x, r.position]
    assert square_block.inputs(r.drawing) == [r.x]
    assert outer_block.outputs == (result,)
    assert set(square_block.wires(r.drawing)) < set(outer_block.wires(r.drawing))


def test_repeats_are_counted_by_name():
    r = row()
    square(r.x), square(r.position), outer(r.x, r.x)
    assert [(b.name, b.repeat) for b in r.drawing.blocks] == [("square", 0), ("square", 1), ("outer", 0), ("square", 2)]


def test_names_in_a_block_drawn_again_are_numbered():
    @block("named")
    def named(wire):
        return (wire + 1).named("up")

    def both(r):
        return (named(r.x) + named(2 * r.x) + named(3 * r.x)).named("sum")

    names = drawn(both, input="Q3.0", output="Q9.0").names.values()
    assert [n for n in names if "up" in n] == ["up", "up2", "up3"]


def test_the_same_operation_in_two_blocks_is_drawn_in_each():
    r = row()
    assert square(r.x) is not square(r.x)


def test_several_outputs():
    r = row()
    up, down = block("pair")(pair)(r.x)
    assert r.drawing.blocks[0].outputs == (up, down)
    assert r.drawing.blocks[0].purpose == "pair"


def test_a_datapath_lists_the_blocks_it_needs():
    def unused(r):
        square(r.position)
        return fit(round_off(r.x, 1, "half_even").extend(1), -8, 7, "saturate")

    assert [b.name for b in drawn(unused, output="Q4.0").blocks] == ["round", "saturate"]


def test_an_exception_leaves_no_block_open():
    r = row()

    @block("broken")
    def broken(wire):
        """Fails."""
        raise ValueError

    for _ in range(2):
        try:
            broken(r.x)
        except ValueError:
            assert r.drawing.open_blocks == []
