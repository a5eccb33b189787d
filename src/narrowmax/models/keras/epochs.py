"""A Keras callback: what reaches the softmaxes, epoch by epoch, within fit."""

from __future__ import annotations

from collections.abc import Iterable

import keras

from narrowmax.models.keras.measuring import KerasMeasurement
from narrowmax.rows import FORMATS, WITHIN


class SoftmaxInputs(keras.callbacks.Callback):
    """Measures each epoch of training apart.

        inputs = narrowmax.keras.SoftmaxInputs()
        model.fit(x, y, epochs=10, callbacks=[inputs])
        print(inputs.table()); inputs.seen.plot("dense_1")

    `seen`: the measurement, with `epoch` 0, 1, ...; a second `fit` goes on where the first ended.
    within, formats, heads: see `narrowmax.measure`
    Validation is not counted.  Nothing is left behind where `fit` ends in an exception.
    """

    def __init__(self, *, within: Iterable[float] = WITHIN, formats: Iterable[str] = FORMATS, heads: bool = False):
        super().__init__()
        self._given = (tuple(within), tuple(formats), heads)
        self.seen: KerasMeasurement | None = None
        self._next = 0
        self._step = None

    def set_model(self, model) -> None:
        super().set_model(model)
        if self.seen is None or self.seen.network is not model:
            self.seen = KerasMeasurement(model, *self._given)

    def on_train_begin(self, logs=None) -> None:
        self.seen.epoch = self._next
        self._wrap()

    def on_epoch_begin(self, epoch: int, logs=None) -> None:
        self.seen.epoch = self._next

    def on_epoch_end(self, epoch: int, logs=None) -> None:
        self._next += 1

    def on_train_end(self, logs=None) -> None:
        self._unwrap()

    def table(self) -> str:
        """A plain-text table, a line for each softmax and epoch."""
        return self.seen.table() if self.seen else "no softmax was seen"

    def _wrap(self) -> None:
        """Measure the training steps alone, each in a block of its own: `fit` tells nobody when it fails."""
        step = self._step = self.model.train_function

        def measured(*args, **kwargs):
            try:
                with self.seen:
                    return step(*args, **kwargs)
            except BaseException:
                self._unwrap()
                raise

        self.model.train_function = measured

    def _unwrap(self) -> None:
        if self._step is not None:
            self.model.train_function, self._step = self._step, None
