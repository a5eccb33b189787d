"""A measurement that is kept apart by epoch, in the training loops of others; TensorBoard.

A plain loop sets `seen.epoch = epoch`.  Where somebody else's loop runs, a callback sets it, and counts training
steps alone: validation and prediction are not counted.  The block stays the caller's, so that an error in the loop
leaves nothing behind:

    with nm.measure(network) as seen:
        trainer = lightning.Trainer(callbacks=[narrowmax.torch.LightningCallback(seen)])
        trainer.fit(network, batches)
"""

from __future__ import annotations

from typing import Protocol

from narrowmax.models.measuring import NetworkMeasurement

_SHARES = ("5", "10", "20")


class Writer(Protocol):
    """What is asked of a TensorBoard writer (`torch.utils.tensorboard.SummaryWriter`, tensorboardX)."""

    def add_scalar(self, tag: str, value: float, step: int) -> None:
        """Write one number."""


def write_scalars(writer: Writer, seen: NetworkMeasurement, epoch: int | None = None) -> None:
    """What was seen in an epoch (default: `seen.epoch`), as scalars `softmax/NAME/...` at that step.

    min, max; within 5, 10, 20: shares of rows, 0..1; distance p99: of elements from the largest of their row
    """
    epoch = seen.epoch if epoch is None else epoch
    for one in seen.softmaxes():
        if one["epoch"] == epoch and one["rows"]:
            for what, value in _scalars(one).items():
                writer.add_scalar(f"softmax/{_name(one)}/{what}", value, epoch or 0)


def _name(one: dict) -> str:
    return one["name"] if one["head"] is None else f"{one['name']}/head {one['head']}"


def _scalars(one: dict) -> dict[str, float]:
    shares = {f"within {r}": one["all_within"][r] for r in _SHARES if r in one["all_within"]}
    return {"min": one["min"], "max": one["max"], **shares, "distance p99": one["distance"]["p99"]}


class Epochs:
    """What the callbacks share: a measurement that counts in training steps alone, each epoch apart.

    seen: a measurement in whose block the training runs
    writer: a TensorBoard writer, which gets `write_scalars` at the end of each epoch; None: none
    """

    def __init__(self, seen: NetworkMeasurement, writer: Writer | None = None):
        super().__init__()
        self.seen, self._writer = seen, writer

    def _begin(self, epoch: int) -> None:
        self.seen.epoch = epoch

    def _end(self) -> None:
        if self._writer is not None:
            write_scalars(self._writer, self.seen)

    def _count(self, whether: bool) -> None:
        self.seen.watches = whether
