/* Rows to lanes and back, in blocks that are turned within registers.
 *
 * A cell is 16 bytes square: SIDE = 16 / size rows of SIDE elements.  Interleaving row i with row i + SIDE / 2, for every i,
 * log2(SIDE) times over, transposes it.  A wider vector turns two cells at once: one below the other where there are rows
 * enough (whole vectors are written then), else one beside the other (whole vectors are read).
 */
#ifndef NARROWMAX_TRANSPOSE_LOOPS_H
#define NARROWMAX_TRANSPOSE_LOOPS_H

/* Bytes in a vector, by instruction set: 64 were slower than 32.  An older compiler cannot join vectors, and keeps to 16. */
#define vector_bytes_base 16
#define vector_bytes_avx2 32
#define vector_bytes_avx512 32
#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define CAN_SHUFFLE 1
#endif
#endif
#if defined(CAN_SHUFFLE)
#define WIDTH NM(vector_bytes)
#define SHUFFLE(TYPE, a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define WIDTH 16
#define SHUFFLE(TYPE, a, b, ...) __builtin_shuffle(a, b, (TYPE){__VA_ARGS__})
#endif
enum { CELL = 16, CELLS = WIDTH / CELL };

typedef uint8_t NM(cell) __attribute__((vector_size(CELL)));
typedef uint8_t NM(vector8) __attribute__((vector_size(WIDTH)));
typedef uint16_t NM(vector16) __attribute__((vector_size(WIDTH)));
typedef uint32_t NM(vector32) __attribute__((vector_size(WIDTH)));
typedef uint64_t NM(vector64) __attribute__((vector_size(WIDTH)));

/* Element i of a cell of one vector, then of the other, from i = first on; for every cell, which has `side` elements. */
#define PAIRS1(i, all) (i), (all) + (i)
#define PAIRS2(i, all) PAIRS1(i, all), PAIRS1((i) + 1, all)
#define PAIRS4(i, all) PAIRS2(i, all), PAIRS2((i) + 2, all)
#define PAIRS8(i, all) PAIRS4(i, all), PAIRS4((i) + 4, all)
#if WIDTH == 16
#define PER_CELL(PAIRS, first, side) PAIRS(first, side)
#else
#define PER_CELL(PAIRS, first, side) PAIRS(first, 2 * (side)), PAIRS((first) + (side), 2 * (side))
#endif
#define INTERLEAVED(TYPE, PAIRS, side)                                               \
    do {                                                                             \
        const TYPE one = (TYPE)*a, two = (TYPE)*b;                                   \
        *low = (NM(vector8))SHUFFLE(TYPE, one, two, PER_CELL(PAIRS, 0, side));           \
        *high = (NM(vector8))SHUFFLE(TYPE, one, two, PER_CELL(PAIRS, (side) / 2, side)); \
    } while (0)

ALWAYS_INLINE void NM(interleave)(const NM(vector8) *a, const NM(vector8) *b, NM(vector8) *low, NM(vector8) *high,
                                  const int size) {
    switch (size) {
    case 1: INTERLEAVED(NM(vector8), PAIRS8, 16); break;
    case 2: INTERLEAVED(NM(vector16), PAIRS4, 8); break;
    case 4: INTERLEAVED(NM(vector32), PAIRS2, 4); break;
    default: INTERLEAVED(NM(vector64), PAIRS1, 2);
    }
}

ALWAYS_INLINE void NM(turn)(NM(vector8) *rows, const int size) {
    NM(vector8) next[CELL];
    const int side = CELL / size;
#pragma GCC unroll 4
    for (int round = 1; round < side; round *= 2) {
#pragma GCC unroll 8
        for (int i = 0; i < side / 2; i++)
            NM(interleave)(&rows[i], &rows[i + side / 2], &next[2 * i], &next[2 * i + 1], size);
#pragma GCC unroll 16
        for (int i = 0; i < side; i++) rows[i] = next[i];
    }
}

/* The cell at `from`, and the one `apart` bytes after it. */
ALWAYS_INLINE void NM(load_cells)(NM(vector8) *to, const char *from, ptrdiff_t apart) {
    NM(cell) cell[CELLS];
    for (int k = 0; k < CELLS; k++) memcpy(&cell[k], from + k * apart, CELL);
#if WIDTH == 16
    *to = cell[0];
#else
    *to = SHUFFLE(, cell[0], cell[1], 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24,
                  25, 26, 27, 28, 29, 30, 31);
#endif
}

/* The first `bytes` of a cell, 1 to 16. */
ALWAYS_INLINE void NM(store_part)(char *to, const char *cell, ptrdiff_t bytes) {
    if (bytes == CELL) {
        memcpy(to, cell, CELL);
    } else if (bytes >= 8) {
        memcpy(to, cell, 8);
        memcpy(to + bytes - 8, cell + bytes - 8, 8);
    } else if (bytes >= 4) {
        memcpy(to, cell, 4);
        memcpy(to + bytes - 4, cell + bytes - 4, 4);
    } else {
        for (ptrdiff_t i = 0; i < bytes; i++) to[i] = cell[i];
    }
}

/* A matrix whose rows are `stride` bytes apart; reading stops at `end`. */
struct NM(matrix) {
    const char *at, *end;
    ptrdiff_t stride;
};

/* Copies of `height` rows of a cell's width, zeros past the end: for the corner where whole cells would be read beyond it. */
static void NM(copy_corner)(char *room, struct NM(matrix) from, ptrdiff_t height) {
    for (ptrdiff_t r = 0; r < height; r++) {
        const char *row = from.at + r * from.stride;
        if (from.end - row >= CELL) {
            memcpy(room + r * CELL, row, CELL);
        } else {
            memset(room + r * CELL, 0, CELL);
            memcpy(room + r * CELL, row, (size_t)(from.end - row));
        }
    }
}

/* CELLS cells below one another -> `width` rows of whole vectors. */
ALWAYS_INLINE void NM(turn_down)(char *dst, ptrdiff_t dst_stride, struct NM(matrix) from, ptrdiff_t width, const int size) {
    const int side = CELL / size;
    NM(vector8) rows[CELL];
    char room[WIDTH * CELL];
    if (from.end - (from.at + (CELLS * side - 1) * from.stride) < CELL) {
        NM(copy_corner)(room, from, CELLS * side);
        from.at = room;
        from.stride = CELL;
    }
#pragma GCC unroll 16
    for (int r = 0; r < side; r++) NM(load_cells)(&rows[r], from.at + r * from.stride, side * from.stride);
    NM(turn)(rows, size);
    if (width >= side) {
#pragma GCC unroll 16
        for (int c = 0; c < side; c++) memcpy(dst + c * dst_stride, &rows[c], WIDTH);
    } else {
        for (ptrdiff_t c = 0; c < width; c++) memcpy(dst + c * dst_stride, &rows[c], WIDTH);
    }
}

/* `height` rows of CELLS cells beside one another, all there to be read -> the rows that these columns become. */
ALWAYS_INLINE void NM(turn_across)(char *dst, ptrdiff_t dst_stride, struct NM(matrix) from, ptrdiff_t height, const int size) {
    const int side = CELL / size;
    NM(vector8) rows[CELL] = {{0}};
#pragma GCC unroll 16
    for (int r = 0; r < side; r++)
        if (r < height) memcpy(&rows[r], from.at + r * from.stride, WIDTH);
    NM(turn)(rows, size);
    for (int c = 0; c < side; c++)
        for (int k = 0; k < CELLS; k++)
            NM(store_part)(dst + (k * side + c) * dst_stride, (const char *)&rows[c] + k * CELL, height * size);
}

/* One cell of `height` rows and `width` columns. */
ALWAYS_INLINE void NM(turn_one)(char *dst, ptrdiff_t dst_stride, struct NM(matrix) from, ptrdiff_t height, ptrdiff_t width,
                                const int size) {
    char room[CELL * CELL] = {0};
    NM(copy_corner)(room, from, height);
    for (ptrdiff_t c = 0; c < width; c++)
        for (ptrdiff_t r = 0; r < height; r++)
            memcpy(dst + c * dst_stride + r * size, room + r * CELL + c * size, (size_t)size);
}

/* The next block of `step` that starts at `at`, or, where it would end beyond `count`, the last whole one: some of it is
 * turned again then. */
ALWAYS_INLINE ptrdiff_t NM(block)(ptrdiff_t at, ptrdiff_t step, ptrdiff_t count) {
    return at + step <= count || count < step ? at : count - step;
}

ALWAYS_INLINE void NM(transpose_of)(char *dst, ptrdiff_t dst_stride, const char *src, ptrdiff_t src_stride, ptrdiff_t rows,
                                    ptrdiff_t cols, const int size) {
    const ptrdiff_t side = CELL / size, many = CELLS * side;
    const char *end = src + (rows - 1) * src_stride + cols * size;
    const ptrdiff_t down = rows >= many ? many : side, across = rows < many && cols >= many ? many : side;
    const ptrdiff_t height = rows < down ? rows : down, width = cols < across ? cols : across;
    for (ptrdiff_t i = 0; i < rows; i += down)
        for (ptrdiff_t j = 0; j < cols; j += across) {
            const ptrdiff_t r = NM(block)(i, down, rows), c = NM(block)(j, across, cols);
            const struct NM(matrix) from = {src + r * src_stride + c * size, end, src_stride};
            char *to = dst + c * dst_stride + r * size;
            if (rows >= many)
                NM(turn_down)(to, dst_stride, from, width, size);
            else if (cols >= many && height == side) /* a constant: no store in parts */
                NM(turn_across)(to, dst_stride, from, side, size);
            else if (cols >= many)
                NM(turn_across)(to, dst_stride, from, height, size);
            else
                NM(turn_one)(to, dst_stride, from, height, width, size);
        }
}

static void NM(transpose)(void *dst, ptrdiff_t dst_stride, const void *src, ptrdiff_t src_stride, ptrdiff_t rows,
                          ptrdiff_t cols, int size) {
    if (rows <= 0 || cols <= 0) return;
    const ptrdiff_t to = dst_stride * size, from = src_stride * size;
    switch (size) {
    case 1: NM(transpose_of)(dst, to, src, from, rows, cols, 1); break;
    case 2: NM(transpose_of)(dst, to, src, from, rows, cols, 2); break;
    case 4: NM(transpose_of)(dst, to, src, from, rows, cols, 4); break;
    case 8: NM(transpose_of)(dst, to, src, from, rows, cols, 8); break;
    default:
        for (ptrdiff_t r = 0; r < rows; r++)
            for (ptrdiff_t c = 0; c < cols; c++)
                memcpy((char *)dst + c * to + r * size, (const char *)src + r * from + c * size, 16);
    }
}

#undef PAIRS1
#undef PAIRS2
#undef PAIRS4
#undef PAIRS8
#undef PER_CELL
#undef INTERLEAVED
#undef SHUFFLE
#undef WIDTH

#endif
