"""What all commands share: the options --json, --out, -v and --debug, and how an answer is handed over."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, get_type_hints

import typer

from narrowmax import store
from narrowmax.cli import streams
from narrowmax.errors import StoreError

RECORD = "record.json"


@dataclass(frozen=True)
class Answer:
    """What a command found.

    record: plain data, what --json prints; show: makes the text that is printed without it
    code: 0, or 1 where the answer is no
    failure: a sentence where something could not be done with what was found, such as to write it
    """

    record: dict
    show: Callable[[dict], str]
    code: int = 0
    failure: str | None = None


_KEYWORD = inspect.Parameter.KEYWORD_ONLY
_COMMON = {
    "json": (Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else.")], False),
    "verbose": (Annotated[bool, typer.Option("-v", "--verbose", help="Say each thing that is done.")], False),
    "debug": (Annotated[bool, typer.Option("--debug", help="Print the trace of an error.")], False),
}
_OUT = Annotated[Path | None, typer.Option("--out", metavar="DIR", help=f"Write the record to DIR/{RECORD}.")]


@dataclass(frozen=True)
class Finished:
    """A command that was carried out, and what was asked of its answer."""

    answer: Answer
    options: dict

    def hand_over(self) -> int:
        """Write the record where it was asked for, print the answer, which a failed writing does not lose; the code."""
        answer, options, failure = self.answer, self.options, self.answer.failure
        try:
            if options.get("out") is not None:
                store.dump(options["out"] / RECORD, answer.record)
        except StoreError as error:
            failure = str(error)
        text = streams.as_json(answer.record) if options["json"] else _shown(answer)
        print(text, flush=True)  # flushed here, where a disk that is full can still be spoken of
        if failure:
            print(f"narrowmax: {failure}", file=sys.stderr, flush=True)
        return StoreError.exit_code if failure else answer.code


def _shown(answer: Answer) -> str:
    from narrowmax.report.text import lines_of

    with lines_of(streams.width()):
        return answer.show(answer.record)


def command(function: Callable[..., Answer]) -> Callable[..., Finished]:
    """`function(work, ...) -> Answer` as a command: with the options that all share, --out unless it has its own."""
    signature, hints = inspect.signature(function), get_type_hints(function, include_extras=True)
    own = [p.replace(annotation=hints[p.name]) for p in list(signature.parameters.values())[1:]]
    shared = dict(_COMMON) if "out" in signature.parameters else {"out": (_OUT, None), **_COMMON}
    extra = [inspect.Parameter(n, _KEYWORD, default=d, annotation=a) for n, (a, d) in shared.items()]

    @functools.wraps(function)
    def called(**given) -> Finished:
        options = {name: given.pop(name) for name in shared}
        if options.get("out") is not None:
            store.check_record(options["out"] / RECORD, function.__name__)
        return Finished(_answer(function, given, options["verbose"]), options)

    made = [p.replace(kind=_KEYWORD) for p in own] + extra
    called.__signature__ = inspect.Signature(made)
    called.__annotations__ = {p.name: p.annotation for p in made}
    del called.__wrapped__
    return called


def _answer(function: Callable[..., Answer], given: dict, verbose: bool) -> Answer:
    from narrowmax.cli.progress import Progress
    from narrowmax.study import Work

    with Progress(verbose) as progress:
        kept = store.Store(lost=progress.warn)
        return function(Work(kept, progress.tell, progress.done, progress.note), **given)
