/* Rows to lanes and back. */
#ifndef NARROWMAX_TRANSPOSE_LOOPS_H
#define NARROWMAX_TRANSPOSE_LOOPS_H
static void NM(transpose)(void *dst, ptrdiff_t dst_stride, const void *src, ptrdiff_t src_stride, ptrdiff_t rows, ptrdiff_t cols, int size) {
    for (ptrdiff_t r = 0; r < rows; r++)
        for (ptrdiff_t c = 0; c < cols; c++)
            memcpy((char *)dst + (c * dst_stride + r) * size, (const char *)src + (r * src_stride + c) * size, (size_t)size);
}
#endif
