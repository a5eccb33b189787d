"""A measurement by epoch under Lightning's Trainer."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from narrowmax.errors import ToolMissing
from narrowmax.models.callbacks import Epochs


def _base() -> type:
    """`Callback` of Lightning, under whichever of its two names is installed."""
    for name in ("lightning", "pytorch_lightning"):
        if find_spec(name) is not None:
            return import_module("lightning.pytorch" if name == "lightning" else name).Callback
    raise ToolMissing("Lightning was not found, and its callback needs it; run pip install lightning")


class LightningCallback(Epochs, _base()):
    """Keeps the epochs of `trainer.fit` apart in a measurement; validation is not counted.

        with nm.measure(module) as seen:
            lightning.Trainer(callbacks=[narrowmax.torch.LightningCallback(seen)]).fit(module, batches)

    seen, writer: see `Epochs`
    """

    def on_fit_start(self, trainer, pl_module) -> None:
        """Nothing is counted before the first training step: a sanity check of the validation comes first."""
        self._count(False)

    def on_train_epoch_start(self, trainer, pl_module) -> None:
        """An epoch begins."""
        self._begin(trainer.current_epoch)

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx) -> None:
        """A training step begins."""
        self._count(True)

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx) -> None:
        """A training step ends; validation may follow."""
        self._count(False)

    def on_train_epoch_end(self, trainer, pl_module) -> None:
        """An epoch ends."""
        self._end()

    def on_fit_end(self, trainer, pl_module) -> None:
        """What runs afterwards in the block is counted again."""
        self._count(True)

    def on_exception(self, trainer, pl_module, exception) -> None:
        """The same where training broke off."""
        self._count(True)
