"""The CIFAR-100 network of "OSI AI" for the MicroNet challenge (2019), from its published weights, MIT.

https://github.com/Lee-Gihun/MicroNet_OSI-AI: an EfficientNet of 0.55 M weights on images enlarged to 63x63, trained
with label smoothing.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FILE = Path("osi_micronet_cifar100") / "trained_model.pth"
SIDE, STEM, HEAD, CLASSES = 63, 24, 136, 100
MEAN, DEVIATION = (0.5071, 0.4867, 0.4408), (0.2675, 0.2565, 0.2761)

# Of each block: channels in, times as many inside, channels out, stride, channels of the squeeze.
BLOCKS = (
    (24, 1, 16, 1, 4), (16, 6, 24, 1, 3), (24, 6, 40, 2, 4), (40, 6, 40, 1, 8), (40, 6, 48, 1, 8), (48, 6, 64, 1, 9),
    (64, 6, 64, 1, 12), (64, 6, 80, 2, 12), (80, 6, 80, 1, 16), (80, 6, 96, 1, 16),
)  # fmt: skip


class Same(nn.Conv2d):
    """A convolution padded as TensorFlow would pad 32x32 images, whatever it is given: the odd pixel last."""

    def forward(self, x: Tensor) -> Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        more = max((-(-32 // stride) - 1) * stride + kernel - 32, 0)
        return super().forward(F.pad(x, (more // 2, more - more // 2) * 2))


class Block(nn.Module):
    def __init__(self, before: int, times: int, after: int, stride: int, squeezed: int):
        super().__init__()
        inner = before * times
        if times > 1:
            self._expand_conv, self._bn0 = Same(before, inner, 1, bias=False), nn.BatchNorm2d(inner)
        self._conv, self._bn1 = Same(inner, inner, 3, stride, groups=inner, bias=False), nn.BatchNorm2d(inner)
        self._se_reduce, self._se_expand = Same(inner, squeezed, 1), Same(squeezed, inner, 1)
        self._project_conv, self._bn2 = Same(inner, after, 1, bias=False), nn.BatchNorm2d(after)
        self.expands, self.skips = times > 1, stride == 1 and before == after

    def forward(self, images: Tensor) -> Tensor:
        x = F.silu(self._bn0(self._expand_conv(images))) if self.expands else images
        x = F.silu(self._bn1(self._conv(x)))
        x = x * torch.sigmoid(self._se_expand(F.silu(self._se_reduce(F.adaptive_avg_pool2d(x, 1)))))
        x = self._bn2(self._project_conv(x))
        return x + images if self.skips else x


class MicroNet(nn.Module):
    """(batch, 3, 32, 32) normalised images -> (batch, 100) logits."""

    def __init__(self):
        super().__init__()
        self._conv_stem, self._bn0 = Same(3, STEM, 3, 2, bias=False), nn.BatchNorm2d(STEM)
        self._blocks = nn.ModuleList(Block(*shape) for shape in BLOCKS)
        self._conv_head, self._bn1 = Same(BLOCKS[-1][2], HEAD, 1, bias=False), nn.BatchNorm2d(HEAD)
        self._fc = nn.Linear(HEAD, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        x = F.silu(self._bn0(self._conv_stem(F.interpolate(images, size=SIDE, mode="nearest"))))
        for block in self._blocks:
            x = block(x)
        return self._fc(F.silu(self._bn1(self._conv_head(x))).mean((2, 3)))


def network(data: Path) -> MicroNet:
    """The network with its weights, from `../shared/data`, in float32."""
    stored = torch.load(data / FILE, weights_only=True, map_location="cpu")
    found = MicroNet()
    known = found.state_dict()
    found.load_state_dict({name: _fitted(value, known[name]) for name, value in stored.items()})
    return found.eval()


def _fitted(stored: Tensor, known: Tensor) -> Tensor:
    """Statistics were kept for four parts of each batch in training; their mean is what is used."""
    if stored.shape == known.shape:
        return stored.to(known.dtype)
    return stored.float().unflatten(0, (-1, len(known))).mean(0)
