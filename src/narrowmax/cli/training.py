"""The command that trains with number formats in the loop."""

from __future__ import annotations

from typing import Annotated

import typer

from narrowmax.cli import options
from narrowmax.cli.frame import Answer
from narrowmax.study import Work


def _formats(name: str, what: str):
    return Annotated[str | None, typer.Option(f"--{name}", metavar="FORMAT", help=what)]


_Softmaxes = Annotated[
    list[str] | None,
    typer.Option("--softmax", metavar="FORMAT", help="A format at the softmax's input. Repeat it for others."),
]
_Rows = Annotated[
    list[str] | None,
    typer.Option("--row", metavar="TEXT", help='A row of its own: "weights=Q2.6, updates=Q2.6". Repeat it for others.'),
]
_Weights = _formats("weights", "What a forward pass computes with; master weights collect the updates.")
_Activations = _formats("activations", "Outputs of layers.")
_Gradients = _formats("gradients", "Gradients of layers' outputs and of weights.")
_Updates = _formats("updates", "What the weights are rounded to after each step: no master weights.")
_Rounding = Annotated[
    str | None, typer.Option("--rounding", metavar="R", help="Of formats that say none, such as stochastic.")
]
_Scale = Annotated[str | None, typer.Option("--loss-scale", metavar="S", help="A number, or dynamic. [default: none]")]
_Gradient = Annotated[
    str | None,
    typer.Option("--gradient", metavar="G", help="Of a rounding: slope, straight-through, or none. [default: slope]"),
]
_Autocast = Annotated[
    str | None, typer.Option("--autocast", metavar="T", help="fp16 or bf16: PyTorch's autocast, Keras' mixed_float16.")
]
_Layers = Annotated[
    str | None, typer.Option("--layers", metavar="PATTERN", help="Whose weights, activations, gradients. [default: *]")
]
_Epochs = Annotated[int | None, typer.Option("--epochs", min=1, help="How long to train. [default: the task's]")]
_Seeds = Annotated[int, typer.Option("--seeds", min=1, metavar="K", help="Trainings of each row.")]


def train(
    work: Work,
    source: options.Source,
    data: options.Data = None,
    design: options.Designs = None,
    softmax: _Softmaxes = None,
    weights: _Weights = None,
    activations: _Activations = None,
    gradients: _Gradients = None,
    updates: _Updates = None,
    rounding: _Rounding = None,
    loss_scale: _Scale = None,
    gradient: _Gradient = None,
    autocast: _Autocast = None,
    layers: _Layers = None,
    row: _Rows = None,
    epochs: _Epochs = None,
    seeds: _Seeds = 3,
    confidence: options.Confidence = "95%",
    trust: options.Trust = False,
) -> Answer:
    """Train with a design or with number formats in the loop, beside float: what is lost, what breaks, and why.

    Each --design and each --softmax is a row, with all other formats that are given; --row adds rows of any
    formats.  Where none is given, a few usual ones are tried.  What was trained is kept: after an interruption the
    same command goes on from there.  A Keras network in a file is trained from new weights, on most of --data, and
    judged on the others.  Ends with 1 where a training stalled.

    \b
    Examples:
      narrowmax train digits-cnn
      narrowmax train digits-cnn --design "cordic(input=Q5.3)" --design softermax
      narrowmax train digits-cnn --weights Q2.6 --updates Q2.6 --seeds 1
      narrowmax train digits-cnn --row gradients=Q1.6 --row updates=Q2.6:floor
      narrowmax train digits-cnn --activations Q4.4 --layers classifier.3
      narrowmax train ./mine.py:task --trust --autocast bf16 --epochs 3 --json
      narrowmax train m.keras --data x.npz --row "autocast=fp16, loss_scale=64"
    """
    from narrowmax.report import training as shown
    from narrowmax.study import asking, training

    knobs = {
        "weights": weights, "activations": activations, "gradients": gradients, "updates": updates,
        "rounding": rounding, "loss_scale": loss_scale, "gradient": gradient, "autocast": autocast, "layers": layers,
    }  # fmt: skip
    rows = training.rows_of(row or (), [*(design or ()), *(softmax or ())], knobs)
    sure = asking.confidence(confidence)
    task = training.load(source, work, trust, data)
    record = training.compare(source, task, rows, work, epochs, seeds, sure)
    return Answer(record, shown.text, code=1 if any(one["stalled"] for one in record["rows"]) else 0)
