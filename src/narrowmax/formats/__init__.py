"""Number formats: how real values become integer codes and back.

`parse("Q5.3:floor:wrap")` reads a format, `str` writes it, `describe()` says its range and step in a sentence.
"""

from narrowmax.formats.affine import Affine
from narrowmax.formats.base import Format, as_reals
from narrowmax.formats.decimal import Decimal
from narrowmax.formats.fixed import Fixed
from narrowmax.formats.float import Float
from narrowmax.formats.rounding import ROUNDINGS
from narrowmax.formats.text import parse

__all__ = ["parse", "Format", "Fixed", "Float", "Affine", "Decimal", "ROUNDINGS", "as_reals"]
