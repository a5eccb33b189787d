"""The command that looks for traps."""

from __future__ import annotations

from narrowmax.cli import options, printing
from narrowmax.cli.frame import Answer
from narrowmax.study import Work


def doctor(
    work: Work,
    source: options.Source,
    trust: options.Trust = False,
    data: options.Data = None,
    where: options.Where = None,
) -> Answer:
    """The traps that make experiments with softmax lie, each with its evidence and its remedy.

    Looked for: rounding that float32 cannot show or that blocks the gradient, softmax applied twice, logits where
    probabilities are expected, scores quantised after the mask, overflow in fp16, ties at the top, a network that
    does not learn, softmaxes that cannot be seen.  Ends with 1 where something was found, with 0 where nothing was.

    \b
    Examples:
      narrowmax doctor digits-cnn
      narrowmax doctor ./mine.py:task --trust
      narrowmax doctor logits.npz --json
      narrowmax doctor model.keras --data inputs.npz
    """
    from narrowmax.study import load
    from narrowmax.study.doctor import doctor

    record = doctor(load(source, work, trust, data, where), work)
    return Answer(record, printing.doctor, code=1 if record["findings"] else 0)
