"""Rows by which a design is judged where nobody gives any: all it can meet where that is little, else a stated set."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from narrowmax.datapath import Packed
from narrowmax.datapath.graph import code_range
from narrowmax.designs.record import Design
from narrowmax.formats import Affine, Fixed, Float, Format

LONGEST = 1100  # elements; longer rows are not tried
MOST = 1 << 16  # codes of an input that are all tried
SEED = 20
DEVIATIONS = (0.5, 2.0, 8.0)
_FLOAT64 = 53  # bits of its integers
_LENGTHS = (1, 2, 3, 5, 10, 16, 100, 510, 1000)
_CROWD, _FARTHEST, _PLACES = 100, 16.0, 256  # of rows whose others are all as far below the largest


@lru_cache(maxsize=256)
def longest(design: Design) -> int:
    """The longest row that a design takes, or LONGEST: asked once, since it takes many drawings."""
    return design.rows_up_to(LONGEST)


def has_scales(design: Design) -> bool:
    """Whether real numbers lie between codes of input and output: steps of a scale, or floats."""
    return all(isinstance(f, (Fixed, Affine, Float)) for f in design.formats)


def value(design: Design, codes):
    """What codes of the output stand for, real ones too, in float64."""
    if isinstance(design.output, Float):
        return Packed(design.output).value(codes)
    codes = np.asarray(codes, dtype=np.float64)
    return (codes - getattr(design.output, "zero_point", 0)) * float(design.output.step)


def levels(design: Design, most: int = MOST) -> tuple[np.ndarray, bool]:
    """Values of the input in rising order, float64, and whether these are all: else `most` of them, its ends among.

    Of an input beyond 53 bits the last bits are 0, so that float64 holds them: its highest value is not among them.
    """
    form = design.input
    if form.bits is None:
        return np.linspace(-10.0, 10.0, most), False
    low, high = code_range(form)
    codes = spread(low, high, most, even=True)
    found = form.values(_held(form, codes))
    return np.unique(found[np.isfinite(found)]), len(codes) == high - low + 1


def distances(design: Design, most: int | None = None) -> tuple[np.ndarray, np.ndarray, str]:
    """Pairs of codes (pairs, 2) of the input, the largest and another, how far apart they are, and which, in words.

    The largest is the input's highest value; of a float it is 0, so that no difference is rounded.
    """
    form = design.input
    if isinstance(form, Float):
        others = spread(0, form.highest_code, most or MOST, even=True) | 1 << (form.bits - 1)
        every, largest, which = len(others) == form.highest_code + 1, 0, "below 0 "
        apart = -form.values(others)
    else:
        others = spread(form.lowest_code, form.highest_code, most or MOST, even=True)
        every, largest = len(others) == form.highest_code - form.lowest_code + 1, form.highest_code
        apart, which = (largest - others) * float(form.step), ""
    over = f"{'all' if every else 'evenly spread'} {len(others):,} distances {which}of its input"
    return np.stack([np.full_like(others, largest), others], axis=1), apart, over


def rows(design: Design) -> Iterator[tuple[np.ndarray, str]]:
    """Rows of values (rows, n) that the input holds exactly, and what they are, in words."""
    values, every = levels(design)
    most = longest(design)
    if most >= 2:
        pairs = np.stack([np.full_like(values, values[-1]), values], axis=1)
        yield pairs, f"{'all' if every else f'{len(values):,}'} rows of the largest input and another"
    lengths = [n for n in _LENGTHS if n <= most]
    for n in lengths:
        yield np.full((1, n), values[-1]), f"rows of equals, {lengths[0]} to {lengths[-1]:,} long" if n == 1 else ""
    if most >= _CROWD:
        yield _crowds(design), f"rows of the largest and {_CROWD - 1} equal others, up to {_FARTHEST:g} below it"
    for n, count in ((10, 200), (100, 50)):
        if n <= most:
            yield normal(design, count, n), f"{count * len(DEVIATIONS)} normal rows of {n}"


def _crowds(design: Design) -> np.ndarray:
    """Rows of the largest and many equal others, by how far these lie below: their errors add up in the sum."""
    form = design.input
    top = float(form.highest) if isinstance(form, (Fixed, Affine)) else 0.0
    others = form.values(_held(form, form.quantise(np.linspace(top - _FARTHEST, top, _PLACES + 1))))
    crowds = np.repeat(np.unique(others)[:, None], _CROWD, axis=1)
    crowds[:, 0] = form.values(_held(form, form.quantise(np.array([top]))))
    return crowds


def _held(form: Format, codes: np.ndarray) -> np.ndarray:
    """The codes, without the last bits of a fixed-point word that is longer than a float64's."""
    return codes >> (beyond := max(0, form.bits - _FLOAT64)) << beyond if isinstance(form, Fixed) else codes


def normal(design: Design, count: int, n: int) -> np.ndarray:
    """`count` rows (of n, as the input holds them) for each of the deviations, always the same."""
    return design.input.values(design.input.quantise(logits(count, n)))


def logits(count: int, n: int) -> np.ndarray:
    """Real numbers (rows, n): `count` normal rows for each of the deviations, always the same."""
    drawn = np.random.default_rng(SEED).normal(size=(len(DEVIATIONS), count, n))
    return (drawn * np.array(DEVIATIONS)[:, None, None]).reshape(-1, n)


def spread(low: int, high: int, most: int, even: bool = False) -> np.ndarray:
    """All integers low..high, or about `most` of them, the ends among: `even`, else the same in every octave too."""
    if high - low < most:
        return np.arange(low, high + 1)
    if even:
        return np.unique(np.array([low + (high - low) * k // (most - 1) for k in range(most)], dtype=np.int64))
    half = spread(low, high, most // 2, even=True)
    octaves = np.geomspace(max(low, 1), high, most // 2).astype(np.int64)
    return np.unique(np.concatenate([half, octaves.clip(low, high)]))
