/* The values of a chain for each of its anchor's, by the loops that would run it: in words of 64 bits, strip by strip. */
#include "finish.h"
#include "program.h"

#include <string.h>

enum { WORDS = 256 }; /* of a strip */

/* A chain at work; of each node a strip of values. */
struct Evaluation {
    const struct FlatKernels *loops;
    struct Node *const *chain;
    int count;
    const struct Node *anchor;
    int64_t *anchors, *strips, *spare;
    ptrdiff_t from, words; /* the strip at hand, in places of the anchor's range */
};

/* Where a node's values lie: constants fill theirs, nothing else is met before it is computed. */
static int64_t *strip_of(const struct Evaluation *v, const struct Node *n) {
    if (n == v->anchor) return v->anchors;
    for (int low = 0, high = v->count - 1; low <= high;) { /* the chain is in the order of its nodes' numbers */
        int middle = (low + high) / 2;
        if (v->chain[middle] == n) return v->strips + (size_t)middle * WORDS;
        if (v->chain[middle]->index < n->index)
            low = middle + 1;
        else
            high = middle - 1;
    }
    return v->spare;
}

static void fill(int64_t *strip, int64_t value) {
    for (int i = 0; i < WORDS; i++) strip[i] = value;
}

static void run(const struct Evaluation *v, int operation, int64_t *to, const int64_t *a, const int64_t *b, const int64_t *c,
                int64_t imm) {
    v->loops->flat[operation][I64](to, a, b, c, imm, v->words);
}

/* An index may be anything where an assertion fails. */
static void look_up(const struct Evaluation *v, const struct Table *t, int64_t *to, const int64_t *index) {
    for (ptrdiff_t i = 0; i < v->words; i++) to[i] = t->low[index[i] < 0 ? 0 : index[i] < t->count ? index[i] : t->count - 1];
}

static int64_t at_most(int128 number, int64_t most) { return number < most ? (int64_t)number : most; }

static void divide(const struct Evaluation *v, const struct Node *n, int64_t *to, const int64_t *a, const int64_t *b) {
    int is_short = n->is.args[0]->hi + n->is.args[1]->hi < (int128)1 << 53;
    run(v, is_short ? DIVIDE_FLOAT : DIVIDE, to, a, b, NULL, (int64_t)n->is.number[0]);
}

static void leading_zeros(const struct Evaluation *v, int64_t *to, const int64_t *a, int64_t width) {
    run(v, BIT_LENGTH, v->spare, a, NULL, NULL, 0);
    for (ptrdiff_t i = 0; i < v->words; i++) to[i] = width - v->spare[i];
}

static void low_bits(const struct Evaluation *v, int64_t *to, const int64_t *a, int64_t count) {
    fill(v->spare, ((int64_t)1 << count) - 1);
    run(v, AND, to, a, v->spare, NULL, 0);
}

static void compute(const struct Evaluation *v, const struct Node *n, int64_t *to) {
    const int64_t *arg[3] = {NULL, NULL, NULL};
    int128 number = n->is.number[0];
    if (n->is.kind == ENTRIES) {
        memcpy(to, ((const struct Entries *)n->is.object)->by_anchor + v->from, (size_t)v->words * sizeof *to);
        return;
    }
    for (int i = 0; i < n->is.count; i++) arg[i] = strip_of(v, n->is.args[i]);
    switch (n->is.kind) {
        case PLUS: run(v, ADD, to, arg[0], arg[1], NULL, 0); break;
        case MINUS: run(v, SUB, to, arg[0], arg[1], NULL, 0); break;
        case TIMES: run(v, MUL, to, arg[0], arg[1], NULL, 0); break;
        case SHIFT_LEFT: run(v, SHL, to, arg[0], NULL, NULL, at_most(number, 63)); break;
        case SHIFT_RIGHT: run(v, SHR, to, arg[0], NULL, NULL, at_most(number, 63)); break;
        case SHIFT_RIGHT_BY: run(v, SHR_BY, to, arg[0], arg[1], NULL, 0); break;
        case SHIFT_LEFT_BY: run(v, SHL_BY, to, arg[0], arg[1], NULL, 0); break;
        case MINIMUM: run(v, MIN, to, arg[0], arg[1], NULL, 0); break;
        case MAXIMUM: run(v, MAX, to, arg[0], arg[1], NULL, 0); break;
        case IS_LESS: run(v, LESS, to, arg[0], arg[1], NULL, 0); break;
        case IS_EQUAL: run(v, EQUAL, to, arg[0], arg[1], NULL, 0); break;
        case CHOICE: run(v, SELECT, to, arg[0], arg[1], arg[2], 0); break;
        case LOW_BITS: low_bits(v, to, arg[0], at_most(number, 62)); break;
        case LEADING_ZEROS: leading_zeros(v, to, arg[0], (int64_t)number); break;
        case NORMALISED: run(v, NORMALISE, to, arg[0], NULL, NULL, at_most(number, 64)); break;
        case QUOTIENT_OF: divide(v, n, to, arg[0], arg[1]); break;
        case LOOKUP: look_up(v, n->is.object, to, arg[0]); break;
        default: memcpy(to, arg[0], (size_t)v->words * sizeof *to); /* KNOWN: chains hold nothing else */
    }
}

int64_t *tabulated(struct Graph *g, struct Node *const *chain, int count, const struct Node *anchor,
                   const struct FlatKernels *loops) {
    ptrdiff_t values = (ptrdiff_t)(anchor->hi - anchor->lo) + 1;
    int64_t *found = FRESH(g->making, int64_t, values);
    struct Evaluation v = {.loops = loops, .chain = chain, .count = count, .anchor = anchor};
    v.anchors = FRESH(g->making, int64_t, WORDS), v.spare = FRESH(g->making, int64_t, WORDS);
    v.strips = FRESH(g->making, int64_t, (size_t)count * WORDS);
    for (int i = 0; i < count; i++)
        if (is_constant(chain[i])) fill(v.strips + (size_t)i * WORDS, (int64_t)chain[i]->lo);
    for (v.from = 0; v.from < values; v.from += WORDS) {
        v.words = values - v.from < WORDS ? values - v.from : WORDS;
        for (ptrdiff_t i = 0; i < WORDS; i++) v.anchors[i] = (int64_t)anchor->lo + v.from + i;
        for (int i = 0; i < count; i++)
            if (!is_constant(chain[i])) compute(&v, chain[i], v.strips + (size_t)i * WORDS);
        memcpy(found + v.from, v.strips + (size_t)(count - 1) * WORDS, (size_t)v.words * sizeof *found);
    }
    return found;
}
