/* What moves numbers in and out of tiles: quantise_loops.h, value_loops.h, transpose_loops.h. */
#ifndef NARROWMAX_MOVE_LOOPS_H
#define NARROWMAX_MOVE_LOOPS_H

#include <string.h>

#include "isa.h"
#include "move.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

#include "quantise_loops.h"
#include "transpose_loops.h"
#include "value_loops.h"

static const struct MoveKernels NM(move) = {NM(quantise), NM(presence), NM(values), NM(transpose)};

#endif
