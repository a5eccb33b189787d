"""The section on the chosen Verilog: block diagram, verification, cost."""

from __future__ import annotations

from narrowmax.errors import DataError
from narrowmax.report import tables
from narrowmax.report.blocks import Drawing, Facts, Fold, Items, Note, Numbers, Section, absent, code
from narrowmax.report.drawing import clean
from narrowmax.report.text import count, plural, seconds, why

SLUG, TITLE = "hardware", "The hardware"


def section(record: dict) -> Section:
    """The section from a study's record."""
    hardware = record["hardware"]
    if hardware is None:
        return absent(SLUG, TITLE, why(record, "hardware"))
    blocks = [
        _facts(hardware),
        *_diagram(hardware),
        _verified(hardware),
        *_findings(hardware),
        _priced(hardware),
        *_files(hardware),
    ]
    return Section(SLUG, TITLE, _lead(hardware), tuple(blocks))


def _lead(hardware: dict) -> str:
    verify = hardware.get("verify")
    if verify is None:
        return f"Not verified: {why(hardware, 'verify')}"
    checked = f"{plural(verify.get('rows'), 'row')}, {plural(verify.get('elements'), 'element')}"
    compared = f"The Verilog was compared with the simulation on {checked}"
    found = verify.get("mismatches")
    if found is None:
        return f"{compared}; how many differed is not recorded: {why(verify, 'mismatches')}."
    if found:
        return f"{compared}, with {plural(found, 'mismatch', 'mismatches')}: this hardware is not the design."
    return f"{compared}, in {seconds(verify.get('seconds'))}: every bit agrees."


def _facts(hardware: dict) -> Facts:
    build = hardware.get("build") or {}
    facts: list = [("design", code(hardware["design"]))]
    if hardware.get("lanes") is not None:
        facts.append(("schedule", f"{plural(hardware['lanes'], 'lane')}, rows of up to {count(hardware.get('max_n'))}"))
    if build.get("latency_cycles") is not None:
        facts.append(("latency", plural(build["latency_cycles"], "cycle")))
    if build.get("initiation_interval") is not None:
        facts.append(("a new row every", plural(build["initiation_interval"], "cycle")))
    return Facts("", tuple(facts))


def _diagram(hardware: dict) -> list:
    diagram = hardware.get("diagram")
    if diagram is None:
        return [Note(f"No block diagram: {why(hardware, 'diagram')}", absent=True)]
    if not diagram.get("svg"):
        return [Note(f"No block diagram: {why(diagram, 'svg')}", absent=True)]
    try:
        svg = clean(diagram["svg"])
    except DataError as error:
        return [Note(f"No block diagram: {error}", absent=True)]
    return [Drawing("Block diagram", svg, f"Block diagram of {hardware['design']}.")]


def _verified(hardware: dict) -> Numbers | Note:
    if hardware.get("verify") is None:
        return Note(f"No verification: {why(hardware, 'verify')}", absent=True)
    return Numbers("Verification", tables.verify(hardware["verify"]), wide=False)


def _findings(hardware: dict) -> list:
    """What differed, and the command that shows it again."""
    verify = hardware.get("verify") or {}
    told = [*(verify.get("warnings") or []), *map(_finding, verify.get("findings") or [])]
    blocks: list = [Items("What differed", tuple(told), code=True)] if told else []
    return [*blocks, Facts("", (("to see it again", code(verify["repeat"])),))] if verify.get("repeat") else blocks


def _finding(finding: object) -> str:
    if isinstance(finding, dict):
        return "; ".join(f"{key.replace('_', ' ')}: {value}" for key, value in finding.items())
    return str(finding)


def _priced(hardware: dict) -> Numbers | Note:
    if not hardware.get("cost"):
        return Note(f"No cost: {why(hardware, 'cost')}", absent=True)
    return Numbers("Cost, from synthesis", tables.cost(hardware["cost"]), wide=False)


def _files(hardware: dict) -> list:
    files = (hardware.get("build") or {}).get("files") or []
    return [Fold(f"The folder: {plural(len(files), 'file')}", (Items("", tuple(files), code=True),))] if files else []
