/* Included once for float and once for double, with REAL, INT (as wide, signed), UINT, MAGIC = 1.5 * 2**(bits behind the
 * point), MAGIC_BITS, the bits of that, and BELOW_HALF, the largest number below 0.5.  See quantise_loops.h. */
#define OF_REAL(name) NM(NM_JOIN(name, REAL))

/* What a loop clamps to, and the magnitude from which on it cannot answer for a value.  lo, hi: whole, below MAGIC / 3. */
struct OF_REAL(ends) {
    REAL scale, lo, hi, limit;
};

ALWAYS_INLINE UINT OF_REAL(magnitude)(REAL x) {
    UINT bits;
    memcpy(&bits, &x, sizeof bits);
    return bits & ~((UINT)1 << (8 * sizeof bits - 1));
}

/* A whole number for a clamped s.  Numbers around MAGIC have steps of one: the bits of s + MAGIC count the nearest integer,
 * ties to even, from MAGIC_BITS on, and one more or less is one added or taken.  Towards zero is what a conversion does; away
 * from it, a tie needs the largest number below a half (a half would lift that number itself). */
ALWAYS_INLINE INT OF_REAL(round)(REAL s, const int rounding, const int size) {
    if (rounding == HALF_AWAY) s += s < 0 ? -BELOW_HALF : BELOW_HALF;
    if (rounding == HALF_AWAY || rounding == TOWARD_ZERO)
        return size <= 2 ? (INT)(int32_t)s : (INT)s; /* few processors convert vectors of float64 to 64 bits */
    REAL counted = s + MAGIC;
    if (rounding == FLOOR) counted -= s < counted - MAGIC ? (REAL)1 : (REAL)0;
    if (rounding == HALF_UP) counted += s - (counted - MAGIC) == (REAL)0.5 ? (REAL)1 : (REAL)0;
    INT whole;
    memcpy(&whole, &counted, sizeof whole);
    return size < (int)sizeof whole ? whole : whole - MAGIC_BITS; /* the low half of MAGIC_BITS is 0 */
}

/* Clamping to whole ends before rounding is clamping after it; NaN becomes lo.
 * Returns whether any |x| >= limit, or was NaN: magnitude plus shift reaches the top bit.  Codes narrower than INT are
 * only wanted where the limit is infinity, and then zero times x tells as much: that is less work. */
ALWAYS_INLINE int OF_REAL(loop)(const REAL *restrict x, ptrdiff_t count, void *restrict codes,
                                const struct OF_REAL(ends) *ends, const int rounding, const int size) {
    const REAL scale = ends->scale, lo = ends->lo, hi = ends->hi;
    const UINT top = (UINT)1 << (8 * sizeof(UINT) - 1), shift = top - OF_REAL(magnitude)(ends->limit);
    const int narrow = size < (int)sizeof(INT);
    UINT marks = 0;
    for (ptrdiff_t i = 0; i < count; i++) {
        REAL s = x[i] * scale;
        s = s > lo ? s : lo;
        s = s < hi ? s : hi;
        NM(store_code)(codes, i, size, OF_REAL(round)(s, rounding, size));
        marks |= narrow ? OF_REAL(magnitude)(x[i] * 0) : OF_REAL(magnitude)(x[i]) + shift;
    }
    return narrow ? marks != 0 : (marks & top) != 0;
}

ALWAYS_INLINE int OF_REAL(of_size)(const REAL *x, ptrdiff_t count, void *codes, const struct OF_REAL(ends) *ends,
                                   const int rounding, int size) {
    switch (size) {
    case 1: return OF_REAL(loop)(x, count, codes, ends, rounding, 1);
    case 2: return OF_REAL(loop)(x, count, codes, ends, rounding, 2);
    case 4: return OF_REAL(loop)(x, count, codes, ends, rounding, 4);
    default: return OF_REAL(loop)(x, count, codes, ends, rounding, 8);
    }
}

static int OF_REAL(rounded)(const REAL *x, ptrdiff_t count, void *codes, const struct OF_REAL(ends) *ends, int rounding,
                            int size) {
    switch (rounding) {
    case FLOOR: return OF_REAL(of_size)(x, count, codes, ends, FLOOR, size);
    case HALF_UP: return OF_REAL(of_size)(x, count, codes, ends, HALF_UP, size);
    case HALF_AWAY: return OF_REAL(of_size)(x, count, codes, ends, HALF_AWAY, size);
    case TOWARD_ZERO: return OF_REAL(of_size)(x, count, codes, ends, TOWARD_ZERO, size);
    default: return OF_REAL(of_size)(x, count, codes, ends, HALF_EVEN, size);
    }
}

/* Which of NaN and the infinities there are. */
static int OF_REAL(look)(const REAL *x, ptrdiff_t count) {
    INT nan = 0, plus = 0, minus = 0;
    for (ptrdiff_t i = 0; i < count; i++) {
        nan |= x[i] != x[i];
        plus |= x[i] == (REAL)INFINITY;
        minus |= x[i] == (REAL)-INFINITY;
    }
    return (nan ? FOUND_NAN : 0) | (plus ? FOUND_PLUS_INFINITY : 0) | (minus ? FOUND_MINUS_INFINITY : 0);
}

/* A piece that saturates, straight into its place. */
static int OF_REAL(saturated)(const REAL *x, ptrdiff_t count, void *codes, int size, const struct Quantiser *q) {
    const struct OF_REAL(ends) ends = {(REAL)q->scale, (REAL)q->lowest, (REAL)q->highest, (REAL)INFINITY};
    return OF_REAL(rounded)(x, count, codes, &ends, q->rounding, size) ? OF_REAL(look)(x, count) : 0;
}

/* A piece that wraps or is watched: rounded with room beyond the ends, then brought into the word.
 * Returns what was found, or -1 where a value is not finite or is too large: one value at a time then. */
static int OF_REAL(fitted)(const REAL *x, ptrdiff_t count, void *codes, int size, const struct Quantiser *q) {
    const int wraps = q->overflow == WRAP;
    const REAL most = MAGIC / 3 - 1, scale = (REAL)q->scale;
    const struct OF_REAL(ends) ends = {scale, wraps ? -most : (REAL)(q->lowest - 1), wraps ? most : (REAL)(q->highest + 1),
                                       wraps ? most / scale : (REAL)INFINITY};
    INT wide[PIECE];
    if (OF_REAL(rounded)(x, count, wide, &ends, q->rounding, sizeof(INT))) return -1;
    const INT lowest = (INT)q->lowest, highest = (INT)q->highest;
    const int spare = 8 * (int)sizeof(INT) - q->bits;
    INT beyond = 0;
    if (wraps && q->is_signed)
        for (ptrdiff_t i = 0; i < count; i++) wide[i] = (INT)((UINT)wide[i] << spare) >> spare;
    else if (wraps)
        for (ptrdiff_t i = 0; i < count; i++) wide[i] = (INT)(((UINT)wide[i] << spare) >> spare);
    else
        for (ptrdiff_t i = 0; i < count; i++) {
            beyond |= (wide[i] < lowest) | (wide[i] > highest);
            wide[i] = wide[i] < lowest ? lowest : wide[i] > highest ? highest : wide[i];
        }
    switch (size) {
    case 1: for (ptrdiff_t i = 0; i < count; i++) NM(store_code)(codes, i, 1, wide[i]); break;
    case 2: for (ptrdiff_t i = 0; i < count; i++) NM(store_code)(codes, i, 2, wide[i]); break;
    case 4: for (ptrdiff_t i = 0; i < count; i++) NM(store_code)(codes, i, 4, wide[i]); break;
    default: for (ptrdiff_t i = 0; i < count; i++) NM(store_code)(codes, i, 8, wide[i]);
    }
    return beyond ? FOUND_BEYOND : 0;
}

#undef OF_REAL
#undef REAL
#undef INT
#undef UINT
#undef MAGIC
#undef MAGIC_BITS
#undef BELOW_HALF
