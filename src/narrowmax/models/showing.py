"""How what was measured shows itself: a text table, an HTML table, plots."""

from __future__ import annotations

from html import escape

from narrowmax import figures
from narrowmax.errors import DataError, ToolMissing

HEAD = ("softmax", "epoch", "rows", "n", "min", "max", "within 10", "99 % within", "max-x p99", "gap p50", "ties")


def table(softmaxes: list[dict]) -> str:
    """Aligned text, a line for each softmax, from the dicts of `Measurement.softmaxes`."""
    if not softmaxes:
        return "no softmax was seen"
    lines = [HEAD, *(_line(one) for one in softmaxes)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    return "\n".join([*("  ".join(_padded(line, widths)).rstrip() for line in lines), *notes(softmaxes)])


def notes(softmaxes: list[dict]) -> list[str]:
    """What has to be known of a table, in sentences: shares that were sampled, masks that were not told apart."""
    found = []
    for one in softmaxes:
        if (mass := one.get("separate_mass")) is not None:
            found.append(
                f"{_name(one)}: {mass['share']:.1%} of the elements lie {mass['from']:.0f} to {mass['to']:.0f} below "
                f"the maximum, the others within {mass['rest_within']:.0f}; is that a mask written as a number?"
            )
    sampled = [one["sampled"] for one in softmaxes if one.get("sampled") not in (None, 1)]
    if sampled:
        found.append(
            f"max-x, gap and ties are of {min(sampled):.0%} of the rows where most were seen; ranges are of all rows"
        )
    return found


def html(softmaxes: list[dict]) -> str:
    """The same as an HTML table."""
    head = "".join(f"<th>{escape(word)}</th>" for word in HEAD)
    rows = ("".join(f"<td>{escape(cell)}</td>" for cell in _line(one)) for one in softmaxes)
    said = "".join(f"<p>{escape(sentence)}</p>" for sentence in notes(softmaxes))
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>{said}"


def plot(softmaxes: list[dict], name: str | None = None):
    """A plotly figure: the range of each softmax at the last epoch, or, of the one called `name`, shares by epoch.

    Raises DataError where no such softmax was seen, ToolMissing without plotly.
    """
    chosen = [one for one in softmaxes if one["rows"] and name in (None, one["name"])]
    if not chosen:
        wanted = "no softmax" if name is None else f"no softmax called {name!r}"
        raise DataError(f"{wanted} was seen, so there is nothing to plot; run the network inside the block")
    return _painted(_ranges(chosen) if name is None else _shares(chosen))


def _ranges(softmaxes: list[dict]) -> figures.Figure:
    last = softmaxes[-1]["epoch"]
    shown = [one for one in softmaxes if one["epoch"] == last]
    low, high, inside = ([one[key] for one in shown] for key in ("min", "max", "within_for"))
    return figures.layers([_name(one) for one in shown], low, high, [one["0.99"] for one in inside])


def _shares(softmaxes: list[dict]) -> figures.Figure:
    epochs = [one["epoch"] or 0 for one in softmaxes]
    return figures.shares(
        epochs, {float(r): [one["all_within"][r] for one in softmaxes] for r in softmaxes[0]["all_within"]}
    )


def _painted(figure: figures.Figure):
    try:
        from plotly import graph_objects
    except ImportError:
        raise ToolMissing("the plotting library was not found, and a plot needs it; run pip install plotly") from None
    painted = graph_objects.Figure(figure.painted(figures.LIGHT))
    painted.update_traces(showlegend=False)
    for entry in figure.legend:  # which a page draws by itself
        painted.data[entry["traces"][0]].update(name=figures.label(entry["name"]), showlegend=True)
    room = 30  # for the buttons that a notebook shows above a plot
    return painted.update_layout(showlegend=True, margin_t=14 + room, height=figure.layout["height"] + room)


def _name(one: dict) -> str:
    return one["name"] if one.get("head") is None else f"{one['name']} head {one['head']}"


def _line(one: dict) -> tuple[str, ...]:
    return (
        _name(one),
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
