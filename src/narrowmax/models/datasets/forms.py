"""SOURCE for data that a person points to: `TASK-NETWORK:PATH`, such as `cifar100-vgg:DIR` or `text-gpt:FILE`.

Settings stand in parentheses before the colon: `cifar10-resnet20(epochs=3, samples=5000):DIR`.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, fields, replace
from pathlib import Path

from narrowmax.errors import SourceError

_FORM = re.compile(
    r"(?P<data>[a-z][a-z0-9]*)-(?P<network>[a-z][a-z0-9]*)(\((?P<settings>[^()]*)\))?:(?P<path>.+)", re.S
)

DATA = {"cifar10": "CIFAR-10", "cifar100": "CIFAR-100", "images": "A folder of images", "text": "A text, by character"}
NETWORKS = {
    "vgg": ("small VGG", "classifier", ("cifar10", "cifar100", "images")),
    "resnet20": ("ResNet-20", "classifier", ("cifar10", "cifar100", "images")),
    "vit": ("small vision transformer", "attention", ("cifar10", "cifar100", "images")),
    "gpt": ("small GPT", "attention", ("text",)),
}
"""By name: what it is called, whose softmax is judged, and on which data."""


@dataclass(frozen=True)
class Settings:
    """How a network is made and trained; a text sets those it names.

    epochs: 1 to 1000; batch: samples in one; rate: the highest learning rate; seed: of weights and order
    samples: train on so many at most (0: on all); width: of the network (0: its own)
    side: of images from a folder, in pixels; length: of a window of text, in characters
    """

    epochs: int = 10
    batch: int = 64
    rate: float = 0.003
    seed: int = 1
    samples: int = 0
    width: int = 0
    side: int = 32
    length: int = 64


RANGES = {
    "epochs": (1, 1000), "batch": (1, 4096), "rate": (1e-6, 1.0), "seed": (0, 2**31 - 1), "samples": (0, 10**9),
    "width": (0, 1024), "side": (8, 256), "length": (8, 1024),
}  # fmt: skip
_STEP = {"vit": 3, "gpt": 3}
"""Of the width of networks with heads, which share it."""


@dataclass(frozen=True)
class Form:
    """A SOURCE of this kind, read: `cifar10`, `vgg`, the path, the settings."""

    data: str
    network: str
    path: Path
    settings: Settings

    @property
    def name(self) -> str:
        return f"{self.data}-{self.network}"

    @property
    def where(self) -> str:
        """Whose softmax is judged."""
        return NETWORKS[self.network][1]

    @property
    def title(self) -> str:
        return f"{DATA[self.data]}, {NETWORKS[self.network][0]}"


def names() -> tuple[str, ...]:
    """`cifar10-vgg`, ...: every pair of data and a network for it."""
    return tuple(f"{data}-{network}" for data in DATA for network, (_, _, fit) in NETWORKS.items() if data in fit)


def offered() -> list[dict[str, str]]:
    """`{name, title, where}` of each pair, as `narrowmax tasks` lists them."""
    made = (Form(*name.split("-"), Path("FILE" if name.startswith("text") else "DIR"), Settings()) for name in names())
    return [{"name": f"{one.name}:{one.path}", "title": one.title, "where": one.where} for one in made]


def is_form(source: str) -> bool:
    """Whether a SOURCE is meant as one of these: a pair of words, perhaps settings, a colon, a path."""
    return _FORM.fullmatch(source) is not None


def read(source: str) -> Form:
    """The parts of a SOURCE.  Raises SourceError for an unknown pair, setting, or value."""
    found = _FORM.fullmatch(source)
    pair = f"{found['data']}-{found['network']}"
    if pair not in names():
        near = difflib.get_close_matches(pair, names(), 1)
        told = f"did you mean {near[0]}?" if near else f"there are {', '.join(names())}"
        raise SourceError(f"{source!r} names no task on data of yours; {told}")
    settings = _settings(source, found["settings"] or "")
    step = _STEP.get(found["network"], 1)
    if settings.width % step:
        raise SourceError(f"width in {source!r} is {settings.width}; {found['network']} takes a multiple of {step}")
    return Form(found["data"], found["network"], Path(found["path"]).expanduser(), settings)


def _settings(source: str, text: str) -> Settings:
    made, given = Settings(), set()
    kinds = {field.name: type(getattr(made, field.name)) for field in fields(Settings)}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = (word.strip() for word in part.partition("="))
        if name not in kinds or not equals or name in given:
            raise SourceError(f"{part!r} in {source!r} is no setting; give each once, of {', '.join(kinds)}")
        given.add(name)
        made = replace(made, **{name: _number(source, name, value, kinds[name])})
    return made


def _number(source: str, name: str, value: str, kind: type):
    low, high = RANGES[name]
    try:
        number = kind(value)
    except ValueError:
        number = None
    if number is None or not low <= number <= high:
        what = "a whole number" if kind is int else "a number"
        raise SourceError(f"{name} in {source!r} is {value!r}; give {what} from {low:g} to {high:g}")
    return number
