"""What is compiled for the first time inside of a block: in a process of its own, for what compiles stays imported."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from narrowmax.models import measure

SCRIPT = """
import sys
import torch
import narrowmax as nm

network, x, design = torch.nn.Softmax(-1), torch.tensor([[0.5, 1.25]]), nm.design("ideal(input=Q5.3, output=UQ0.2)")
original = torch.compile
with nm.measure(network) as seen, nm.replace(network, design):
    assert "torch._dynamo" not in sys.modules
    inside = {how}
    got = inside(x)
assert torch.equal(got, design(x).float()), got
assert seen.softmaxes()[0]["rows"] == 1
assert torch.compile is original
assert torch.allclose(inside(x), network(x))
assert torch.allclose(kept(network, backend="eager")(x), network(x))
assert torch._dynamo.eval_frame._stance.stance == "default"
"""


@pytest.mark.parametrize("how", ["kept(network, backend='eager')", "kept(backend='eager')(network)"])
def test_the_first_compiled_network_of_a_process(how):
    script = SCRIPT.replace("{how}", how).replace("    inside", "    kept = torch.compile\n    inside")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_block_without_compilation_leaves_torch_as_it_is():
    before = torch.compile
    with measure(torch.nn.Softmax(-1)) as outer, measure(outer.network):
        pass
    assert torch.compile is before
