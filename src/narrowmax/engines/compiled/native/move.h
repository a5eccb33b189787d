/* Moving numbers in and out of tiles: values to codes, codes to values, rows to lanes. */
#ifndef NARROWMAX_MOVE_H
#define NARROWMAX_MOVE_H

#include "types.h"

/* What an array of values holds.  Integers are values too, not codes. */
enum Kind {
    KIND_F16, KIND_BF16, KIND_F32, KIND_F64,
    KIND_I8, KIND_U8, KIND_I16, KIND_U16, KIND_I32, KIND_U32, KIND_I64, KIND_U64,
    KINDS
};

static inline size_t kind_size(int kind) {
    static const unsigned char sizes[KINDS] = {2, 2, 4, 8, 1, 1, 2, 2, 4, 4, 8, 8};
    return sizes[kind];
}

/* In the order of engines/compiled/entry.py. */
enum Rounding { FLOOR, HALF_UP, HALF_EVEN, HALF_AWAY, TOWARD_ZERO, ROUNDINGS };
enum Overflow { SATURATE, WRAP, FORBID, OVERFLOWS };

/* What a strip of values was found to hold (or-ed).  A NaN or an infinity is not counted as beyond the ends. */
enum Found {
    FOUND_NAN = 1,
    FOUND_PLUS_INFINITY = 2,
    FOUND_MINUS_INFINITY = 4,
    FOUND_BEYOND = 8, /* `forbid` only: a value beyond the ends once it is rounded */
    FOUND_INEXACT = 16 /* an integer that float64 might not hold: beyond 2**53 */
};

/* A fixed-point format: formats/fixed.py.  Made by quantiser_set. */
struct Quantiser {
    int32_t bits, fraction_bits, is_signed; /* bits: 1 to 63; fraction_bits: -256 to 256 */
    int32_t rounding, overflow;
    int64_t lowest, highest; /* the codes of the ends */
    double scale;            /* 2**fraction_bits */
    float scale32;           /* the same where float32 holds it, in formats that float32 arithmetic quantises; else 0 */
};

/* 0 where the format is none that these kernels take (over 63 bits, another rounding): use Python's quantise. */
static inline int quantiser_set(struct Quantiser *q, int bits, int fraction_bits, int is_signed, int rounding, int overflow) {
    if (bits < 1 || bits > 63 || fraction_bits < -256 || fraction_bits > 256) return 0;
    if (rounding < 0 || rounding >= ROUNDINGS || overflow < 0 || overflow >= OVERFLOWS) return 0;
    q->bits = bits;
    q->fraction_bits = fraction_bits;
    q->is_signed = is_signed != 0;
    q->rounding = rounding;
    q->overflow = overflow;
    q->highest = (int64_t)(((uint64_t)1 << (bits - q->is_signed)) - 1);
    q->lowest = is_signed ? -q->highest - 1 : 0;
    q->scale = 1;
    for (int i = 0; i < fraction_bits; i++) q->scale *= 2;
    for (int i = 0; i > fraction_bits; i--) q->scale /= 2;
    /* Scaling up is exact in float32, or overflows; scaling down could lose the sign of a tiny value. */
    q->scale32 = bits <= 22 && fraction_bits >= 0 && fraction_bits <= 127 ? (float)q->scale : 0;
    return 1;
}

struct MoveKernels {
    /* values (of `kind`, any alignment of its own size) -> codes of `type`, which holds lowest .. highest; not I128.
     * Returns what was found (enum Found).  With saturate -inf becomes the lowest code and +inf the highest; NaN, and an
     * infinity with another overflow word, leave some code of the word.  Codes are exact in every case but NaN, infinity,
     * FOUND_BEYOND (saturated) and FOUND_INEXACT.  Longer arrays in strips of about 2,048. */
    int (*quantise)(const void *values, int kind, ptrdiff_t count, void *codes, int type, const struct Quantiser *);

    /* present[i] = 1 where values[i] is not -inf, else 0.  Returns how many are 1. */
    ptrdiff_t (*presence)(const void *values, int kind, ptrdiff_t count, uint8_t *present);

    /* codes of `type` (not I128) -> integers of `kind`, low bits kept, or F32, F64: code * 2**-fraction_bits, rounded to
     * nearest even once.  Returns 1; 0 where a code is not exact in float64 (some of `out` is written then), for I128, and for
     * F16 and BF16. */
    int (*values)(const void *codes, int type, ptrdiff_t count, void *out, int kind, int fraction_bits);

    /* dst[c * dst_stride + r] = src[r * src_stride + c], r < rows, c < cols; strides in elements, src_stride >= cols;
     * size: 1, 2, 4, 8 or 16 bytes an element.  May read whatever lies between the rows of src; writes nothing between dst's. */
    void (*transpose)(void *dst, ptrdiff_t dst_stride, const void *src, ptrdiff_t src_stride, ptrdiff_t rows, ptrdiff_t cols,
                      int size);
};

#endif
