/* Codes to values: integers of any width, or probabilities. */
#ifndef NARROWMAX_VALUE_LOOPS_H
#define NARROWMAX_VALUE_LOOPS_H

#define EACH(FROM, TO, expression)                                        \
    do {                                                                  \
        const FROM *restrict from = codes;                                \
        TO *restrict to = out;                                            \
        for (ptrdiff_t i = 0; i < count; i++) to[i] = (TO)(expression);   \
    } while (0)

/* The same for each type of code. */
#define EACH_TYPE(TO, expression)                           \
    switch (type) {                                         \
    case U8: EACH(uint8_t, TO, expression); break;          \
    case I8: EACH(int8_t, TO, expression); break;           \
    case U16: EACH(uint16_t, TO, expression); break;        \
    case I16: EACH(int16_t, TO, expression); break;         \
    case U32: EACH(uint32_t, TO, expression); break;        \
    case I32: EACH(int32_t, TO, expression); break;         \
    default: EACH(int64_t, TO, expression);                 \
    }

static void NM(integers)(const void *codes, int type, ptrdiff_t count, void *out, size_t size) {
    switch (size) {
    case 1: EACH_TYPE(uint8_t, from[i]); break;
    case 2: EACH_TYPE(uint16_t, from[i]); break;
    case 4: EACH_TYPE(uint32_t, from[i]); break;
    default: EACH_TYPE(uint64_t, from[i]);
    }
}

/* Whether float64 holds each of these codes. */
static int NM(exact_in_double)(const int64_t *codes, ptrdiff_t count) {
    const uint64_t most = UINT64_C(1) << 53;
    uint64_t large = 0;
    for (ptrdiff_t i = 0; i < count; i++) large |= (uint64_t)codes[i] + most > 2 * most;
    for (ptrdiff_t i = 0; large && i < count; i++) {
        const uint64_t size = codes[i] < 0 ? -(uint64_t)codes[i] : (uint64_t)codes[i];
        if (size && size >> __builtin_ctzll(size) > most) return 0;
    }
    return 1;
}

static int NM(values)(const void *codes, int type, ptrdiff_t count, void *out, int kind, int fraction_bits) {
    if (type == I128 || kind == KIND_F16 || kind == KIND_BF16) return 0;
    if (kind != KIND_F32 && kind != KIND_F64) {
        NM(integers)(codes, type, count, out, kind_size(kind));
        return 1;
    }
    if (fraction_bits < -256 || fraction_bits > 256) return 0;
    if (type == I64 && !NM(exact_in_double)(codes, count)) return 0;
    double step = 1;
    for (int i = 0; i < fraction_bits; i++) step /= 2;
    for (int i = 0; i > fraction_bits; i--) step *= 2;
    const float step32 = (float)step;
    if (kind == KIND_F64)
        EACH_TYPE(double, (double)from[i] * step)
    else if (type_size(type) <= 2 && fraction_bits >= -100 && fraction_bits <= 126) /* exact in float32 */
        EACH_TYPE(float, (float)from[i] * step32)
    else
        EACH_TYPE(float, (double)from[i] * step)
    return 1;
}

#undef EACH
#undef EACH_TYPE

#endif
