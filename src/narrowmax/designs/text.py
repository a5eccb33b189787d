"""The text form of a design: `architecture(parameter=value, ...)`.

Values may hold commas inside brackets, as `ap_fixed<8,5>` and `newton(steps=1, address=4)` do, and colons.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

from narrowmax.architectures.brackets import pieces
from narrowmax.errors import DesignError

_EXAMPLE = "write it like table_divide(input=Q5.3, exp=UQ0.8)"


def parse(text: str) -> tuple[str, dict[str, str]]:
    """The architecture's name and the parameters as written.  Raises DesignError for what is not that form."""
    if not isinstance(text, str):
        raise DesignError(f"{text!r} is not a design: {_EXAMPLE}")
    found = re.fullmatch(r"\s*(\w+)\s*(?:\((.*)\))?\s*", text, flags=re.DOTALL)
    if not found:
        raise DesignError(f"{text!r} is not a design: {_EXAMPLE}")
    parameters: dict[str, str] = {}
    for part in pieces(found[2] or "", f"the design {text!r}"):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not (equals and name.isidentifier() and value):
            raise DesignError(f"{part.strip()!r} in the design {text!r} is not parameter=value: {_EXAMPLE}")
        if name in parameters:
            raise DesignError(f"the design {text!r} gives {name} twice: keep one")
        parameters[name] = value
    return found[1], parameters


def unknown(what: str, name: str, known: Iterable[str]) -> DesignError:
    """The error for a name that is not among the known ones, with the nearest."""
    known = list(known)
    near = get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return DesignError(f"{what} {name!r} is not known: use {', '.join(known)}{hint}")
