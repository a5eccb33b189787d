/* Folds whose body is drawn, and scans: run as a whole, with a small program of their own for each step. */
#include "lowering.h"

#include <string.h>

/* A body's instructions, the slots of its results, of its arguments, of its flag (-1: it has none). */
struct Inner {
    struct Draft *step;
    int *argument, *result, flag;
};

void lower_bound(struct Lowering *l, struct Node *n) {
    if (n->slot < 0) n->slot = new_slot(l->out, PLACE_BOUND, n->type);
}

static int type_of_range(struct Range r) { return type_of(r.lo, r.hi); }

/* Slots of what the body looks at, and of the arguments that it does not. */
static void bind(struct Lowering *inside, const struct Group *g, struct Inner *found) {
    int arguments = g->step->body.arguments;
    for (int i = 0; i < arguments; i++) found->argument[i] = -1;
    for (int i = 0; i < inside->count; i++) {
        struct Node *n = inside->node[i];
        if (n->is.kind != ARGUMENT && n->is.kind != FLAG) continue;
        lower_bound(inside, n);
        *(n->is.kind == FLAG ? &found->flag : &found->argument[(int)n->is.number[0]]) = n->slot;
    }
    for (int i = 0; i < arguments; i++)
        if (found->argument[i] < 0) found->argument[i] = new_slot(inside->out, PLACE_BOUND, type_of_range(g->range[i]));
}

static struct Inner lower_body(struct Lowering *l, const struct Group *g) {
    const struct DrawnBody *b = &g->step->body;
    struct Roots roots = roots_of(g->body, g->result, b->results);
    struct Lowering *inside = lowering_new(l->out, g->body, l->loops, 1, &roots);
    struct Inner found = {.step = step_at(inside, 0, ELEMENTS), .flag = -1};
    found.argument = FRESH(l->making, int, b->arguments), found.result = FRESH(l->making, int, b->results);
    bind(inside, g, &found);
    lower_all(inside);
    for (int j = 0; j < b->results; j++) found.result[j] = new_slot(l->out, PLACE_BOUND, g->type[j]);
    for (int j = 0; j < b->results; j++) {
        int value = value_of(inside, g->result[j], type_size(g->type[j]), found.step);
        emit(inside, found.step, cast_to(type_size(g->type[j])), g->type[j], found.result[j], value, -1, -1, 0);
    }
    return found;
}

/* What goes into a fold or scan, kept for the whole tile in the type of its argument. */
static int fed(struct Lowering *l, struct Node *n, struct Range r) {
    size_t width = type_size(type_of_range(r));
    if (type_size(n->type) == width) return n->slot;
    int target = new_slot(l->out, n->rate == OF_ELEMENTS ? PLACE_CARRIED : PLACE_CHUNK, unsigned_of(width));
    return emit(l, step_of(l, n), cast_to(width), n->type, target, n->slot, -1, -1, 0);
}

static int slot_for(const struct Group *g, int moment, int position) {
    for (const struct Output *o = g->outputs; o; o = o->next)
        if (o->moment == moment && o->position == position) return o->slot;
    return -1;
}

/* -- what native/vm_fold.c is given --------------------------------------------------------------- */

static void put(struct Draft *d, int64_t word) { d->more[d->mores++] = word; }

static void put_all(struct Draft *d, const int *slots, int count) {
    for (int i = 0; i < count; i++) put(d, slots[i]);
}

static int place_of_inputs(int rate) { return rate == OF_ELEMENTS ? PLACE_CARRIED : place_of_rate(rate); }

static void put_fold(struct Lowering *l, struct Draft *d, const struct Group *g, int flag, const int *in, int flags) {
    const struct DrawnStep *fold = g->step;
    int k = fold->body.results, *left = FRESH(l->making, int, k);
    for (int j = 0; j < k; j++) { /* a result is left somewhere, wanted or not */
        left[j] = slot_for(g, AFTER, j);
        if (left[j] < 0) left[j] = new_slot(l->out, fold->to == OF_CHUNKS ? PLACE_CHUNK : PLACE_ROW, g->type[j]);
    }
    put(d, fold->tree), put(d, fold->ways);
    put(d, place_of_inputs(fold->from)), put(d, place_of_inputs(fold->to));
    put(d, k), put(d, flags), put(d, flag);
    put_all(d, in, k);
    put_all(d, left, k);
}

static void put_scan(struct Lowering *l, struct Draft *d, const struct Group *g, int flag, const int *in, int flags) {
    const struct DrawnStep *scan = g->step;
    int k = scan->body.results;
    put(d, k), put(d, scan->inputs), put(d, flags), put(d, flag);
    for (int j = 0; j < k; j++) put(d, held_slot(l->out, scan->start[j].lo, type_size(g->type[j])));
    put_all(d, in, scan->inputs);
    for (int moment = BEFORE; moment <= AFTER; moment++)
        for (int j = 0; j < k; j++) put(d, slot_for(g, moment, j));
}

/* The step of a fold or scan. */
static void lower_group(struct Lowering *l, struct Group *g, int stage) {
    const struct DrawnStep *step = g->step;
    int k = step->body.results, *in = FRESH(l->making, int, step->inputs);
    g->type = FRESH(l->making, int, k);
    for (int j = 0; j < k; j++) g->type[j] = type_of_range(g->range[j]);
    struct Inner inner = lower_body(l, g);
    for (int j = 0; j < step->inputs; j++) in[j] = fed(l, g->input[j], g->range[(step->is_fold ? 0 : k) + j]);
    int flags = g->flags ? value_of(l, g->flags, 1, step_of(l, g->flags)) : -1;
    for (struct Output *o = g->outputs; o; o = o->next)
        o->slot = new_slot(l->out, o->node->rate == OF_ROWS ? PLACE_ROW : PLACE_CHUNK, g->type[o->position]);
    struct Draft *d = new_draft(l->out, stage, -l->groups, step->is_fold ? FOLD : SCAN);
    d->instruction = inner.step->instruction, d->count = inner.step->count;
    d->more = FRESH(l->making, int64_t, 8 + 8 * k + 3 * step->inputs);
    (step->is_fold ? put_fold : put_scan)(l, d, g, inner.flag, in, flags);
    put_all(d, inner.argument, step->body.arguments);
    put_all(d, inner.result, k);
    l->step = grown(l->making, l->step, l->steps, &l->step_room, sizeof *l->step);
    l->step[l->steps++] = d;
}

/* One result of a group, which is emitted with the first of them. */
void lower_together(struct Lowering *l, struct Node *n) {
    struct Group *g = (struct Group *)n->is.object;
    int position = (int)n->is.number[0];
    if (!g->emitted) {
        g->emitted = 1, l->groups++;
        lower_group(l, g, n->stage);
    }
    n->type = g->type[position];
    n->slot = slot_for(g, n->is.which, position);
}
