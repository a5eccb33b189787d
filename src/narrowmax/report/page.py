"""A record drawn as one HTML file that asks no network for anything.

The plotting library travels inside, compressed (2 MB instead of 5), and is unpacked by the browser.
The content-security policy names the three scripts by their digest and allows no connection, so
even text that escaped our escaping could neither run nor call home.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
from functools import cache
from importlib import resources, util
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from narrowmax import store
from narrowmax.errors import ToolMissing
from narrowmax.figures import DARK, LIGHT
from narrowmax.report import account, answer, circuit, comparison, inputs, narrowest, ranges, training
from narrowmax.report import record as records
from narrowmax.report.blocks import Fold, Plot, Section
from narrowmax.report.schema import MEASURE
from narrowmax.report.training_schema import TRAIN

_MARK, _HEAD = '<p class="eyebrow">narrowmax ', 1 << 17  # in the head of every page, before what is large


def page(record_path: str | os.PathLike, out: str | os.PathLike) -> Path:
    """Draw the record in the file `record_path` as the page `out`; the page's path.

    Raises DataError for a record that cannot be used, StoreError where `out` cannot be written,
    which is not the record itself, ToolMissing without the plotting library.
    """
    store.check_file(out, [record_path])
    text = html(records.load(record_path))
    with store.atomic_write(out, "w") as file:
        file.write(text)
    return Path(out)


def is_page(path: str | os.PathLike) -> bool:
    """Whether a file is a page that was drawn here."""
    try:
        with open(path, "rb") as file:
            return _MARK.encode() in file.read(_HEAD)
    except OSError:
        return False


def html(record: dict) -> str:
    """The page of a record as text; the record is checked first.

    Raises DataError for what is no record, ToolMissing without the plotting library.
    """
    records.check(record)
    return _render(**_DRAWN.get(record["schema"], _studied)(record))


def sections(record: dict) -> tuple[Section, ...]:
    """The sections of a study's page, in order."""
    parts = (ranges, inputs, narrowest, comparison, circuit)
    return (*(part.section(record) for part in parts), account.repeat(record), account.limits(record))


def _studied(record: dict) -> dict:
    title = record["task"].get("title") or record["task"]["name"]
    return {
        "title": title,
        "eyebrow": _eyebrow(record, "study"),
        "answer": answer.sentences(record),
        "tiles": answer.tiles(record),
        "sections": sections(record),
    }


def _measured(record: dict) -> dict:
    """A page of one `narrowmax measure`: the same section, alone."""
    whole = {"task": {}, "settings": {}, **record}
    section = ranges.of(record["softmaxes"])
    return {
        "title": f"What reaches the softmax of {record['source']}",
        "eyebrow": _eyebrow(record, "measure"),
        "answer": (Markup("{}").format(section.lead),),
        "tiles": answer.range_tiles(record["softmaxes"]),
        "sections": (Section(section.slug, section.title, "", section.blocks), account.repeat(whole)),
    }


def _trained(record: dict) -> dict:
    """A page of one `narrowmax train`."""
    title = record["task"].get("title") or record["task"]["name"]
    return {
        "title": f"Number formats in the training of: {title}",
        "eyebrow": _eyebrow(record, "train"),
        "answer": training.answer(record),
        "tiles": training.tiles(record),
        "sections": (*training.sections(record), account.repeat(record)),
    }


_DRAWN = {MEASURE: _measured, TRAIN: _trained}


def _eyebrow(record: dict, what: str) -> str:
    return f"narrowmax {what} · {record['source']} · {record['created'][:10]}"


def _render(**parts) -> str:
    figures = _numbered(parts["sections"])
    style, script = _asset("page.css"), _asset("page.js")
    packed, library_digest = _library()
    numbered = {id(plot): place for place, plot in enumerate(figures)}
    return _template().render(
        **parts,
        style=Markup(_colours() + style),
        script=Markup(script),
        library=Markup(packed),
        policy=_policy(library_digest, _digest(script)),
        place=lambda plot: numbered[id(plot)],
        data=_json(
            {
                "figures": [{"data": p.figure.data, "layout": p.figure.layout} for p in figures],
                "light": LIGHT,
                "dark": DARK,
            }
        ),
    )


def _numbered(sections_: tuple) -> list[Plot]:
    """Every plot of the page, in order, folded ones too."""
    found: list[Plot] = []

    def walk(blocks):
        for block in blocks:
            if isinstance(block, Plot):
                found.append(block)
            elif isinstance(block, Fold):
                walk(block.blocks)

    for section in sections_:
        walk(section.blocks)
    return found


def _policy(*digests: str) -> str:
    scripts = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _json(thing: object) -> Markup:
    """JSON that cannot end the element it stands in."""
    text = json.dumps(thing, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


def _colours() -> str:
    """The palettes as CSS variables: light, dark by the system's wish, and either by choice."""
    light, dark = (";".join(f"--{name}:{value}" for name, value in colours.items()) for colours in (LIGHT, DARK))
    return (
        f":root{{{light};color-scheme:light}}\n"
        f"@media (prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dark};color-scheme:dark}}}}\n"
        f":root[data-theme=dark]{{{dark};color-scheme:dark}}\n"
    )


def _asset(name: str) -> str:
    return resources.files("narrowmax.report").joinpath("assets", name).read_text(encoding="utf-8")


@cache
def _library() -> tuple[str, str]:
    """Plotly's own bundle: gzip in base64, and the digest of the script it unpacks to."""
    found = util.find_spec("plotly")
    if found is None or not found.submodule_search_locations:
        raise ToolMissing("the plotting library was not found, and a page needs it; run pip install plotly")
    code = Path(found.submodule_search_locations[0], "package_data", "plotly.min.js").read_text(encoding="utf-8")
    return base64.b64encode(gzip.compress(code.encode(), mtime=0)).decode(), _digest(code)


@cache
def _template():
    loader = PackageLoader("narrowmax.report", "assets")
    made = Environment(
        loader=loader,
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return made.get_template("page.html")
