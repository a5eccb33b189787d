"""Softmax as exp(t - ln(sum)), architectures.md 2.3 (tables) and 2.4 (shifts and adds).

Inputs are codes with `input_fraction` fraction bits, outputs have `output_fraction`; an absent element gives 0.

`variant` "shifts" (2.4).  The text leaves open, and here is:
- t = x - m gets `guard` more fraction bits, then y + (y >> 1) - (y >> 4), each shift cutting.
- 2**v = 1 + v + offset, `offsets` in codes of that many fraction bits for the first and the second use (0, 0); the
  shift by u cuts once, to `exp_fraction` bits, and for the second use to output_fraction.
- the sum is exact; y = w + k - 1 is cut to log_fraction bits; times 0.1011b is (y >> 1) + (y >> 3) + (y >> 4), each
  shift cutting.

`variant` "tables" (2.3), of which the text gives only "t in Q(5,f), EXP by ROM + linear interpolation, LN by
leading-one detect + ROM of the mantissa":
- f = log_fraction; EXP of -d, d held below 32: nodes exp(-k * 2**-node_fraction) rounded half up to exp_fraction bits,
  k = 0 .. 32 * 2**node_fraction; between two, node + (next - node) * rest, cut once (the second use likewise,
  and then cut from exp_fraction to output_fraction).
- LN: w * ln2 + ROM[top `address` bits below the leading one], ln2 and ROM[i] = ln(1 + i * 2**-address) rounded half up
  to log_fraction bits.

Both: t - L is formed in log_fraction bits, which must not be fewer than the input's; an L below 0 is kept if
`negative`, else 0; t - L above 0 is held at 0; the output is held at `output_most`.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import mpmath
from tests.architectures.restated.common import e_to, greatest, real, rounded, taking_part


def power_by_shifts(t: int, fraction: int, guard: int, offset: int) -> Fraction:
    """exp(t * 2**-fraction) for t <= 0: the unrounded value of (1 + v + offset) * 2**u."""
    y, places = t << guard, fraction + guard
    y = y + (y >> 1) - (y >> 4)
    v = y % (1 << places)
    return Fraction((1 << places) + v + offset, 1 << places) * Fraction(2) ** (y >> places)


def ln_by_shifts(total: int, exp_fraction: int, log_fraction: int) -> int:
    lead = total.bit_length() - 1
    y = rounded((lead - exp_fraction + Fraction(total, 1 << lead) - 1) * 2**log_fraction)
    return (y >> 1) + (y >> 3) + (y >> 4)


@cache
def nodes(exp_fraction: int, node_fraction: int) -> tuple[int, ...]:
    count = (32 << node_fraction) + 1
    return tuple(rounded(e_to(Fraction(-k, 1 << node_fraction)) * 2**exp_fraction, "half_up") for k in range(count))


def power_by_table(t: int, fraction: int, exp_fraction: int, node_fraction: int) -> int:
    d = min(-t, (32 << fraction) - 1)
    k = d << node_fraction >> fraction
    rest = Fraction(d << node_fraction, 1 << fraction) - k
    rom = nodes(exp_fraction, node_fraction)
    return rounded(rom[k] + (rom[k + 1] - rom[k]) * rest)


@cache
def logarithms(log_fraction: int, address: int) -> tuple[int, ...]:
    """ROM of ln(1 + i / 2**address), and last ln 2."""
    count = 1 << address
    return tuple(
        rounded(real(lambda i=i: mpmath.log(1 + mpmath.mpf(i) / count)) * 2**log_fraction, "half_up")
        for i in range(count + 1)
    )


def ln_by_table(total: int, exp_fraction: int, log_fraction: int, address: int) -> int:
    lead, rom = total.bit_length() - 1, logarithms(log_fraction, address)
    return (lead - exp_fraction) * rom[-1] + rom[(total << address >> lead) - (1 << address)]


def log_domain(
    codes: list[int],
    present: list[bool] | None = None,
    *,
    variant: str = "shifts",
    input_fraction: int = 4,
    guard: int = 0,
    offsets: tuple[int, int] = (0, 0),
    node_fraction: int = 3,
    address: int = 4,
    exp_fraction: int = 12,
    log_fraction: int = 12,
    negative: bool = False,
    output_fraction: int = 8,
    output_most: int | None = None,
) -> list[int]:
    part, top = taking_part(codes, present), greatest(codes, taking_part(codes, present))

    def power(t: int, fraction: int, to: int, use: int) -> int:
        if variant == "tables":
            return rounded(
                power_by_table(t, fraction, exp_fraction, node_fraction) * Fraction(2) ** (to - exp_fraction)
            )
        return rounded(power_by_shifts(t, fraction, guard, offsets[use]) * 2**to)

    total = sum(power(x - top, input_fraction, exp_fraction, 0) for x, p in zip(codes, part) if p)
    if total == 0:
        return [0] * len(codes)
    if variant == "tables":
        ln = ln_by_table(total, exp_fraction, log_fraction, address)
    else:
        ln = ln_by_shifts(total, exp_fraction, log_fraction)
    ln = ln if negative else max(0, ln)
    most = 1 << output_fraction if output_most is None else output_most
    far = [min(0, ((x - top) << (log_fraction - input_fraction)) - ln) for x in codes]
    return [min(most, power(t, log_fraction, output_fraction, 1)) if p else 0 for t, p in zip(far, part)]
