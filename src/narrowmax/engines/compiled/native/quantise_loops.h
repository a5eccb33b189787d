/* Values to codes of a fixed-point format, equal to formats/fixed.py.
 *
 * Three ways, each exact: float32 arithmetic for words up to 22 bits, float64 for words up to 50 bits, and one value at a
 * time for the rest.  The first two (quantise_real.h) have no branch and no library call in their loops; a value that they
 * cannot answer for (NaN, an infinity, one that wraps from far away) is seen by its bits, and its piece is done again.
 */
#ifndef NARROWMAX_QUANTISE_LOOPS_H
#define NARROWMAX_QUANTISE_LOOPS_H

#include <math.h>

enum { PIECE = 512 }; /* elements: what one loop leaves to the next stays in the nearest cache */

ALWAYS_INLINE void NM(store_code)(void *restrict codes, ptrdiff_t i, const int size, int64_t code) {
    switch (size) {
    case 1: ((uint8_t *)codes)[i] = (uint8_t)code; break;
    case 2: ((uint16_t *)codes)[i] = (uint16_t)code; break;
    case 4: ((uint32_t *)codes)[i] = (uint32_t)code; break;
    default: ((uint64_t *)codes)[i] = (uint64_t)code;
    }
}

#define REAL float
#define INT int32_t
#define UINT uint32_t
#define MAGIC 0x1.8p23f
#define MAGIC_BITS INT32_C(0x4B400000)
#define BELOW_HALF 0x1.fffffep-2f
#include "quantise_real.h"

#define REAL double
#define INT int64_t
#define UINT uint64_t
#define MAGIC 0x1.8p52
#define MAGIC_BITS INT64_C(0x4338000000000000)
#define BELOW_HALF 0x1.fffffffffffffp-2
#include "quantise_real.h"

#include "load_loops.h"

/* The low 64 bits of a whole number of any size, in two's complement; 0 for an infinity. */
static uint64_t NM(low_bits)(double whole) {
    uint64_t word;
    memcpy(&word, &whole, sizeof word);
    const int shift = (int)(word >> 52 & 0x7FF) - 1075;
    const uint64_t digits = (word & ((UINT64_C(1) << 52) - 1)) | UINT64_C(1) << 52;
    const uint64_t size = shift >= 64 || shift <= -64 ? 0 : shift >= 0 ? digits << shift : digits >> -shift;
    return word >> 63 ? -size : size;
}

/* The integer that |s| < 2**52 rounds to. */
static double NM(whole_of)(double s, int rounding) {
    const int64_t whole = (int64_t)s;
    const double rest = s - (double)whole; /* exact, with the sign of s */
    switch (rounding) {
    case FLOOR: return (double)(whole - (rest < 0));
    case HALF_UP: return (double)(whole + (rest >= 0.5) - (rest < -0.5));
    case HALF_AWAY: return (double)(whole + (rest >= 0.5) - (rest <= -0.5));
    case TOWARD_ZERO: return (double)whole;
    default: return (double)(whole + (rest > 0.5) - (rest < -0.5) + (whole & 1) * ((rest == 0.5) - (rest == -0.5)));
    }
}

/* One value's code, whatever its size.  Not for NaN. */
static int64_t NM(code_of)(double x, const struct Quantiser *q, int *found) {
    double s = x * q->scale;
    if (x != 0 && fabs(s) < 0x1p-300) s = copysign(0x1p-300, x); /* rounds as x does, and cannot vanish */
    if (fabs(s) < 0x1p52) s = NM(whole_of)(s, q->rounding);
    if (q->overflow == WRAP) {
        const int spare = 64 - q->bits;
        const uint64_t high = NM(low_bits)(s) << spare;
        return q->is_signed ? (int64_t)high >> spare : (int64_t)(high >> spare);
    }
    const int above = s >= (double)((uint64_t)q->highest + 1), below = s < (double)q->lowest;
    if (q->overflow == FORBID && (above || below) && !isinf(x)) *found |= FOUND_BEYOND;
    return above ? q->highest : below ? q->lowest : (int64_t)s;
}

/* One value at a time. */
static int NM(one_by_one)(const double *x, ptrdiff_t count, void *codes, int size, const struct Quantiser *q) {
    int found = NM(look_double)(x, count);
    for (ptrdiff_t i = 0; i < count; i++)
        NM(store_code)(codes, i, size, isnan(x[i]) ? q->lowest : NM(code_of)(x[i], q, &found));
    return found;
}

static int NM(quantise_float)(const void *values, int kind, ptrdiff_t count, void *codes, int size,
                              const struct Quantiser *q) {
    float room[PIECE];
    const float *x = NM(as_float)(values, kind, count, room);
    return q->overflow == SATURATE ? NM(saturated_float)(x, count, codes, size, q)
                                   : NM(fitted_float)(x, count, codes, size, q);
}

static int NM(quantise_double)(const void *values, int kind, ptrdiff_t count, void *codes, int size,
                               const struct Quantiser *q, int slowly) {
    double room[PIECE];
    int found = 0, seen = -1;
    const double *x = NM(as_double)(values, kind, count, room, &found);
    if (!slowly)
        seen = q->overflow == SATURATE ? NM(saturated_double)(x, count, codes, size, q)
                                       : NM(fitted_double)(x, count, codes, size, q);
    return found | (seen >= 0 ? seen : NM(one_by_one)(x, count, codes, size, q));
}

static int NM(quantise)(const void *values, int kind, ptrdiff_t count, void *codes, int type, const struct Quantiser *q) {
    const size_t wide = kind_size(kind), size = type_size(type);
    const int narrow = q->scale32 != 0 && kind_in_float32(kind) && size <= 4;
    /* Scaled down, a tiny float64 may vanish, and floor needs its sign. */
    const int slowly = q->bits > 50 || (q->rounding == FLOOR && q->fraction_bits < 0 && kind == KIND_F64);
    int found = 0;
    for (ptrdiff_t i = 0; i < count; i += PIECE) {
        const ptrdiff_t piece = count - i < PIECE ? count - i : PIECE;
        const char *from = (const char *)values + (size_t)i * wide;
        char *to = (char *)codes + (size_t)i * size;
        int seen = narrow ? NM(quantise_float)(from, kind, piece, to, (int)size, q) : -1;
        if (seen < 0) seen = NM(quantise_double)(from, kind, piece, to, (int)size, q, narrow || slowly);
        found |= seen;
    }
    return found;
}

#endif
