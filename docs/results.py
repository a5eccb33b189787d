"""Writes the README's table of results from the records of studies; no number in it is written by hand.

python docs/results.py study/*/record.json     takes what the table needs into docs/results.json
python docs/results.py                         writes the table from docs/results.json into the README
"""

from __future__ import annotations

import sys
from pathlib import Path

from narrowmax.report.text import UNCORRECTED, amount, at_most, claimed
from narrowmax.store import atomic_write, dump, load

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
RESULTS = ROOT / "docs" / "results.json"
BEGIN, END = "<!-- results:begin", "<!-- results:end -->"


def extract(record: dict) -> dict:
    """What the table needs of one study's record."""
    narrow, hardware = record["narrow"], record["hardware"]
    return {
        "source": record["source"],
        "narrowmax": record["narrowmax"],
        "confidence": record["settings"]["confidence"],
        "float": record["task"]["float"],
        "design": narrow["design"],
        "loss": narrow["loss"],
        "judged": narrow["samples"]["judged"],
        "lanes": hardware["lanes"],
        "max_n": hardware["max_n"],
        "build": {key: hardware["build"][key] for key in ("latency_cycles", "initiation_interval")},
        "verify": {key: hardware["verify"][key] for key in ("elements", "mismatches")},
        "cost": {target: _cost(cost) for target, cost in hardware["cost"].items()},
    }


def _cost(cost: object) -> object:
    return {key: cost[key] for key in ("tool", "version", "area")} if isinstance(cost, dict) else cost


def table(results: list[dict]) -> str:
    """The table in Markdown, a column for each study."""
    head = ["", *(f"`{result['source']}`" for result in results)]
    lines = [head, ["---"] * len(head)]
    lines += [[title, *(cell(result) for result in results)] for title, cell in _ROWS]
    drawn = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{drawn}\n\n\\* The bound is {UNCORRECTED}; what is claimed is the line above."


def _bits(result: dict) -> str:
    import narrowmax as nm

    design = nm.design(result["design"])
    return f"{design.input.bits} in, {design.output.bits} out"


def _claimed(result: dict) -> str:
    """What is claimed, both metrics together."""
    loss = result["loss"]
    said = f"{claimed('top1', loss['top1'])} of top-1, {claimed('nll', loss['nll'])} of NLL"
    return f"{said}, at {result['confidence']:.0%} confidence"


def _measured(metric: str):
    """What was measured, and its own bound, never tighter than it is."""
    return lambda result: "{}, at most {}".format(
        amount(metric, result["loss"][metric]["estimate"]),
        at_most(metric, result["loss"][metric]["high"]).removesuffix(" points"),
    )


def _area(target: str, keys: dict[str, str]):
    def cell(result: dict) -> str:
        cost = result["cost"].get(target)
        if not isinstance(cost, dict):
            return "not measured"
        counts = [(cost["area"].get(key), unit) for key, unit in keys.items()]
        return ", ".join(f"{round(count):,} {unit}" for count, unit in counts if count is not None)

    return cell


_GATES = {"nand2": "NAND2", "ff": "flip-flops", "ram_bits": "RAM bits", "rom_bits": "ROM bits"}
_XC7 = {"luts": "LUTs", "ff": "flip-flops", "dsp": "DSP", "bram": "block RAMs"}
_ROWS = (
    ("accuracy in full precision", lambda r: f"{r['float']['top1']:.2%}"),
    ("narrowest design found", lambda r: f"`{r['design']}`"),
    ("bits of an element", _bits),
    ("claimed to lose", _claimed),
    ("top-1 lost as measured \\*", _measured("top1")),
    ("NLL lost as measured \\*", _measured("nll")),
    ("samples that judged it", lambda r: f"{r['judged']:,}"),
    ("built for", lambda r: f"{r['lanes']} lane(s), rows of up to {r['max_n']}"),
    ("cycles a row, and to the first output", lambda r: "{initiation_interval}, {latency_cycles}".format(**r["build"])),
    ("Verilog against simulation", lambda r: "{elements:,} elements, {mismatches} mismatches".format(**r["verify"])),
    ("cost in gates (Yosys)", _area("gates", _GATES)),
    ("cost on xc7 (Yosys; resources only)", _area("xc7", _XC7)),
)


def placed(readme: str, drawn: str) -> str:
    """The README with the table between its marks."""
    before, rest = readme.split(BEGIN, 1)
    mark, rest = rest.split("\n", 1)
    after = rest.split(END, 1)[1]
    return f"{before}{BEGIN}{mark}\n{drawn}\n{END}{after}"


def main(paths: list[str]) -> None:
    if paths:
        dump(RESULTS, [extract(load(path)) for path in paths])
    readme = placed(README.read_text(encoding="utf-8"), table(load(RESULTS)))
    with atomic_write(README, "w") as file:
        file.write(readme)


if __name__ == "__main__":
    main(sys.argv[1:])
