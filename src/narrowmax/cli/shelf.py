"""Commands on what is there already: the catalogue, tasks, tools, records."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from narrowmax.cli import listing, printing
from narrowmax.cli.frame import Answer
from narrowmax.study import Work


def designs(
    work: Work, name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="An entry to show in full.")] = None
) -> Answer:
    """The catalogue of architectures; with a name, that entry in full.

    \b
    Examples:
      narrowmax designs
      narrowmax designs table_divide
      narrowmax designs "softermax(input=Q6.2, chunk=16)"     the same, with its limits at these parameters
    """
    from narrowmax.study import shelves

    if name is None:
        return Answer(shelves.catalogue(work), listing.catalogue)
    return Answer(shelves.entry(name, work), printing.entry)


def tasks(work: Work) -> Answer:
    """The built-in tasks: networks that train in a minute on data that is bundled.

    \b
    Examples:
      narrowmax tasks
      narrowmax measure digits-cnn
    """
    from narrowmax.study import shelves

    return Answer(shelves.tasks(work), printing.tasks)


def tools(work: Work) -> Answer:
    """The compiled engine and the outside programs: which are there, which versions, how to get the others.

    \b
    Examples:
      narrowmax tools
      narrowmax tools --json
    """
    from narrowmax.study import shelves

    return Answer(shelves.tools(work), printing.tools)


def page(
    work: Work,
    record: Annotated[Path, typer.Argument(metavar="RECORD.json", help="A record of `study` or `measure`.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE.html", help="The page to write.")],
) -> Answer:
    """Draw a page again from its record: one file that needs no network.

    \b
    Examples:
      narrowmax page study/digits-cnn/record.json --out report.html
    """
    from narrowmax.study import shelves

    return Answer(shelves.page(record, out, work), printing.page)
