"""Loss scaling: backward begins with a number other than 1, and the gradients are divided by it before a step."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.optim import Optimizer

from narrowmax.errors import DataError
from narrowmax.models.training.record import FIRST_SCALE, GROWTH_INTERVAL


class Fixed:
    """A scale that stays."""

    sees_overflow = False

    def __init__(self, scale: float):
        self.scale, self._begun = scale, False

    def begin(self, loss: Tensor, gradient: Tensor | None) -> Tensor | None:
        """What backward begins with."""
        self._begun = True
        if self.scale == 1:
            return gradient
        return (torch.ones_like(loss) if gradient is None else gradient) * self.scale

    def unscale(self, optimiser: Optimizer, parameters: list[Tensor]) -> bool:
        """Divide the gradients by the scale; whether the step is to be skipped."""
        if self.scale != 1 and parameters and not self._begun:
            raise DataError("gradients came without loss.backward(), so they are not scaled; call it on the loss")
        self._begun = False
        if self.scale != 1:
            for parameter in parameters:
                parameter.grad.div_(self.scale)
        return False

    def state(self) -> None:
        """Nothing that changes."""

    def resume(self, state: None) -> None:
        """Go on from there."""


class Dynamic:
    """PyTorch's `GradScaler`, without its changes to a training loop."""

    sees_overflow = True

    def __init__(self):
        self._scaler: torch.amp.GradScaler | None = None

    @property
    def scale(self) -> float:
        """As it is now."""
        return FIRST_SCALE if self._scaler is None else self._scaler.get_scale()

    def begin(self, loss: Tensor, gradient: Tensor | None) -> Tensor:
        """What backward begins with."""
        if self._scaler is None:
            self._scaler = _scaler(loss.device.type)
        return self._scaler.scale(torch.ones_like(loss) if gradient is None else gradient)

    def unscale(self, optimiser: Optimizer, parameters: list[Tensor]) -> bool:
        """Divide the gradients by the scale; whether one of them overflowed, so that the step is to be skipped."""
        if self._scaler is None or not parameters:
            return False
        before = self._scaler.get_scale()
        self._scaler.unscale_(optimiser)
        self._scaler.update()
        return self._scaler.get_scale() < before

    def state(self) -> tuple[str, dict] | None:
        """The device and the state of the scaler, once there is one."""
        return None if self._scaler is None else (self._scaler._device, self._scaler.state_dict())

    def resume(self, state: tuple[str, dict] | None) -> None:
        """Go on from there."""
        if state is not None:
            self._scaler = _scaler(state[0])
            self._scaler.load_state_dict(state[1])


def _scaler(device: str) -> torch.amp.GradScaler:
    return torch.amp.GradScaler(device, init_scale=FIRST_SCALE, growth_interval=GROWTH_INTERVAL)


def scaling_of(scale: float | str | None) -> Fixed | Dynamic:
    """What a `Precision.loss_scale` asks for."""
    return Dynamic() if scale == "dynamic" else Fixed(1.0 if scale is None else float(scale))
