/* The counting of rows of the type REAL: included once for float and once for double. */

/* The elements that take part, row after row, in the array itself where all do; lengths and ends of the rows. */
static const REAL *NAME(gather)(struct Work *w, const REAL *x, const uint8_t *present, int64_t rows, int64_t n) {
    int all = !present;
    for (int64_t r = 0; r < rows && all; r++) {
        all = NAME(find_ends)(x + r * n, n, &w->ends[r]);
        w->length[r] = n;
    }
    if (all) return x;
    REAL *kept = w->values;
    for (int64_t r = 0, used = 0; r < rows; r++) {
        int64_t length = n;
        if (present)
            length = NAME(pick)(x + r * n, present + r * n, n, kept + used);
        else
            memcpy(kept + used, x + r * n, n * sizeof *x);
        if (!NAME(find_ends)(kept + used, length, &w->ends[r])) {
            length = NAME(drop)(kept + used, length);
            NAME(find_ends)(kept + used, length, &w->ends[r]);
        }
        w->length[r] = length;
        used += length > 0 ? length : 0;
    }
    return kept;
}

/* Values that one format clips, and those beyond its range whose digits it has: rare, and so looked at one by one. */
static void NAME(count_beyond)(const REAL *x, const int32_t *key, int64_t n, const struct Limits *limits, struct Fit *fit,
                               int64_t times) {
    for (int64_t i = 0; i < n; i++) {
        double v = x[i];
        if (v <= limits->top && v >= limits->bottom) continue;
        fit->clipped += (v > limits->clip_above || v < limits->clip_below) * times;
        fit->beyond += (key[i] && digits_fit(key[i], limits)) * times;
    }
}

/* Some values, CHUNK at most: `low` and `high` hold all of them. */
static void NAME(count_values)(struct Tables *t, struct Work *w, const REAL *x, int64_t n, double low, double high,
                               int64_t times) {
    double mean = NAME(sum)(x, n) / n;
    merge_moments(t->record, n * times, mean, NAME(sum_of_squares)(x, n, mean) * times);
    NAME(find_digits)(x, n, w->key);
    for (int64_t i = 0; i < n; i++) t->digits[w->key[i]] += times;
    int64_t zeros = t->digits[0];
    t->digits[0] = 0; /* digits are those of other numbers */
    for (int64_t f = 0; f < t->formats; f++) {
        const struct Limits *limits = &t->limits[f];
        t->fits[f].flushed += NAME(up_to)(x, n, limits->flush) * times - zeros;
        if (low < limits->bottom || high > limits->top) NAME(count_beyond)(x, w->key, n, limits, &t->fits[f], times);
    }
}

/* All but the ranges, of rows whose elements lie in `x` one row after another. */
static void NAME(count_whole)(struct Tables *t, struct Work *w, const REAL *x, int64_t rows, int64_t times) {
    double low = INFINITY, high = -INFINITY;
    int64_t used = 0;
    for (int64_t r = 0; r < rows; r++) {
        if (w->length[r] < 1) continue;
        low = w->ends[r].bottom < low ? w->ends[r].bottom : low;
        high = w->ends[r].top > high ? w->ends[r].top : high;
        NAME(find_distances)(x + used, w->length[r], w->ends[r].top, w->weight + used, w->bin + used);
        used += w->length[r];
    }
    for (int64_t i = 0; i < used; i += CHUNK)
        NAME(count_values)(t, w, x + i, used - i < CHUNK ? used - i : CHUNK, low, high, times);
    weigh(w->weight, used);
    count_distances(t, w, rows, times);
}

int64_t NAME(count)(struct Tables *t, struct Work *w, const REAL *x, const uint8_t *present, int64_t rows, int64_t n,
                    int64_t times, int *missing) {
    for (int64_t at = 0, many; at < rows; at += many) {
        many = batch(n, rows - at);
        const REAL *values = NAME(gather)(w, x + at * n, present ? present + at * n : NULL, many, n);
        if (times && (*missing = missing_power(t, w, many)) >= 0) return at;
        count_ranges(t, w, many, n);
        if (times) NAME(count_whole)(t, w, values, many, times);
    }
    return rows;
}

#undef REAL
#undef WORD
#undef SIGN
#undef LARGEST
