"""The integer types in which the compiled engine keeps wires; the order is that of native/types.h."""

from __future__ import annotations

import numpy as np

U8, I8, U16, I16, U32, I32, I64, I128 = range(8)
DTYPES = (np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32, np.int64, None)
