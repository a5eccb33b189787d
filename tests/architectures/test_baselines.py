"""The units of a table and a division or a reciprocal, and argmax, against exact integers on arrays.

Their definition is compared with models of their own in `test_models`.
"""

from __future__ import annotations

from functools import lru_cache

import mpmath
import numpy as np
import pytest
from tests.architectures import assembling
from tests.architectures.against import assert_equal, in_number, meant_to_break
from tests.architectures.models import encoded, real
from tests.architectures.rows import VARIANTS

from narrowmax.designs import design
from narrowmax.formats import Fixed

DESIGNS = [design(text) for name in ("table_divide", "table_reciprocal") for text in [name, *VARIANTS[name]]]
ARGMAX = [design(text) for text in ["argmax", *VARIANTS["argmax"]]]
TRAINED = ("logits_cifar100_repvgg_a2_pretrainedcy.npz", "logits_cifar100_vgg16_bn_pretrainedcy.npz")


@lru_cache(maxsize=16)
def exponentials(point: int, last: int, exp: Fixed) -> np.ndarray:
    """Of all distances up to the last one, or the first whose exponential is 0."""
    found = []
    while len(found) <= last and (not found or found[-1]):
        found.append(encoded(real(mpmath.exp(-mpmath.mpf(len(found)) / 2**point)), exp))
    return np.array(found)


def fitted(above, below, form: Fixed):
    """above / below in a format, whose overflow word is obeyed."""
    codes = assembling.quotient(above * (1 << form.fraction_bits), below, form.rounding)
    if form.overflow != "wrap":
        return np.minimum(codes, form.highest_code)
    codes &= (1 << form.bits) - 1
    return np.where(codes > form.highest_code, codes - (1 << form.bits), codes)


def oracle(found):
    p = found.parameters
    held = exponentials(found.input.fraction_bits, found.input.highest_code - found.input.lowest_code, p["exp"])
    f = p["exp"].fraction_bits

    def run(codes, present):
        top = np.where(present, codes, found.input.lowest_code).max(axis=1, keepdims=True)
        e = np.where(present, held[np.clip(top - codes, 0, len(held) - 1)], 0)
        S = np.where(present.any(axis=1), e.sum(axis=1), 1)[:, None]
        if found.architecture == "table_divide":
            return fitted(e, S, found.output)
        names = ("address", "at", "reciprocal")
        parts = assembling.table_of_reciprocals(e, f, S, f, *(p[name] for name in names))
        return fitted(*parts, found.output)

    return run


@pytest.mark.parametrize("found", DESIGNS, ids=str)
class TestSteps:
    def test_a_million_elements(self, found):
        """1,000,000 elements and the adversarial rows on the fastest engine."""
        assert assert_equal(found, oracle(found), in_number(found, 1_000_000)) >= 1_000_000
        assert_equal(found, oracle(found), meant_to_break(found))

    def test_the_definition(self, found):
        """10,000 elements."""
        rows = in_number(found, 10_000, (3, 40, 200), seed=2)
        assert assert_equal(found, oracle(found), rows, by="the definition") >= 10_000

    @pytest.mark.parametrize("name", TRAINED)
    def test_trained_logits(self, found, name, shared_data):
        logits = np.load(shared_data / "wasscal_logits" / name)["logits"]
        codes = found.input.quantise(logits)
        assert (found.simulate(logits) == oracle(found)(codes, np.ones(codes.shape, bool))).all()


def first(found):
    """The first of the largest elements that take part; all bits set where none does."""

    def run(codes, present):
        place = np.where(present, codes, found.input.lowest_code - 1).argmax(axis=1, keepdims=True)
        return np.where(present.any(axis=1, keepdims=True), place, found.output.highest_code)

    return run


@pytest.mark.parametrize("found", ARGMAX, ids=str)
def test_a_million_elements_of_argmax(found):
    """In rows that its output can count; and the adversarial rows."""
    lengths = [n for n in (1, 2, 3, 10, 17, 100, 400, 1000) if n <= found.output.highest_code]
    elements = 0
    for codes, present in [*in_number(found, 1_000_000, lengths), *meant_to_break(found)]:
        got = found.simulate(found.input.values(codes), mask=present)
        assert (got == first(found)(codes, present).reshape(got.shape)).all()
        elements += codes.size
    assert elements >= 1_000_000
