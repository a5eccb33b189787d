"""The array exponentials: their stated error, their ends, and the same bits on every machine."""

import re
from pathlib import Path

import mpmath
import numpy as np
import pytest

import narrowmax
from narrowmax import exact
from narrowmax.errors import RangeError

JUDGES = {"exp": mpmath.exp, "exp2": lambda x: mpmath.power(2, x)}


def arguments() -> np.ndarray:
    random = np.random.default_rng(0)
    ties = (np.arange(-998, 0) + 0.5) * np.log(2)  # where the reduced argument is largest
    return -np.abs(
        np.concatenate([random.uniform(0, 692, 3000), random.exponential(1, 3000), ties, 2.0 ** -np.arange(60)])
    )


@pytest.mark.parametrize("name", JUDGES)
def test_the_error_is_below_the_stated_one(name):
    x = arguments()
    found = getattr(exact, name)(x)
    with mpmath.workprec(200):
        worst = max(abs(mpmath.mpf(y) / JUDGES[name](mpmath.mpf(v)) - 1) for v, y in zip(x.tolist(), found.tolist()))
    assert worst < exact.RELATIVE_ERROR


def test_the_ends():
    x = np.array([0.0, -0.0, exact.LEAST, np.nextafter(exact.LEAST, -np.inf), -1e308, -np.inf, -5e-324])
    found = exact.exp(x)
    assert found[[0, 1, 3, 4, 5, 6]].tolist() == [1, 1, 0, 0, 0, 1]
    assert 2.0**-1000 < found[2] < 2.0**-999
    assert exact.exp2(np.array([0.0, -1000.0, -1000.5, -3.0])).tolist() == [1, 2.0**-1000, 0, 0.125]
    assert exact.exp(np.zeros((2, 0))).shape == (2, 0)
    assert exact.exp(np.zeros((3, 2), order="F")).shape == (3, 2)


def test_the_same_bits_on_every_machine():
    found = exact.exp(np.array([-0.1, -1.0, -7.3, -100.0, -650.5]))
    assert [value.hex() for value in found.tolist()] == PINNED


PINNED = [
    "0x1.cf46d99d52b3ap-1",
    "0x1.78b56362cef38p-2",
    "0x1.622d4792b6a8dp-11",
    "0x1.a8c1f14e2af5dp-145",
    "0x1.70d8a640274f0p-939",
]


@pytest.mark.parametrize("value", [1e-300, np.inf, np.nan])
def test_values_above_zero_are_refused(value):
    with pytest.raises(RangeError) as refused:
        exact.exp(np.array([-1.0, value]))
    assert (
        str(refused.value) == f"exact.exp and exact.exp2 take values up to 0, not {value}: take the maximum off first"
    )


def test_no_bit_comes_from_libm():
    source = Path(narrowmax.__file__).parent
    files = [*(source / "exact").glob("*.py"), source / "reference.py"]
    used = [f"{file.name}: {hit}" for file in files for hit in LIBM.findall(file.read_text())]
    assert used == []
    assert LIBM.findall("np.exp(x) + math.log2(y)") == ["np.exp(", "math.log2("]


LIBM = re.compile(
    r"(?:np|numpy|math|scipy|special)\.(?:exp|expm1|exp2|log|log2|log10|log1p|pow|power|softmax|logsumexp)\("
)
