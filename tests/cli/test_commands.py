"""Each command through its words: what it prints for people and for programs, what it writes."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest

import narrowmax as nm
from narrowmax.cli.app import app
from narrowmax.metrics import IMPOSSIBLE

NAMES = "study measure simulate narrow compare train doctor designs build verify cost page tasks tools".split()
DESIGN = "table_divide(input=Q5.2, exp=UQ0.6, output=UQ0.6:floor)"


def test_commands_are_those_of_the_interface():
    assert [command.callback.__name__ for command in app.registered_commands] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_help_teaches_by_example(narrowmax, name):
    said = narrowmax(name, "--help")
    assert said.code == 0 and said.err == ""
    assert f"\n    narrowmax {name}" in said.out
    for option in ("--json", "--verbose", "--debug"):
        assert option in said.out


def test_help_says_which_names_go_into_one_project(narrowmax):
    said = " ".join(narrowmax("build", "--help").out.split())
    assert "in one project no name may be the beginning of another, as att of att_exp. [default: softmax]" in said


@pytest.mark.parametrize("words", [(), ("--help",), ("-h",)])
def test_help_of_the_program_lists_the_commands(narrowmax, words):
    said = narrowmax(*words)
    assert said.code == 0
    assert all(f"\n  {name} " in said.out for name in NAMES)


def test_version(narrowmax):
    assert narrowmax("--version").out == f"narrowmax {nm.__version__}\n"


def test_the_module_is_the_program():
    done = subprocess.run([sys.executable, "-m", "narrowmax", "--version"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, f"narrowmax {nm.__version__}\n")


def test_help_is_quick():
    """It imports what lines and tables need, and nothing that takes long to import."""
    program = (
        "import sys; from narrowmax.cli import run; run(['--help'])\n"
        "print(*{name.split('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    said = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stderr
    assert {"narrowmax", "typer"} <= set(said.split())
    heavy = {"torch", "keras", "tensorflow", "jax", "onnx", "onnxruntime", "transformers", "datasets", "lightning"}
    assert not set(said.split()) & (heavy | {"sklearn", "plotly", "pandas", "pyarrow", "PIL", "pyosys", "matplotlib"})


def test_measure(narrowmax, file, arrays):
    made = narrowmax("measure", file, "--within", "2.7", "--within", "10", "--json").record
    (softmax,) = made["softmaxes"]
    reach = np.abs(arrays["logits"]).max(axis=1)
    assert softmax["all_within"] == {"2.7": (reach <= 2.7).mean(), "10": (reach <= 10).mean()}
    assert (made["schema"], made["source"], softmax["rows"]) == ("narrowmax/measure/1", file, 1500)
    said = narrowmax("measure", file)
    assert said.code == 0 and "inside ±10" in said.out and said.err == ""


def test_measure_writes_a_record_that_a_page_is_drawn_from(narrowmax, file, tmp_path):
    assert narrowmax("measure", file, "--out", "measured").code == 0
    said = narrowmax("page", "measured/record.json", "--out", "page.html")
    assert (said.code, said.out) == (0, "page.html\n")
    assert (tmp_path / "page.html").read_text().lower().lstrip().startswith("<!doctype html>")


def test_doctor(narrowmax, file, arrays, tmp_path):
    clean = narrowmax("doctor", file)
    assert (clean.code, clean.out) == (0, f"1,500 samples of {file} were looked at: nothing was found\n")
    np.savez(tmp_path / "twice.npz", logits=np.exp(arrays["logits"]) / np.exp(arrays["logits"]).sum(-1, keepdims=True))
    made = narrowmax("doctor", "twice.npz", "--json")
    (found,) = made.record["findings"]
    assert (made.code, made.record["schema"], made.record["samples"]) == (1, "narrowmax/doctor/1", 1500)
    assert set(found) == {"trap", "where", "evidence", "remedy"} and found["trap"] == "softmax-twice"
    said = narrowmax("doctor", "twice.npz").out
    assert "1 finding\n\nsoftmax-twice in twice" in said and "  remedy: hand the logits" in said


def test_simulate_writes_codes_probabilities_and_design(narrowmax, file, arrays, tmp_path):
    made = narrowmax("simulate", file, "--design", DESIGN, "--save", "out.npz", "--json").record
    with np.load(tmp_path / "out.npz", allow_pickle=False) as saved:
        codes, probabilities, text = saved["codes"], saved["probabilities"], str(saved["design"])
    design = nm.design(DESIGN)
    assert text == made["design"] == design.text
    assert np.array_equal(codes, design.simulate(arrays["logits"])) and codes.dtype == np.uint8
    assert np.array_equal(probabilities, design(arrays["logits"]))
    wanted = "rows n top1 agreement ties max_abs_error mean_abs_error kl nll row_sum_error zero_share worst_row".split()
    assert set(wanted) <= set(made)
    assert set(made["top1"]) >= {"float", "design", "difference", "low", "high", "confidence"}


def test_simulate_of_rows_in_more_axes_keeps_their_shape(narrowmax, tmp_path):
    np.savez(tmp_path / "many.npz", logits=np.random.default_rng(0).normal(0, 3, (4, 3, 5, 7)))
    made = narrowmax("simulate", "many.npz", "--design", "softermax", "--save", "out.npz", "--json").record
    with np.load(tmp_path / "out.npz", allow_pickle=False) as saved:
        assert saved["codes"].shape == saved["probabilities"].shape == (4, 3, 5, 7)
    assert (made["rows"], made["n"], made["top1"], made["nll"]) == (60, 7, None, None)
    assert made["top1_reason"] == made["nll_reason"] == "the source has no labels, so no accuracy can be judged"


def test_simulate_of_a_design_that_names_the_winner(narrowmax, file, arrays, tmp_path):
    made = narrowmax("simulate", file, "--design", "argmax", "--save", "o.npz", "--json").record
    with np.load(tmp_path / "o.npz", allow_pickle=False) as saved:
        assert saved["codes"].shape == (1500, 1)
        assert np.array_equal(saved["probabilities"].sum(axis=-1), np.ones(1500))
    assert made["nll_floor"] == IMPOSSIBLE


def test_simulate_takes_the_last_epoch(narrowmax, arrays, tmp_path):
    epoch = np.repeat([1, 3], 750)
    np.savez(tmp_path / "e.npz", **arrays, epoch=epoch)
    made = narrowmax("simulate", "e.npz", "--design", DESIGN, "--save", "out.npz", "--json").record
    with np.load(tmp_path / "out.npz", allow_pickle=False) as saved:
        assert np.array_equal(saved["codes"], nm.design(DESIGN).simulate(arrays["logits"][750:]))
    assert made["rows"] == 750


def test_narrow_and_what_it_prints(narrowmax, file):
    words = (
        "narrow",
        file,
        "--architecture",
        DESIGN,
        "--tolerance",
        "2%",
        "--tolerance",
        "nll=0.2",
        "--confidence",
        "90%",
    )
    made = narrowmax(*words, "--json").record
    assert {"design", "cost", "loss", "samples", "wires", "front"} <= set(made)
    assert made["cost"]["tool"] == "Yosys" and made["cost"]["max_n"] == 10
    assert all(loss["high"] < loss["tolerance"] for loss in made["loss"].values())
    assert {wire["why_not_less"] for wire in made["wires"]} <= {"loses", "not shown", "impossible"}
    said = narrowmax(*words)
    assert made["design"] in said.out
    assert "top-1: loses less than 2.00 points at 90\u202f% confidence, on 1,050 judged samples" in said.out


def test_compare_is_of_the_whole_catalogue(narrowmax, file):
    from narrowmax import designs

    made = narrowmax("compare", file, "--no-cost", "--json").record
    assert [row["architecture"] for row in made["rows"]] == list(designs.catalogue())
    assert all(row["limits"] and row["cost"] is None and row["cost_reason"] == "not asked for" for row in made["rows"])
    assert made["calibration"]["low"] < 0 < made["calibration"]["high"]


def test_compare_tells_what_designs_cost(narrowmax, file):
    words = [word for name in ("ideal", "table_divide", "argmax") for word in ("--design", name)]
    rows = {row["architecture"]: row for row in narrowmax("compare", file, *words, "--json").record["rows"]}
    assert rows["ideal"]["cost"] is None and "has no hardware" in rows["ideal"]["cost_reason"]
    assert rows["table_divide"]["cost"]["area"]["nand2"] > rows["argmax"]["cost"]["area"]["nand2"] > 0


def test_compare_of_designs_given_as_words_and_in_a_file(narrowmax, file, tmp_path):
    (tmp_path / "mine.toml").write_text('[[design]]\narchitecture = "softermax"\nchunk = 8\n')
    said = narrowmax("compare", file, "--design", DESIGN, "--designs", "mine.toml", "--lanes", "2")
    assert said.code == 0
    assert nm.design(DESIGN).text in said.out and "chunk=8" in said.out and "built for 2 lanes" in said.out


def test_compare_without_labels_has_errors_and_costs(narrowmax, arrays, tmp_path):
    np.savez(tmp_path / "plain.npz", logits=arrays["logits"])
    (row,) = narrowmax("compare", "plain.npz", "--design", DESIGN, "--json").record["rows"]
    assert row["top1"] is None and row["max_abs_error"] > 0 and row["cost"]["area"]["ff"] > 0


def test_compare_says_what_a_design_cannot_take(narrowmax, tmp_path):
    np.savez(tmp_path / "long.npz", logits=np.zeros((2, 70_000), np.float32))
    (row,) = narrowmax("compare", "long.npz", "--design", "table_divide", "--json").record["rows"]
    if row["max_abs_error"] is None:
        assert "takes rows of up to" in row["top1_reason"]


def test_designs(narrowmax, monkeypatch):
    """A few entries: every one is tried in tests of designs."""
    from narrowmax import designs

    few = ("argmax", "ideal", "softermax", "table_divide")
    entries = {name: entry for name, entry in designs.catalogue().items() if name in few}
    monkeypatch.setattr(designs, "catalogue", lambda: entries)
    made = narrowmax("designs", "--json").record
    assert tuple(a["name"] for a in made["architectures"]) == few
    one = next(a for a in made["architectures"] if a["name"] == "softermax")
    assert (one["year"], one["oracle"]) == (2021, "integer arithmetic on correctly rounded edges.")
    assert {g["name"]: g["value"] for g in one["guarantees"]}["order_kept"] is True
    assert {"exact_row": 1008}.items() <= {limit["name"]: limit["value"] for limit in one["limits"]}.items()
    assert 0 < one["error_card"]["exp"]["absolute"] < one["error_card"]["whole"]["absolute"]
    said = narrowmax("designs")
    assert said.code == 0
    assert re.search(r"softermax +2021 ", said.out)
    assert all(word in said.out for word in ("judged by", "relative", "longest row"))
    assert max(map(len, said.out.splitlines())) <= 100


def test_designs_shows_one_in_full(narrowmax):
    (one,) = narrowmax("designs", "softermax(chunk=8)", "--json").record["architectures"]
    assert {"Source", "Limits", "Hazards", "Oracle"} <= set(one["page"])
    assert {"chunk": "8"}.items() <= {p["name"]: p["value"] for p in one["parameters"]}.items()
    assert one["wires"][0]["lo"] < one["wires"][0]["hi"] and one["limits"]
    assert sum(part["share"] for part in one["error_budget"]["parts"]) == pytest.approx(1, abs=1e-6)
    text = narrowmax("designs", "softermax").out
    assert text.startswith("softermax (2021): ") and "no year" in narrowmax("designs", "ideal").out
    assert all(word in text for word in ("What was tried:", "How wrong its parts are:", "all together"))
    assert "a position, not probabilities" in narrowmax("designs", "argmax").out
    assert "w51" in text and "without a name" not in text
    long = narrowmax("designs", "log_domain(exp=line, log=mitchell, back=line)").out
    assert "(y>>1) + (y>>3) + (y>>4)" in long  # the second drawing on the page
    assert all(
        word in text
        for word in ("Source:", "Limits:", "Hazards:", "At these parameters:", "wire", "default 16 (published)")
    )


def test_tasks_and_tools(narrowmax):
    made = narrowmax("tasks", "--json").record
    names = [task["name"] for task in made["tasks"]]
    assert names[:2] == ["digits-cnn", "digits-vit"] and {"cifar100-vgg:DIR", "text-gpt:FILE"} <= set(names)
    assert "digits-vit" in narrowmax("tasks").out
    assert {tool["name"] for tool in narrowmax("tools", "--json").record["tools"]} >= {"Verilator", "Yosys"}
    assert "Verilator" in narrowmax("tools").out


@pytest.mark.parametrize("loops", ["base", None], ids=["built", "not built"])
def test_tools_tell_of_the_compiled_engine(narrowmax, monkeypatch, loops):
    monkeypatch.setattr("narrowmax.engines.compiled.instruction_set", lambda: loops)
    row = narrowmax("tools", "--json").record["tools"][0]
    said = narrowmax("tools").out
    assert (row["name"], row["found"]) == ("compiled engine", bool(loops))
    if loops:
        assert row["version"] == "loops for base" and row["remedy"] is None
    else:
        assert row["version"] is None and row["remedy"].startswith("install gcc or clang, or `pip install ziglang`, ")
        assert f"not found: {row['remedy'][:30]}" in said


def test_build_verify_cost(narrowmax, tmp_path):
    made = narrowmax("build", DESIGN, "--lanes", "2", "--max-n", "6", "--out", "rtl", "--json").record
    assert {"files", "latency_cycles", "initiation_interval"} <= set(made) and (made["lanes"], made["max_n"]) == (2, 6)
    assert sorted(made["files"]) == sorted(
        p.relative_to(tmp_path / "rtl").as_posix() for p in (tmp_path / "rtl").rglob("*.*")
    )
    said = narrowmax("verify", "rtl", "--elements", "20000", "--json")
    verified = said.record
    assert said.code == 0 and verified["mismatches"] == 0 and verified["elements"] > 20000
    assert isinstance(verified["seconds"], float) and verified["exhaustive_units"]
    priced = narrowmax("cost", "rtl", "--json").record
    assert priced["target"] == "gates" and priced["area"]["nand2"] > 0 and priced["design"] == nm.design(DESIGN).text
    assert priced["delay_ns"] is None and priced["delay_ns_reason"]
    assert "NAND2" in narrowmax("cost", "rtl").out
    assert narrowmax("cost", DESIGN, "--lanes", "2", "--max-n", "6", "--json").record["area"] == priced["area"]


def test_verify_of_a_wrong_circuit_ends_with_1_and_says_how_to_repeat_it(narrowmax, tmp_path):
    narrowmax("build", DESIGN, "--max-n", "6", "--out", "rtl")
    table = tmp_path / "rtl" / "rtl" / "softmax_exp.v"
    table.write_text(re.sub(r"(value = \d+'d)\d+", r"\g<1>1", table.read_text(), count=1))
    said = narrowmax("verify", "rtl", "--elements", "2000", "--json")
    assert said.code == 1 and said.record["mismatches"] > 0
    assert said.record["repeat"] == "narrowmax verify rtl --elements 2000 --seed 0"
    text = narrowmax("verify", "rtl", "--elements", "2000")
    assert text.code == 1 and "narrowmax verify rtl" in text.out and "What differs" in text.out


def test_a_function_of_a_file_of_ones_own(narrowmax, tmp_path):
    (tmp_path / "mine.py").write_text(
        "import torch\nimport narrowmax as nm\n\ndef task():\n"
        "    x = torch.randn(60, 4)\n    return nm.Task(torch.nn.Linear(4, 3), [(x, torch.arange(60) % 3)])\n"
    )
    assert narrowmax("measure", "./mine.py:task", "--trust", "--json").record["softmaxes"][0]["n"] == 3


def test_verbose_speaks_on_standard_error_alone(narrowmax, file):
    said = narrowmax("simulate", file, "--design", DESIGN, "-v", "--json")
    assert "simulate" in said.err and said.record["rows"] == 1500


@pytest.mark.parametrize(
    ("name", "accuracy", "shares"), [("vgg16_bn", 0.74, (7.5, 39.9, 94.5)), ("repvgg_a2", 0.775, (53.9, 93.1, 99.8))]
)
def test_shares_of_real_networks_are_those_of_their_notes(narrowmax, shared_data, name, accuracy, shares):
    path = shared_data / f"wasscal_logits/logits_cifar100_{name}_pretrainedcy.npz"
    (softmax,) = narrowmax("measure", path, "--json").record["softmaxes"]
    found = [100 * softmax["all_within"][r] for r in ("10", "15", "20")]
    assert found == pytest.approx(shares, abs=0.0501)  # the notes have one digit
    with np.load(path, allow_pickle=False) as file:
        reach = np.abs(file["logits"]).max(axis=1)
    assert softmax["all_within"] == {str(r): (reach <= r).mean() for r in (5, 10, 15, 20)}
    assert narrowmax("simulate", path, "--design", "ideal", "--json").record["top1"]["design"] == accuracy
