/* The loops that exist once for each instruction set, as tables of pointers. */
#ifndef NARROWMAX_KERNELS_H
#define NARROWMAX_KERNELS_H

#include "flat.h"
#include "metrics.h"
#include "move.h"

struct Kernels {
    const char *isa;
    const struct FlatKernels *flat;       /* flat_loops.h: arithmetic on contiguous vectors */
    const struct MoveKernels *move;       /* move_loops.h: values to codes, codes to values, transposition */
    const struct MetricKernels *metrics;  /* metric_loops.h: what a tile of outputs is worth beside exact softmax */
};

extern const struct Kernels kernels_base;
#if defined(__x86_64__)
extern const struct Kernels kernels_avx2, kernels_avx512;
#endif

#endif
