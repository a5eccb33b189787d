"""Commands on a network or on stored logits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from narrowmax.cli import options, printing
from narrowmax.cli.frame import Answer
from narrowmax.study import Work


def measure(work: Work, source: options.Source, within: options.Within = None, trust: options.Trust = False) -> Answer:
    """What reaches each softmax: range, shares of rows inside ±R, distances, ties, what formats would do to it.

    \b
    Examples:
      narrowmax measure logits.npz
      narrowmax measure logits.npz --within 10 --within 12.5
      narrowmax measure digits-vit --json
      narrowmax measure ./mine.py:task --trust
      narrowmax measure logits.npz --out measured && narrowmax page measured/record.json --out measured.html
    """
    from narrowmax.rows import WITHIN
    from narrowmax.study import asking, load
    from narrowmax.study.measuring import measure

    reaches = asking.reaches(within or WITHIN)
    return Answer(measure(load(source, work, trust), work, reaches), printing.measure)


def simulate(
    work: Work,
    source: options.Source,
    design: options.OneDesign,
    save: Annotated[Path | None, typer.Option("--save", metavar="FILE.npz", help="Write codes, probabilities, design.")] = None,
    confidence: options.Confidence = "95%",
    trust: options.Trust = False,
) -> Answer:
    """One design, bit for bit what its hardware gives, beside exact softmax.

    \b
    Examples:
      narrowmax simulate logits.npz --design "table_divide(input=Q5.3, exp=UQ0.8, output=UQ0.8)"
      narrowmax simulate logits.npz --design "ideal(input=fp16)" --json
      narrowmax simulate logits.npz --design table_divide --save out.npz
      narrowmax simulate digits-vit --design softermax
    """
    from narrowmax import designs
    from narrowmax.study import asking, load
    from narrowmax.study.simulating import simulate

    chosen, sure = designs.design(design), asking.share(confidence, "the confidence")
    return Answer(simulate(load(source, work, trust), chosen, work, save, sure), printing.simulate)
