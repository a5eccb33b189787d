"""How a command works: where results are kept, whom it tells how far it is, what it took and reused."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from narrowmax import __version__
from narrowmax.store import Store, code_digest, machine, plain, versions


def _silence(line: str) -> None:
    pass


@dataclass
class Work:
    """One run of a command.

    store: where results are kept by content
    tell: called with a line of text whenever something begins; done: with a line when a step ended; note: with
        what was understood of a source and should be seen
    reused: sentences, one for each step that found its results in the store
    seconds: wall seconds by step
    """

    store: Store = field(default_factory=Store)
    tell: Callable[[str], None] = _silence
    done: Callable[[str], None] = _silence
    note: Callable[[str], None] = _silence
    reused: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step and tell of it; `reused` gets a sentence where all it asked the store for was there."""
        self.tell(name)
        started, hits, misses = time.monotonic(), *self._counts()
        yield
        self.seconds[name] = round(time.monotonic() - started, 3)
        found, made = (after - before for after, before in zip(self._counts(), (hits, misses), strict=True))
        if found:
            self.reused.append(f"{name}: {found} of {found + made} results")
        kept = f", {found} of {found + made} results reused" if found else ""
        self.done(f"{name}: {self.seconds[name]:.1f} s{kept}")

    def remember(self, kind: str, inputs: object, make: Callable[[], object]) -> object:
        """What `kind` makes from `inputs` and from our own code that computes, made where it is not kept."""
        return self.store.remember(kind, [inputs, code_digest(*_COMPUTING)], make)

    def key(self, kind: str, inputs: object) -> str:
        """The store's key of what `kind` makes from `inputs` and from our own code that computes."""
        return self.store.key(kind, [inputs, code_digest(*_COMPUTING)])

    def recall(self, kind: str, inputs: object) -> object | None:
        """What `remember` or `keep` kept, or None."""
        return self.store.get(self.key(kind, inputs))

    def keep(self, kind: str, inputs: object, value: object) -> object:
        """Keep what was made, for `recall`; handed back as it will be found."""
        self.store.put(self.key(kind, inputs), made := plain(value))
        return made

    def _counts(self) -> tuple[int, int]:
        return sum(self.store.hits.values()), sum(self.store.misses.values())

    def progress(self, stage: str, done: int, total: int | None) -> None:
        """What a search says of itself, as a line."""
        self.tell(f"{_STAGES.get(stage, stage)} {done}" + (f" of {total}" if total else ""))

    def record(self, schema: str, **parts: object) -> dict:
        """A record: its schema, what made it and when, its parts; `seconds` by step unless a part has that name."""
        made = {"schema": f"narrowmax/{schema}/1", "narrowmax": __version__, "created": _now(), "seconds": self.seconds}
        return {**made, **parts, "versions": versions(), "machine": machine(), "reused": self.reused}


# Rooms that decide what a result is; the others show it.
_COMPUTING = (
    "formats", "exact", "datapath", "reference", "rows", "metrics", "architectures", "engines", "designs", "hardware",
    "models", "search", "study",
)  # fmt: skip
_STAGES = {
    "select": "narrowing: designs tried:",
    "cost": "narrowing: synthesising design",
    "judge": "narrowing: judging design",
    "explain": "narrowing: explaining wire",
}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
