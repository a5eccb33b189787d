/* Ranges of integers, and the narrowest type that holds one.  Nothing wraps: what does not fit is told. */
#ifndef NARROWMAX_RANGES_H
#define NARROWMAX_RANGES_H

#include "making.h"
#include "types.h"

#define MOST_128 ((int128)(~(uint128)0 >> 1))
#define LEAST_128 (-MOST_128 - 1)

struct Range {
    int128 lo, hi;
    int beyond; /* whether an end is more than 127 bits and a sign hold; it then stands for the nearest that they do */
};

static inline struct Range range_of(int128 lo, int128 hi) { return (struct Range){lo, hi, 0}; }

static inline int128 least_of(int128 a, int128 b) { return a < b ? a : b; }
static inline int128 most_of(int128 a, int128 b) { return a > b ? a : b; }

static inline int bits_of(uint128 value) {
    uint64_t high = (uint64_t)(value >> 64), low = (uint64_t)value;
    return high ? 128 - __builtin_clzll(high) : low ? 64 - __builtin_clzll(low) : 0;
}

/* The narrowest type that holds lo..hi. */
static inline int type_of(int128 lo, int128 hi) {
    if (lo >= 0) {
        int bits = bits_of((uint128)hi);
        return bits <= 8 ? U8 : bits <= 16 ? U16 : bits <= 32 ? U32 : bits <= 63 ? I64 : I128;
    }
    int low = bits_of((uint128)~lo), high = bits_of(hi < 0 ? -(uint128)hi : (uint128)hi), bits = low > high ? low : high;
    return bits <= 7 ? I8 : bits <= 15 ? I16 : bits <= 31 ? I32 : bits <= 63 ? I64 : I128;
}

/* For arithmetic that is only thought of: instead of more than there is, the most, on which no loop works. */
static inline int128 sum_at_most(int128 a, int128 b) {
    int128 found;
    return __builtin_add_overflow(a, b, &found) ? MOST_128 : found;
}

static inline int128 product_at_most(int128 a, int128 b) {
    int128 found;
    return __builtin_mul_overflow(a, b, &found) ? MOST_128 : found;
}

static inline int128 product_of(struct Making *m, int128 a, int128 b) {
    int128 found;
    if (__builtin_mul_overflow(a, b, &found)) give_up(m, TOO_WIDE);
    return found;
}

#endif
