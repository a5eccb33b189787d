"""A measurement by epoch under the Trainer of Transformers."""

from __future__ import annotations

from narrowmax.errors import ToolMissing
from narrowmax.models.callbacks import Epochs

try:
    from transformers import TrainerCallback
except ImportError:
    raise ToolMissing(
        "Transformers was not found, and its callback needs it; run pip install transformers accelerate"
    ) from None


class TransformersCallback(Epochs, TrainerCallback):
    """Keeps the epochs of `trainer.train()` apart in a measurement; evaluation is not counted.

        with nm.measure(model) as seen:
            Trainer(model, ..., callbacks=[narrowmax.torch.TransformersCallback(seen)]).train()

    seen, writer: see `Epochs`
    """

    def on_train_begin(self, args, state, control, **kwargs) -> None:
        """Nothing is counted before the first training step."""
        self._count(False)

    def on_epoch_begin(self, args, state, control, **kwargs) -> None:
        """An epoch begins."""
        self._begin(int(state.epoch or 0))

    def on_step_begin(self, args, state, control, **kwargs) -> None:
        """A training step begins."""
        self._count(True)

    def on_step_end(self, args, state, control, **kwargs) -> None:
        """A training step ends; evaluation may follow."""
        self._count(False)

    def on_epoch_end(self, args, state, control, **kwargs) -> None:
        """An epoch ends."""
        self._end()

    def on_train_end(self, args, state, control, **kwargs) -> None:
        """What runs afterwards in the block is counted again."""
        self._count(True)
