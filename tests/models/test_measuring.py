"""A measurement as an object: its table, its JSON, its plots, merging."""

from __future__ import annotations

import json
import pickle
import sys

import pytest
import torch
from torch import nn

from narrowmax.errors import DataError, ToolMissing
from narrowmax.models import measure


@pytest.fixture
def network():
    return nn.Sequential(nn.Softmax(-1), nn.LogSoftmax(-1))


X = torch.tensor([[0.0, 1.0, 12.0], [0.0, 2.0, 2.0]])


@pytest.fixture
def seen(network):
    seen = measure(network)
    for epoch in (1, 2):
        seen.epoch = epoch
        with seen:
            network(epoch * X)
    return seen


def test_the_table(network):
    with measure(network[:1]) as seen:
        network[:1](X)
    assert seen.table() == str(seen)
    assert seen.table() == (
        "softmax  epoch  rows  n   min    max  within 10  99 % within  max-x p99  gap p50    ties\n"
        "0            -     2  3  0.00  12.00      50.0%        12.00      12.00     0.00  50.00%"
    )
    assert measure(network).table() == "no softmax was seen"


def test_the_html_table_escapes_names():
    class Evil(nn.Module):
        def forward(self, x):
            return x.softmax(-1)

    network = nn.Module()
    network.add_module("<b>", Evil())
    with measure(network) as seen:
        network.get_submodule("<b>")(X)
    assert "<td>&lt;b&gt;</td>" in seen._repr_html_()
    assert "<b>" not in seen._repr_html_()


def test_the_json(seen):
    found = json.loads(seen.to_json())
    assert found == {"schema": "narrowmax/measure/1", "softmaxes": seen.softmaxes()}
    wanted = "name kind epoch rows n min max mean std masked all_within within_for distance gap ties formats"
    assert set(wanted.split()) <= set(found["softmaxes"][0])
    assert [(one["name"], one["epoch"]) for one in found["softmaxes"]] == [("0", 1), ("1", 1), ("0", 2), ("1", 2)]


def test_within_and_formats_of_ones_own(network):
    with measure(network, within=(1, 0.3), formats=("Q2.1",)) as seen:
        network(X)
    assert seen.softmaxes()[1]["all_within"] == {"1": 1.0, "0.3": 0.0}
    assert list(seen.softmaxes()[0]["formats"]) == ["Q2.1"]
    assert seen.softmaxes(within=(12, 2))[0]["all_within"] == {"12": 1.0, "2": 0.5}
    with pytest.raises(DataError, match="has no power-of-two grid"):
        measure(network, formats=("decimal(2)",))


def test_parts_from_other_processes_are_merged(network, seen):
    travelled = pickle.loads(pickle.dumps(seen))
    whole = measure(network)
    for x, epoch in ((X, 1), (2 * X, 2), (X, 1), (2 * X, 2)):
        whole.epoch = epoch
        with whole:
            network(x)
    assert travelled.merge(seen) is travelled
    assert travelled.softmaxes() == whole.softmaxes()
    assert [one["rows"] for one in seen.softmaxes()] == [2, 2, 2, 2]


def test_the_plots(seen, network):
    ranges = seen.plot()
    assert list(ranges.data[0].y) == ["0", "1"]
    assert (ranges.data[0].base[0], ranges.data[0].customdata[0]) == (0.0, 24.0)
    shares = seen.plot("0")
    assert list(shares.data[1].x) == [1, 2]
    assert list(shares.data[1].y) == [0.5, 0.5]
    for plot, names in (
        (ranges, ["smallest to largest", "±R that holds 99 % of rows"]),
        (shares, ["±5", "±10", "±15", "±20"]),
    ):
        assert plot.layout.showlegend and [one.name for one in plot.data if one.showlegend] == names
    with pytest.raises(
        DataError, match="^no softmax called '2' was seen, so there is nothing to plot; run the network"
    ):
        seen.plot("2")
    with pytest.raises(DataError, match="^no softmax was seen"):
        measure(network).plot()


def test_a_plot_says_what_it_needs(seen, monkeypatch):
    monkeypatch.setitem(sys.modules, "plotly", None)
    message = "^the plotting library was not found, and a plot needs it; run pip install plotly$"
    with pytest.raises(ToolMissing, match=message):
        seen.plot()


def test_the_table_says_what_has_to_be_known_of_it(network):
    x = torch.randn(3000, 400, generator=torch.Generator().manual_seed(0))
    x[:, :20] -= 100
    with measure(network[:1]) as seen:
        network[:1](x)
    mass, sampled = seen.table().splitlines()[2:]
    assert mass.startswith("0: 5.0% of the elements lie ") and mass.endswith("; is that a mask written as a number?")
    share = seen.softmaxes()[0]["sampled"]
    assert 0.8 < share < 1
    assert sampled == f"max-x, gap and ties are of {share:.0%} of the rows where most were seen; ranges are of all rows"
    assert "<p>0: 5.0% of the elements" in seen._repr_html_()


def test_a_single_number_and_a_view_with_the_negative_bit():
    x = torch.tensor([1 + 2j, 3 - 1j]).conj().imag
    with measure(soft := nn.Softmax(0)) as seen:
        soft(torch.tensor(3.0))
        soft(x)
    assert [(one["rows"], one["n"], one["min"], one["max"]) for one in seen.softmaxes()] == [(2, 2, -2.0, 3.0)]
