"""Numbers as words of a page: thousands, shares, points, seconds, and what stands where none is.

Nothing is rounded into a stronger statement: a share below one never reads 100 %.
"""

from __future__ import annotations

import math
import re
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from narrowmax.errors import FormatError
from narrowmax.formats import parse

DASH = "—"
_THIN = "\u202f"  # narrow no-break space, between a number and its unit
_WIDTH = 100  # of a paragraph for a terminal
_SHORTEST = 40  # characters of a line; a terminal that is narrower folds by itself
_LARGE = 1e15  # numbers from here on are written with a power of ten
_line: ContextVar[int | None] = ContextVar("characters of a line", default=None)


@contextmanager
def lines_of(width: int | None) -> Iterator[None]:
    """Inside, text is made for lines of so many characters; None, as where nothing is said, for no terminal: then
    paragraphs have lines of 100 characters, and the rows of tables are whole."""
    before = _line.set(None if width is None else max(width, _SHORTEST))
    try:
        yield
    finally:
        _line.reset(before)


def line_width() -> int | None:
    """What `lines_of` was given."""
    return _line.get()


def wrapped(text: str, indent: str = "", width: int = 0) -> str:
    """A paragraph on lines of `width`, 100 or more, of which the second and later ones start with `indent`."""
    width = min(max(width, _WIDTH), line_width() or sys.maxsize)
    return textwrap.fill(text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def count(number: float | None) -> str:
    """`12,345`; a dash for None."""
    if number is None:
        return DASH
    return (f"{number:,}" if isinstance(number, int) else f"{number:,.0f}").replace("-", "−")


def real(number: float | None, digits: int = 4) -> str:
    """Significant digits, with a true minus sign: `0.01235`, `−3.2`, `1.2e−07`; a dash for what is no number."""
    if number is None or math.isnan(number):
        return DASH
    if isinstance(number, int) or 1000 <= abs(number) < _LARGE or (abs(number) < 1000 and number == int(number)):
        return count(number)
    return f"{number:.{digits}g}".replace("-", "−")


def beyond(number: float | None, rounding: str, digits: int = 3) -> str:
    """As `real`, but never on the inner side of the number: ROUND_CEILING for an upper end, ROUND_FLOOR for a lower."""
    if not number or not math.isfinite(number):
        return real(number, digits)
    exact = Decimal(number)
    place = exact.adjusted() - digits + 1
    step = Decimal(1).scaleb(min(place, 0) if abs(number) < _LARGE else place)
    return real(float(exact.quantize(step, rounding)), digits)


def reaches(number: float | None, digits: int = 3) -> str:
    """`±15.1`: a range that holds what lies within ±`number`."""
    return DASH if number is None else f"±{beyond(number, ROUND_CEILING, digits)}"


def percent(share: float | None, digits: int = 2) -> str:
    """A share in 0..1 as `97.45 %`; shares next to 0 and 1 keep their side: `> 99.99 %`."""
    if share is None:
        return DASH
    text = f"{100 * share:.{digits}f}"
    edge = 10.0**-digits
    if 0 < share < 1 and float(text) == 100:
        text = f"> {100 - edge:.{digits}f}"
    elif 0 < share < 1 and float(text) == 0:
        text = f"< {edge:.{digits}f}"
    elif share in (0, 1):
        text = f"{100 * share:.0f}"
    return text.replace("-", "−") + _THIN + "%"


RATES = ("top1", "top5")  # more is better; others are means, of which less is


def amount(metric: str, value: float | None, rounding: str = ROUND_HALF_EVEN) -> str:
    """A loss in the unit of its metric: rates in points, others as they are."""
    if value is None:
        return DASH
    if metric in RATES:
        return _fixed(100 * value, 2, rounding) + " points"
    return _fixed(value, 4, rounding)


def at_most(metric: str, bound: float | None) -> str:
    """An upper bound of a loss, never shown tighter than it is."""
    return amount(metric, bound, ROUND_CEILING)


def at_least(metric: str, bound: float | None) -> str:
    """A lower bound of a loss, never shown tighter than it is."""
    return amount(metric, bound, ROUND_FLOOR)


UNCORRECTED = "of this design by itself, not corrected for having been chosen"
"""What the bound of a narrowed design's loss is.  Its judged samples also decided how far the walk went, so after a
fixed sequence only "below the tolerance" has the stated confidence (Hsu and Berger 1999, JASA 94(446))."""


def claimed(metric: str, loss: dict, tolerance: float | None = None) -> str | None:
    """`less than 0.50 points`: what `narrow` claims of a loss `{high, tolerance}`; None where it did not hold.

    tolerance: where the loss has none
    """
    limit = tolerance if loss.get("tolerance") is None else loss["tolerance"]
    if limit is None or loss.get("high") is None or loss["high"] >= limit:
        return None
    return f"less than {at_most(metric, limit)}"


def _fixed(value: float, digits: int, rounding: str) -> str:
    if abs(value) >= _LARGE:  # of no use as a loss, but a record may hold it
        return real(value)
    # a few units of the 15th digit are the float's, not the bound's: 100 * 0.005 is not above 0.5
    exact = Decimal(f"{value:.12g}").quantize(Decimal(1).scaleb(-digits), rounding)
    return f"{abs(exact) if exact == 0 else exact}".replace("-", "−")


def metric_name(metric: str) -> str:
    return {"top1": "top-1", "top5": "top-5", "nll": "NLL", "kl": "KL"}.get(metric, metric)


def unit(metric: str) -> tuple[str, float]:
    """What a plot of losses in a metric counts in, and how many of it 1.0 is: as `amount` tells them."""
    return (f"points of {metric_name(metric)}", 100.0) if metric in RATES else (metric_name(metric), 1.0)


def seconds(number: float | None) -> str:
    """`0.42 s`, `12.3 s`, `3 min 20 s`."""
    if number is None:
        return DASH
    if number < 100:
        return f"{number:.{2 if number < 1 else 1}f}{_THIN}s"
    minutes, rest = divmod(round(number), 60)
    return f"{minutes}{_THIN}min {rest}{_THIN}s"


def plural(number: int | None, one: str, many: str | None = None) -> str:
    """`1 lane`, `4 lanes`."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def lost(metric: str, outcome: dict) -> float | None:
    """The loss of an outcome, positive where the design is worse; from its two values where both are there."""
    base, design = outcome.get("float"), outcome.get("design")
    if base is None or design is None:
        return outcome.get("difference")
    return base - design if metric in RATES else design - base


def why(part: dict, key: str) -> str:
    """Why `part[key]` is null, in the record's own words."""
    return str(part.get(f"{key}_reason") or "the record gives no reason")


def bits(format_text: str | None) -> int | None:
    """Bits of a word in this format; None where the text names none (decimal) or cannot be read."""
    try:
        return None if format_text is None else parse(format_text).bits
    except FormatError:
        return None


def parameters(design: str) -> dict[str, str]:
    """The parameters in a design's text: `{"input": "Q5.3", "chunk": "16"}` of `softermax(input=Q5.3, chunk=16)`."""
    inside = design.partition("(")[2].rpartition(")")[0]
    return {name: value.strip() for name, value in re.findall(r"(\w+)\s*=\s*((?:[^,()]|\([^()]*\))+)", inside)}
