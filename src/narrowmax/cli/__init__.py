"""The command line: words to calls.  No arithmetic is done here."""

from narrowmax.cli.running import main, run

__all__ = ["main", "run"]
