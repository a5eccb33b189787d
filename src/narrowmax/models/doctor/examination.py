"""What an examination of a network found, whatever it is written in."""

from __future__ import annotations

from html import escape

from narrowmax import store
from narrowmax.models.doctor.findings import Finding, Ledger, as_dicts
from narrowmax.models.doctor.progress import Progress


class Examination:
    """A context manager; after its block, or within it: `findings()`, `table()`, `to_json()`."""

    def __init__(self):
        self.ledger, self.progress = Ledger(), Progress()

    def findings(self) -> list[Finding]:
        """What was found; nothing in a clean network."""
        return self.ledger.findings()

    def table(self) -> str:
        """Plain text: each finding with its evidence and its remedy."""
        found = self.findings()
        return "\n".join(map(_text, found)) if found else "nothing was found"

    def to_json(self) -> str:
        """`findings()` as strict JSON text with a schema."""
        return store.dumps({"schema": "narrowmax/doctor/1", "findings": as_dicts(self.findings())})

    def __repr__(self) -> str:
        return self.table()

    def _repr_html_(self) -> str:
        head = "<tr><th>trap</th><th>where</th><th>evidence</th><th>remedy</th></tr>"
        lines = ("".join(f"<td>{escape(cell)}</td>" for cell in one.values()) for one in as_dicts(self.findings()))
        return f"<table>{head}{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def _text(found: Finding) -> str:
    return f"{found.trap} in {found.where}\n  {found.evidence}\n  {found.remedy}"
