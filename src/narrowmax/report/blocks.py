"""What a page is made of: sections of blocks, each plain data that the template knows how to show."""

from __future__ import annotations

from dataclasses import dataclass, field

from markupsafe import Markup

from narrowmax.figures import Figure
from narrowmax.report.tables import Table


@dataclass(frozen=True)
class Plot:
    """A figure with the sentence that says how to read it, and its numbers as a table."""

    title: str
    reading: str
    figure: Figure
    table: Table | None = None
    wide: bool = False
    kind: str = field(default="plot", init=False)


@dataclass(frozen=True)
class Numbers:
    """A table in its own right."""

    title: str
    table: Table
    wide: bool = True
    kind: str = field(default="numbers", init=False)


@dataclass(frozen=True)
class Tile:
    """One number, what it is, and what it rests on."""

    value: str
    label: str
    note: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Facts:
    """Terms and what they are."""

    title: str
    facts: tuple[tuple[str, str | Markup], ...]
    kind: str = field(default="facts", init=False)


@dataclass(frozen=True)
class Drawing:
    """An SVG drawing that has been cleaned (`drawing.clean`)."""

    title: str
    svg: Markup
    alt: str
    kind: str = field(default="drawing", init=False)


@dataclass(frozen=True)
class Note:
    """A paragraph; `absent` marks something that could not be had."""

    text: str | Markup
    absent: bool = False
    kind: str = field(default="note", init=False)


@dataclass(frozen=True)
class Items:
    """A list of sentences, or of file names (`code`)."""

    title: str
    items: tuple[str, ...]
    code: bool = False
    kind: str = field(default="items", init=False)


@dataclass(frozen=True)
class Fold:
    """Blocks that the reader opens if wanted."""

    title: str
    blocks: tuple
    kind: str = field(default="fold", init=False)


@dataclass(frozen=True)
class Section:
    """A heading, a lead that answers, and blocks that show."""

    slug: str
    title: str
    lead: str | Markup
    blocks: tuple = ()


def code(text: str) -> Markup:
    """Text set as code."""
    return Markup("<code>{}</code>").format(text)


def absent(slug: str, title: str, reason: str) -> Section:
    """A section whose part of the record is null."""
    return Section(slug, title, "", (Note(f"Not available: {reason}", absent=True),))
