/* Products, shifted, rounded and limited, as one instruction in the narrowest arithmetic. */
#include "finish.h"

/* What was recognised: a * b, shifted up by a constant and down by a wire, rounded and shifted down by a constant. */
struct Shape {
    struct Graph *graph;
    struct Node *node, *product, *a, *b;
    struct Node *by;         /* NULL: none */
    int128 up, down, half;   /* half: the constant that is added before the last shift */
    int even;                /* whether ties go to even */
    int128 most;             /* the limit */
    int128 rounded;          /* the greatest value that is rounded */
};

/* An instruction for it. */
struct Ending {
    int which, type; /* enum FinishOperation, and the type of its arithmetic; -1: there is none */
    int128 most;
    struct Node *part[5];
};

static const struct Ending NONE = {.which = -1};

/* Whether a constant is 2**exponent - less. */
static int is_power(int128 value, int128 exponent, int less) {
    return exponent >= 0 && exponent < 128 && value >= 0 && (uint128)value == ((uint128)1 << exponent) - (uint128)less;
}

static int128 most_in(int type) { return type == I64 ? (int128)1 << 62 : ((int128)1 << 8 * type_size(type)) - 1; }

/* The instruction, in the narrowest arithmetic that holds every step, up to `largest`, and every shift. */
static struct Ending in_steps(const struct Shape *s, struct Node *c, struct Node *d, struct Node *e, int even,
                              int128 largest) {
    int type = type_of(0, largest), result = type_of(s->node->lo, s->node->hi), factor = type_of(s->a->lo, s->a->hi);
    int128 furthest = most_of(c->hi, e->hi);
    if (type < U16) type = U16;
    if (furthest >= (int128)(8 * type_size(type))) type = furthest < 64 ? I64 : TYPES;
    if (type > I64 || !is_finishable(result) || !is_finishable(factor)) return NONE;
    if (type_size(result) > type_size(type) || type_size(factor) > type_size(type)) return NONE;
    return (struct Ending){even ? SCALE_EVEN : SCALE, type, least_of(s->most, most_in(type)), {s->a, s->b, c, d, e}};
}

/* How far a row's shift and a constant one go together. */
static struct Node *shifts_together(struct Graph *g, struct Node *by, int128 more) {
    if (!by) return constant_of(g, more);
    if (is_constant(by)) return constant_of(g, sum_at_most(by->lo, more));
    struct Range r = range_of(sum_at_most(by->lo, more), sum_at_most(by->hi, more));
    if (more < 0) return node_of_two(g, MINUS, by, constant_of(g, -more), r, OF_ROWS);
    return more ? node_of_two(g, PLUS, by, constant_of(g, more), r, OF_ROWS) : by;
}

enum Rounding { DOWN, HALF_UP, HALF_EVEN };

/* A product of 16-bit words, shifted down by a node and a number, where only its high half counts.
 *
 * What is rounded keeps a bit more until then.  The row's factor is shifted up where the shift down is too short. */
static struct Ending of_high_half(const struct Shape *s, struct Node *by, int128 more, enum Rounding rounding) {
    struct Graph *g = s->graph;
    struct Node *b = s->b, *last = constant_of(g, rounding != DOWN);
    more -= last->lo + 16;
    if (by->hi >= 1 << 30 || s->a->hi >= 1 << 16 || b->hi >= 1 << 16) return NONE;
    int128 up = most_of(0, -(by->lo + more));
    if (by->hi + more + up >= 32 || b->hi << up >= 1 << 16) return NONE;
    int factor = type_of(s->a->lo, s->a->hi), result = type_of(s->node->lo, s->node->hi);
    if (!is_finishable(factor) || !is_finishable(result) || factor > U16 || result > U16) return NONE;
    if (up && is_constant(b))
        b = constant_of(g, b->lo << up);
    else if (up)
        b = node_of_one(g, SHIFT_LEFT, up, b, range_of(b->lo << up, b->hi << up), OF_ROWS);
    struct Node *shift = shifts_together(g, by, more + up);
    return (struct Ending){rounding == HALF_EVEN ? SCALE_HIGH_EVEN : SCALE_HIGH, U16, least_of(s->most, UINT16_MAX),
                           {s->a, b, shift, last, last}};
}

/* One shift for all: rounding half up is a shift less, one more, and a last shift; the half needs no room. */
static struct Ending in_one_shift(const struct Shape *s) {
    struct Graph *g = s->graph;
    int rounds = s->down >= 2 && is_power(s->half, s->down - 1, 0);
    if (s->even) {
        int whole = !s->by && s->down >= 1 && is_power(s->half, s->down - 1, 1);
        return whole ? of_high_half(s, constant_of(g, s->down), 0, HALF_EVEN) : NONE;
    }
    if (s->half && !rounds) return NONE;
    struct Node *by = s->by ? s->by : constant_of(g, 0);
    struct Ending high = of_high_half(s, by, s->down, rounds ? HALF_UP : DOWN);
    if (high.which >= 0) return high;
    struct Node *last = constant_of(g, rounds);
    return in_steps(s, shifts_together(g, s->by, s->down - rounds), last, last, 0, s->product->hi);
}

static struct Ending shortest(const struct Shape *s) {
    struct Graph *g = s->graph;
    struct Node *zero = constant_of(g, 0), *half = constant_of(g, s->half), *down = constant_of(g, s->down);
    int128 largest = most_of(s->product->hi, sum_at_most(s->rounded, 1));
    struct Ending made = in_steps(s, s->by ? s->by : zero, half, down, s->even, largest), shorter = in_one_shift(s);
    return shorter.which >= 0 && (made.which < 0 || shorter.type < made.type) ? shorter : made;
}

enum { MOST_SHIFT = 63 }; /* of the longest arithmetic */

/* A product shifted up by a constant and down by a wire that is never more: down by another wire alone. */
static struct Ending rescaled(const struct Shape *s) {
    struct Graph *g = s->graph;
    if (s->by->hi > s->up) return NONE;
    int128 more = s->down - s->up, low = more + s->by->lo, high = more + s->by->hi;
    int plain = s->down ? is_power(s->half, s->down - 1, s->even) : !s->half;
    if (low < 1 || !(plain || (!s->half && !s->even))) return NONE;
    enum Rounding rounding = s->even ? HALF_EVEN : s->half ? HALF_UP : DOWN;
    struct Ending brief = of_high_half(s, s->by, more, rounding);
    if (brief.which >= 0) return brief;
    if (high > MOST_SHIFT) return NONE;
    struct Node *less = node_of_two(g, PLUS, s->by, constant_of(g, more), range_of(low, high), OF_ROWS);
    struct Node *added = constant_of(g, 0);
    if (s->half || s->even) {
        struct Node *last = node_of_two(g, MINUS, less, constant_of(g, 1), range_of(low - 1, high - 1), OF_ROWS);
        struct Range r = range_of((int128)1 << (low - 1), (int128)1 << (high - 1));
        added = node_of_two(g, SHIFT_LEFT_BY, constant_of(g, 1), last, r, OF_ROWS);
        r.lo--, r.hi--;
        if (s->even) added = node_of_two(g, MINUS, added, constant_of(g, 1), r, OF_ROWS);
    }
    int128 largest = sum_at_most(sum_at_most(product_at_most(s->a->hi, s->b->hi), added->hi), 1);
    return in_steps(s, constant_of(g, 0), added, less, s->even, largest);
}

/* -- recognising it ------------------------------------------------------------------------------- */

static int is_positive_constant(const struct Node *n) { return is_constant(n) && n->lo >= 0; }

/* Ties to even: what is rounded, a constant, and the lowest bit of what stays. */
static struct Node *rounded_to_even(struct Node *n, int128 down, int128 *half) {
    struct Node *first = n->is.args[0], *second = n->is.args[1];
    if (first->is.kind != PLUS || !is_positive_constant(first->is.args[1])) return NULL;
    if (second->is.kind != LOW_BITS || second->is.number[0] != 1) return NULL;
    int128 dropped;
    struct Node *whole = shifted_by(second->is.args[0], SHIFT_RIGHT, &dropped);
    if (whole != first->is.args[0] || dropped != down) return NULL;
    *half = first->is.args[1]->lo;
    return whole;
}

/* What is rounded; the constant added to it, and whether ties go to even. */
static struct Node *unrounded(struct Node *n, struct Shape *s) {
    s->half = 0, s->even = 0;
    if (n->is.kind != PLUS) return n;
    if (is_positive_constant(n->is.args[1])) {
        s->half = n->is.args[1]->lo;
        return n->is.args[0];
    }
    struct Node *whole = rounded_to_even(n, s->down, &s->half);
    s->even = whole != NULL;
    return whole ? whole : n;
}

/* The element's factor and the row's. */
static int has_factors(struct Shape *s) {
    if (s->product->is.kind != TIMES) return 0;
    int swapped = s->product->is.args[0]->rate != OF_ELEMENTS;
    s->a = s->product->is.args[swapped], s->b = s->product->is.args[!swapped];
    return s->a->rate == OF_ELEMENTS && s->a->lo >= 0 && is_slow(s->b);
}

static int has_shape(struct Shape *s, struct Node *inner) {
    if (inner->is.kind != SHIFT_RIGHT && inner->is.kind != SHIFT_RIGHT_BY) return 0;
    struct Node *rounded = shifted_by(inner, SHIFT_RIGHT, &s->down), *scaled = unrounded(rounded, s), *wide = scaled;
    if (scaled->is.kind == SHIFT_RIGHT_BY && is_slow(scaled->is.args[1]))
        wide = scaled->is.args[0], s->by = scaled->is.args[1];
    s->product = shifted_by(wide, SHIFT_LEFT, &s->up);
    s->rounded = rounded->hi;
    return has_factors(s) && s->product->lo >= 0 && wide->lo >= 0 && scaled->lo >= 0 && rounded->lo >= 0;
}

int finish_scale(struct Graph *g, struct Node *node, struct Node *inner, int128 most) {
    struct Shape s = {.graph = g, .node = node, .most = most};
    if (!has_shape(&s, inner) || (s.up && !s.by)) return 0;
    struct Ending e = s.up ? rescaled(&s) : shortest(&s);
    if (e.which < 0) return 0;
    struct Node **args = FRESH(g->making, struct Node *, 5);
    for (int i = 0; i < 5; i++) args[i] = e.part[i];
    node->is = (struct Expression){.kind = SCALED, .which = e.which, .type = e.type, .count = 5, .args = args};
    node->is.number[0] = e.most;
    return 1;
}
