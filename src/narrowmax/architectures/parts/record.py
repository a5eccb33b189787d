"""What a part is: a function in the language with parameters of its own, written `polynomial(degree=2)`.

An architecture has a part as the value of one of its parameters (`PartOf`), or takes a part's
parameters among its own (`Part.given`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property

from narrowmax.architectures.brackets import pieces
from narrowmax.architectures.parameters import Parameter
from narrowmax.errors import DesignError


@dataclass(frozen=True, eq=False)
class Part:
    """A named function whose last arguments are `parameters`, in their order of importance."""

    name: str
    doc: str
    parameters: tuple[Parameter, ...]
    function: Callable

    def given(self, values: Mapping[str, object]) -> Chosen:
        """The part with some parameters given, as values or text.  Raises DesignError for what it does not take."""
        known = [p.name for p in self.parameters]
        for name in values:
            if name not in known:
                raise DesignError(f"{self.name} has no {name}: {self._takes(known)}")
        return Chosen(self, tuple(p.read(values.get(p.name, p.default)) for p in self.parameters))

    def read(self, inside: str) -> Chosen:
        """The part with what stands between its brackets: values in order, then name=value."""
        known, values = [p.name for p in self.parameters], {}
        for place, piece in enumerate(pieces(inside, f"{self.name}({inside})")):
            name, equals, value = (text.strip() for text in _split(piece))
            if not equals:
                if place >= len(known) or list(values) != known[:place]:
                    raise DesignError(f"{self.name} does not take {piece.strip()!r}: {self._takes(known)}")
                name, value = known[place], name
            if name in values or not value:
                raise DesignError(f"{self.name} takes {name} once, as {name}=value")
            values[name] = value
        return self.given(values)

    def _takes(self, known: list[str]) -> str:
        return f"it takes {', '.join(known)}" if known else "it takes nothing"


def _split(piece: str) -> tuple[str, str, str]:
    """name, "=", value; the piece and nothing where its first word is not followed by an equals sign."""
    found = re.fullmatch(r"\s*(\w+)\s*(=)(.*)", piece, flags=re.DOTALL)
    return found.groups() if found else (piece, "", "")


@dataclass(frozen=True)
class Chosen:
    """A part with all its parameters: called, it draws; as text, it can be read again."""

    part: Part
    values: tuple

    def __call__(self, *wires):
        return self.part.function(*wires, **self.settings)

    @cached_property
    def settings(self) -> dict[str, object]:
        return {p.name: value for p, value in zip(self.part.parameters, self.values, strict=True)}

    def __str__(self) -> str:
        inside = ", ".join(f"{name}={value}" for name, value in self.settings.items())
        return f"{self.part.name}({inside})" if inside else self.part.name


def part(*parameters: Parameter):
    """Decorate `function(..., **parameters)` as the part of its name, described by its docstring's first line."""

    def decorate(function: Callable) -> Part:
        return Part(function.__name__, (function.__doc__ or "").splitlines()[0], parameters, function)

    return decorate


@dataclass(frozen=True, kw_only=True)
class PartOf(Parameter):
    """One of a few parts, with its own parameters behind its name in brackets."""

    parts: tuple[Part, ...]

    @property
    def allowed(self):
        return " or ".join(_form(one) for one in self.parts)

    def read(self, value):
        if isinstance(value, Chosen):
            value = str(value)  # read anew, so that a part of another parameter is refused
        found = re.fullmatch(r"\s*(\w+)\s*(?:\((.*)\))?\s*", str(value), flags=re.DOTALL)
        chosen = next((p for p in self.parts if found and p.name == found[1]), None)
        if chosen is None:
            raise self._unknown(value, found[1] if found else "")
        try:
            return chosen.read(found[2] or "")
        except DesignError as error:
            raise DesignError(f"{self.name}={chosen.name}: {error}") from None

    def _unknown(self, value, name: str) -> DesignError:
        near = get_close_matches(name, [p.name for p in self.parts], n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        return DesignError(f"{self.refuse(value)}{hint}")

    def knobs(self, value):
        within = zip(value.part.parameters, value.values, strict=True)
        return {f"{self.name}.{k}": found for p, v in within for k, found in p.knobs(v).items()}

    def turned(self, value, knob, setting):
        own = knob.split(".", 1)[1]
        values = [
            p.turned(v, own, setting) if p.name == own.split(".")[0] else v
            for p, v in zip(value.part.parameters, value.values, strict=True)
        ]
        return replace(value, values=tuple(values))


def _form(one: Part) -> str:
    return f"{one.name}({', '.join(p.name for p in one.parameters)})" if one.parameters else one.name


def choice(name: str, default: str, source: str, doc: str, *parts: Part) -> PartOf:
    """The parameter that chooses one of `parts`; the default may leave parameters out."""
    made = PartOf(name=name, default=default, source=source, doc=doc, parts=parts)
    return replace(made, default=str(made.read(default)))
