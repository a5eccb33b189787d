"""Parameters of an architecture: default, allowed range, where the default comes from, meaning.

Each reads its value from text or from the value itself, says what it allows, and names the knobs
that a search may turn: `fraction` and `integer` of a format, or the number itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from narrowmax.errors import DesignError, FormatError
from narrowmax.formats import ROUNDINGS, Fixed, Float, parse

PUBLISHED, KNOB = "published", "knob"  # where a default comes from: the source, or a choice of ours
DETERMINISTIC = tuple(word for word in ROUNDINGS if word != "stochastic")


def span(values: range) -> str:
    """A range in words: 3, or 1 to 8."""
    return str(values[0]) if len(values) == 1 else f"{values[0]} to {values[-1]}"


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A named value with a default (as text), its `source` (published or knob) and what it means."""

    name: str
    default: str
    source: str
    doc: str

    @property
    def allowed(self) -> str:
        """What may be written, in words."""
        raise NotImplementedError

    def read(self, value: object) -> object:
        """The value that a text names; a value is handed back.  Raises DesignError for what is not allowed."""
        raise NotImplementedError

    def refuse(self, value: object) -> DesignError:
        return DesignError(f"{self.name}={value} is not possible: {self.name} is {self.allowed}")

    def knobs(self, value: object) -> dict[str, tuple[int, range]]:
        """For each knob, by its full name, the present setting and what a search may set."""
        return {}

    def turned(self, value: object, knob: str, setting: int) -> object:
        """The value with one of its knobs at another setting.  Raises DesignError where there is none."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class AnyFormat(Parameter):
    """Any number format with a deterministic rounding."""

    @property
    def allowed(self):
        return "any format with a rounding other than stochastic"

    def read(self, value):
        try:
            found = parse(value)
        except FormatError as error:
            raise DesignError(f"{self.name}: {error}") from None
        if found.rounding not in DETERMINISTIC:
            raise self.refuse(value)
        return found


@dataclass(frozen=True, kw_only=True)
class FixedFormat(AnyFormat):
    """A fixed-point format of a wire: so many integer and fraction bits, and these words.

    `turns` gives what a search may set: {"integer": range, "fraction": range}; a wire that
    `accumulates` can reach its end in a row that is long enough.
    """

    integer: range
    fraction: range
    signs: tuple[bool, ...] = (True, False)
    roundings: tuple[str, ...] = DETERMINISTIC
    overflows: tuple[str, ...] = ("saturate", "wrap", "forbid")
    turns: Mapping[str, range] = field(default_factory=dict)
    accumulates: bool = False
    hint: str = ""

    @property
    def allowed(self):
        sign = {(True,): "signed ", (False,): "unsigned "}.get(self.signs, "")
        words = "" if self.roundings == DETERMINISTIC else f", rounded {' or '.join(self.roundings)}"
        words += "" if len(self.overflows) == 3 else f", overflow {' or '.join(self.overflows)}"
        bits = f"{span(self.integer)} integer and {span(self.fraction)} fraction bits"
        return f"{sign}fixed point such as {self.default} with {bits}{words}{self.hint}"

    def read(self, value):
        found = super().read(value)
        if not isinstance(found, Fixed) or not self._holds(found):
            raise self.refuse(value)
        return found

    def _holds(self, found: Fixed) -> bool:
        return (
            found.integer_bits in self.integer
            and found.fraction_bits in self.fraction
            and found.signed in self.signs
            and found.rounding in self.roundings
            and found.overflow in self.overflows
        )

    def knobs(self, value):
        settings = {"integer": value.integer_bits, "fraction": value.fraction_bits}
        return {f"{self.name}.{k}": (settings[k], including(r, settings[k])) for k, r in self.turns.items()}

    def turned(self, value, knob, setting):
        try:
            return self.read(replace(value, **{f"{knob.split('.')[1]}_bits": setting}))
        except FormatError as error:
            raise DesignError(f"{knob}={setting} is not possible: {error}") from None


@dataclass(frozen=True, kw_only=True)
class FloatFormat(AnyFormat):
    """A float in which a step is computed; `turns` gives what a search may set, by `exponent` and `fraction`."""

    exponents: range = range(2, 9)
    fractions: range = range(1, 24)
    turns: Mapping[str, range] = field(default_factory=dict)

    @property
    def allowed(self):
        bits = f"{span(self.exponents)} exponent and {span(self.fractions)} fraction bits"
        return f"a float such as {self.default} or float(5,4) with {bits}, overflow saturate or infinity"

    def read(self, value):
        found = super().read(value)
        if not isinstance(found, Float) or found.overflow == "forbid":
            raise self.refuse(value)
        if found.exponent_bits not in self.exponents or found.fraction_bits not in self.fractions:
            raise self.refuse(value)
        return found

    def knobs(self, value):
        settings = {"exponent": value.exponent_bits, "fraction": value.fraction_bits}
        return {f"{self.name}.{k}": (settings[k], including(r, settings[k])) for k, r in self.turns.items()}

    def turned(self, value, knob, setting):
        try:
            return self.read(replace(value, **{f"{knob.split('.')[1]}_bits": setting}))
        except FormatError as error:
            raise DesignError(f"{knob}={setting} is not possible: {error}") from None


@dataclass(frozen=True, kw_only=True)
class Number(Parameter):
    """An integer among `choices`; `turns` gives what a search may set, if it may."""

    choices: range | tuple[int, ...]
    turns: range | None = None

    @property
    def allowed(self):
        return span(self.choices) if isinstance(self.choices, range) else f"one of {', '.join(map(str, self.choices))}"

    def read(self, value):
        try:
            number = int(str(value))
        except ValueError:
            raise self.refuse(value) from None
        if number not in self.choices:
            raise self.refuse(value)
        return number

    def knobs(self, value):
        return {self.name: (value, including(self.turns, value))} if self.turns else {}

    def turned(self, value, knob, setting):
        return self.read(setting)


@dataclass(frozen=True, kw_only=True)
class Real(Parameter):
    """A real number from `least` to `most`: the float64 nearest to what is written."""

    least: float
    most: float

    @property
    def allowed(self):
        return f"a number from {self.least:g} to {self.most:g}"

    def read(self, value):
        try:
            number = float(str(value))
        except ValueError:
            raise self.refuse(value) from None
        if not self.least <= number <= self.most:  # NaN is not
            raise self.refuse(value)
        return number


@dataclass(frozen=True, kw_only=True)
class Word(Parameter):
    """One of a few words."""

    choices: tuple[str, ...]

    @property
    def allowed(self):
        return " or ".join(self.choices)

    def read(self, value):
        if str(value) not in self.choices:
            raise self.refuse(value)
        return str(value)


def including(values: range, setting: int) -> range:
    """The range widened to hold the present setting."""
    return range(min(values.start, setting), max(values.stop, setting + 1))


def input_format(default: str = "Q5.3", source: str = KNOB) -> FixedFormat:
    """The parameter `input` as every architecture with a drawing has it."""
    return FixedFormat(
        name="input", default=default, source=source, doc="the elements of a row as they arrive, such as logits",
        integer=range(1, 33), fraction=range(25), turns={"integer": range(1, 9), "fraction": range(9)},
        hint="; ideal takes any format",
    )  # fmt: skip


def output_format(default: str, source: str = KNOB) -> FixedFormat:
    """The parameter `output` of an architecture that gives probabilities."""
    return FixedFormat(
        name="output", default=default, source=source, doc="the probabilities",
        integer=range(9), fraction=range(1, 25), turns={"fraction": range(1, 17)},
    )  # fmt: skip


def exp_format(default: str = "UQ0.8", source: str = KNOB) -> FixedFormat:
    """The parameter `exp` of an architecture with a table of exponentials."""
    return FixedFormat(
        name="exp", default=default, source=source,
        doc="the exponentials in the table; without an integer bit 1.0 becomes the largest code",
        integer=range(2), fraction=range(1, 25), signs=(False,), overflows=("saturate", "forbid"),
        turns={"fraction": range(2, 17)},
    )  # fmt: skip


def reciprocal_format(default: str, source: str = KNOB) -> FixedFormat:
    """The parameter `reciprocal` of an architecture that multiplies by the sum's reciprocal."""
    return FixedFormat(
        name="reciprocal",
        default=default,
        source=source,
        doc="the reciprocal of the sum scaled into [1, 2); without an integer bit 1.0 becomes the largest code",
        integer=range(2),
        fraction=range(1, 25),
        signs=(False,),
        overflows=("saturate", "forbid"),
        turns={"fraction": range(2, 17)},
    )
