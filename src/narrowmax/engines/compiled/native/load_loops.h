/* Values of any kind as float32 or float64, exactly; and which of them take part. */
#ifndef NARROWMAX_LOAD_LOOPS_H
#define NARROWMAX_LOAD_LOOPS_H

ALWAYS_INLINE int kind_in_float32(int kind) {
    return kind <= KIND_F32 || (kind >= KIND_I8 && kind <= KIND_U16);
}

/* Both branches are computed: no float32 below its normal range is ever met. */
ALWAYS_INLINE float NM(from_half)(uint16_t half) {
    const uint32_t rest = half & 0x7FFF, sign = (uint32_t)(half & 0x8000) << 16;
    const uint32_t normal = (rest << 13) + (rest >= 0x7C00 ? 0x70000000u : 0x38000000u);
    const float small = (float)(int32_t)rest * 0x1p-24f;
    uint32_t bits;
    memcpy(&bits, &small, sizeof bits);
    bits = (rest < 0x400 ? bits : normal) | sign;
    float real;
    memcpy(&real, &bits, sizeof real);
    return real;
}

ALWAYS_INLINE float NM(from_brain)(uint16_t brain) {
    const uint32_t bits = (uint32_t)brain << 16;
    float real;
    memcpy(&real, &bits, sizeof real);
    return real;
}

#define EACH(TYPE, expression)                           \
    do {                                                 \
        const TYPE *restrict from = values;              \
        for (ptrdiff_t i = 0; i < count; i++) room[i] = expression; \
    } while (0)

/* `values` itself where it is float32 already, else `room`. */
static const float *NM(as_float)(const void *values, int kind, ptrdiff_t count, float *restrict room) {
    switch (kind) {
    case KIND_F32: return values;
    case KIND_F16: EACH(uint16_t, NM(from_half)(from[i])); break;
    case KIND_BF16: EACH(uint16_t, NM(from_brain)(from[i])); break;
    case KIND_I8: EACH(int8_t, from[i]); break;
    case KIND_U8: EACH(uint8_t, from[i]); break;
    case KIND_I16: EACH(int16_t, from[i]); break;
    default: EACH(uint16_t, from[i]);
    }
    return room;
}

/* `values` itself where it is float64 already, else `room`.  found: FOUND_INEXACT is added to it. */
static const double *NM(as_double)(const void *values, int kind, ptrdiff_t count, double *restrict room, int *found) {
    const uint64_t most = UINT64_C(1) << 53;
    uint64_t beyond = 0;
    switch (kind) {
    case KIND_F64: return values;
    case KIND_F32: EACH(float, from[i]); break;
    case KIND_F16: EACH(uint16_t, NM(from_half)(from[i])); break;
    case KIND_BF16: EACH(uint16_t, NM(from_brain)(from[i])); break;
    case KIND_I8: EACH(int8_t, from[i]); break;
    case KIND_U8: EACH(uint8_t, from[i]); break;
    case KIND_I16: EACH(int16_t, from[i]); break;
    case KIND_U16: EACH(uint16_t, from[i]); break;
    case KIND_I32: EACH(int32_t, from[i]); break;
    case KIND_U32: EACH(uint32_t, from[i]); break;
    case KIND_I64: EACH(int64_t, (beyond |= (uint64_t)from[i] + most > 2 * most, (double)from[i])); break;
    default: EACH(uint64_t, (beyond |= from[i] > most, (double)from[i]));
    }
    if (beyond) *found |= FOUND_INEXACT;
    return room;
}

#undef EACH

#define PRESENT(TYPE, expression)                                              \
    do {                                                                       \
        const TYPE *restrict from = values;                                    \
        for (ptrdiff_t i = 0; i < count; i++) present[i] = (uint8_t)(expression); \
    } while (0)

static ptrdiff_t NM(presence)(const void *values, int kind, ptrdiff_t count, uint8_t *restrict present) {
    switch (kind) {
    case KIND_F16: PRESENT(uint16_t, from[i] != 0xFC00); break;
    case KIND_BF16: PRESENT(uint16_t, from[i] != 0xFF80); break;
    case KIND_F32: PRESENT(float, from[i] != -(float)INFINITY); break;
    case KIND_F64: PRESENT(double, from[i] != -(double)INFINITY); break;
    default: memset(present, 1, (size_t)count);
    }
    ptrdiff_t there = 0;
    for (ptrdiff_t i = 0; i < count; i++) there += present[i];
    return there;
}

#undef PRESENT

#endif
