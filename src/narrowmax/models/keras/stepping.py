"""The steps of a Keras optimiser under watch: gradients and stored weights in their formats, and what was counted."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import keras
import numpy as np

from narrowmax.errors import DataError
from narrowmax.models.keras import backends
from narrowmax.models.training.passing import Passing


class Stepping:
    """weights: variables by name, all; rounded: those whose gradients and updates are"""

    def __init__(self, optimiser, passing: Passing, weights: dict, rounded: dict):
        self.optimiser, self.passing = optimiser, passing
        self.names = {id(one): name for name, one in weights.items()}
        self.rounded = {id(one) for one in rounded.values()}
        self._inside = False  # a step, which on JAX calls another

    @contextmanager
    def watched(self, steps: list[dict], losses: list[float]) -> Iterator[None]:
        """The optimiser's own functions, seen and changed, until the block ends.

        steps: gets `{norm, skipped, scale}` of each; losses: each as it is before it is scaled
        """
        self.steps, self.losses = steps, losses
        own = self.optimiser.__dict__
        if "stateless_apply" in own:
            raise DataError("the optimiser is in a block of nm.precision already; give all formats to that one")
        own |= {"scale_loss": self._scale_loss, "apply": self._apply, "stateless_apply": self._stateless_apply}
        try:
            yield
        finally:
            for name in ("scale_loss", "apply", "stateless_apply"):
                del own[name]

    def _plainly(self, name: str):
        """The optimiser's function as its class has it."""
        return getattr(type(self.optimiser), name).__get__(self.optimiser)

    def _scale_loss(self, loss):
        def kept(value: np.ndarray) -> np.ndarray:
            self.losses.append(float(value))
            return value

        return self._plainly("scale_loss")(backends.bridge().through(loss, kept, lambda g, value: g))

    def _apply(self, grads, trainable_variables=None):
        """TensorFlow's and PyTorch's step, in which variables change."""
        apply = self._plainly("apply")
        if self._inside:
            return apply(grads, trainable_variables)
        variables = _variables(self.optimiser) if trainable_variables is None else list(trainable_variables)
        scale = _scale(self.optimiser)
        found, skipped = self._rounded(list(grads), variables, scale)
        before = self._before(found, variables, [one.value for one in variables], skipped)
        with self._once():
            apply(found, trainable_variables)
        for place, was in before.items():
            stored = self.passing.update(self.names[id(variables[place])], was, _plain(variables[place].value))
            if self.passing.precision.updates is not None:
                variables[place].assign(stored)
        self.steps[-1]["scale"] = _scale(self.optimiser)
        return None

    def _stateless_apply(self, optimizer_variables, grads, trainable_variables):
        """JAX's step, which gives new values; not traced, for LossScaleOptimizer would trace it anew each time."""
        import jax

        variables, state = _variables(self.optimiser), list(optimizer_variables)
        found, skipped = self._rounded(list(grads), variables, _scale(self.optimiser, state))
        before = self._before(found, variables, trainable_variables, skipped)
        with self._once(), jax.disable_jit():
            values, state = self._plainly("stateless_apply")(state, found, trainable_variables)
        values = list(values)
        for place, was in before.items():
            stored = self.passing.update(self.names[id(variables[place])], was, _plain(values[place]))
            if self.passing.precision.updates is not None:
                values[place] = keras.ops.convert_to_tensor(stored)
        self.steps[-1]["scale"] = _scale(self.optimiser, list(state))
        return values, state

    @contextmanager
    def _once(self) -> Iterator[None]:
        self._inside = True
        try:
            yield
        finally:
            self._inside = False

    def _rounded(self, grads: list, variables: Sequence, scale: float) -> tuple[list, bool]:
        """Gradients in their format, and whether an overflow makes the optimiser skip the step."""
        if scale != 1 and not self.losses:
            raise DataError(
                f"the loss is to be scaled by {scale:g}, and it was not; call optimiser.scale_loss on it before its "
                "gradient is taken, as Keras asks of loops"
            )
        found, squares, finite = [], 0.0, True
        for gradient, variable in zip(grads, variables, strict=True):
            if gradient is None:
                found.append(None)
                continue
            plain = _plain(gradient)
            rounds = id(variable) in self.rounded
            name = self.names.get(id(variable), variable.path)
            made = self.passing.gradient(name, plain, rounds, weight=True)
            found.append(gradient if made is plain else keras.ops.convert_to_tensor(made, dtype=gradient.dtype))
            squares += float(np.sum(np.square(made.astype(np.float64))))
            finite = finite and bool(np.isfinite(made).all())
        skipped = not finite and hasattr(self.optimiser, "dynamic_scale")
        self.steps.append({"norm": math.sqrt(squares) / scale, "skipped": skipped, "scale": scale})
        return found, skipped

    def _before(self, grads: list, variables: Sequence, values: Sequence, skipped: bool) -> dict[int, np.ndarray]:
        """The weights whose update is looked at, by their place, as they are before it."""
        if skipped or self.passing.precision.reference is None:
            return {}
        looked_at = [n for n, one in enumerate(variables) if grads[n] is not None and id(one) in self.rounded]
        return {place: _plain(values[place]) for place in looked_at}


def _plain(x) -> np.ndarray:
    """A copy.  Raises DataError inside of a trace."""
    found = backends.bridge().plain(keras.ops.convert_to_tensor(x))
    if found is None:
        raise DataError(
            "this step of training is traced, where formats cannot count; run it without jit or tf.function"
        )
    return np.array(found)


def _variables(optimiser) -> list:
    """Those that it updates; one that scales the loss leaves them to the one that it is put around."""
    return list(getattr(optimiser, "inner_optimizer", optimiser)._trainable_variables)


def _scale(optimiser, state: list | None = None) -> float:
    """By which the loss is scaled now.

    state: the values of the optimiser's variables, where they are not in them
    """
    own = getattr(optimiser, "dynamic_scale", None)
    if own is None:
        factor = optimiser.loss_scale_factor
        return 1.0 if factor is None else float(factor)
    place = next(n for n, one in enumerate(optimiser.variables) if one is own)
    return float(keras.ops.convert_to_numpy(own if state is None else state[place]))
