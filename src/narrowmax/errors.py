"""The errors that narrowmax raises.

Each is a `NarrowmaxError` and also the built-in exception that matches it, so callers may catch
either.  `exit_code` is what the command line returns for it:

    0 done   1 done, and the answer is no   2 the request was wrong
    3 something outside failed   4 our bug   130 interrupted

A message is one sentence: what, the value, what is allowed, what to do.
"""

from __future__ import annotations


class NarrowmaxError(Exception):
    """Root of all errors raised on purpose."""

    exit_code = 2


class FormatError(NarrowmaxError, ValueError):
    """A number format that cannot be read or built, or a value that it refuses."""


class GraphError(NarrowmaxError, ValueError):
    """A datapath that breaks a rule of the language."""


class RangeError(NarrowmaxError, OverflowError):
    """An integer outside what a wire or an engine can hold."""


class DesignError(NarrowmaxError, ValueError):
    """An unknown architecture, or a parameter that is unknown or impossible."""


class DataError(NarrowmaxError, ValueError):
    """Numbers or files that cannot be used: NaN, empty, ragged, truncated, hostile."""


class NetworkError(NarrowmaxError, TypeError):
    """Something that is no network of a known framework."""


class SourceError(NarrowmaxError, ValueError):
    """A SOURCE on the command line that does not name a task, a function or a file."""


class ClaimRefused(NarrowmaxError, RuntimeError):
    """A statistical claim that the data cannot carry."""

    exit_code = 1


class ToolMissing(NarrowmaxError, RuntimeError):
    """An outside program that is needed and was not found."""

    exit_code = 3


class ToolFailed(NarrowmaxError, RuntimeError):
    """An outside program that ran and failed."""

    exit_code = 3


class StoreError(NarrowmaxError, OSError):
    """A file or cache that could not be written: disk full, no permission."""

    exit_code = 3
