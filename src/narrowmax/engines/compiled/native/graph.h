/* A datapath made ready: nodes in an order in which each follows its operands, constants apart; equal ones are one. */
#ifndef NARROWMAX_GRAPH_H
#define NARROWMAX_GRAPH_H

#include "drawing.h"
#include "flat.h"

struct Node;

/* An operation on other nodes. */
struct Expression {
    enum Operation kind;
    int which; /* of SOURCE: enum Source; of REDUCED: enum Reduction; of TOGETHER: enum Moment;
                * of SCALED: enum FinishOperation */
    int type;  /* of SCALED: that of its arithmetic */
    int count; /* of operands */
    struct Node **args;
    int128 number[2]; /* an amount, a count, a width, a position; the ends of KNOWN and CHECKED; the limit of SCALED,
                       * the shift and the limit of SHARED */
    const void *object; /* of LOOKUP: its struct Table; of TOGETHER: its struct Group; of ENTRIES: its struct Entries */
};

/* One value to compute: how, its range, the type that holds it and its rate. */
struct Node {
    struct Expression is;
    int128 lo, hi;
    int type, rate;
    int index;  /* in the order in which nodes were made; of constants -1, -2, ... */
    int slot;   /* where the value lies; -1: not decided yet */
    int stage;  /* when it is computed: see lowering.h; -1 likewise */
    int wanted, leaves, carried; /* marks of finish.c, collapse.c and stages.c */
    struct Node *anchor;         /* collapse.c; NULL of constants */
    int is_safe;                 /* whether int64 holds all from the anchor to this */
    int met;                     /* chains through it that were evaluated; collapse.c */
};

static inline int is_constant(const struct Node *n) { return n->is.kind == CONSTANT; }

/* A fold or scan that is run as a whole, with the graph of its body. */
struct Group {
    const struct DrawnStep *step;
    struct Node **input, *flags; /* flags: what is present; NULL where everything is */
    struct Graph *body;
    struct Node **result;
    struct Range *range; /* of what comes in and is carried: of each argument of the body */
    struct Output *outputs, **last_output;
    int *type;   /* of each result */
    int emitted;
};

/* One value of a group that is asked for. */
struct Output {
    int moment, position, slot;
    struct Node *node;
    struct Output *next;
};

/* A table that has taken a chain's place. */
struct Entries {
    const void *values, *by_anchor; /* by_anchor: the same in the order of the anchor's values */
    int count, type;                /* the type of these words: I32 or I64 */
};

struct Graph {
    struct Making *making;
    struct Node **node;
    int count, room;
    struct Made *made; /* a table of all nodes by what they were made as */
    int places;
    struct Node **constant; /* a table of constants by value */
    int constants, constant_places;
};

struct Graph *graph_new(struct Making *);

struct Node *node_of(struct Graph *, const struct Expression *, struct Range, int rate);
struct Node *node_of_one(struct Graph *, enum Operation, int128 number, struct Node *, struct Range, int rate);
struct Node *node_of_two(struct Graph *, enum Operation, struct Node *, struct Node *, struct Range, int rate);
struct Node *constant_of(struct Graph *, int128 value);
struct Node *choice_of(struct Graph *, struct Node *flag, struct Node *yes, struct Node *no);

/* translate.c: a graph of the drawing's wires, the node of the output. */
struct Node *translate(struct Graph *, const struct Drawing *);

/* What a graph is made for: results, and what is checked. */
struct Roots {
    struct Node **node;
    int count;
};

struct Roots roots_of(struct Graph *, struct Node *const *results, int count);

#endif
