"""What judgement says of designs beside the answer, and of a claim that says nothing."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
from tests.search.test_narrowing import Bits, Coins

from narrowmax.search import Claim, Space, narrow
from narrowmax.search.judging import MISSED, Judges


class Lossless(Coins):
    """Bits 4 holds, 3 does not."""

    true: ClassVar = {5: 0.0, 4: 0.0, 3: 0.5}


WALKS = {None: [Bits(5)], "held": [Bits(4), Bits(5)], "unreached": [Bits(5), Bits(3), Bits(4)]}
DEARER = "it held too, but was predicted or measured to cost no less"
UNORDERED = "it held here too, but was not in the order that selection fixed, so it is not claimed"
UNREACHED = "it held here too, but stands in the order after the first that failed, so it is not claimed"
NO_CHEAPER = "it held here too, but would cost no less, as predicted"


@pytest.mark.parametrize(
    ("became", "cheaper", "told"),
    [
        (None, True, UNORDERED),
        (None, False, NO_CHEAPER),
        ("held", True, DEARER),
        ("held", False, DEARER),
        ("unreached", True, UNREACHED),
        ("unreached", False, NO_CHEAPER),
    ],
)
def test_a_design_of_one_bit_less_that_held_is_not_belied(became, cheaper, told):
    """What is said of bits 4 beside bits 5 depends on the walk, and on whether it would save anything."""
    judges = Judges(Lossless(0), Claim({"top1": 0.01}, 0.95, {}, 700))
    judges.walk(WALKS[became])
    (wire,) = judges.wires(Space(Bits()), Bits(5), lambda point: point[0] if cheaper else -point[0])
    assert (wire["why_not_less"], wire["reason"]) == ("not shown", told)
    assert (told in MISSED) == (cheaper and became != "held")


def test_a_cheaper_neighbour_that_held_and_is_not_claimed_is_a_note(monkeypatch):
    monkeypatch.setattr("narrowmax.search.narrowing.order", lambda exploration: [(5,)])
    narrowed = narrow(Lossless(0), Bits(), {"top1": 0.01})
    assert narrowed.design == Bits(5) and narrowed.wires[0]["reason"] == UNORDERED
    assert narrowed.notes[0] == (
        "with one bit less on bits the design is predicted to be cheaper and held on the judged samples too, but the "
        "order that selection fixed does not reach it: a narrower one may exist"
    )
    monkeypatch.undo()
    assert not any("one bit less" in note for note in narrow(Lossless(0), Bits(), {"top1": 0.01}).notes)


@pytest.mark.parametrize(
    ("right", "chance", "told"), [(0, 0.0, True), (70, 0.1, True), (71, 0.1, False), (1, 0, False)]
)
def test_a_claim_where_float_only_guesses_has_a_note(right, chance, told):
    class Guessing(Lossless):
        def float_outcomes(self, indices):
            return {"top1": np.isin(indices, self.judgement[:right])}

        def outcomes(self, design, indices):
            return self.float_outcomes(indices)

    evaluator = Guessing(0)
    evaluator.chance = chance
    notes = narrow(evaluator, Bits(), {"top1": 0.01}).notes
    said = f"in full precision top-1 is right on {right} of 700 judged samples, no more than guessing: there is nothing"
    assert any(note.startswith(said) for note in notes) == told
