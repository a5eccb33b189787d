"""A design, or a number format, written down in a PyTorch network as a module."""

from __future__ import annotations

from torch import Tensor, nn

from narrowmax import designs, formats
from narrowmax.formats import Format
from narrowmax.models import operators
from narrowmax.models.surrogates import slope_for


class Softmax(nn.Module):
    """Softmax as a design computes it: bit for bit forward, and backward by choice.

        network = nn.Sequential(nn.Linear(64, 10), narrowmax.torch.Softmax("softermax(input=Q6.2)"))

    design: a `narrowmax.Design` or its text
    dim: the axis of a row
    gradient: "straight-through" (of the exact softmax of the rounded input) or "slope" (of the design's own output)
    It has no parameters, so that weights are loaded into the network with it as without it; it can be pickled,
    copied, compiled and exported.  Raises DesignError for a design that is not known, DataError for a gradient.
    """

    _apply_design = staticmethod(operators.explicit_softmax)

    def __init__(self, design, dim: int = -1, gradient: str = "straight-through"):
        super().__init__()
        self.design = designs.design(design) if isinstance(design, str) else design
        self.dim, self.gradient = dim, gradient
        self._slope = slope_for(self.design, gradient)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Probabilities in the shape and dtype of `x`.

        x: floats, any shape; cells below -9000 (-inf, -1e9) take no part and come out 0, if no mask says otherwise
        mask: bool, broadcasts to `x`, true where an element takes part; a row without any comes out 0
        Raises DataError for NaN or +inf, and inside torch.vmap and torch.func.
        """
        return self._apply_design(x, self.dim, None if mask is None else mask.expand(x.shape), self.design, self._slope)

    def extra_repr(self) -> str:
        """What a print of the network says of it."""
        return f"{self.design}, dim={self.dim}, gradient={self.gradient!r}"


class LogSoftmax(Softmax):
    """The logs of `Softmax`, for `nn.NLLLoss`: of probabilities no smaller than half the step of its output."""

    _apply_design = staticmethod(operators.explicit_log_softmax)


class Quantize(nn.Module):
    """Rounds values to a number format; the gradient goes straight through, saturated or not.

        network = nn.Sequential(nn.Linear(64, 10), narrowmax.torch.Quantize("Q5.3"), nn.Softmax(-1))

    format: a text such as "Q5.3:floor:wrap", "fp16", "e4m3", or a format
    Raises FormatError for a text that is no format.
    """

    def __init__(self, format: str | Format):
        super().__init__()
        self.format = formats.parse(format) if isinstance(format, str) else format

    def forward(self, x: Tensor) -> Tensor:
        """The values of the codes of `x`, in its shape and dtype; NaN stays NaN."""
        return operators.rounded(x, str(self.format))

    def extra_repr(self) -> str:
        """What a print of the network says of it."""
        return str(self.format)
