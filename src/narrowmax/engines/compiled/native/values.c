/* Where values lie, and in which words they are read. */
#include "lowering.h"

int step_kind(int rate) { return rate == OF_ELEMENTS ? ELEMENTS : rate == OF_CHUNKS ? CHUNKS : ROW_STEP; }
int place_of_rate(int rate) { return rate == OF_ELEMENTS ? PLACE_TEMPORARY : rate == OF_CHUNKS ? PLACE_CHUNK : PLACE_ROW; }

int place_near(const struct Lowering *l, const struct Draft *step) {
    if (l->inside || step->kind == ELEMENTS) return PLACE_TEMPORARY;
    return step->kind == CHUNKS ? PLACE_CHUNK : PLACE_ROW;
}

/* Elements first, then chunks, then rows; folds and scans that are run as a whole come before them: see groups.c. */
struct Draft *step_at(struct Lowering *l, int stage, int kind) {
    int order = kind == ELEMENTS ? 1 : kind == CHUNKS ? 2 : 3;
    for (; l->places <= 3 * stage + 2; l->places++) /* what is grown is zeroed */
        l->at = grown(l->making, l->at, l->places, &l->place_room, sizeof *l->at);
    struct Draft **known = &l->at[3 * stage + order - 1];
    if (*known) return *known;
    l->step = grown(l->making, l->step, l->steps, &l->step_room, sizeof *l->step);
    return l->step[l->steps++] = *known = new_draft(l->out, stage, order, kind);
}

struct Draft *step_of(struct Lowering *l, const struct Node *n) { return step_at(l, n->stage, step_kind(n->rate)); }

int emit(struct Lowering *l, struct Draft *step, int operation, int type, int dst, int a, int b, int c, int64_t imm) {
    emit_instruction(l->out, step, (struct Instruction){operation, type, dst, a, b, c, -1, -1, imm});
    return dst;
}

static int cast(struct Lowering *l, struct Node *n, size_t width, struct Draft *step) {
    int target = new_slot(l->out, l->inside ? PLACE_TEMPORARY : place_of_rate(n->rate), unsigned_of(width));
    return emit(l, step, cast_to(width), n->type, target, n->slot, -1, -1, 0);
}

/* A slower wire's value, in a faster step. */
static int repeated(struct Lowering *l, struct Node *n, size_t width, struct Draft *step) {
    int slow = value_of(l, n, width, step_of(l, n)), type = unsigned_of(width);
    return emit(l, step, SPREAD, type, pinned_slot(l->out, type), slow, -1, -1, 0);
}

/* What a node's value was brought to: words of a width, in a step; -1: not yet. */
static int *brought(struct Lowering *l, const struct Node *n, size_t width, const struct Draft *step) {
    return number_of(&l->casts, n, (uintptr_t)step + (uintptr_t)size_of_width(width)); /* a step's address has room for it */
}

int value_of(struct Lowering *l, struct Node *n, size_t width, struct Draft *step) {
    if (is_constant(n)) return held_slot(l->out, n->lo, width);
    int is_own = l->inside || step_kind(n->rate) == step->kind;
    if (is_own && type_size(n->type) == width) return n->slot;
    int known = *brought(l, n, width, step);
    if (known >= 0) return known;
    int slot = is_own ? cast(l, n, width, step) : repeated(l, n, width, step);
    return *brought(l, n, width, step) = slot;
}

int own_slot(struct Lowering *l, struct Node *n) {
    if (n->slot >= 0) return n->slot;
    int place = l->inside ? PLACE_TEMPORARY : n->carried ? PLACE_CARRIED : place_of_rate(n->rate);
    if (n == l->wanted) place = n->rate == OF_ELEMENTS ? PLACE_OUTPUT : PLACE_ROW_OUTPUT;
    return n->slot = new_slot(l->out, place, n->type);
}

void emit_own(struct Lowering *l, struct Draft *step, struct Node *n, int operation, int type, int a, int b, int64_t imm) {
    if (type_size(type) == type_size(n->type)) {
        emit(l, step, operation, type, own_slot(l, n), a, b, -1, imm);
        return;
    }
    int place = l->inside || n->rate == OF_ELEMENTS ? PLACE_TEMPORARY : place_of_rate(n->rate);
    int wide = emit(l, step, operation, type, new_slot(l->out, place, type), a, b, -1, imm);
    emit(l, step, cast_to(type_size(n->type)), type, own_slot(l, n), wide, -1, -1, 0);
}
