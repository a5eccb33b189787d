"""The record Design: an architecture and all its parameters, frozen, with a text form."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from html import escape
from types import MappingProxyType

from narrowmax import architectures
from narrowmax.architectures import Architecture
from narrowmax.datapath import Datapath
from narrowmax.designs import simulation, text
from narrowmax.errors import DesignError, FormatError, GraphError
from narrowmax.formats import Format


@dataclass(frozen=True, eq=False)
class Design:
    """An architecture with all its parameters; made by `design`, equal to another of the same text.

    `parameters` maps every parameter to its value (a Format, a number or a word), in the order of
    the architecture's page.
    """

    architecture: str
    parameters: Mapping[str, object]

    @cached_property
    def text(self) -> str:
        """`architecture(parameter=value, ...)` with every parameter; `design(text)` is the way back."""
        return f"{self.architecture}({', '.join(f'{k}={v}' for k, v in self.parameters.items())})"

    @property
    def brief(self) -> str:
        """The text without what has its default, which is read as the same design."""
        given = (p for p in self.entry.parameters if str(self.parameters[p.name]) != str(p.read(p.default)))
        inside = ", ".join(f"{p.name}={self.parameters[p.name]}" for p in given)
        return f"{self.architecture}({inside})" if inside else self.architecture

    @property
    def entry(self) -> Architecture:
        """The architecture's entry in the catalogue: its page and its parameters."""
        return catalogue()[self.architecture]

    @cached_property
    def formats(self) -> tuple[Format, Format]:
        """What values become on the way in, and what codes stand for on the way out."""
        try:
            return self.entry.formats(self.parameters)
        except FormatError as error:
            raise DesignError(f"{self.text} is not possible: {error}") from None

    @property
    def input(self) -> Format:
        return self.formats[0]

    @property
    def output(self) -> Format:
        return self.formats[1]

    # -- the drawing --------------------------------------------------------------------------
    @cached_property
    def has_hardware(self) -> bool:
        """Whether there is a drawing, so that it can be built, verified and priced."""
        return self.entry.function is not None

    @cached_property
    def output_rate(self) -> str:
        """`element`: a probability for each element; `row`: one index for each row."""
        return self.drawing.output_rate if self.has_hardware else "element"

    def datapath(self, max_n: int) -> Datapath:
        """The drawing for rows of at most `max_n` elements.

        Raises DesignError for an architecture without hardware, and for rows longer than the design takes.
        """
        if not self.has_hardware:
            raise DesignError(f"{self.text} has no hardware: it is executed by the definition of softmax")
        if isinstance(max_n, bool) or not isinstance(max_n, int) or max_n < 1:
            raise DesignError(f"max_n is {max_n!r}: rows of 1 element or more are allowed")
        _usual.length = min(max_n, _LONGEST_USUAL)
        return self._drawn(max_n)

    @property
    def drawing(self) -> Datapath:
        """The drawing for rows of some length, for what does not depend on that.  Raises DesignError as `datapath`."""
        return self._drawn(self._length)

    def _drawn(self, max_n: int) -> Datapath:
        try:
            return _drawn(self, max_n)
        except GraphError as error:
            raise DesignError(_refusal(self, max_n, str(error))) from error

    @cached_property
    def _length(self) -> int:
        """A row length that it can be drawn for: the usual one, since that drawing is asked for next, or 1."""
        length = _usual.length
        try:
            _drawn(self, length)
        except GraphError:
            return 1
        return length

    def rows_up_to(self, most: int) -> int:
        """The longest row, up to `most` elements, that the design takes."""
        return longest(self._draws, most) if self.has_hardware else most

    def _draws(self, max_n: int) -> bool:
        try:
            self.entry.drawn(self.parameters, max_n)
        except GraphError:
            return False
        return True

    # -- what it computes ---------------------------------------------------------------------
    def simulate(self, x, axis: int = -1, mask=None, out=None):
        """Real values (..., n) -> the output codes that the hardware gives, int64.

        x: NumPy array or torch tensor of any shape; floats and integers are values, not codes
        axis: along which a row lies
        mask: booleans that broadcast to x, true where an element takes part; -inf takes no part either
        out: an array or a tensor on the processor to write into, of the result's shape: of any integer
            dtype that holds the codes, or a floating one for what they stand for, rounded once

        The result has x's shape and kind (of a torch tensor: its device).  A design with one
        output for each row (argmax) gives it with the axis kept at length 1.  Raises DataError for
        NaN, +inf, a mask or an `out` that does not fit, DesignError for a row longer than the design takes.
        """
        return simulation.simulate(self, x, axis, mask, out)

    def probabilities(self, codes, n: int | None = None, axis: int = -1):
        """Output codes -> their values, float64, same shape and kind.

        Codes of a design with one index for each row become one-hot rows of `n` elements along
        `axis`; the code for "nothing present" becomes a row of zeros.
        """
        return simulation.probabilities(self, codes, n, axis)

    def __call__(self, x, axis: int = -1, mask=None):
        """The probabilities of `simulate`: real values (..., n) -> float64, same shape and kind.

        Float32 for a torch tensor of float32 or less where that holds every output.
        """
        return simulation.all_at_once(self, x, axis, mask)

    # -- neighbours ---------------------------------------------------------------------------
    @property
    def knobs(self) -> dict[str, range]:
        """What a search may turn, as `parameter.integer`, `parameter.fraction`, and the settings allowed."""
        return {knob: values for knob, _, values in self._knobs()}

    @property
    def knob_values(self) -> dict[str, int]:
        """The present setting of every knob."""
        return {knob: setting for knob, setting, _ in self._knobs()}

    def _knobs(self) -> Iterator[tuple[str, int, range]]:
        for parameter in self.entry.parameters:
            for knob, (setting, values) in parameter.knobs(self.parameters[parameter.name]).items():
                yield knob, setting, values

    def moved(self, settings: Mapping[str, int]) -> Design:
        """The design with some knobs at other settings.  Raises DesignError where there is no such design."""
        parameters, known = dict(self.parameters), self.knob_values
        for knob, setting in settings.items():
            if knob not in known:
                raise text.unknown(f"the knob of {self.architecture}", knob, known)
            if setting != known[knob]:
                parameter = self.entry.parameter(knob.split(".")[0])
                parameters[parameter.name] = parameter.turned(parameters[parameter.name], knob, setting)
        return made(self.entry, parameters)

    # -- how it shows itself ------------------------------------------------------------------
    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<design {self.text}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(p.name)}</td><td><code>{escape(str(self.parameters[p.name]))}</code></td>"
            f"<td>{escape(p.doc)}</td></tr>"
            for p in self.entry.parameters
        )
        return f"<b>{escape(self.architecture)}</b>: {escape(self.entry.summary)}<table>{rows}</table>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Design) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __reduce__(self):
        return design, (self.text,)


def catalogue() -> Mapping[str, Architecture]:
    """Every architecture by name."""
    return architectures.found()


def design(description: str | Design) -> Design:
    """The design that a text names; parameters left out have their defaults; a design is handed back.

    Raises DesignError for an unknown architecture or parameter, and for a value that is not possible.
    """
    if isinstance(description, Design):
        return description
    name, parameters = text.parse(description)
    if name not in catalogue():
        raise text.unknown("the architecture", name, catalogue())
    return made(catalogue()[name], parameters)


def made(entry: Architecture, given: Mapping[str, object]) -> Design:
    """The design of an architecture with some parameters given, as values or as text."""
    known = [p.name for p in entry.parameters]
    strange = [name for name in given if name not in known]
    if strange:
        raise text.unknown(f"the parameter of {entry.name}", strange[0], known)
    values = {p.name: _read(entry, p, given.get(p.name, p.default)) for p in entry.parameters}
    found = Design(entry.name, MappingProxyType(values))
    found.formats  # noqa: B018  (refuses what has none)
    if found.has_hardware:
        found.drawing  # noqa: B018  (refuses what cannot be drawn at all)
    return found


def _read(entry, parameter, value):
    try:
        return parameter.read(value)
    except DesignError as error:
        raise DesignError(f"{entry.name}: {error}") from None


def longest(holds: Callable[[int], bool], most: int) -> int:
    """The largest n from 0 to `most` of which `holds`, where that holds up to some n and not beyond.

    Long rows are asked about last: to find out that they are refused can take long.
    """
    least, first_not = 0, 1
    while first_not <= most and holds(first_not):
        least, first_not = first_not, 2 * first_not
    if first_not > most:
        if holds(most):
            return most
        first_not = most
    while first_not - least > 1:
        middle = (least + first_not) // 2
        least, first_not = (middle, first_not) if holds(middle) else (least, middle)
    return least


class _Usual(threading.local):
    """The length of the rows that the last design was drawn for; most work is on rows of one length."""

    length = 1


_usual, _LONGEST_USUAL = _Usual(), 1 << 12


@lru_cache(maxsize=128)
def _drawn(found: Design, max_n: int) -> Datapath:
    return found.entry.drawn(found.parameters, max_n)


def _refusal(found: Design, max_n: int, why: str) -> str:
    if max_n == 1 or not found._draws(1):
        return f"{found.text} is not possible: {why}"
    return f"{found.text} takes rows of up to {found.rows_up_to(max_n):,} elements, not {max_n:,}: {why}"
