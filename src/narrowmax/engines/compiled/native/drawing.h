/* A drawing as plain numbers: what its Python objects say, read once. */
#ifndef NARROWMAX_DRAWING_H
#define NARROWMAX_DRAWING_H

#include "ranges.h"

/* The operations of the datapath language: F(name here, name of the class, operands; -1: any number). */
#define DRAWN_KINDS(F)                                                                                       \
    F(CONSTANT, Constant, 0)                                                                                 \
    /* from here to LOOKUP: the result at a place depends on the operands there alone */                     \
    F(PLUS, Add, 2) F(MINUS, Subtract, 2) F(TIMES, Multiply, 2) F(SHIFT_LEFT, ShiftLeft, 1)                  \
    F(SHIFT_RIGHT, ShiftRight, 1) F(SHIFT_RIGHT_BY, ShiftRightBy, 2) F(SHIFT_LEFT_BY, ShiftLeftBy, 2)        \
    F(MINIMUM, Minimum, 2) F(MAXIMUM, Maximum, 2) F(IS_LESS, Less, 2) F(IS_EQUAL, Equal, 2)                  \
    F(CHOICE, Select, 3) F(LOW_BITS, LowBits, 1) F(LEADING_ZEROS, LeadingZeros, 1) F(NORMALISED, Normalise, 1) \
    F(QUOTIENT_OF, Divide, 2) F(KNOWN, Known, 1) F(LOOKUP, Lookup, 1)                                        \
    F(SOURCE, Source, 0) F(ARGUMENT, Argument, 0) F(FOLD_OUTPUT, FoldOutput, -1) F(SCAN_OUTPUT, ScanOutput, -1)

#define KIND_ENUM(name, class, operands) name,
enum Operation {
    DRAWN_KINDS(KIND_ENUM) DRAWN,
    /* and what only graphs have */
    WEIGHT = DRAWN, /* how many equal elements one stands for */
    FLAG,           /* 1 where a body's step counts */
    REDUCED,        /* the sum or an extreme of a row's or a chunk's elements */
    SPREAD_OUT,     /* the operand, once for each place of a rate */
    TOGETHER,       /* one result of a fold or scan that is run as a whole, at a moment */
    CHECKED,        /* the operand, refused outside a range */
    SCALED,         /* a product, shifted, rounded and limited: args a, b, c, d, e of flat.h */
    SHARED,         /* a quotient, limited: args a, b and 1/c as a float; a is shifted left first */
    SHARE_OF,       /* 1 / a as the bits of a float */
    ENTRIES,        /* entries[index]: a word of one byte, its bits read as unsigned, or of two and within the table */
};

enum Rate { OF_CONSTANTS, OF_ROWS, OF_CHUNKS, OF_ELEMENTS }; /* in the order of datapath/wire.py */
enum Source { SOURCE_X, SOURCE_PRESENT, SOURCE_POSITION, SOURCE_N };
enum Moment { BEFORE, AT_CHUNK, AFTER };
enum Variant { FULL, MASKED, LISTED }; /* in the order of engines/compiled/program.py */

/* A table of the drawing: the low 64 bits of its entries, and the others where int64 does not hold them. */
struct Table {
    const int64_t *low, *high; /* high: NULL where each entry is an int64 */
    int count;
};

struct Wire {
    enum Operation kind;
    int which;     /* of a source: enum Source; of what is known: whether that was only sampled; of a scan: enum Moment */
    int128 number; /* an amount, a count, a width, a position, what stands for a division by 0 */
    int beyond;    /* whether the number is more than 127 bits and a sign hold */
    const struct Table *table;
    const struct DrawnStep *step; /* of what a fold or scan gives */
    const int *args;          /* earlier wires */
    int count, rate;
    struct Range range;
};

/* What is done at each step, from its first wires, the arguments, to results. */
struct DrawnBody {
    const struct Wire *wire;
    int wires, arguments, results;
    const int *result;
};

struct DrawnStep {
    int number, is_fold; /* number: among all of a drawing */
    enum Operation primitive; /* PLUS, MAXIMUM or MINIMUM where the body is just that of its two arguments, else CONSTANT */
    struct Range first;  /* of the first result */
    struct DrawnBody body;   /* of what is no primitive */
    const int *input;
    int inputs, from, to; /* from, to: rates */
    int tree, ways;       /* of folds */
    const struct Range *start; /* of scans: integers */
};

struct Drawing {
    const struct Wire *wire;
    int wires, steps, output, of_rows; /* of_rows: whether a row has one output */
    int128 absent;
    ptrdiff_t chunk, max_n;
    enum Variant variant;
    struct Range codes; /* of the input */
};

#endif
