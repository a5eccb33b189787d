"""The command line: words to calls.  No arithmetic is done here."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main() -> None:
    """The program `narrowmax`."""
    sys.exit(run(sys.argv[1:]))


def run(words: Sequence[str]) -> int:
    """Do what `words` (without the program's name) ask for; the exit code.  Raises nothing."""
    try:
        from narrowmax.cli import running  # here, so that an interruption during the import is met too
    except KeyboardInterrupt:
        return 130
    return running.run(words)
