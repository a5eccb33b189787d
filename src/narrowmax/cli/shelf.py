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
      narrowmax designs "softermax(input=Q6.2, chunk=16)"    with these parameters
    """
    from narrowmax.study import shelves

    if name is None:
        return Answer(shelves.catalogue(work), listing.catalogue)
    return Answer(shelves.entry(name, work), printing.entry)


def tasks(work: Work) -> Answer:
    """The tasks: networks that train in a minute on data that is bundled, or on data of yours.

    CIFAR in its python or binary layout, .npz files with images and labels, or saved by Hugging Face
    datasets; a folder of images for each class; a text. A network is trained once, on one core, and kept.
    Settings stand in parentheses: epochs (10), samples to train on, batch (64), rate (0.003), seed (1),
    width of the network, side of images in pixels (32), length of a window of text (64).

    \b
    Examples:
      narrowmax tasks
      narrowmax measure digits-cnn
      narrowmax measure cifar100-vgg:DIR
      narrowmax simulate "images-vit(epochs=5, side=48):DIR" --design softermax
      narrowmax study "text-gpt(epochs=3, samples=2000):FILE" --out out
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
    record: Annotated[Path, typer.Argument(metavar="RECORD.json", help="A record of `study`, `measure` or `train`.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE.html", help="The page to write.")],
) -> Answer:
    """Draw a page again from its record: one file that needs no network.

    \b
    Examples:
      narrowmax page study/digits-cnn/record.json --out report.html
    """
    from narrowmax.study import shelves

    return Answer(shelves.page(record, out, work), printing.page)
