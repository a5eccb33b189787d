/* Many rows through one program: values or codes in, codes or values out, tile by tile. */
#ifndef NARROWMAX_DRIVE_H
#define NARROWMAX_DRIVE_H

#include "vm.h"

struct Drive {
    const struct Program *program;
    const struct Kernels *kernels;
    const void *in;
    int in_kind;
    const struct Quantiser *quantiser; /* NULL: `in` holds codes, KIND_I64 */
    const uint8_t *present;            /* NULL: everywhere */
    void *out;
    int out_kind, fraction_bits;
    ptrdiff_t n;
};

struct Outcome {
    int fault; /* enum Fault */
    int found; /* enum Found */
    int exact; /* 0: an output code is not exact as a floating-point number */
};

/* Rows first .. last - 1; all arrays are (rows, n), contiguous; `out` is (rows,) where the output is a row's. */
struct Outcome drive(const struct Drive *, struct Workspace *, ptrdiff_t first, ptrdiff_t last);

/* Rows that a tile holds. */
ptrdiff_t tile_rows(ptrdiff_t n);

#endif
