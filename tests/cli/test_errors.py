"""Bad requests and bad surroundings: one sentence, the right exit code, nothing left behind."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import numpy as np
import pytest

from narrowmax import store

ROWS = np.random.default_rng(0).normal(0, 4, (700, 10)).astype(np.float32)
LABELS = np.arange(700) % 10


def changed(value):
    rows = ROWS.copy()
    rows[3, 4] = value
    return rows


FILES = {
    "nan": ({"logits": changed(np.nan), "labels": LABELS}, "hold NaN"),
    "inf": ({"logits": changed(np.inf), "labels": LABELS}, r"hold \+inf"),
    "none": ({"logits": ROWS[:0]}, r"have shape \(0, 10\)"),
    "length": ({"logits": ROWS, "labels": LABELS[:-1]}, r"labels of shape \(699,\)"),
    "range": ({"logits": ROWS, "labels": LABELS + 1}, "is 10; labels of rows of 10 are 0 to 9|a label in .* is 10"),
    "negative": ({"logits": ROWS, "labels": LABELS - 1}, "is -1"),
    "arrays": ({"weights": ROWS}, "must hold one of the arrays 'logits' and 'logits_q'"),
    "pickle": ({"logits": np.array([[1, {}]], dtype=object)}, "Python objects"),
    "text": ({"logits": np.array([["a", "b"]])}, "type"),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "command", [("measure",), ("simulate", "--design", "table_divide", "--save", "out.npz", "--out", "o")]
)
def test_a_file_that_cannot_be_used(narrowmax, tmp_path, name, command):
    arrays, sentence = FILES[name]
    np.savez(tmp_path / f"{name}.npz", **arrays)
    said = narrowmax(command[0], f"{name}.npz", *command[1:])
    assert_one_sentence(said, 2, sentence)
    assert [path.name for path in tmp_path.iterdir()] == [f"{name}.npz"]


@pytest.mark.parametrize("name", ["cut", "empty", "words", "absent"])
def test_a_file_that_is_none(narrowmax, tmp_path, name):
    np.savez(tmp_path / "whole.npz", logits=ROWS, labels=LABELS)
    whole = (tmp_path / "whole.npz").read_bytes()
    contents = {"cut": whole[: len(whole) // 2], "empty": b"", "words": b"hello"}
    if name in contents:
        (tmp_path / f"{name}.npz").write_bytes(contents[name])
    sentence = "damaged or cut short|is empty|does not exist"
    assert_one_sentence(narrowmax("simulate", f"{name}.npz", "--design", "table_divide"), 2, sentence)


def test_no_pickle_is_run(narrowmax, tmp_path):
    class Bomb:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "boom"),))

    np.savez(tmp_path / "bomb.npz", logits=np.array([[Bomb()]], dtype=object))
    assert narrowmax("measure", "bomb.npz").code == 2
    assert not (tmp_path / "boom").exists()


def assert_one_sentence(said, code, sentence):
    assert said.code == code
    assert said.out == ""
    assert said.err.startswith("narrowmax: ") and said.err.count("\n") == 1, said.err
    assert re.search(sentence, said.err), said.err
    assert "Traceback" not in said.err


REQUESTS = {
    "foo": "no such command 'foo'; `narrowmax --help` shows examples",
    "measure": "missing argument 'SOURCE'; `narrowmax measure --help` shows examples",
    "measure {file} --bogus": "no such option: --bogus",
    "measure {file} --within x": "invalid value for '--within'",
    "measure {file} --within -3": "a range of ±-3 holds nothing to count; give R above 0, such as 10",
    "measure digits-cn": "'digits-cn' names no source; did you mean digits-cnn?",
    "measure ./mine.py:task": "mine.py does not exist",
    "measure {code}:task": "is code, which runs only if you trust it; read it, then add --trust",
    "measure {code}:task --trust": "failed: ZeroDivisionError: division by zero",
    "measure {code}:other --trust": "has no function 'other'",
    "simulate {file} --design table_divid": "architecture 'table_divid' is not known: .* did you mean table_divide?",
    "simulate {file} --design table_divide(exp=Q": "is not a design: write it like",
    "simulate {file} --design table_divide(exq=UQ0)": "'exq' is not known: .* did you mean exp?",
    "simulate {file} --design table_divide(exp=UQ9.9)": "exp=UQ9.9 is not possible",
    "simulate {file} --design softermax(chunk=17)": "chunk=17 is not possible",
    "simulate {file} --design table_divide(input=Q5.3:up)": "the word 'up' in format",
    "simulate {file} --design ideal --confidence 2": "is 2; give a share above 0 and below 1, such as 95% or 0.95",
    "narrow {file} --architecture argmax": "argmax cannot be narrowed",
    "narrow {file} --architecture ideal": "ideal cannot be narrowed",
    "narrow {file} --architecture table_divide --tolerance 0.5": "which may mean 0.5% or 50%; write it",
    "narrow {file} --architecture table_divide --tolerance map=1%": "a loss of top1 and nll can be tolerated, and",
    "narrow {file} --architecture table_divide --tolerance nll=1%": "give a number above 0, in nats",
    "narrow {file} --architecture table_divide --tolerance 1% --tolerance 2%": "a tolerance for top1 is given twice",
    "narrow {file} --architecture table_divide --target xc7": "a search needs one number",
    "narrow {plain} --architecture table_divide": "has no labels, so accuracy cannot be judged",
    "compare {file} --target ice40": "target is 'ice40'; it is one of gates, xc7",
    "cost table_divide --target ice40": "target is 'ice40'; it is one of gates, xc7",
    "cost table_divide --target liberty:cells.lib": "target is 'liberty:cells.lib'; it is one of gates, xc7",
    "cost ./absent": "./absent is no folder",
    "cost {folder}": "has no manifest.json; give a folder that `narrowmax build` wrote",
    "verify ideal": "ideal.* has no hardware",
    "cost ideal": "ideal.* has no hardware",
    "build ideal --out x": "ideal.* has no hardware",
    "build table_divide --out x --lanes 0": "invalid value for '--lanes'",
    "build table_divide --out x --lanes 65 --max-n 100": "65",
    "build softermax --out x --lanes 3 --max-n 64": "lanes",
    "build table_divide --out x --period-ns -1": "the period is -1.0 ns",
    "build table_divide --out x --name 1st": "the name is '1st'",
    "page {file} --out p.html": "is not a text file",
    "page {code} --out p.html": "is not valid JSON",
    "study {file}": "missing option '--out'",
    "study digits-cn --out s": "'digits-cn' names no source",
}


@pytest.mark.parametrize("request_", REQUESTS)
def test_a_wrong_request(narrowmax, tmp_path, request_):
    places = {name: str(tmp_path / path) for name, path in
              {"file": "f.npz", "plain": "p.npz", "code": "code.py", "folder": "folder"}.items()}  # fmt: skip
    np.savez(places["file"], logits=ROWS, labels=LABELS)
    np.savez(places["plain"], logits=ROWS)
    (tmp_path / "code.py").write_text("def task():\n    return 1 / 0\n")
    (tmp_path / "folder").mkdir()
    before = sorted(tmp_path.rglob("*"))
    words = [word.format(**places) for word in request_.split(" ")]
    said = narrowmax(*words)
    assert_one_sentence(said, 2, REQUESTS[request_])
    as_json = narrowmax(*words, "--json")
    assert as_json.code == 2 and as_json.err == ""
    assert as_json.record == {"schema": "narrowmax/error/1", "error": said.err[11:-1], "exit_code": 2}
    assert sorted(path for path in tmp_path.rglob("*") if "__pycache__" not in path.parts) == before


def test_a_claim_that_the_data_cannot_carry(narrowmax, tmp_path):
    np.savez(tmp_path / "few.npz", logits=ROWS, labels=LABELS)
    said = narrowmax("narrow", "few.npz", "--architecture", "table_divide", "--tolerance", "0.1%")
    assert_one_sentence(
        said, 1, "takes 2995 judged samples even where nothing is.*, and there are 490; give more samples"
    )


def test_missing_tools(narrowmax, monkeypatch, file):
    monkeypatch.setenv("CXX", "no-such-compiler")
    said = narrowmax("study", "digits-cnn", "--out", "s")
    assert_one_sentence(said, 3, "CXX names 'no-such-compiler', which was not found")
    monkeypatch.delenv("CXX")
    monkeypatch.setattr("narrowmax.tools.finders._package_folder", lambda name: None)
    monkeypatch.setenv("PATH", "")
    assert_one_sentence(
        narrowmax("cost", "table_divide", "--max-n", "9"), 3, "Yosys was not found; `pip install pyosys`"
    )
    assert_one_sentence(narrowmax("verify", "table_divide", "--max-n", "9"), 3, "was not found; ")
    monkeypatch.setattr("narrowmax.engines.compiled.available", lambda: False)
    shown = narrowmax("tools", "--json").record["tools"]
    assert not any(tool["found"] for tool in shown) and all(tool["remedy"] for tool in shown)


def test_compare_without_synthesis_says_so_and_goes_on(narrowmax, monkeypatch, file, tmp_path):
    monkeypatch.setenv("NARROWMAX_CACHE", str(tmp_path / "fresh"))
    monkeypatch.setattr("narrowmax.tools.finders._package_folder", lambda name: None)
    (row,) = narrowmax("compare", file, "--design", "table_divide", "--json").record["rows"]
    assert row["cost"] is None and row["cost_reason"].startswith("Yosys was not found") and row["top1"]["design"] > 0


PROGRAM = "import sys; from narrowmax.cli import run; sys.exit(run(sys.argv[1:]))"
# No file may grow beyond 2,000 bytes.  Python must not write what it compiles: it would keep the half of it for all.
LIMITED = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)); {PROGRAM}"


@pytest.mark.parametrize("words", [
    ("simulate", "logits.npz", "--design", "table_divide", "--save", "out.npz"),
    ("measure", "logits.npz", "--out", "out"),
    ("build", "table_divide", "--max-n", "10", "--out", "out"),
])  # fmt: skip
def test_a_full_disk(tmp_path, file, words):
    done = subprocess.run([sys.executable, "-B", "-c", LIMITED, *words], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 3
    assert re.fullmatch(
        r"narrowmax: .*out.* could not be written \(File too large\); free some space .*\n", done.stderr
    )
    left = [path for path in tmp_path.rglob("*") if path.name != "logits.npz"]
    assert [path for path in left if path.is_file()] == []


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_standard_output_that_is_full(tmp_path, file, flags):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, "measure", file, *flags],
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 3
    assert done.stderr == (
        "narrowmax: the output could not be written (No space left on device); "
        "free some space, or choose another place\n"
    )


def test_a_reader_that_leaves_is_no_reason_to_speak(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "tasks"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path
    )
    process.stdout.close()
    process.stdout = None
    assert process.communicate(timeout=600)[1] == b"" and process.returncode == 3


def test_a_bug_of_ours_is_called_one(narrowmax, monkeypatch, file):
    def broken(*_):
        raise ZeroDivisionError("division\nby zero")

    monkeypatch.setattr("narrowmax.study.measuring.measure", broken)
    sentence = (
        "this is a bug of narrowmax, not of yours: ZeroDivisionError: division by zero; run it again with --debug"
    )
    assert_one_sentence(narrowmax("measure", file), 4, sentence)
    said = narrowmax("measure", file, "--debug")
    assert said.code == 4 and "Traceback" in said.err and "in broken" in said.err
    said = narrowmax("measure", file, "--debug", "--json")
    assert said.record["exit_code"] == 4 and "Traceback" in said.err


def test_no_trace_unless_asked_for(narrowmax):
    said = narrowmax("simulate", "absent.npz", "--design", "ideal", "--debug")
    assert said.code == 2 and "Traceback" in said.err and said.err.endswith("give the path of a file of logits\n")


def test_a_package_that_is_missing_is_named(narrowmax, monkeypatch, file):
    def broken(*_):
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr("narrowmax.study.measuring.measure", broken)
    assert_one_sentence(
        narrowmax("measure", file), 3, "the package torch is needed for this and was not found; `pip install torch`"
    )


def test_records_of_errors_are_strict_json(narrowmax):
    said = narrowmax("cost", "\x00\ud800", "--json")
    assert said.code == 2 and store.loads(said.out)["error"]
