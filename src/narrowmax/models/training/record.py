"""`Precision`: which number formats a training runs with, as a record with a text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase

from narrowmax import designs
from narrowmax.designs import Design
from narrowmax.errors import DataError, FormatError
from narrowmax.formats import ROUNDINGS, Format, parse

GRADIENTS = ("slope", "straight-through", "none")
AUTOCASTS = ("fp16", "bf16")
FLOAT = "float"
"""The text of a training without any format."""
FIRST_SCALE = 2.0**16
"""Where a dynamic loss scale begins."""
GROWTH_INTERVAL = 200
"""Steps without overflow after which it is doubled; PyTorch's and Keras' own 2,000 is for runs of many more."""


@dataclass(frozen=True)
class Precision:
    """The formats of a training; what is None stays as the network has it.

    softmax: a design in the place of the softmaxes that `where` chooses (see `narrowmax.replace`)
    weights: what a forward pass computes with, while the network's own weights collect the updates
    activations: outputs of layers
    gradients: of layers' outputs and of weights, as backward makes them
    updates: what the network's own weights are rounded to after each step; `weights` and `updates` alike are a
        network without master weights
    loss_scale: what backward begins with in place of 1; or "dynamic": halved after an overflow, doubled after
        steps without
    autocast: "fp16" or "bf16", mixed precision of the framework: PyTorch's autocast, Keras' mixed_float16 or
        mixed_bfloat16
    gradient: of a rounding.  "slope": 1, and 0 where it saturates; of a softmax that of its own output.
        "straight-through": 1 everywhere; of a softmax that of the exact one at its rounded input.  "none": 0, which
        is what rounding has, and stops all learning before it
    layers: a pattern of layer names whose weights, activations and gradients are meant ("*": all); "block*", not
        "block", where that is a group of layers

    Raises DataError for words that are not known.
    """

    softmax: Design | None = None
    weights: Format | None = None
    activations: Format | None = None
    gradients: Format | None = None
    updates: Format | None = None
    loss_scale: float | str | None = None
    autocast: str | None = None
    gradient: str = "slope"
    layers: str = "*"
    where: str = "*"

    def __post_init__(self):
        _refuse_other("gradient", self.gradient, GRADIENTS)
        if self.autocast is not None:
            _refuse_other("autocast", self.autocast, AUTOCASTS)
        scale = self.loss_scale
        if scale not in (None, "dynamic") and not (isinstance(scale, (int, float)) and 0 < scale < float("inf")):
            raise DataError(f"the loss scale is {scale!r}; give a number above 0, or 'dynamic'")

    def refuse_no_layer(self, outputs: Iterable[str], weighted: Iterable[str]) -> None:
        """Raises DataError where `layers` chooses nothing for one of the formats to act on.

        outputs, weighted: the names of layers whose outputs, and whose weights, may have a format
        """
        if self.layers == "*":
            return
        outputs, weighted = list(outputs), list(weighted)
        acts = {"weights": weighted, "updates": weighted, "activations": outputs, "gradients": [*outputs, *weighted]}
        given = {name: getattr(self, name) for name in acts if getattr(self, name) is not None}
        if not given:
            self._refuse_none(acts["gradients"], "")
        for name, form in given.items():
            self._refuse_none(acts[name], f"{name}={form} would act nowhere: ")

    def _refuse_none(self, names: list[str], why: str) -> None:
        there = list(dict.fromkeys(filter(None, names)))
        if not any(fnmatchcase(name, self.layers) for name in there):
            some = ", ".join(there[:5]) + (", ..." if len(there) > 5 else "")
            raise DataError(f"{why}layers={self.layers!r} chooses none of {some}; give a pattern of these names")

    @property
    def text(self) -> str:
        """`weights=Q2.6, updates=Q2.6:stochastic`, what `read` reads; "float" where nothing is set."""
        said = [(field.name, getattr(self, field.name)) for field in fields(self)]
        usual = {field.name: field.default for field in fields(self)}
        return ", ".join(f"{name}={_written(value)}" for name, value in said if value != usual[name]) or FLOAT

    @property
    def brief(self) -> str:
        """The text, with the design's brief one in it."""
        return self.text.replace(self.softmax.text, self.softmax.brief) if self.softmax is not None else self.text

    @property
    def reference(self) -> Format | None:
        """The format that an update must not be too small for."""
        return self.updates or self.weights

    def __str__(self) -> str:
        return self.text


def precision_of(rounding: str | None = None, **knobs: object) -> Precision:
    """A record from formats and designs, or their texts.

    rounding: of each format that does not say its own; not of the softmax
    Raises FormatError, DesignError, DataError for what cannot be read, and for a word that is not known.
    """
    words = _words()
    for name in knobs:
        if name not in words:
            raise DataError(f"{name!r} is not known; give {', '.join(words)}")
    if rounding is not None:
        _refuse_other("rounding", rounding, ROUNDINGS)
    read = {name: _read(name, value, rounding) for name, value in knobs.items() if value is not None}
    return Precision(**read)


def read(text: str) -> Precision:
    """The record that a text such as `weights=Q2.6, updates=Q2.6:stochastic, loss_scale=256` names.

    Raises DataError for an unknown or repeated word, and what `precision_of` raises.
    """
    if text.strip() == FLOAT:
        return Precision()
    known = _words()
    given: dict[str, str] = {}
    for part in _parts(text):
        name, equals, value = (word.strip() for word in part.partition("="))
        if not equals or name not in known:
            raise DataError(f"{part.strip()!r} in {text!r} is not known; write NAME=VALUE with {', '.join(known)}")
        if name in given:
            raise DataError(f"{text!r} gives {name} twice; give it once")
        given[name] = value
    return precision_of(**given)


def _words() -> tuple[str, ...]:
    """What can be given."""
    return ("rounding", *(field.name for field in fields(Precision)))


def _parts(text: str) -> list[str]:
    """Split at the commas outside of all brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "(<") - (letter in ")>")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def _read(name: str, value: object, rounding: str | None) -> object:
    readers: Mapping = {
        "softmax": _softmax,
        "loss_scale": _scale,
        **dict.fromkeys(("weights", "activations", "gradients", "updates"), lambda given: _format(given, rounding)),
    }
    return readers[name](value) if name in readers else value


def _format(value: object, rounding: str | None) -> Format:
    said = not isinstance(value, str) or any(word.strip() in ROUNDINGS for word in value.split(":"))
    return parse(value if rounding is None or said else f"{value}:{rounding}")


def _softmax(value: object) -> object:
    """A design; of a format, full precision behind an input of that format."""
    if isinstance(value, Format):
        return designs.design(f"ideal(input={value})")
    if not isinstance(value, str):
        return value
    try:
        return _softmax(parse(value))
    except FormatError:
        return designs.design(value)


def _scale(value: object) -> object:
    if not isinstance(value, str) or value == "dynamic":
        return value
    try:
        return float(value)
    except ValueError:
        raise DataError(f"the loss scale is {value!r}; give a number above 0, or 'dynamic'") from None


def _written(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _refuse_other(what: str, word: object, known: tuple[str, ...]) -> None:
    if word not in known:
        raise DataError(f"{what} {word!r} is not known; give one of {', '.join(known)}")
