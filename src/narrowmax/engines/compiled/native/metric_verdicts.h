/* From the counts of a tile to the metrics of its rows. */

/* Natural logarithms of positive normal numbers, within 1e-15 of a unit or of their size, in plain arithmetic. */
static void NM(logs)(const double *x, double *out) {
    for (int l = 0; l < WIDE; l++) {
        int64_t bits;
        memcpy(&bits, x + l, sizeof bits);
        /* x = 2**exponent * m with m from about 0.7 to 1.4 */
        int32_t exponent = (int32_t)((bits - 0x3fe6a09e00000000LL) >> 52);
        int64_t mantissa = bits - ((int64_t)exponent << 52);
        double m;
        memcpy(&m, &mantissa, sizeof m);
        double s = (m - 1) / (m + 1), z = s * s, sum = 1 / 21.0;
        for (int k = 19; k > 0; k -= 2) sum = sum * z + 1.0 / k;
        out[l] = exponent * 0.69314718055994530942 + 2 * s * sum;
    }
}

/* The code less zero at each row's place; 0 where there is none. */
static void NM(picked)(const struct Judged *j, const int32_t *place, int32_t *out) {
    for (int l = 0; l < WIDE; l++)
        out[l] = place[l] < 0 ? 0 : NM(code_at)(j->codes, j->type, (ptrdiff_t)place[l] * WIDE + l) - j->zero;
}

static void NM(conclude)(const struct Judged *j, const struct Known *known, const struct Tally *t, struct Verdict *v) {
    int32_t own[WIDE], best[WIDE];
    double share[WIDE];
    NM(picked)(j, known->label, own);
    NM(picked)(j, known->winner, best);
    for (int l = 0; l < WIDE; l++) {
        int32_t equals = t->top[l] ? t->winners[l] : known->rivals[l], full = known->present[l] > 0;
        int alone = equals <= 1;
        v->tied[l] = full & !alone;
        v->agree[l] = full & alone & (known->winner[l] >= 0) & (best[l] == t->top[l]);
        v->right[l] = alone & (known->label[l] >= 0) & (own[l] == t->top[l]);
        v->zeros[l] = known->present[l] - t->nonzeros[l];
    }
    for (int l = 0; l < WIDE; l++) {
        double sum = t->sum[l] * j->scale, beside = sum > 1 ? sum : 1, part = own[l] * j->scale / beside;
        v->max_error[l] = t->max_error[l];
        v->sum_error[l] = t->sum_error[l];
        v->kl[l] = known->negative_entropy[l] + sum + t->divergence[l];
        v->row_sum_error[l] = known->present[l] > 0 ? __builtin_fabs(sum - 1) : 0;
        share[l] = part > known->floor ? part : known->floor;
    }
    NM(logs)(share, v->nll);
    for (int l = 0; l < WIDE; l++) v->nll[l] = known->hidden[l] - v->nll[l];
}

static void NM(add)(const struct Verdict *v, const struct Known *known, int rows, int64_t first, struct Totals *all) {
    int32_t agree = 0, tied = 0, right = 0, lost = 0, won = 0, zeros = 0;
    for (int l = 0; l < rows; l++) {
        agree += v->agree[l];
        tied += v->tied[l];
        right += v->right[l];
        lost += known->float_right[l] & !v->right[l];
        won += v->right[l] & !known->float_right[l];
        zeros += v->zeros[l];
    }
    all->agree += agree, all->tied += tied, all->right += right;
    all->lost += lost, all->won += won, all->zeros += zeros;
    for (int l = 0; l < rows; l++) {
        double full = known->present[l] > 0, before = all->max_error[l], beside = all->most_row_sum_error[l];
        all->worst[l] = v->max_error[l] > before ? first + l : all->worst[l];
        all->max_error[l] = v->max_error[l] > before ? v->max_error[l] : before;
        all->sum_error[l] += v->sum_error[l];
        all->kl[l] += full * v->kl[l];
        all->nll[l] += full * v->nll[l];
        all->row_sum_error[l] += v->row_sum_error[l];
        all->most_row_sum_error[l] = v->row_sum_error[l] > beside ? v->row_sum_error[l] : beside;
    }
}
