/* Loops over elements of the type REAL, which has the bits of WORD: included once for float and once for double.
 *
 * Sums are kept in partial sums that are written out, and nothing is reordered for the sake of
 * vectors: a result is the same whatever a compiler makes of the loops.
 */

static inline void NAME(keep_two)(REAL x, REAL *first, REAL *second) {
    REAL lower = x < *first ? x : *first;
    *second = lower > *second ? lower : *second;
    *first = x > *first ? x : *first;
}

/* The bits without the sign. */
static inline WORD NAME(absolute)(REAL x) {
    WORD bits;
    memcpy(&bits, &x, sizeof bits);
    return bits & ~SIGN;
}

/* room: of the bits, up to those of the largest number; below 0 once anything was beyond it */
static inline void NAME(extend)(REAL x, REAL *first, REAL *second, REAL *last, WORD *room) {
    NAME(keep_two)(x, first, second);
    *last = x < *last ? x : *last;
    *room |= LARGEST - NAME(absolute)(x);
}

/* The two largest and the smallest of fewer than LANES; whether all are finite. */
static int NAME(find_short_ends)(const REAL *x, int64_t n, struct Ends *ends) {
    REAL first = -INFINITY, second = -INFINITY, last = INFINITY;
    WORD room = 0;
    for (int64_t i = 0; i < n; i++) NAME(extend)(x[i], &first, &second, &last, &room);
    ends->top = first, ends->second = second, ends->bottom = last;
    return room >= 0;
}

/* Twice as many lanes into so many; a number that is written out, so that this becomes vectors too. */
static inline __attribute__((always_inline)) void NAME(fold)(int half, REAL *first, REAL *second, REAL *last, WORD *room) {
    for (int l = 0; l < half; l++) {
        NAME(keep_two)(first[l + half], &first[l], &second[l]);
        second[l] = second[l + half] > second[l] ? second[l + half] : second[l];
        last[l] = last[l + half] < last[l] ? last[l + half] : last[l];
        room[l] |= room[l + half];
    }
}

/* The same of any number: first in lanes, whose loops become vectors, then of the lanes. */
static int NAME(find_ends)(const REAL *x, int64_t n, struct Ends *ends) {
    if (n < LANES) return NAME(find_short_ends)(x, n, ends);
    REAL first[LANES], second[LANES], last[LANES];
    WORD room[LANES];
    for (int l = 0; l < LANES; l++) first[l] = second[l] = -INFINITY, last[l] = INFINITY, room[l] = 0;
    int64_t whole = n - n % LANES;
    for (int64_t i = 0; i < whole; i += LANES)
        for (int l = 0; l < LANES; l++) NAME(extend)(x[i + l], &first[l], &second[l], &last[l], &room[l]);
    for (int64_t l = 0; l < n - whole; l++) NAME(extend)(x[whole + l], &first[l], &second[l], &last[l], &room[l]);
    NAME(fold)(8, first, second, last, room);
    NAME(fold)(4, first, second, last, room);
    NAME(fold)(2, first, second, last, room);
    NAME(fold)(1, first, second, last, room);
    ends->top = first[0], ends->second = second[0], ends->bottom = last[0];
    return room[0] >= 0;
}

/* Copies the elements that take part; returns how many.  Mostly 8 neighbours all do, or none of them. */
static int64_t NAME(pick)(const REAL *restrict x, const uint8_t *restrict present, int64_t n, REAL *restrict kept) {
    static const uint64_t all = 0x0101010101010101u;
    int64_t many = 0, i = 0;
    while (i < n) {
        uint64_t flags = 0;
        if (i + 8 <= n) memcpy(&flags, present + i, 8);
        if (flags == all) {
            memcpy(kept + many, x + i, 8 * sizeof *x);
            many += 8, i += 8;
        } else if (i + 8 <= n && !flags) {
            i += 8;
        } else {
            for (int64_t end = i + 8 <= n ? i + 8 : n; i < end; i++) {
                kept[many] = x[i];
                many += present[i] != 0;
            }
        }
    }
    return many;
}

/* Closes the gaps that -inf leaves; returns how many are left, or -1 where there is NaN or +inf. */
static int64_t NAME(drop)(REAL *x, int64_t n) {
    int64_t many = 0;
    for (int64_t i = 0; i < n; i++) {
        if (!(x[i] < INFINITY)) return -1;
        x[many] = x[i];
        many += x[i] > -INFINITY;
    }
    return many;
}

/* Places in the table of digits: `limits.digits`, exponent + 127 and significant bits; 0 for zeros. */
static void NAME(find_digits)(const REAL *restrict x, int64_t n, int32_t *restrict key) {
    for (int64_t i = 0; i < n; i++) {
        float near = (float)x[i];
        int32_t bits = bits_of(near) & 0x7FFFFFFF;
        int32_t exponent = bits >> 23, normal = exponent ? 0x800000 : 0;
        int32_t fraction = (bits & 0x7FFFFF) | normal;
        int32_t lowest = (bits_of((float)(fraction & -fraction)) >> 23) - 127;
        int32_t significant = near == x[i] ? 24 - lowest : SIGNIFICANT - 1;
        int32_t place = (exponent > 1 ? exponent : 1) * SIGNIFICANT + significant;
        key[i] = x[i] != 0 ? place : 0;
    }
}

static double NAME(sum)(const REAL *x, int64_t n) {
    double part[8] = {0};
    int64_t whole = n - n % 8;
    for (int64_t i = 0; i < whole; i += 8)
        for (int l = 0; l < 8; l++) part[l] += x[i + l];
    double sum = ((part[0] + part[4]) + (part[1] + part[5])) + ((part[2] + part[6]) + (part[3] + part[7]));
    for (int64_t i = whole; i < n; i++) sum += x[i];
    return sum;
}

static double NAME(sum_of_squares)(const REAL *x, int64_t n, double mean) {
    double part[8] = {0};
    int64_t whole = n - n % 8;
    for (int64_t i = 0; i < whole; i += 8)
        for (int l = 0; l < 8; l++) {
            double from_mean = x[i + l] - mean;
            part[l] += from_mean * from_mean;
        }
    double sum = ((part[0] + part[4]) + (part[1] + part[5])) + ((part[2] + part[6]) + (part[3] + part[7]));
    for (int64_t i = whole; i < n; i++) sum += (x[i] - mean) * (x[i] - mean);
    return sum;
}

/* How many magnitudes, of CHUNK at most, are not above a limit, which is 0 or more. */
static int64_t NAME(up_to)(const REAL *x, int64_t n, double limit) {
    REAL near = (REAL)limit;
    WORD bound = NAME(absolute)(near) - (near > limit), count = 0; /* of the largest REAL that is not above the limit */
    for (int64_t i = 0; i < n; i++) count += NAME(absolute)(x[i]) <= bound;
    return count;
}

/* Distances from the largest of a row, to float32, and the bins of the distances themselves. */
static void NAME(find_distances)(const REAL *restrict x, int64_t n, double top, float *restrict to, int32_t *restrict bin) {
    for (int64_t i = 0; i < n; i++) {
        double distance = top - x[i];
        to[i] = (float)distance;
        bin[i] = bin_of(distance);
    }
}
