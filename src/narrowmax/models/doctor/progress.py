"""Whether a training moves a network: gradients that came, steps that were taken, parameters as they began."""

from __future__ import annotations

import numpy as np

from narrowmax.models.doctor.findings import Ledger, named
from narrowmax.models.sites import NETWORK


class Progress:
    """Filled by the observers of a framework, and judged alike for each.

    Parameters go by name.  A gradient that never came at all (a graph that is cut) is another thing than one of 0.
    """

    def __init__(self):
        self.steps = 0
        self._reached: dict[str, bool | None] = {}
        self._began: dict[str, np.ndarray] = {}

    def begin(self, parameters: dict[str, np.ndarray]) -> None:
        """`parameters`: arrays of its own, as they are before the training."""
        self._began = parameters

    def awaits(self, name: str) -> None:
        """A step is to be taken for which a gradient of this parameter is needed."""
        self._reached.setdefault(name, None)

    def came(self, name: str, other: bool) -> None:
        """A gradient came to a parameter; other: than 0."""
        self._reached[name] = bool(self._reached.get(name)) or bool(other)

    def judge(
        self, ledger: Ledger, layers: dict[str, str], now: dict[str, np.ndarray], rounding: tuple[str, str] | None
    ) -> None:
        """Add to `ledger` what kept the network from learning; nothing where it was not trained.

        layers: of each parameter that took part in the training, the name of its layer
        rounding: `(where, function)` of one that may have held the gradient back
        """
        self._judge_gradients(ledger, layers, rounding)
        self._judge_steps(ledger, now)
        self._began = {}

    def _judge_gradients(self, ledger: Ledger, layers: dict[str, str], rounding: tuple[str, str] | None) -> None:
        frozen = [name for name in layers if not self._reached.get(name)]
        if not self._reached or not frozen:
            return
        if rounding is not None:
            where, function = rounding
            ledger.add("rounding-blocks-gradient", where, function=function, arrived=0, frozen=named(frozen))
        elif self.steps <= 1 and all(self._reached.get(name) is False for name in frozen):
            return  # a gradient of 0 in one step may be that of weights that begin as 0 behind them: LoRA, ResNets
        elif len(frozen) < len(layers):
            said = f"no gradient reaches {len(frozen)} of {len(layers)} parameters ({named(frozen)})"
            ledger.add("does-not-learn", layers[frozen[0]] or NETWORK, said=said)

    def _judge_steps(self, ledger: Ledger, now: dict[str, np.ndarray]) -> None:
        unmoved = [name for name, began in self._began.items() if np.array_equal(now.get(name), began)]
        if self.steps and unmoved and len(unmoved) == len(self._began):
            times = "a step" if self.steps == 1 else f"{self.steps} steps"
            ledger.add("does-not-learn", NETWORK, said=f"no parameter changed in {times} of the optimiser")
