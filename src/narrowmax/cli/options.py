"""Arguments and options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Source = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="A built-in task, a task on data of yours such as cifar100-vgg:DIR (see narrowmax tasks), "
        "FILE.npz of logits, FILE.onnx .tflite .keras .h5 or the folder of a Transformers "
        "checkpoint with --data, package.module:function, or ./file.py:function.",
    ),
]
Trust = Annotated[bool, typer.Option("--trust", help="Let the code of a Python file, or in a network's file, run.")]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data", metavar="FILE.npz", help="Inputs of a network in a file, by name; labels and groups beside them."
    ),
]
Where = Annotated[
    str | None,
    typer.Option(
        "--where",
        metavar="W",
        help="Of a network in a file, whose softmax: attention, classifier, or a pattern of layer names. "
        "[default: classifier]",
    ),
]
Within = Annotated[
    list[float] | None, typer.Option("--within", metavar="R", help="Count the rows inside ±R. Repeat it for others.")
]
OneDesign = Annotated[str, typer.Option("--design", metavar="D", help="The design, as text.")]
Designs = Annotated[
    list[str] | None, typer.Option("--design", metavar="D", help="A design, as text. Repeat it for others.")
]
Files = Annotated[
    list[Path] | None, typer.Option("--designs", metavar="FILE.toml", help="Designs from [[design]] tables.")
]
Tolerance = Annotated[
    list[str] | None,
    typer.Option(
        "--tolerance", metavar="T", help="What may be lost: 0.5% (points of top-1), nll=0.01. Repeat it for others."
    ),
]
Confidence = Annotated[str, typer.Option("--confidence", metavar="C", help="Of the claim, or of the bounds.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="What is drawn at random, is drawn from this.")]
Lanes = Annotated[int | None, typer.Option("--lanes", min=1, help="Elements that arrive in a cycle. [default: 1]")]
MaxN = Annotated[int | None, typer.Option("--max-n", min=1, help="The longest row. [default: the source's, else 1024]")]
Period = Annotated[float | None, typer.Option("--period-ns", help="The clock that pipelining aims at. [default: 10]")]
Target = Annotated[
    str, typer.Option("--target", metavar="T", help="gates (no library needed) or xc7 (resources only).")
]
HardwareOrDesign = Annotated[
    str, typer.Argument(metavar="DIR|DESIGN", help="A folder that build wrote, or a design, as text.")
]
