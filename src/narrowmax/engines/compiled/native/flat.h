/* Arithmetic on contiguous vectors: one operation, one type, one loop. */
#ifndef NARROWMAX_FLAT_H
#define NARROWMAX_FLAT_H

#include "types.h"

/* Every operation takes vectors of its type and gives one of its type, unless said otherwise.
 * ADD to LOW_AND work modulo 2**bits, so there only the width of the type matters. */
#define FLAT_OPERATIONS(F)                                                                        \
    F(ADD) F(SUB) F(MUL) F(SHL)      /* a << imm */                                               \
    F(AND)                                                                                        \
    F(MIN) F(MAX) F(LESS) F(EQUAL)   /* 1 or 0 */                                                 \
    F(SELECT)                        /* a ? b : c */                                              \
    F(SHR)                           /* floor(a / 2**imm) */                                      \
    F(SHR_BY) F(SHL_BY)              /* by b >= 0, of the width of a; beyond the width 0 or -1 */ \
    F(BIT_LENGTH) F(NORMALISE)       /* of a >= 0; to imm bits */                                 \
    F(DIVIDE)                        /* floor(a / b), both >= 0; imm where b is 0 */              \
    F(DIVIDE_SMALL)                  /* the same for a + b < 2**24 */                             \
    F(DIVIDE_FLOAT)                  /* the same for a + b < 2**53 */                             \
    F(SHARE)                         /* 1 / a as a float, a < 2**24 */                            \
    F(CAST1) F(CAST2) F(CAST4) F(CAST8) F(CAST16) /* a to that many bytes */                      \
    F(LOOKUP1) F(LOOKUP2) F(LOOKUP4) F(LOOKUP8) F(LOOKUP16) /* b[a], imm entries of that many bytes */ \
    F(CHECK)                         /* *dst |= any a outside b..c */

#define FLAT_ENUM(name) name,
enum FlatOperation { FLAT_OPERATIONS(FLAT_ENUM) FLAT_COUNT };

typedef void Flat(void *restrict dst, const void *a, const void *b, const void *c, int64_t imm, ptrdiff_t count);

/* Sums and extremes: acc[l] takes in src[p * inner + l] of every position p < outer. */
enum Reduction { SUM, LARGEST, SMALLEST, REDUCTIONS };
typedef void Reduce(void *restrict acc, const void *src, ptrdiff_t outer, ptrdiff_t inner);

/* The end of most softmax units in one loop: a product, shifted, rounded, limited; or a quotient, limited.
 *   SCALE       min((((a * b) >> c) + d) >> e, imm)
 *   SCALE_EVEN  the same, d one more where bit e of (a * b) >> c is 1
 *   SCALE_HIGH  min((((a * b) >> (16 + c)) + d) >> e, imm), a and b of 16 bits, c < 32, d = e, which is 0 or 1 in all rows
 *   SCALE_HIGH_EVEN  min(a * b / 2**(17 + c), imm), rounded to nearest, ties to even; a and b of 16 bits, c < 32
 *   QUOTIENT    min(((a << d[0]) + b) / c, imm), c > 0, the numerator below 2**21; 32-bit operands
 * Nothing is negative.  b to e have the type of the arithmetic (U16, U32 or I64), which holds every step; there
 * is one of each for every row, and they repeat: element i has the values of row i % period, and
 * count is a multiple of it. */
enum FinishOperation { SCALE, SCALE_EVEN, SCALE_HIGH, SCALE_HIGH_EVEN, QUOTIENT, FINISHES };
typedef void Finish(void *restrict dst, const void *a, const void *const *values, int64_t imm, ptrdiff_t count,
                    ptrdiff_t period);

struct FlatKernels {
    Flat *flat[FLAT_COUNT][TYPES];
    Reduce *reduce[REDUCTIONS][TYPES][TYPES]; /* [reduction][type of src][type of acc] */
    Finish *finish[FINISHES][3][3][3];        /* [operation][a][arithmetic][dst]: see finish_width */
};

/* The place of a type in the tables of finishing loops: U8, U16, U32; of the arithmetic U16, U32, I64. */
static inline int finish_width(int type) { return type == U8 ? 0 : type == U16 ? 1 : 2; }
static inline int finish_arithmetic(int type) { return type == U16 ? 0 : type == U32 ? 1 : 2; }

#endif
