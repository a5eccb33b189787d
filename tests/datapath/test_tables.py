"""Tables: what they refuse, how they are looked up."""

# ruff: noqa: E501  (cases stand one to a line)

import re

import numpy as np
import pytest
from tests.datapath.drawings import free, values

from narrowmax.datapath import ARRAYS, INTEGERS, Drawing, Lookup, Table
from narrowmax.errors import GraphError


def table(entries):
    return Table("t", entries, 0, "f", "by hand")


@pytest.mark.parametrize("entries, message", [
    ((), "the table t would have 0 entries; 1 to 65,536 are allowed; address it with fewer bits"),
    ((0,) * 65_537, "the table t would have 65,537 entries; 1 to 65,536 are allowed; address it with fewer bits"),
    ((1, 0.5), "the table t holds an entry that is not an integer ('float' object cannot be interpreted as an integer); round it"),
    ((1, None), "the table t holds an entry that is not an integer ('NoneType' object cannot be interpreted as an integer); round it"),
])  # fmt: skip
def test_messages(entries, message):
    with pytest.raises(GraphError, match=f"^{re.escape(message)}$"):
        table(entries)


def test_the_largest_table_is_allowed():
    assert len(table(range(65_536)).entries) == 65_536


def test_entries_become_plain_integers():
    made = table(np.array([3, 1], dtype=np.uint8))
    assert made.entries == (3, 1) and all(type(e) is int for e in made.entries)


def test_lookup_draws_the_range_of_what_can_be_read():
    (i,) = free(Drawing(), (1, 2))
    read = i.lookup(table((99, 4, -3, 77)))
    assert read.range == (-3, 4) and values(read) == {-3, 4}


def test_the_point_is_the_tables():
    (i,) = free(Drawing(), (0, 1), point=7)
    assert i.lookup(Table("t", (1, 2), 5, "f", "by hand")).point == 5


def test_entries_beyond_int64_may_stand_where_nobody_reads():
    huge = table((5, 6, 2**80))
    assert huge.array.dtype == object
    found = Lookup(huge).evaluate(ARRAYS, np.array([0, 1, 1]))
    assert found.dtype == np.int64 and found.tolist() == [5, 6, 6]
    assert Lookup(huge).evaluate(INTEGERS, 2) == 2**80


def test_two_tables_with_the_same_entries_are_two():
    (i,) = free(Drawing(), (0, 1))
    one, two = table((1, 2)), table((1, 2))
    assert i.lookup(one) is i.lookup(one) and i.lookup(one) is not i.lookup(two)


def test_the_sentence():
    assert Lookup(table((1, 2))).sentence("i") == "f at i, from a table of 2 entries"


def test_a_table_keeps_its_entries_when_their_memory_is_used_again():
    memory = np.arange(4)
    made = table(memory)
    memory[:] = 9
    assert made.entries == (0, 1, 2, 3) and made.array.tolist() == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="read-only"):
        made.array[0] = 1
    with pytest.raises(GraphError, match="holds an entry that is not an integer"):
        table(np.zeros((4, 2), np.int64))
