"""Text split at the commas outside of brackets, as in `a(b, c), d<e, f>`."""

from __future__ import annotations

from narrowmax.errors import DesignError

_OPEN, _CLOSE = "(<[", ")>]"


def pieces(inside: str, whole: str) -> list[str]:
    """The pieces of `inside`, of which an empty last one is left out; `whole` names the text in errors.

    Raises DesignError for brackets that do not match.
    """
    found, open_brackets = [""], []
    for character in inside:
        if character in _OPEN:
            open_brackets.append(_CLOSE[_OPEN.index(character)])
        elif character in _CLOSE and (not open_brackets or open_brackets.pop() != character):
            raise DesignError(f"{whole} closes a {character!r} that is not open: check its brackets")
        if character == "," and not open_brackets:
            found.append("")
        else:
            found[-1] += character
    if open_brackets:
        raise DesignError(f"{whole} misses a {open_brackets[-1]!r}: check its brackets")
    if not found[-1].strip():
        found.pop()  # nothing between the brackets, or a comma at the end
    return found
