/* From the counts of a tile to the metrics of its rows. */

/* Natural logarithms of positive normal numbers, within 1e-15 of a unit or of their size, in plain arithmetic. */
static void NM(logs)(const double *x, double *out) {
    for (int l = 0; l < WIDE; l++) {
        int64_t bits;
        memcpy(&bits, x + l, sizeof bits);
        /* x = 2**exponent * m with m from about 0.7 to 1.4 */
        int32_t exponent = (int32_t)((bits - 0x3fe6a09e00000000LL) >> 52);
        int64_t mantissa = bits - exponent * (1LL << 52);
        double m;
        memcpy(&m, &mantissa, sizeof m);
        double s = (m - 1) / (m + 1), z = s * s, sum = 1 / 21.0;
        for (int k = 19; k > 0; k -= 2) sum = sum * z + 1.0 / k;
        out[l] = exponent * 0.69314718055994530942 + 2 * s * sum;
    }
}

/* The code less zero at each row's place; 0 where there is none. */
static void NM(picked)(const struct Judged *j, const int32_t *place, int32_t *restrict out) {
    int32_t zero = j->zero, elsewhere = 0, at[WIDE];
    for (int l = 0; l < WIDE; l++) at[l] = (place[l] < 0 ? 0 : place[l] * WIDE) + l;
    for (int l = 0; l < WIDE; l++) elsewhere |= at[l] - l; /* no winner is, where rows are sorted */
    switch (j->type) {
#define PICK(TYPE, CODE)                                                        \
    case TYPE: {                                                                \
        const CODE *codes = j->codes;                                           \
        if (elsewhere)                                                          \
            for (int l = 0; l < WIDE; l++) out[l] = (int32_t)codes[at[l]];      \
        else                                                                    \
            for (int l = 0; l < WIDE; l++) out[l] = (int32_t)codes[l];          \
        break;                                                                  \
    }
        PICK(U8, uint8_t)
        PICK(I8, int8_t)
        PICK(U16, uint16_t)
        PICK(I16, int16_t)
        PICK(U32, uint32_t)
        PICK(I32, int32_t)
#undef PICK
    }
    for (int l = 0; l < WIDE; l++) out[l] = place[l] < 0 ? 0 : out[l] - zero;
}

static void NM(rank)(const struct Judged *j, const struct Known *known, const struct Tally *t, const int32_t *own,
                     struct Verdict *v) {
    int32_t best[WIDE], alone[WIDE], tied[WIDE], agree[WIDE], right[WIDE];
    NM(picked)(j, known->winner, best);
    for (int l = 0; l < WIDE; l++) {
        int32_t full = known->present[l] > 0, rivals = t->top[l] ? t->winners[l] : known->rivals[l];
        alone[l] = rivals <= 1;
        tied[l] = full & (rivals > 1);
        agree[l] = full & alone[l] & (known->winner[l] >= 0) & (best[l] == t->top[l]);
    }
    for (int l = 0; l < WIDE; l++) right[l] = own ? alone[l] & (known->label[l] >= 0) & (own[l] == t->top[l]) : 0;
    for (int l = 0; l < WIDE; l++) v->tied[l] = (uint8_t)tied[l];
    for (int l = 0; l < WIDE; l++) v->agree[l] = (uint8_t)agree[l];
    for (int l = 0; l < WIDE; l++) v->right[l] = (uint8_t)right[l];
}

static void NM(nll)(const struct Judged *j, const struct Known *known, const struct Tally *t, const int32_t *own,
                    struct Verdict *v) {
    double share[WIDE];
    for (int l = 0; l < WIDE; l++) {
        double sum = t->sum[l] * j->scale, part = own[l] * j->scale / (sum > 1 ? sum : 1);
        share[l] = part > known->floor ? part : known->floor;
    }
    NM(logs)(share, v->nll);
    for (int l = 0; l < WIDE; l++) v->nll[l] = known->hidden[l] - v->nll[l];
}

static void NM(conclude)(const struct Judged *j, const struct Known *known, const struct Tally *t, unsigned what,
                         struct Verdict *v) {
    int32_t own[WIDE];
    if (known->label && (what & (TOP | NLL))) NM(picked)(j, known->label, own);
    if (what & TOP) NM(rank)(j, known, t, known->label ? own : NULL, v);
    if ((what & NLL) && known->label) NM(nll)(j, known, t, own, v);
    for (int l = 0; (what & SUMS) && l < WIDE; l++) {
        double sum = t->sum[l] * j->scale;
        v->kl[l] = known->negative_entropy[l] + sum + t->divergence[l];
        v->row_sum_error[l] = known->present[l] > 0 ? __builtin_fabs(sum - 1) : 0;
    }
    for (int l = 0; (what & ERRORS) && l < WIDE; l++) {
        v->max_error[l] = t->max_error[l];
        v->sum_error[l] = t->sum_error[l];
    }
    for (int l = 0; (what & ZEROS) && l < WIDE; l++) v->zeros[l] = known->present[l] - t->nonzeros[l];
}

/* Adds what concerns the order of outputs and the label. */
static void NM(add_ranks)(const struct Verdict *v, const struct Known *known, int rows, struct Totals *all) {
    int32_t agree = 0, tied = 0, right = 0, lost = 0, won = 0;
    for (int l = 0; l < rows; l++) {
        agree += v->agree[l];
        tied += v->tied[l];
        right += v->right[l];
        lost += known->float_right[l] & !v->right[l];
        won += v->right[l] & !known->float_right[l];
    }
    all->agree += agree, all->tied += tied, all->right += right;
    all->lost += lost, all->won += won;
}

static void NM(add)(const struct Verdict *v, const struct Known *known, unsigned what, int rows, struct Totals *all) {
    if (what & TOP) NM(add_ranks)(v, known, rows, all);
    for (int l = 0; (what & NLL) && l < rows; l++) all->nll[l] += known->present[l] > 0 ? v->nll[l] : 0;
    for (int l = 0; (what & SUMS) && l < rows; l++) {
        double beside = all->most_row_sum_error[l];
        all->kl[l] += known->present[l] > 0 ? v->kl[l] : 0;
        all->row_sum_error[l] += v->row_sum_error[l];
        all->most_row_sum_error[l] = v->row_sum_error[l] > beside ? v->row_sum_error[l] : beside;
    }
    for (int l = 0; (what & ERRORS) && l < rows; l++) {
        double here = v->max_error[l], before = all->max_error[l];
        int64_t number = known->number[l], worst = all->worst[l];
        all->worst[l] = here > before || (here == before && number < worst) ? number : worst;
        all->max_error[l] = here > before ? here : before;
        all->sum_error[l] += v->sum_error[l];
    }
    for (int l = 0; (what & ZEROS) && l < rows; l++) all->zeros += v->zeros[l];
}
