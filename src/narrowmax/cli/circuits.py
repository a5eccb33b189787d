"""Commands on hardware."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from narrowmax.cli import options, printing
from narrowmax.cli.frame import Answer
from narrowmax.study import Work


def build(
    work: Work,
    design: Annotated[str, typer.Argument(metavar="DESIGN", help="The design, as text.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="A new folder, or one that build wrote.")],
    lanes: options.Lanes = None,
    max_n: options.MaxN = None,
    period_ns: options.Period = None,
    divider: Annotated[
        str, typer.Option("--divider", help="pipelined, or sequential: smaller and slower.")
    ] = "pipelined",
    name: Annotated[
        str | None,
        typer.Option(
            "--name",
            help="Of the top module; other modules' names begin with it, so in one project no name may be the "
            "beginning of another, as att of att_exp. [default: softmax]",
        ),
    ] = None,
    seed: options.Seed = 0,
) -> Answer:
    """The hardware folder of a design: Verilog, test benches with golden vectors, constraints, a page.

    \b
    Examples:
      narrowmax build "table_divide(input=Q5.3, exp=UQ0.8)" --out rtl
      narrowmax build softermax --lanes 4 --max-n 100 --out rtl
      narrowmax build softermax --name second --out rtl2   # two in one project
      narrowmax verify rtl && narrowmax cost rtl --target xc7
    """
    from narrowmax import designs
    from narrowmax.study import asking
    from narrowmax.study.circuits import build

    layout = asking.given(lanes=lanes, max_n=max_n, period_ns=period_ns, divider=divider, name=name, seed=seed)
    return Answer(build(designs.design(design), out, work, **layout), printing.build)


def verify(
    work: Work,
    what: options.HardwareOrDesign,
    elements: Annotated[int, typer.Option("--elements", min=1, help="Elements of random rows to compare.")] = 1_000_000,
    seed: options.Seed = 0,
    lanes: options.Lanes = None,
    max_n: options.MaxN = None,
    period_ns: options.Period = None,
) -> Answer:
    """Hardware against simulation, bit for bit: random and adversarial rows, stalls, resets, small blocks on every
    input, and the netlist after synthesis.  Ends with 1 where anything differs, and prints a command that repeats it.

    \b
    Examples:
      narrowmax verify rtl
      narrowmax verify "table_divide(input=Q5.3)" --lanes 4 --max-n 64
      narrowmax verify rtl --elements 10000000 --seed 7 --json
    """
    from narrowmax.study import asking
    from narrowmax.study.circuits import verify

    thing, layout = asking.hardware(what, lanes=lanes, max_n=max_n, period_ns=period_ns)
    record = verify(thing, work, elements=elements, seed=seed, **layout)
    return Answer(record, printing.verify, code=1 if record["mismatches"] else 0)


def cost(
    work: Work,
    what: options.HardwareOrDesign,
    target: options.Target = "gates",
    lanes: options.Lanes = None,
    max_n: options.MaxN = None,
    period_ns: options.Period = None,
) -> Answer:
    """What hardware costs, by synthesis.

    \b
    Examples:
      narrowmax cost rtl
      narrowmax cost "table_divide(input=Q5.3)" --lanes 4 --max-n 64
      narrowmax cost rtl --target xc7 --json
    """
    from narrowmax.study import asking
    from narrowmax.study.circuits import cost

    thing, layout = asking.hardware(what, lanes=lanes, max_n=max_n, period_ns=period_ns)
    return Answer(cost(thing, work, target=target, **layout), printing.cost)
