"""docs/own_data.md says what the code does."""

from __future__ import annotations

from dataclasses import fields

from docs import own_data

from narrowmax.models.datasets.forms import RANGES, Settings


def test_the_page_is_drawn_from_the_code():
    page = own_data.PAGE.read_text(encoding="utf-8")
    assert own_data.drawn(page) == page
    assert {found[2] for found in own_data.PLACE.finditer(page)} == set(own_data.DRAWN)


def test_every_setting_has_a_range_and_a_meaning():
    names = [field.name for field in fields(Settings)]
    assert list(RANGES) == list(own_data.MEANING) == names
    assert all(low <= getattr(Settings(), name) <= high for name, (low, high) in RANGES.items())
