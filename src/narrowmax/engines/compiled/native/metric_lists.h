/* The same metrics where an entry stands for all elements of a row with one input code. */

/* The sum of |q - p| over the members of one entry. */
INLINE float NM(walk)(const float *p, int count, float q) {
    float sum = 0;
#if NM_LEVEL == 3
    Floats sums = {0}, all = NM(all)(q);
    for (; count > 0; count -= 16, p += 16) {
        __mmask16 some = count < 16 ? (__mmask16)((1u << count) - 1) : 0xffff;
        sums += NM(magnitude)((Floats)_mm512_maskz_sub_ps(some, all, _mm512_maskz_loadu_ps(some, p)));
    }
    sum = _mm512_reduce_add_ps(sums);
#else
    for (int k = 0; k < count; k++) sum += __builtin_fabsf(q - p[k]);
#endif
    return sum;
}

/* The sums of |q - p| over the members of FLOATS entries; p holds the sums of p. */
INLINE Floats NM(entry_errors)(const struct Lists *lists, ptrdiff_t at, Floats count, Floats q, Floats p) {
    Floats least = LOADED(Floats, lists->least + at), greatest = LOADED(Floats, lists->greatest + at);
    Floats outside = NM(magnitude)(NM(fused)(count, q, -p)); /* right where all members lie on one side of q */
    /* Otherwise there are the least, the greatest and, of three, the one between. */
    Floats inside = greatest - least + NM(magnitude)(NM(fused)(count - 2.0f, q, least + greatest - p));
    Ints between = (q > least) & (q < greatest) & (Ints)(count > 0.0f); /* padding counts 0 */
    float sums[FLOATS], values[FLOATS];
    int32_t more[FLOATS];
    STORED(sums, (Floats)(((Ints)inside & between) | ((Ints)outside & ~between)));
    between &= (Ints)(count > 3.0f);
    if (NM(some)(between)) {
        STORED(values, q);
        STORED(more, between);
        for (int k = 0; k < FLOATS; k++)
            if (more[k]) sums[k] = NM(walk)(lists->members + lists->first[at + k], lists->count[at + k], values[k]);
    }
    return LOADED(Floats, sums);
}

INLINE void NM(list_chunk)(const struct Judged *j, int type, ptrdiff_t from, ptrdiff_t n, unsigned what,
                           const struct NM(Logarithms) *known, struct Tally *t) {
    const struct Exact *x = j->exact;
    const struct Lists *lists = j->lists;
    float sums[WIDE], terms[WIDE];
    for (int l = 0; l < WIDE; l += FLOATS) {
        Floats most = LOADED(Floats, t->max_error + l), sum = {0}, divergence = {0};
        Ints top = LOADED(Ints, t->top + l), winners = {0}, nonzeros = {0};
        Unsigned total = {0};
        for (ptrdiff_t i = from; i < from + n; i++) {
            ptrdiff_t at = i * WIDE + l;
            Ints number = NM(widened)(j->codes, type, at), count = NM(widened)(lists->count, U16, at);
            if (what & TOP) winners += count & (Ints)(number == top);
            if (what & SUMS) total += (Unsigned)count * (Unsigned)number;
            if (what & ZEROS) nonzeros += count & (Ints)(number != 0);
            if (!(what & (ERRORS | KL))) continue;
            Floats code = __builtin_convertvector(number, Floats), p = LOADED(Floats, x->p + at);
            if (what & ERRORS) {
                Floats q = code * known->scale, least = LOADED(Floats, lists->least + at);
                Floats greatest = LOADED(Floats, lists->greatest + at);
                most = NM(larger)(most, NM(larger)(q - least, greatest - q));
                sum += NM(entry_errors)(lists, at, __builtin_convertvector(count, Floats), q, p);
            }
            if (what & KL)
                divergence = NM(plus_product_or)(divergence, number, p, NM(surprise)(known, number, code, type),
                                                         x->if_zero + at);
        }
        STORED(sums + l, sum);
        STORED(terms + l, divergence);
        STORED(t->max_error + l, most);
        for (int k = 0; k < FLOATS; k++) {
            t->winners[l + k] += winners[k];
            t->nonzeros[l + k] += nonzeros[k];
            t->sum[l + k] += total[k]; /* at most n * 65535, and n is at most 65535 */
        }
    }
    for (int l = 0; (what & ERRORS) && l < WIDE; l++) t->sum_error[l] += sums[l];
    for (int l = 0; (what & KL) && l < WIDE; l++) t->divergence[l] += terms[l];
}

/* `what` is known when this is compiled into its caller. */
INLINE void NM(list_chunks)(const struct Judged *j, int type, ptrdiff_t from, ptrdiff_t until, unsigned what,
                            const struct NM(Logarithms) *known, struct Tally *t) {
    for (; from < until; from += SHORT)
        NM(list_chunk)(j, type, from, until - from < SHORT ? until - from : SHORT, what, known, t);
}

static void NM(list_top)(const struct Judged *j, ptrdiff_t active, struct Tally *t) {
    for (int l = 0; l < WIDE; l += FLOATS) {
        Ints top = {0};
        for (ptrdiff_t i = 0; i < active; i++) {
            Ints c = NM(widened)(j->codes, j->type, i * WIDE + l), more = c > top;
            top = (c & more) | (top & ~more);
        }
        STORED(t->top + l, top);
    }
}

static void NM(measure_lists)(const struct Judged *j, ptrdiff_t active, unsigned what,
                              const struct NM(Logarithms) *known, struct Tally *t) {
    const unsigned all = TOP | SUMS | ZEROS | ERRORS | KL;
    ptrdiff_t large = j->type == U8 ? NM(up_to)(j->codes, WIDE, active, 0xe0) : active;
    if (what & TOP) NM(list_top)(j, active, t);
    if (j->type == U8 && (what & all) == all) {
        NM(list_chunks)(j, U8, 0, large, all, known, t);
        NM(list_chunks)(j, SMALL, large, active, all, known, t);
    } else if (j->type == U8) {
        NM(list_chunks)(j, U8, 0, large, what, known, t);
        NM(list_chunks)(j, SMALL, large, active, what, known, t);
    } else if ((what & all) == all) {
        NM(list_chunks)(j, U16, 0, active, all, known, t);
    } else {
        NM(list_chunks)(j, U16, 0, active, what, known, t);
    }
}
