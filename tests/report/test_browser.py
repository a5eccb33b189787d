"""The page in a real browser: every plot is drawn, nothing is asked for, nothing runs over the edge."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from narrowmax import report, tools
from narrowmax.errors import ToolMissing

SAMPLE = Path(__file__).parent / "sample.json"
# Not part of the page: it opens every fold, waits for every plot and writes what it sees into the document.
PROBE = """
(async () => {
  const canvases = document.querySelectorAll(".canvas");
  const drawn = () => document.querySelectorAll(".canvas.js-plotly-plot .main-svg:first-child").length;
  document.querySelectorAll("details").forEach((d) => { d.open = true; });
  const pause = () => new Promise((done) => setTimeout(done, 50));
  for (let round = 0; round < 100 && typeof Plotly === "undefined"; round++) await pause();
  dispatchEvent(new Event("beforeprint"));  // draws what is not yet in sight
  for (let round = 0; round < 100 && drawn() < canvases.length; round++) await pause();
  const found = {
    canvases: canvases.length,
    drawn: drawn(),
    width: document.documentElement.scrollWidth, room: window.innerWidth,
    asked: performance.getEntriesByType("resource").map((e) => e.name),
  };
  const note = document.createElement("pre");
  note.id = "seen"; note.textContent = JSON.stringify(found);
  document.body.append(note);
})();
"""


def with_probe(page: str) -> str:
    """The page with the probe in it, allowed by digest like the page's own script."""
    from narrowmax.report.page import _digest

    allowed = page.replace("script-src ", f"script-src 'sha256-{_digest(PROBE)}' ", 1)
    return allowed.replace("</body>", f"<script>{PROBE}</script></body>")


@pytest.mark.parametrize("width", [1280, 500], ids=["desktop", "narrow"])
def test_every_plot_is_drawn(tmp_path, width):
    try:
        browser = tools.chromium()
    except ToolMissing:
        pytest.skip("chromium was not found")
    path = tmp_path / "page.html"
    path.write_text(with_probe(report.html(report.load(SAMPLE))), encoding="utf-8")
    flags = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync --virtual-time-budget=60000 --dump-dom"
    ).split()
    done = browser.run(*flags, f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},900", path.as_uri())
    found = json.loads(re.search(r'<pre id="seen">(.*?)</pre>', done.stdout).group(1))
    assert found["drawn"] == found["canvases"] == 21
    assert found["width"] <= found["room"]
    assert found["asked"] == []
