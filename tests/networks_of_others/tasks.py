"""Networks that others trained, as tasks: with data that they did not see, and the metric that each is known by."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from tests.networks_of_others import keywords, micronet, sentences, sorting, stories
from torch import Tensor

from narrowmax.models import Task
from narrowmax.models.datasets.networks import ResNet20
from narrowmax.models.outcomes import NO_LABEL, language

IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def keyword_task(data: Path, step: int = 1) -> Task:
    """KWT-1 on the 978 clips, or every so many of them."""
    features, labels = (values[::step] for values in keywords.clips(data))
    batches = list(zip(features.split(64), labels.split(64), strict=True))
    return Task(keywords.network(data), batches, name="KWT-1", where="attention", threads=1)


def story_task(data: Path, count: int = 5) -> Task:
    """stories260K on the stories of the sample; a sample is a story, each a batch of its own."""
    text = (data / stories.FOLDER / "tinystories_sample.txt").read_text(encoding="utf-8")
    told = [_tokens(data, part) for part in re.split(r"\s*<\|endoftext\|>\s*", text.strip()) if part][:count]
    longest = max(map(len, told))
    batches = [
        (torch.tensor([[stories.BEGIN, *story[:-1]]]), torch.tensor([story + [NO_LABEL] * (longest - len(story))]))
        for story in told
    ]
    ceilings = {"nll": float(np.log(512))}  # of a guess among all tokens
    return Task(
        stories.network(data), batches, told_so_far, name="stories260K", where="attention", threads=1, ceilings=ceilings
    )


@lru_cache
def _tokens(data: Path, text: str) -> list[int]:
    return stories.tokens(data, text)


def told_so_far(output, labels: Tensor) -> dict[str, np.ndarray]:
    """`language` of a story, without the places behind its end."""
    logits = output.logits.numpy()
    return language(logits, labels[:, : logits.shape[1]].numpy())


def lengths(task: Task) -> np.ndarray:
    """Tokens of each story."""
    return np.array([int((labels != NO_LABEL).sum()) for _, labels in task.pairs()])


def sorting_task(data: Path) -> Task:
    """The sorter on all 729 inputs: a sample is an input, right when all six letters are."""
    return Task(
        sorting.network(data), [sorting.inputs()], sorted_right, name="nano-GPT sort", where="attention", threads=1
    )


def sorted_right(output: Tensor, labels: Tensor) -> dict[str, np.ndarray]:
    """Outcomes of (batch, 6, 3) logits; a tie is wrong."""
    each = language(output.flatten(0, 1)[:, None].numpy(), labels.flatten()[:, None].numpy())
    return {"top1": each["top1"].reshape(labels.shape).all(1), "nll": each["nll"].reshape(labels.shape).mean(1)}


def image_task(data: Path, name: str, step: int = 1) -> Task:
    """The MicroNet network on the CIFAR-100 test images, ResNet-20 on 2,000 of CIFAR-10, or on every so many."""
    if name == "MicroNet":
        network, file, scale = (
            micronet.network(data),
            "cifar100_images/cifar100_test.npz",
            (micronet.MEAN, micronet.DEVIATION),
        )
    else:
        network, file, scale = resnet20(data), "cifar10_images/cifar10_test_2000.npz", IMAGENET
    with np.load(data / file, allow_pickle=False) as held:
        images, labels = held["images"][::step], held["labels"][::step].astype(np.int64)
    parts = range(0, len(images), 100)
    batches = lambda: ((_scaled(images[k : k + 100], *scale), torch.from_numpy(labels[k : k + 100])) for k in parts)  # noqa: E731
    return Task(network, batches, name=name, where="classifier", threads=1)


def stored_logits(data: Path, name: str) -> np.ndarray:
    """The logits that are stored beside the weights, for the images of `image_task`."""
    file = {"MicroNet": "osi_micronet_cifar100/cifar100", "ResNet-20": "akamaster_cifar10_resnet/resnet20_cifar10"}
    with np.load(data / f"{file[name]}_test_logits.npz", allow_pickle=False) as held:
        found = held["logits"]
    if name == "MicroNet":
        return found
    with np.load(data / "cifar10_images/cifar10_test_2000.npz", allow_pickle=False) as held:
        return found[held["index_in_test"]]


def _scaled(images: np.ndarray, mean, deviation) -> Tensor:
    x = (images.astype(np.float32) / 255 - np.float32(mean)) / np.float32(deviation)
    return torch.from_numpy(x.transpose(0, 3, 1, 2).copy())


def resnet20(data: Path) -> ResNet20:
    """Our ResNet-20 with the weights of akamaster's, BSD-2-Clause: https://github.com/akamaster/pytorch_resnet_cifar10."""
    stored = torch.load(
        data / "akamaster_cifar10_resnet" / "resnet20-12fca82f.th", weights_only=True, map_location="cpu"
    )
    found = ResNet20(10)
    known = found.state_dict()
    state = {name.removeprefix("module."): value for name, value in stored["state_dict"].items()}
    counted = {name: value for name, value in known.items() if name.endswith("num_batches_tracked")}
    found.load_state_dict({**counted, **state})
    return found.eval()


def sentence_task(data: Path, count: int | None = None) -> Task:
    """MiniLM on sentences of the stories: how far each one's vector turns from that of float, 1 - cosine."""
    text = (data / stories.FOLDER / "tinystories_sample.txt").read_text(encoding="utf-8")
    said = [one for one in re.split(r"(?<=[.!?])\s+|<\|endoftext\|>|\n+", text) if len(one) > 15][:count]
    network = sentences.network()
    batches = [sentences.tokens(said[k : k + 16]) for k in range(0, len(said), 16)]
    vectors = [sentences.embedded(network, [batch]) for batch in batches]
    return Task(
        network, list(zip(batches, vectors, strict=True)), turned, name="MiniLM", where="attention", threads=1,
        ceilings={"turned": 2.0},
    )  # fmt: skip


def turned(output: Tensor, before: Tensor) -> dict[str, np.ndarray]:
    """1 - the cosine of each vector with that of float."""
    return {"turned": (1 - (output.double() * before.double()).sum(1)).numpy()}
