/* Instructions of nodes, one rule for each kind. */
#include "lowering.h"

/* Operations that are exact modulo 2**bits of their result. */
static void ring(struct Lowering *l, struct Node *n, struct Draft *step, int operation) {
    size_t width = type_size(n->type);
    int operand[3] = {-1, -1, -1};
    for (int i = 0; i < n->is.count; i++) operand[i] = value_of(l, n->is.args[i], width, step);
    emit(l, step, operation, n->type, own_slot(l, n), operand[0], operand[1], operand[2], 0);
}

/* Operations on two operands in a type that holds both. */
static void compared(struct Lowering *l, struct Node *n, struct Draft *step, int operation) {
    struct Node *a = n->is.args[0], *b = n->is.args[1];
    int type = type_of(least_of(a->lo, b->lo), most_of(a->hi, b->hi));
    int first = value_of(l, a, type_size(type), step), second = value_of(l, b, type_size(type), step);
    if ((operation == LESS || operation == EQUAL) && type != I128) { /* as wide as what it will often choose between */
        n->type = unsigned_of(type_size(type));
        emit(l, step, operation, type, own_slot(l, n), first, second, -1, 0);
    } else {
        emit_own(l, step, n, operation, type, first, second, 0);
    }
}

/* A node's bits to shift by or to fill: of more than a word has, all are alike. */
static int64_t at_most(const struct Node *n, size_t bits) { return (int64_t)least_of(n->is.number[0], (int128)bits); }

static void shift_left(struct Lowering *l, struct Node *n, struct Draft *step) {
    int operand = value_of(l, n->is.args[0], type_size(n->type), step);
    emit(l, step, SHL, n->type, own_slot(l, n), operand, -1, -1, at_most(n, 8 * type_size(n->type) - 1));
}

static void shift_right(struct Lowering *l, struct Node *n, struct Draft *step) {
    struct Node *a = n->is.args[0];
    int operand = value_of(l, a, type_size(a->type), step);
    emit_own(l, step, n, SHR, a->type, operand, -1, at_most(n, 8 * type_size(a->type) - 1));
}

static void normalise(struct Lowering *l, struct Node *n, struct Draft *step) {
    int operand = value_of(l, n->is.args[0], type_size(n->type), step);
    emit(l, step, NORMALISE, n->type, own_slot(l, n), operand, -1, -1, at_most(n, 8 * type_size(n->type)));
}

/* The operand in the node's own words, in a place of its own. */
static void copied(struct Lowering *l, struct Node *n, struct Draft *step, int operand) {
    emit(l, step, cast_to(type_size(n->type)), n->type, own_slot(l, n), operand, -1, -1, 0);
}

/* The operand itself, in the type that what is known of it allows. */
static void known(struct Lowering *l, struct Node *n, struct Draft *step) {
    n->slot = value_of(l, n->is.args[0], type_size(n->type), step);
    int place = l->out->program->slot[n->slot].place;
    if (n->carried && (place == PLACE_TEMPORARY || place == PLACE_CONSTANT)) {
        int operand = n->slot;
        n->slot = -1;
        copied(l, n, step, operand);
    }
}

static void checked(struct Lowering *l, struct Node *n, struct Draft *step) {
    struct Node *a = n->is.args[0];
    size_t width = type_size(a->type);
    int low = held_slot(l->out, most_of(a->lo, n->is.number[0]), width);
    int high = held_slot(l->out, least_of(a->hi, n->is.number[1]), width);
    int operand = value_of(l, a, width, step);
    emit(l, step, CHECK, a->type, -1, operand, low, high, 0);
}

static void source(struct Lowering *l, struct Node *n, struct Draft *step) {
    if (n->is.which == SOURCE_X || n->is.which == SOURCE_PRESENT)
        n->slot = new_slot(l->out, n->is.which == SOURCE_X ? PLACE_INPUT : PLACE_PRESENT, n->type);
    else
        emit(l, step, n->is.which == SOURCE_POSITION ? POSITION : LENGTH, n->type, own_slot(l, n), -1, -1, -1, 0);
}

static void weight(struct Lowering *l, struct Node *n) {
    n->type = U16;
    n->slot = new_slot(l->out, PLACE_WEIGHT, U16);
}

static void reduced(struct Lowering *l, struct Node *n, struct Draft *step) {
    struct Node *a = n->is.args[0];
    int128 neutral = n->is.which == SUM ? 0 : n->is.which == LARGEST ? a->lo : a->hi;
    if (n->is.which != SUM) n->type = a->type;
    int start = held_slot(l->out, neutral, type_size(n->type));
    int operand = value_of(l, a, type_size(a->type), step);
    emit(l, step, REDUCE_SUM + n->is.which, a->type, own_slot(l, n), operand, start, -1, 0);
}

static void spread(struct Lowering *l, struct Node *n, struct Draft *step) {
    copied(l, n, step, value_of(l, n->is.args[0], type_size(n->type), step));
}

static void lower_node(struct Lowering *l, struct Node *n, struct Draft *step) {
    switch (n->is.kind) {
        case PLUS: ring(l, n, step, ADD); break;
        case MINUS: ring(l, n, step, SUB); break;
        case TIMES: ring(l, n, step, MUL); break;
        case CHOICE: ring(l, n, step, SELECT); break;
        case MINIMUM: compared(l, n, step, MIN); break;
        case MAXIMUM: compared(l, n, step, MAX); break;
        case IS_LESS: compared(l, n, step, LESS); break;
        case IS_EQUAL: compared(l, n, step, EQUAL); break;
        case SHIFT_LEFT: shift_left(l, n, step); break;
        case SHIFT_LEFT_BY: lower_shift_left_by(l, n, step); break;
        case SHIFT_RIGHT: shift_right(l, n, step); break;
        case SHIFT_RIGHT_BY: lower_shift_right_by(l, n, step); break;
        case LOW_BITS: lower_low_bits(l, n, step); break;
        case LEADING_ZEROS: lower_leading_zeros(l, n, step); break;
        case NORMALISED: normalise(l, n, step); break;
        case QUOTIENT_OF: lower_divide(l, n, step); break;
        case LOOKUP: lower_lookup(l, n, step); break;
        case ENTRIES: lower_entries(l, n, step); break;
        case KNOWN: known(l, n, step); break;
        case CHECKED: checked(l, n, step); break;
        case SOURCE: source(l, n, step); break;
        case WEIGHT: weight(l, n); break;
        case ARGUMENT: case FLAG: lower_bound(l, n); break;
        case SPREAD_OUT: spread(l, n, step); break;
        case REDUCED: reduced(l, n, step); break;
        case TOGETHER: lower_together(l, n); break;
        case SCALED: lower_scaled(l, n, step); break;
        case SHARED: lower_shared(l, n, step); break;
        case SHARE_OF: lower_share(l, n, step); break;
        case CONSTANT: case FOLD_OUTPUT: case SCAN_OUTPUT: break; /* no nodes of a graph's order */
    }
}

void lower_all(struct Lowering *l) {
    for (int i = 0; i < l->count; i++) {
        struct Node *n = l->node[i];
        int rate = n->is.kind == REDUCED ? n->is.args[0]->rate : n->rate;
        lower_node(l, n, step_at(l, n->stage, step_kind(rate)));
    }
}
