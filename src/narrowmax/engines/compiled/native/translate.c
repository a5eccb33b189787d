/* From wires to nodes: what changes no bit is gone, common work is shared, absence is drawn.
 *
 * Three variants of a drawing are run.  FULL: every element is present.  MASKED: a source says which are; what folds
 * skip becomes an explicit choice here, so that nothing below knows of masks.  LISTED: equal elements of a row stand
 * once, with a weight; only for drawings that look at nothing but x.
 */
#include "graph.h"
#include "program.h"

struct Translation {
    struct Graph *graph;
    const struct Wire *wire;
    struct Node **of; /* the node of each wire */
    enum Variant variant;
    int inside; /* a body */
    int128 max_n;
    struct Group **group; /* of each step; NULL: none yet */
};

static struct Node *node_of_wire(struct Translation *, const struct Wire *);

static void all_wires(struct Translation *t, int from, int end) {
    for (int i = from; i < end; i++) t->of[i] = node_of_wire(t, &t->wire[i]);
}

static struct Node *plain(struct Translation *t, const struct Wire *w) {
    struct Node *args[3];
    for (int i = 0; i < w->count; i++) args[i] = t->of[w->args[i]];
    struct Expression e = {.kind = w->kind, .count = w->count, .args = args, .number = {w->number, 0}, .object = w->table};
    return node_of(t->graph, &e, w->range, w->rate);
}

/* -- what is present ------------------------------------------------------------------------------ */

static struct Node *source(struct Graph *g, enum Source which, struct Range r, int rate) {
    struct Expression e = {.kind = SOURCE, .which = (int)which};
    return node_of(g, &e, r, rate);
}

/* 1 where something is present, at a rate. */
static struct Node *here(struct Graph *g, int rate) {
    struct Node *present = source(g, SOURCE_PRESENT, range_of(0, 1), OF_ELEMENTS);
    if (rate == OF_ELEMENTS) return present;
    if (rate < OF_ROWS) rate = OF_ROWS;
    struct Expression e = {.kind = REDUCED, .which = LARGEST, .count = 1, .args = &present};
    return node_of(g, &e, range_of(0, 1), rate);
}

static struct Node *source_of(struct Translation *t, const struct Wire *w) {
    if (w->which == SOURCE_PRESENT && t->variant != MASKED) return constant_of(t->graph, 1);
    return source(t->graph, (enum Source)w->which, w->range, w->rate);
}

/* Asserts of a node what was only sampled: it is checked where something is present. */
static void check(struct Translation *t, const struct Wire *w, struct Node *node) {
    struct Graph *g = t->graph;
    struct Node *low = w->range.beyond ? NULL : constant_of(g, w->range.lo), *checked = node;
    if (t->variant == MASKED && low) {
        struct Expression flag = {.kind = FLAG};
        checked = choice_of(g, t->inside ? node_of(g, &flag, range_of(0, 1), OF_ELEMENTS) : here(g, w->rate), node, low);
    }
    struct Expression e = {.kind = CHECKED, .count = 1, .args = &checked, .number = {w->range.lo, w->range.hi}};
    node_of(g, &e, w->range, checked->rate);
}

/* The operand with the range that is known of it. */
static struct Node *known(struct Translation *t, const struct Wire *w) {
    struct Node *node = t->of[w->args[0]];
    if (w->which) check(t, w, node);
    if (w->range.lo == w->range.hi && !w->range.beyond) return constant_of(t->graph, w->range.lo);
    if (node->is.kind == KNOWN) node = node->is.args[0]; /* the last that is known holds for all */
    struct Expression e = {.kind = KNOWN, .count = 1, .args = &node, .number = {w->range.lo, w->range.hi}};
    return node_of(t->graph, &e, w->range, w->rate);
}

static struct Node *quotient(struct Translation *t, const struct Wire *w) {
    if (w->beyond || w->number < INT64_MIN || w->number > INT64_MAX) give_up(t->graph->making, TOO_WIDE);
    return plain(t, w);
}

/* -- folds and scans ------------------------------------------------------------------------------ */

/* The node; of a constant, which has no rate of its own, one value for each place of a rate. */
static struct Node *timed(struct Graph *g, struct Node *n, int rate) {
    return is_constant(n) ? node_of_one(g, SPREAD_OUT, 0, n, range_of(n->lo, n->hi), rate) : n;
}

static struct Node *weighted(struct Translation *t, struct Node *value) {
    struct Making *m = t->graph->making;
    struct Expression e = {.kind = WEIGHT};
    struct Node *weight = node_of(t->graph, &e, range_of(0, t->max_n), OF_ELEMENTS);
    int128 low = product_of(m, value->lo, t->max_n), high = product_of(m, value->hi, t->max_n);
    struct Range r = range_of(least_of(0, least_of(low, high)), most_of(0, most_of(low, high)));
    return node_of_two(t->graph, TIMES, value, weight, r, OF_ELEMENTS);
}

/* What a fold has for nothing is in its wire's range, and never seen: a result ranges over what it is made of, so
 * that its type holds the range and a further fold begins with a value of that type. */
static struct Node *reduced(struct Translation *t, const struct Wire *w) {
    const struct DrawnStep *fold = w->step;
    struct Graph *g = t->graph;
    if (fold->first.beyond) give_up(g->making, TOO_WIDE);
    struct Node *value = t->of[fold->input[0]];
    if (t->variant == MASKED) {
        int128 neutral = fold->primitive == PLUS ? 0 : fold->primitive == MAXIMUM ? value->lo : value->hi;
        struct Node *flag = here(g, fold->from);
        value = choice_of(g, flag, value, constant_of(g, neutral));
    }
    if (t->variant == LISTED && fold->primitive == PLUS) value = weighted(t, value);
    value = timed(g, value, fold->from);
    enum Reduction kind = fold->primitive == PLUS ? SUM : fold->primitive == MAXIMUM ? LARGEST : SMALLEST;
    struct Expression e = {.kind = REDUCED, .which = (int)kind, .count = 1, .args = &value};
    return node_of(g, &e, kind == SUM ? w->range : range_of(value->lo, value->hi), fold->to);
}

static void widen(struct Making *m, struct Range *r, struct Range by) {
    if (r->beyond || by.beyond) give_up(m, TOO_WIDE);
    *r = range_of(least_of(r->lo, by.lo), most_of(r->hi, by.hi));
}

/* What each argument of a body ranges over: a result is an argument of the next step. */
static struct Range *ranges_of(struct Making *m, const struct DrawnStep *step) {
    const struct DrawnBody *b = &step->body;
    struct Range *found = FRESH(m, struct Range, b->arguments);
    for (int i = 0; i < b->arguments; i++) found[i] = b->wire[i].range;
    for (int j = 0; j < b->results; j++) {
        widen(m, &found[j], b->wire[b->result[j]].range);
        if (step->is_fold) {
            widen(m, &found[j], found[b->results + j]);
            found[b->results + j] = found[j];
        } else {
            widen(m, &found[j], step->start[j]);
        }
    }
    return found;
}

/* The graph of a body whose arguments range over the group's ranges. */
static void translate_body(struct Translation *outer, struct Group *group) {
    const struct DrawnBody *b = &group->step->body;
    struct Making *m = outer->graph->making;
    struct Translation t = {.graph = graph_new(m), .wire = b->wire, .variant = outer->variant, .inside = 1};
    t.of = FRESH(m, struct Node *, b->wires);
    for (int i = 0; i < b->arguments; i++) {
        int position = (int)b->wire[i].number;
        struct Expression e = {.kind = ARGUMENT, .number = {position, 0}};
        t.of[i] = node_of(t.graph, &e, group->range[position], OF_ELEMENTS);
    }
    all_wires(&t, b->arguments, b->wires);
    group->body = t.graph;
    group->result = FRESH(m, struct Node *, b->results);
    for (int j = 0; j < b->results; j++) group->result[j] = t.of[b->result[j]];
}

static struct Group *new_group(struct Translation *t, const struct DrawnStep *step) {
    struct Graph *g = t->graph;
    if (step->body.results > MOST_CARRIED) give_up(g->making, TOO_WIDE);
    struct Group *group = FRESH(g->making, struct Group, 1);
    group->step = step, group->range = ranges_of(g->making, step), group->last_output = &group->outputs;
    translate_body(t, group);
    group->input = FRESH(g->making, struct Node *, step->inputs + 1); /* and the flags */
    for (int i = 0; i < step->inputs; i++) group->input[i] = timed(g, t->of[step->input[i]], t->wire[step->input[i]].rate);
    if (t->variant == MASKED) group->input[step->inputs] = group->flags = here(g, step->from);
    return group;
}

static struct Node *together(struct Translation *t, const struct Wire *w) {
    struct Group **known = &t->group[w->step->number], *group = *known ? *known : (*known = new_group(t, w->step));
    for (struct Output *o = group->outputs; o; o = o->next)
        if (o->moment == w->which && o->position == (int)w->number) return o->node;
    struct Output *o = *group->last_output = FRESH(t->graph->making, struct Output, 1);
    group->last_output = &o->next;
    struct Expression e = {.kind = TOGETHER, .which = w->which, .count = w->step->inputs + (group->flags != NULL),
                           .args = group->input, .number = {w->number, 0}, .object = group};
    o->moment = w->which, o->position = (int)w->number, o->slot = -1;
    return o->node = node_of(t->graph, &e, w->step->is_fold ? group->range[o->position] : w->range, w->rate);
}

/* -- wires ---------------------------------------------------------------------------------------- */

static struct Node *node_of_wire(struct Translation *t, const struct Wire *w) {
    if (w->kind != KNOWN && w->range.lo == w->range.hi && !w->range.beyond) return constant_of(t->graph, w->range.lo);
    switch (w->kind) {
        case SOURCE: return source_of(t, w);
        case KNOWN: return known(t, w);
        case FOLD_OUTPUT: return w->step->primitive == CONSTANT ? together(t, w) : reduced(t, w);
        case SCAN_OUTPUT: return together(t, w);
        case SHIFT_LEFT: return w->number ? plain(t, w) : t->of[w->args[0]];
        case QUOTIENT_OF: return quotient(t, w);
        default: return plain(t, w);
    }
}

struct Node *translate(struct Graph *g, const struct Drawing *d) {
    struct Translation t = {.graph = g, .wire = d->wire, .variant = d->variant, .max_n = d->max_n};
    t.of = FRESH(g->making, struct Node *, d->wires), t.group = FRESH(g->making, struct Group *, d->steps);
    all_wires(&t, 0, d->wires);
    struct Node *output = t.of[d->output];
    if (d->variant != MASKED) return output; /* absent_code where nothing is present */
    struct Node *flag = here(g, d->wire[d->output].rate);
    return choice_of(g, flag, output, constant_of(g, d->absent));
}
