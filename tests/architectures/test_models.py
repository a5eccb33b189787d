"""Architectures against a few integer lines written from their pages: definition and arrays, bit for bit.

The others are judged by an oracle of their own, in a file of their name.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.architectures import models
from tests.architectures.rows import DRAWN, adversarial, masks, random_rows

from narrowmax.designs import catalogue
from narrowmax.engines import array, interpret

MODELLED = [d for d in DRAWN if hasattr(models, d.architecture)]
TRAINED = ("logits_cifar100_repvgg_a2_pretrainedcy.npz", "logits_cifar100_vgg16_bn_pretrainedcy.npz")


def modelled(design, row: list[int], present: list[bool]) -> list[int]:
    """The output codes of a row of codes by the independent model."""
    model = getattr(models, design.architecture)
    here = [x for x, takes_part in zip(row, present, strict=True) if takes_part]
    if not here:
        absent = design.output.highest_code if design.architecture == "argmax" else 0
        return [absent] * (1 if design.architecture == "argmax" else len(row))
    if design.architecture == "softermax":
        return model([x if takes_part else None for x, takes_part in zip(row, present, strict=True)], design.parameters)
    found = model(here, design.parameters)
    if design.architecture == "argmax":
        return [[i for i, takes_part in enumerate(present) if takes_part][found[0]]]
    found = iter(found)
    return [next(found) if takes_part else 0 for takes_part in present]


def agree(design, rows) -> None:
    """Definition and arrays give what the model gives for every row and mask of `rows`."""
    datapath = design.datapath(128)
    for row, present in rows:
        wanted = modelled(design, row, present)
        assert interpret.run(datapath, row, present) == wanted, (row, present)
        assert array.run(datapath, np.array([row]), np.array([present]))[0].tolist() == wanted


@pytest.mark.parametrize("design", MODELLED, ids=str)
class TestModels:
    def test_adversarial_rows(self, design):
        random = np.random.default_rng(0)
        low, high = design.input.lowest_code, design.input.highest_code
        agree(design, [(row, mask) for row in adversarial(low, high) for mask in masks(len(row), random)][::2])

    def test_random_rows(self, design):
        random = np.random.default_rng(1)
        low, high = design.input.lowest_code, design.input.highest_code
        rows = random_rows(low, high, 60, random)
        agree(design, [(row, (random.random(len(row)) < 0.8).tolist()) for row in rows])

    @pytest.mark.parametrize("name", TRAINED)
    def test_trained_logits(self, design, name, shared_data):
        logits = np.load(shared_data / "wasscal_logits" / name)["logits"][::700]
        wanted = [modelled(design, row, [True] * len(row)) for row in design.input.quantise(logits).tolist()]
        assert design.simulate(logits).tolist() == wanted


def test_every_drawn_architecture_has_a_model_or_an_oracle():
    drawn = {name for name, entry in catalogue().items() if entry.function}
    assert [n for n in drawn - set(vars(models)) if not (Path(__file__).parent / f"test_{n}.py").exists()] == []
