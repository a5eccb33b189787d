"""Commands on a network or on stored logits."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from narrowmax.cli import options, printing
from narrowmax.cli.frame import Answer
from narrowmax.study import Work


def measure(
    work: Work,
    source: options.Source,
    within: options.Within = None,
    trust: options.Trust = False,
    data: options.Data = None,
    where: options.Where = None,
) -> Answer:
    """What reaches each softmax: range, shares of rows inside ±R, distances, ties, what formats would do to it.

    \b
    Examples:
      narrowmax measure logits.npz
      narrowmax measure logits.npz --within 10 --within 12.5
      narrowmax measure digits-vit --json
      narrowmax measure model.onnx --data inputs.npz
      narrowmax measure ./mine.py:task --trust
      narrowmax measure logits.npz --out seen
      narrowmax page seen/record.json --out seen.html
    """
    from narrowmax.rows import WITHIN
    from narrowmax.study import asking, load
    from narrowmax.study.measuring import measure

    reaches = asking.reaches(within or WITHIN)
    return Answer(measure(load(source, work, trust, data, where), work, reaches), printing.measure)


def simulate(
    work: Work,
    source: options.Source,
    design: options.OneDesign,
    save: Annotated[
        Path | None, typer.Option("--save", metavar="FILE.npz", help="Write codes, probabilities, design.")
    ] = None,
    confidence: options.Confidence = "95%",
    trust: options.Trust = False,
    data: options.Data = None,
    where: options.Where = None,
) -> Answer:
    """One design, bit for bit what its hardware gives, beside exact softmax.

    \b
    Examples:
      narrowmax simulate logits.npz --design "table_divide(input=Q5.3, exp=UQ0.8)"
      narrowmax simulate logits.npz --design "ideal(input=fp16)" --json
      narrowmax simulate logits.npz --design table_divide --save out.npz
      narrowmax simulate digits-vit --design softermax
      narrowmax simulate m.tflite --data x.npz --design "tflite_int8(scale=0.17)"
    """
    from narrowmax import designs
    from narrowmax.study import asking, load
    from narrowmax.study.simulating import check_save, simulate

    chosen, sure = designs.design(design), asking.confidence(confidence)
    if save is not None:
        check_save(save, source, data)
    record = simulate(load(source, work, trust, data, where), chosen, work, save, sure)
    return Answer(record, printing.simulate, failure=record.get("saved_reason"))


def narrow(
    work: Work,
    source: options.Source,
    architecture: Annotated[
        str, typer.Option("--architecture", metavar="A", help="A name, or a design to start from.")
    ],
    tolerance: options.Tolerance = None,
    confidence: options.Confidence = "95%",
    lanes: options.Lanes = None,
    max_n: options.MaxN = None,
    period_ns: options.Period = None,
    target: options.Target = "gates",
    seed: options.Seed = 0,
    trust: options.Trust = False,
    data: options.Data = None,
    where: options.Where = None,
) -> Answer:
    """The fewest bits on each wire that lose no more than is tolerated, with the evidence.

    An architecture that is named without the scale or the point of its input has them set for the values of the
    source, as a quantised network would; the answer says so.

    0.5% is half a point of top-1 accuracy; of what is not given, the usual tolerance holds (0.5 points of top-1,
    0.05 of NLL).  The samples that judge are neither trained nor selected on.  Ends with 1 where no design can be
    claimed, and says how many samples the claim needs.

    \b
    Examples:
      narrowmax narrow logits.npz --architecture table_divide --confidence 95%
      narrowmax narrow logits.npz --tolerance 1% --tolerance nll=0.1
      narrowmax narrow digits-vit --architecture "cordic(input=Q6.2)" --json
    """
    from narrowmax.study import Terms, asking, calibrating, load
    from narrowmax.study.narrowing import narrow

    layout = {"lanes": lanes, "max_n": max_n, "period_ns": period_ns, "target": target}
    asked = asking.terms(tolerance, confidence=confidence, seed=seed, **layout)
    named = asking.architectures([architecture])
    loaded = load(source, work, trust, data, where)
    tried = calibrating.calibrated(loaded, named, work, named)
    return Answer(narrow(loaded, tried, Terms.of(loaded, asked), work), printing.narrow)


def compare(
    work: Work,
    source: options.Source,
    design: options.Designs = None,
    files: options.Files = None,
    confidence: options.Confidence = "95%",
    lanes: options.Lanes = None,
    max_n: options.MaxN = None,
    period_ns: options.Period = None,
    target: options.Target = "gates",
    no_cost: Annotated[
        bool, typer.Option("--no-cost", help="Nothing is synthesised: accuracy and limits alone.")
    ] = False,
    trust: options.Trust = False,
    data: options.Data = None,
    where: options.Where = None,
) -> Answer:
    """Designs side by side, by default the whole catalogue: what each loses, its errors, what it costs, its limits.

    The catalogue is tried at its defaults, except that units on scaled integers are told the scale of the source's
    values, as a quantised network would, and inputs in fixed point that do not hold them have their point moved,
    where no source says where it stands; the table says which.  Designs that are given are tried as they are.
    --json tells more of each, such as the rounding, table or clip that goes with most of its error.

    \b
    Examples:
      narrowmax compare logits.npz
      narrowmax compare logits.npz --no-cost
      narrowmax compare logits.npz --design softermax --design "ideal(input=Q5.3)"
      narrowmax compare logits.npz --designs mine.toml --lanes 4 --json
    """
    from narrowmax.study import Terms, asking, calibrating, load
    from narrowmax.study.comparing import compare

    chosen = asking.chosen(design or (), files or ())
    layout = {"lanes": lanes, "max_n": max_n, "period_ns": period_ns, "target": target}
    asked = asking.terms(confidence=confidence, **layout)
    loaded = load(source, work, trust, data, where)
    tried = calibrating.as_given(chosen) if chosen else calibrating.catalogue(loaded, work)
    return Answer(compare(loaded, tried, Terms.of(loaded, asked), work, not no_cost), printing.compare)


def study(
    work: Work,
    source: options.Source,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where report.html, record.json and rtl/ go.")],
    architecture: Annotated[
        list[str] | None,
        typer.Option(
            "--architecture", metavar="A", help="What to narrow: the cheapest of these. [default: the catalogue]"
        ),
    ] = None,
    tolerance: options.Tolerance = None,
    confidence: options.Confidence = "95%",
    lanes: options.Lanes = None,
    max_n: options.MaxN = None,
    period_ns: options.Period = None,
    target: options.Target = "gates",
    seed: options.Seed = 0,
    trust: options.Trust = False,
    data: options.Data = None,
    where: options.Where = None,
) -> Answer:
    """The whole job for one network: measure, narrow, compare, build, verify, cost, and a page of it all.

    What was finished is kept: after an interruption the same command goes on from there.

    \b
    Examples:
      narrowmax study digits-cnn --out study/digits-cnn
      narrowmax study digits-vit --out study/digits-vit --tolerance 1%
      narrowmax study logits.npz --out mine --architecture table_divide --lanes 4
      narrowmax study ./mine.py:task --trust --out study/mine
      narrowmax study model.onnx --data test.npz --where attention --out model
    """
    from narrowmax.study import asking, load
    from narrowmax.study.whole import study, verdict

    layout = {"lanes": lanes, "max_n": max_n, "period_ns": period_ns, "target": target}
    asked = asking.terms(tolerance, confidence=confidence, seed=seed, **layout)
    named = asking.architectures(architecture or ())
    record = study(lambda: load(source, work, trust, data, where), out, asked, work, named)
    return Answer(record, partial(printing.study, folder=out), code=verdict(record))
