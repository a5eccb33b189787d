"""The text form of a design: `architecture(parameter=value, ...)`.

Values may hold commas inside brackets, as `ap_fixed<8,5>` and `float(5,10)` do, and colons.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

from narrowmax.errors import DesignError

_OPEN, _CLOSE = "(<[", ")>]"
_EXAMPLE = "write it like table_divide(input=Q5.3, exp=UQ0.8)"


def parse(text: str) -> tuple[str, dict[str, str]]:
    """The architecture's name and the parameters as written.  Raises DesignError for what is not that form."""
    if not isinstance(text, str):
        raise DesignError(f"{text!r} is not a design: {_EXAMPLE}")
    found = re.fullmatch(r"\s*(\w+)\s*(?:\((.*)\))?\s*", text, flags=re.DOTALL)
    if not found:
        raise DesignError(f"{text!r} is not a design: {_EXAMPLE}")
    parameters: dict[str, str] = {}
    for part in _parts(found[2] or "", text):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not (equals and name.isidentifier() and value):
            raise DesignError(f"{part.strip()!r} in the design {text!r} is not parameter=value: {_EXAMPLE}")
        if name in parameters:
            raise DesignError(f"the design {text!r} gives {name} twice: keep one")
        parameters[name] = value
    return found[1], parameters


def _parts(inside: str, text: str) -> list[str]:
    """Split at the commas outside of brackets."""
    parts, open_brackets = [""], []
    for character in inside:
        if character in _OPEN:
            open_brackets.append(_CLOSE[_OPEN.index(character)])
        elif character in _CLOSE and (not open_brackets or open_brackets.pop() != character):
            raise DesignError(f"the design {text!r} closes a {character!r} that is not open: check its brackets")
        if character == "," and not open_brackets:
            parts.append("")
        else:
            parts[-1] += character
    if open_brackets:
        raise DesignError(f"the design {text!r} misses a {open_brackets[-1]!r}: check its brackets")
    if not parts[-1].strip():
        parts.pop()  # nothing between the brackets, or a comma at the end
    return parts


def unknown(what: str, name: str, known: Iterable[str]) -> DesignError:
    """The error for a name that is not among the known ones, with the nearest."""
    known = list(known)
    near = get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return DesignError(f"{what} {name!r} is not known: use {', '.join(known)}{hint}")
