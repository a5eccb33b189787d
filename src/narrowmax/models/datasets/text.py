"""A text file as windows of characters, for a small language model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from narrowmax.errors import DataError

LARGEST_BYTES = 1 << 28
TRAINED_SHARE, SELECTED_SHARE = 0.8, 0.3
OTHER = 0
"""The code of every character that is not in the part trained on."""


@dataclass(frozen=True)
class Windows:
    """codes: int64 (windows, length + 1): characters, and the one that follows; symbols: the characters from code 1 on

    training, selection, judgement: disjoint index arrays, each a stretch of the text
    """

    codes: np.ndarray
    symbols: str
    training: np.ndarray
    selection: np.ndarray
    judgement: np.ndarray
    notes: str = (
        "selection and judgement are later stretches of the same text, with a window left out between the parts; "
        "windows of one text are not independent, so what is shown holds for windows of texts like this one"
    )

    @property
    def size(self) -> int:
        """Symbols, the one for all others included."""
        return len(self.symbols) + 1


def read(file: Path, length: int, samples: int | None = None) -> Windows:
    """Windows of `length` characters, one after the other, and the character that follows each.

    The first four fifths of the file are trained on; three tenths of the rest are selected on.
    samples: train on so many windows at most, from the start
    Raises DataError for a file that is not UTF-8, is too large, or too short for three parts.
    """
    text = _text(file)
    count = (len(text) - 1) // length
    ends = round(TRAINED_SHARE * count), round((TRAINED_SHARE + (1 - TRAINED_SHARE) * SELECTED_SHARE) * count)
    training, selection, judgement = np.arange(ends[0]), np.arange(ends[0] + 1, ends[1]), np.arange(ends[1] + 1, count)
    training = training[:samples]
    if not (len(training) and len(selection) and len(judgement)):
        raise DataError(
            f"{file.name} has {len(text):,} characters, too few windows of {length} for training, selection and "
            "judgement; give a longer text"
        )
    symbols = "".join(sorted(set(text[: (training[-1] + 1) * length])))
    known = {symbol: code for code, symbol in enumerate(symbols, 1)}
    codes = np.fromiter((known.get(symbol, OTHER) for symbol in text), np.int64, len(text))
    places = np.arange(count)[:, None] * length + np.arange(length + 1)
    return Windows(codes[places], symbols, training, selection, judgement)


def _text(file: Path) -> str:
    if not file.is_file():
        raise DataError(f"{file} is not a file; give a text file")
    if file.stat().st_size > LARGEST_BYTES:
        raise DataError(
            f"{file.name} takes {file.stat().st_size:,} bytes, more than the {LARGEST_BYTES:,} read; cut it"
        )
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise DataError(f"{file.name} is not text in UTF-8; save it so") from None
    except OSError as error:
        raise DataError(f"{file.name} could not be read: {error.strerror or error}") from None
