/* The loops of move_loops.h for one instruction set, as plain functions for ctypes.  Compiled by test_move.py with
 * -DSHIM_BASE, or with -DSHIM_AVX2 or -DSHIM_AVX512 and that target's flags. */
#if defined(SHIM_AVX512)
#define ISA avx512
#elif defined(SHIM_AVX2)
#define ISA avx2
#else
#define ISA base
#endif
#include "move_loops.h"

int quantise(const void *values, int kind, ptrdiff_t count, void *codes, int type, const int *format) {
    struct Quantiser q;
    if (!quantiser_set(&q, format[0], format[1], format[2], format[3], format[4])) return -1;
    return NM(move).quantise(values, kind, count, codes, type, &q);
}

ptrdiff_t presence(const void *values, int kind, ptrdiff_t count, uint8_t *present) {
    return NM(move).presence(values, kind, count, present);
}

int values(const void *codes, int type, ptrdiff_t count, void *out, int kind, int fraction_bits) {
    return NM(move).values(codes, type, count, out, kind, fraction_bits);
}

void transpose(void *dst, ptrdiff_t dst_stride, const void *src, ptrdiff_t src_stride, ptrdiff_t rows, ptrdiff_t cols,
               int size) {
    NM(move).transpose(dst, dst_stride, src, src_stride, rows, cols, size);
}

#include "processor.h"

/* 0: base alone; 1: AVX2 too; 2: and AVX-512. */
int processor(void) {
#if defined(__x86_64__)
    return processor_has_avx2() ? processor_has_avx512() ? 2 : 1 : 0;
#else
    return 0;
#endif
}
