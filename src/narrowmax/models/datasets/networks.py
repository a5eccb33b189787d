"""The networks that are trained on data a person points to: VGG, ResNet-20, a small vision transformer, a small GPT.

Each takes images (batch, 3, height, width), or codes of characters (batch, length), and gives logits.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from narrowmax.models.digits_networks import Attention, Block


class VGG(nn.Module):
    """A small VGG: five pairs of 3x3 convolutions, `width` to eight times as many channels, then three linear layers.

    K. Simonyan, A. Zisserman, "Very deep convolutional networks for large-scale image recognition" (2014), with the
    batch normalisation that everybody gives it.  Images of 32x32 shrink to 1x1; larger ones are averaged to that.
    """

    def __init__(self, classes: int, size: int = 32, width: int = 32):
        super().__init__()
        widths, layers, before = (width, 2 * width, 4 * width, 8 * width, 8 * width), [], 3
        for channels in widths:
            layers += [
                *_convolution(before, channels),
                *_convolution(channels, channels),
                nn.MaxPool2d(2, ceil_mode=True),
            ]
            before = channels
        self.features = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.classifier = nn.Sequential(
            nn.Linear(before, before), nn.ReLU(), nn.Dropout(0.3),
            nn.Linear(before, before), nn.ReLU(), nn.Dropout(0.3), nn.Linear(before, classes),
        )  # fmt: skip

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))


def _convolution(before: int, channels: int) -> list[nn.Module]:
    return [nn.Conv2d(before, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]


class Residual(nn.Module):
    """Two 3x3 convolutions beside a shortcut that, where it must, drops every other pixel and pads channels with 0."""

    def __init__(self, before: int, channels: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(before, channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.stride, self.more = stride, channels - before

    def forward(self, x: Tensor) -> Tensor:
        made = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        half = self.more // 2
        return F.relu(made + F.pad(x[..., :: self.stride, :: self.stride], (0, 0, 0, 0, half, self.more - half)))


class ResNet20(nn.Module):
    """The ResNet-20 of CIFAR: three stages of three residual blocks, `width`, 2 and 4 times as many channels.

    K. He et al., "Deep residual learning for image recognition" (CVPR 2016), section 4.2, shortcuts of option A.
    """

    def __init__(self, classes: int, size: int = 32, width: int = 16):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1 = _stage(width, width, 1)
        self.layer2 = _stage(width, 2 * width, 2)
        self.layer3 = _stage(2 * width, 4 * width, 2)
        self.linear = nn.Linear(4 * width, classes)

    def forward(self, images: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(images)))
        return self.linear(self.layer3(self.layer2(self.layer1(x))).mean((2, 3)))


def _stage(before: int, channels: int, stride: int) -> nn.Sequential:
    return nn.Sequential(Residual(before, channels, stride), *(Residual(channels, channels, 1) for _ in range(2)))


class ViT(nn.Module):
    """A small vision transformer: patches of an eighth of the side, so 64 tokens, averaged at the end.

    A. Dosovitskiy et al., "An image is worth 16x16 words" (ICLR 2021); blocks are those of `digits-vit`.
    """

    def __init__(self, classes: int, size: int = 32, width: int = 96, heads: int = 3, blocks: int = 4):
        super().__init__()
        patch = max(1, size // 8)
        self.patches = nn.Conv2d(3, width, patch, patch)
        self.position = nn.Parameter(0.02 * torch.randn(1, (size // patch) ** 2, width))
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(blocks)))
        self.norm = nn.LayerNorm(width)
        self.classifier = nn.Linear(width, classes)

    def forward(self, images: Tensor) -> Tensor:
        tokens = self.patches(images).flatten(2).transpose(1, 2) + self.position
        return self.classifier(self.norm(self.blocks(tokens)).mean(1))


class CausalAttention(Attention):
    """Multi-head self-attention in which no token sees a later one: (batch, tokens, width) -> same."""

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return self.out(F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2))


class CausalBlock(Block):
    """A transformer block whose attention looks back alone."""

    def __init__(self, width: int, heads: int):
        super().__init__(width, heads)
        self.attention = CausalAttention(width, heads)


class GPT(nn.Module):
    """A small GPT over characters: (batch, length) codes -> (batch, length, symbols) logits of the next one.

    A. Radford et al., "Language models are unsupervised multitask learners" (2019), as small as can be.
    """

    def __init__(self, symbols: int, length: int = 64, width: int = 96, heads: int = 3, blocks: int = 3):
        super().__init__()
        self.symbols = nn.Embedding(symbols, width)
        self.position = nn.Parameter(0.02 * torch.randn(1, length, width))
        self.blocks = nn.Sequential(*(CausalBlock(width, heads) for _ in range(blocks)))
        self.norm = nn.LayerNorm(width)
        self.classifier = nn.Linear(width, symbols)

    def forward(self, codes: Tensor) -> Tensor:
        tokens = self.symbols(codes) + self.position[:, : codes.shape[1]]
        return self.classifier(self.norm(self.blocks(tokens)))
