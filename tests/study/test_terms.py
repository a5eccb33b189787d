"""Terms belong to a source: hardware takes the rows that are judged."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from narrowmax.errors import DesignError
from narrowmax.study import Terms

SOURCE = SimpleNamespace(text="logits.npz", n=1000)


def test_rows_are_as_long_as_the_sources_or_longer():
    assert Terms.of(SOURCE, {}).max_n == 1000
    assert [Terms.of(SOURCE, {"max_n": n}).max_n for n in (1000, 4096)] == [1000, 4096]


@pytest.mark.parametrize("max_n", [1, 999])
def test_hardware_that_would_cut_the_rows_is_refused(max_n):
    message = (
        f"^rows of logits.npz have 1,000 elements, and hardware for rows of {max_n} would cut them: "
        "give --max-n 1000 or more, or leave it out$"
    )
    with pytest.raises(DesignError, match=message):
        Terms.of(SOURCE, {"max_n": max_n})
