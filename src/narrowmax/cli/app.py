"""The program and its commands."""

from __future__ import annotations

import typer

from narrowmax.cli import circuits, networks, shelf, training, traps
from narrowmax.cli.frame import command

HELP = """How narrow a softmax can be made for a network, and the hardware that is it.

\b
  narrowmax study digits-cnn --out study/cnn  the whole job, built-in network
  narrowmax measure logits.npz                what range reaches the softmax
  narrowmax simulate logits.npz --design "table_divide(input=Q5.3)"
  narrowmax narrow logits.npz --architecture table_divide --tolerance 0.5%
  narrowmax doctor ./mine.py:task --trust     traps in an experiment
  narrowmax build "table_divide(input=Q5.3)" --lanes 4 --max-n 100 --out rtl
  narrowmax verify rtl

Each command has --help with examples, and --json for programs.  What was computed is kept in a folder of
caches for the next time; NARROWMAX_CACHE names another.
"""

app = typer.Typer(
    help=HELP,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)

for function in (
    networks.study, networks.measure, networks.simulate, networks.narrow, networks.compare,
    training.train, traps.doctor, shelf.designs, circuits.build, circuits.verify, circuits.cost, shelf.page,
    shelf.tasks, shelf.tools,
):  # fmt: skip
    app.command()(command(function))


@app.callback(invoke_without_command=True)
def _start(
    context: typer.Context, version: bool = typer.Option(False, "--version", help="Print the version and end.")
) -> None:
    if version:
        from narrowmax import __version__

        typer.echo(f"narrowmax {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit
