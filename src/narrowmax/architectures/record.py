"""What an architecture is to the rest: its parameters, its drawing, its page.

An architecture's file holds one function from the sources of a row and the parameters to the
output wire, under `@architecture(...)`.  The page is the file's docstring.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from narrowmax.architectures.parameters import Parameter
from narrowmax.datapath import Datapath, Wire, draw
from narrowmax.errors import DesignError
from narrowmax.formats import Format

SECTIONS = ("Source", "Published", "Knobs", "Limits", "Order", "Hazards", "Oracle")


def written(parameters: Mapping) -> tuple[Format, Format]:
    """The formats of input and output that the parameters of these names hold."""
    return parameters["input"], parameters["output"]


@dataclass(frozen=True, eq=False)
class Architecture:
    """A way to build softmax: a function from parameters to a datapath.

    `function(row, **parameters)` draws it and is None for one that has no drawing; `absent(parameters)`
    is the output code of an element, or row, that takes no part; `formats(parameters)` gives the formats
    of input and output.
    """

    name: str
    page: str
    parameters: tuple[Parameter, ...]
    function: Callable[..., Wire] | None = None
    absent: Callable[[Mapping], int] = lambda parameters: 0
    formats: Callable[[Mapping], tuple[Format, Format]] = written

    @property
    def summary(self) -> str:
        """The first line of the page."""
        return self.page.strip().splitlines()[0]

    @property
    def steps(self) -> str:
        """What stands on the page between its first line and the sections: formulas, and what they leave open."""
        return self.page.strip().partition("\n\nSource: ")[0].partition("\n\n")[2]

    @property
    def sections(self) -> dict[str, str]:
        """The page by headings: Source, Published, Knobs, Limits, Order, Hazards, Oracle; a paragraph each."""
        parts = re.split(rf"^({'|'.join(SECTIONS)}): ", self.page, flags=re.MULTILINE)
        return {name: " ".join(text.split()) for name, text in zip(parts[1::2], parts[2::2], strict=True)}

    @property
    def year(self) -> int | None:
        """The first year that the page's source names, or that the number of an arXiv paper there holds."""
        found = re.search(r"\b(19[5-9]\d|20\d\d)\b|arXiv (\d\d)\d\d\.\d", self.sections.get("Source", ""))
        return found and int(found[1] or f"20{found[2]}")

    def parameter(self, name: str) -> Parameter:
        return next(p for p in self.parameters if p.name == name)

    def drawn(self, parameters: Mapping, max_n: int) -> Datapath:
        """The datapath for rows of at most `max_n` elements.  Raises GraphError where it cannot be drawn."""
        if self.function is None:
            raise DesignError(f"{self.name} has no hardware; choose an architecture that has one, such as table_divide")
        return draw(
            lambda row: self.function(row, **{k: v for k, v in parameters.items() if k != "chunk"}),
            *self.formats(parameters), max_n, parameters.get("chunk"), self.absent(parameters),
        )  # fmt: skip


def architecture(
    *parameters: Parameter,
    absent: Callable[[Mapping], int] = lambda parameters: 0,
    formats: Callable[[Mapping], tuple[Format, Format]] = written,
):
    """Decorate `function(row, **parameters) -> Wire` as the architecture of its name.

    A parameter named `chunk` is the drawing's chunk and is not passed on.  `formats` is for an architecture
    whose formats follow from other parameters than `input` and `output`; it may raise DesignError.
    """

    def decorate(function: Callable[..., Wire]) -> Architecture:
        page = sys.modules[function.__module__].__doc__ or ""
        return Architecture(function.__name__, page, parameters, function, absent, formats)

    return decorate
