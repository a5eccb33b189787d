"""A training under watch, whatever its framework: epochs, their table, and why it stalled."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from types import ModuleType

from narrowmax.errors import DataError, NetworkError
from narrowmax.models.frameworks import framework_of
from narrowmax.models.training import recording
from narrowmax.models.training.counting import Counts, Values
from narrowmax.models.training.diagnosis import Finding, diagnose
from narrowmax.models.training.record import Precision, precision_of

_FORMATTED: set[int] = set()
"""The weights that have a format in a block that is open: two would each take the other's for the network's own."""


class Training(ABC):
    """A training under watch, made by `precision`: `epochs`, `end_epoch()`, `diagnosis()`, `table()`."""

    def __init__(self, network: object, optimiser: object | None, precision: Precision):
        self.network, self.optimiser, self.precision = network, optimiser, precision
        self.epochs: list[dict] = []
        self._counts = Counts()
        self._steps: list[dict] = []  # {norm, skipped, scale}
        self._losses: list[Values] = []
        self._open: ExitStack | None = None

    def __enter__(self) -> Training:
        if self._open is not None:
            raise RuntimeError("this context is active already; make a second one for another training")
        with ExitStack() as stack:
            if self.precision.reference is not None:
                stack.enter_context(_alone({id(one) for one in self._kept()}))
            self._enter(stack)
            self._open = stack.pop_all()
        return self

    def __exit__(self, kind, error, trace) -> None:
        stack, self._open = self._open, None
        try:
            if kind is None and self._steps:
                self.end_epoch()
        finally:
            stack.__exit__(kind, error, trace)

    @abstractmethod
    def _enter(self, stack: ExitStack) -> None:
        """Put the formats in force, until the stack is closed."""

    @abstractmethod
    def _kept(self) -> Iterable[object]:
        """The weights that have a format."""

    @abstractmethod
    def _trained(self) -> Iterable[str]:
        """The names of the weights that are trained."""

    @abstractmethod
    def _at_limits(self) -> float | None:
        """See `grids.at_limits`."""

    def _counted(self) -> dict:
        """What was counted since an epoch began."""
        if self._losses:
            self._counts.unreached(self._trained())
        return self._counts.close()

    def end_epoch(self, **more: object) -> dict:
        """Close an epoch: the record of what was counted since the last one, `more` beside it; see `recording`."""
        counted = self._counted()
        made = recording.epoch(len(self.epochs) + 1, self._steps, self._losses, counted, self._at_limits())
        self._steps.clear()
        self._losses.clear()
        self.epochs.append({**made, **more})
        return self.epochs[-1]

    def diagnosis(self, goal: float | None = None) -> Finding:
        """Whether the training stalled, and why, in a sentence.

        goal: the loss that the same training reaches in float, where it is known
        """
        return diagnose(self.precision, self.epochs, goal)

    def table(self) -> str:
        """A plain-text table, a line for each epoch."""
        return recording.table(self.epochs)

    def __repr__(self) -> str:
        return f"{self.precision.text}\n{self.table()}"


@contextmanager
def _alone(weights: set[int]) -> Iterator[None]:
    """These in no other block."""
    if _FORMATTED & weights:
        raise DataError("another block gives these weights a format already; choose other layers, or give all to one")
    _FORMATTED.update(weights)
    try:
        yield
    finally:
        _FORMATTED.difference_update(weights)


def precision(
    network: object,
    optimiser: object | None = None,
    precision: Precision | None = None,
    *,
    seed: int = 0,
    **knobs: object,
) -> Training:
    """Number formats in `network` and its training inside a `with` block; neither it nor the loop is changed.

        with nm.precision(network, optimiser, weights="Q2.6", updates="Q2.6:stochastic") as training:
            for epoch in range(10):
                ...                         # your loop, as it is: forward, loss.backward(), optimiser.step()
                training.end_epoch()
        print(training.table(), training.diagnosis())

    network: a torch module, or a Keras model
    optimiser: a torch optimiser; of a compiled Keras model it is known
    precision: a record, or its fields as knobs, formats and designs as text: softmax, weights, activations,
        gradients, updates, loss_scale, autocast, gradient, layers, where (see `Precision`), and `rounding`, the
        rounding of each format that says none
    seed: of stochastic rounding
    Optimisers keep what they keep (momenta) in full precision.  After the block the network has the weights that
    its updates made, rounded where `updates` says so.  What each framework sees and does not see stands in its own
    class, `TorchTraining` and `narrowmax.models.keras.training.KerasTraining`.

    Blocks of one network may be nested where they give different weights formats.

    Raises NetworkError for what is no such network or optimiser, FormatError, DesignError, DataError for knobs that
    cannot be; entering raises DataError where another block gives the same weights a format.
    """
    if precision is not None and knobs:
        raise DataError(f"both a record of precision and {', '.join(knobs)} are given; give one of them")
    return trainable(network).precision(network, optimiser, precision or precision_of(**knobs), seed)


def trainable(network: object) -> ModuleType:
    """The framework of a network that can be trained, see `frameworks`.  Raises NetworkError for any other."""
    try:
        found = framework_of(network)
    except NetworkError:
        found = None
    if found is None or not hasattr(found, "trainer"):
        raise NetworkError(f"a torch module or a Keras model is needed to train, not a {type(network).__name__}")
    return found
