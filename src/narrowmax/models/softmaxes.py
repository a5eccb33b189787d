"""A plain table of what was measured."""

from __future__ import annotations


def shown(softmaxes: list[dict]) -> str:
    """Aligned text, a line for each softmax, from the dicts of `Measurement.softmaxes`."""
    if not softmaxes:
        return "no softmax was seen"
    lines = [_HEAD, *(_line(one) for one in softmaxes)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEAD))]
    return "\n".join("  ".join(_padded(line, widths)).rstrip() for line in lines)


_HEAD = ("softmax", "epoch", "rows", "n", "min", "max", "within 10", "99 % within", "max-x p99", "gap p50", "ties")


def _line(one: dict) -> tuple[str, ...]:
    name = one["name"] if one.get("head") is None else f"{one['name']} head {one['head']}"
    return (
        name,
        _number(one["epoch"], "d"),
        str(one["rows"]),
        str(one["n"]),
        _number(one["min"], ".2f"),
        _number(one["max"], ".2f"),
        _number(one["all_within"].get("10"), ".1%"),
        _number(one["within_for"]["0.99"], ".2f"),
        _number(one["distance"]["p99"], ".2f"),
        _number(one["gap"]["p50"], ".2f"),
        _number(one["ties"], ".2%"),
    )


def _number(value, spec: str) -> str:
    return "-" if value is None else format(value, spec)


def _padded(line, widths):
    return [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))]
