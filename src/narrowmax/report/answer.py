"""The answer at the top of the page: two sentences with numbers, and a row of tiles."""

from __future__ import annotations

from markupsafe import Markup

from narrowmax.report.blocks import Tile
from narrowmax.report.comparison import objective
from narrowmax.report.ranges import grouped, principal
from narrowmax.report.text import (
    amount,
    at_most,
    bits,
    claimed,
    count,
    metric_name,
    parameters,
    percent,
    plural,
    reaches,
    why,
)


def sentences(record: dict) -> tuple[Markup, Markup]:
    """What was found narrow enough, and what it costs in hardware that was checked."""
    return _narrow(record), _hardware(record)


def _narrow(record: dict) -> Markup:
    narrow = record["narrow"]
    name = record["task"]["name"]
    if narrow is None:
        return Markup("For {} no narrow softmax is claimed: {}").format(name, _stop(why(record, "narrow")))
    read = parameters(narrow["design"]).get("input")
    width = bits(read)
    wide = (
        Markup("reads <b>{} bits</b>").format(width) if width else Markup("reads <b>{}</b>").format(read or "its input")
    )
    form = Markup(" (<code>{}</code>)").format(read) if width else ""
    judged = plural((narrow.get("samples") or {}).get("judged"), "judged sample")
    confidence = (record.get("settings") or {}).get("confidence")
    sure = f" with {percent(confidence, 1)} confidence" if confidence is not None else ""
    text = Markup("For {}, the narrowest softmax found, a {}, {}{} for each logit and loses {}{}, on {}.")
    architecture = narrow["design"].partition("(")[0]
    return text.format(name, architecture, wide, form, _losses(record), sure.replace(".0", ""), judged)


def _losses(record: dict) -> Markup:
    parts = [_below(record, metric, loss) for metric, loss in record["narrow"]["loss"].items()]
    return Markup(" and ").join(parts) if parts else Markup("an amount not bounded")


def _below(record: dict, metric: str, loss: dict) -> Markup:
    said = claimed(metric, loss, _tolerance(record, metric)) or "an amount not shown to be tolerated"
    return Markup("<b>{}</b>").format(f"{said} of {metric_name(metric)}")


def _tolerance(record: dict, metric: str) -> float | None:
    return ((record.get("settings") or {}).get("tolerance") or {}).get(metric)


def _hardware(record: dict) -> Markup:
    hardware = record["hardware"]
    if hardware is None:
        return Markup("No hardware was made: {}").format(_stop(why(record, "hardware")))
    clauses = [_priced(record, hardware), _rate(hardware), _checked(hardware)]
    return Markup("Its Verilog {}.").format(_listed([c for c in clauses if c]))


def _listed(clauses: list) -> Markup:
    if len(clauses) < 2:
        return Markup("").join(clauses) or Markup("was built")
    return Markup(", ").join(clauses[:-1]) + Markup(" and ") + clauses[-1]


def _priced(record: dict, hardware: dict) -> Markup | None:
    area = ((hardware.get("cost") or {}).get("gates") or {}).get("area") or {}
    if area.get("nand2") is None:
        return None
    text = Markup("costs <b>{} NAND2-equivalents</b>").format(count(area["nand2"]))
    if area.get("ff") is not None:
        text += f" and {count(area['ff'])} flip-flops"
    share = _against_start(record)
    return text + (f" (in all, {share} of the cost that the search began with)" if share else "")


def _against_start(record: dict) -> str | None:
    """Cost of the narrowest beside that of the start, where both were priced the same way."""
    narrow, rows = record["narrow"], (record["compare"] or {}).get("rows") or []
    if narrow is None:
        return None
    known = {row["design"]: objective(row) for row in rows}
    before, after = known.get(narrow.get("start")), known.get(narrow["design"])
    return percent(after / before, 0) if before and after else None


def _rate(hardware: dict) -> Markup | None:
    every = (hardware.get("build") or {}).get("initiation_interval")
    if every is None:
        return None
    return Markup("takes a row of {} every {}").format(count(hardware.get("max_n")), plural(every, "cycle"))


def _checked(hardware: dict) -> Markup | None:
    verify = hardware.get("verify") or {}
    if verify.get("mismatches") is None or verify.get("elements") is None:
        return Markup("was not verified: {}").format(why(hardware, "verify"))
    compared = f"on {count(verify['elements'])} elements"
    if verify["mismatches"]:
        return Markup("<b>disagrees</b> with the simulation on {} of {} elements").format(
            count(verify["mismatches"]), count(verify["elements"])
        )
    return Markup("equals the simulation bit for bit <b>{}</b>").format(compared)


def _stop(text: str) -> str:
    return text if text.endswith(".") else text + "."


def tiles(record: dict) -> tuple[Tile, ...]:
    """Up to five numbers, in the order of the page."""
    made = (_range(record), _input(record), _lost(record), _cost(record), _verified(record))
    return tuple(tile for tile in made if tile is not None)


def _range(record: dict) -> Tile | None:
    found = range_tiles((record["measure"] or {}).get("softmaxes"))
    return found[0] if found else None


def range_tiles(softmaxes: list | None) -> tuple[Tile, ...]:
    """The range that holds 99 % and all of the rows of the principal softmax, at its last epoch."""
    if not softmaxes:
        return ()
    by_name = grouped(softmaxes)
    last = by_name[principal(by_name)][-1]
    found = [
        ((last.get("within_for") or {}).get(share), text)
        for share, text in (("0.99", "holds 99 % of rows"), ("1", "holds every row"))
    ]
    return tuple(
        Tile(reaches(reach), text, f"{count(last['rows'])} rows") for reach, text in found if reach is not None
    )


def _input(record: dict) -> Tile | None:
    read = parameters((record["narrow"] or {}).get("design", "")).get("input")
    width = bits(read)
    return None if width is None else Tile(plural(width, "bit"), "for each logit", read or "")


def _lost(record: dict) -> Tile | None:
    loss = ((record["narrow"] or {}).get("loss") or {}).get("top1") or {}
    if loss.get("high") is None:
        return None
    observed = f"observed {amount('top1', loss.get('estimate'))}"
    said = claimed("top1", loss, _tolerance(record, "top1"))
    if said is None:
        return Tile(at_most("top1", loss["high"]), "of top-1 may be lost", observed, "bad")
    return Tile(said.replace("less than", "<").removesuffix(" points"), "points of top-1 lost", observed)


def _cost(record: dict) -> Tile | None:
    gates = ((record["hardware"] or {}).get("cost") or {}).get("gates") or {}
    area = gates.get("area") or {}
    if area.get("nand2") is None:
        return None
    return Tile(count(area["nand2"]), "NAND2-equivalents", f"{count(area.get('ff'))} flip-flops")


def _verified(record: dict) -> Tile | None:
    verify = (record["hardware"] or {}).get("verify") or {}
    if verify.get("mismatches") is None:
        return None
    return Tile(
        count(verify["mismatches"]),
        "mismatches" if verify["mismatches"] != 1 else "mismatch",
        f"{count(verify.get('elements'))} elements",
        "good" if verify["mismatches"] == 0 else "bad",
    )
