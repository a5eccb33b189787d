/* Instructions of nodes that need several: shifts by wires, lengths of words, division, tables. */
#include "lowering.h"

/* A shift amount in words of a type, cut to what they hold; beyond their width all are alike. */
static int amount(struct Lowering *l, struct Node *n, int type, struct Draft *step) {
    size_t width = type_size(type), bits = 8 * width;
    if (bits > 127 || n->hi < (int128)1 << bits) return value_of(l, n, width, step);
    int own = value_of(l, n, type_size(n->type), step), most = held_slot(l->out, (int128)bits, type_size(n->type));
    int cut = emit(l, step, MIN, n->type, new_slot(l->out, place_near(l, step), n->type), own, most, -1, 0);
    return emit(l, step, cast_to(width), n->type, new_slot(l->out, place_near(l, step), type), cut, -1, -1, 0);
}

void lower_shift_left_by(struct Lowering *l, struct Node *n, struct Draft *step) {
    int type = n->type > U16 ? n->type : U16;
    int operand = value_of(l, n->is.args[0], type_size(type), step), by = amount(l, n->is.args[1], type, step);
    emit_own(l, step, n, SHL_BY, type, operand, by, 0);
}

void lower_shift_right_by(struct Lowering *l, struct Node *n, struct Draft *step) {
    struct Node *a = n->is.args[0];
    int type = type_size(a->type) > 1 ? a->type : a->type + 2; /* processors shift no single bytes by vectors */
    int operand = value_of(l, a, type_size(type), step), by = amount(l, n->is.args[1], type, step);
    emit_own(l, step, n, SHR_BY, type, operand, by, 0);
}

void lower_low_bits(struct Lowering *l, struct Node *n, struct Draft *step) {
    size_t width = type_size(n->type);
    int operand = value_of(l, n->is.args[0], width, step);
    int bits = (int)least_of(n->is.number[0], (int128)(8 * width));
    int mask = held_slot(l->out, bits > 127 ? -1 : (int128)(((uint128)1 << bits) - 1), width);
    emit(l, step, AND, n->type, own_slot(l, n), operand, mask, -1, 0);
}

void lower_leading_zeros(struct Lowering *l, struct Node *n, struct Draft *step) {
    struct Node *a = n->is.args[0];
    int place = place_near(l, step), length = new_slot(l->out, place, a->type);
    size_t width = type_size(n->type);
    emit(l, step, BIT_LENGTH, a->type, length, value_of(l, a, type_size(a->type), step), -1, -1, 0);
    if (width != type_size(a->type))
        length = emit(l, step, cast_to(width), a->type, new_slot(l->out, place, n->type), length, -1, -1, 0);
    int own = own_slot(l, n), all = held_slot(l->out, n->is.number[0], width);
    emit(l, step, SUB, n->type, own, all, length, -1, 0);
}

/* Where floats decide the quotient they are used: see flat.h. */
void lower_divide(struct Lowering *l, struct Node *n, struct Draft *step) {
    struct Node *a = n->is.args[0], *b = n->is.args[1];
    int128 least = least_of(0, n->lo), above = most_of(a->hi, 0), below = most_of(b->hi, 0), limit = (int128)1 << 53;
    int128 most = above < limit && below < limit ? above + below : limit;
    int type = type_of(least, most_of(most_of(a->hi, b->hi), n->hi));
    int operation = most < 1 << 24 ? DIVIDE_SMALL : most < limit ? DIVIDE_FLOAT : DIVIDE;
    int least_type = type_of(least, 1 << 20);
    if (operation == DIVIDE_SMALL && type < least_type) type = least_type;
    int first = value_of(l, a, type_size(type), step), second = value_of(l, b, type_size(type), step);
    emit_own(l, step, n, operation, type, first, second, (int64_t)n->is.number[0]);
}

/* -- tables --------------------------------------------------------------------------------------- */

static int lookup_of(int type) { return LOOKUP1 + size_of_width(type_size(type)); }

void lower_lookup(struct Lowering *l, struct Node *n, struct Draft *step) {
    const struct Table *table = n->is.object;
    struct Node *index = n->is.args[0];
    int last = table->count - 1, is_short = last < 256 && type_size(index->type) == 1;
    int slot = value_of(l, index, is_short ? 1 : 2, step);
    if (!is_short) { /* where nothing is present, or an assertion fails, an index may be anything */
        int most = held_slot(l->out, last, 2);
        slot = emit(l, step, MIN, U16, new_slot(l->out, place_near(l, step), U16), slot, most, -1, 0);
    }
    int entries = slot_of_table(l, table, is_short ? 256 : last + 1, n->type);
    emit(l, step, lookup_of(n->type), is_short ? U8 : U16, own_slot(l, n), slot, entries, -1, last + 1);
}

void lower_entries(struct Lowering *l, struct Node *n, struct Draft *step) {
    const struct Entries *e = n->is.object;
    int is_short = e->count == 256, slot = value_of(l, n->is.args[0], is_short ? 1 : 2, step);
    int table = slot_of_entries(l, e, n->type);
    emit(l, step, lookup_of(n->type), is_short ? U8 : U16, own_slot(l, n), slot, table, -1, e->count);
}

/* -- the ends of units ---------------------------------------------------------------------------- */

/* A row's value, or a constant, in words of a width. */
static int of_row(struct Lowering *l, struct Node *n, size_t width) {
    return is_constant(n) ? held_slot(l->out, n->lo, width) : value_of(l, n, width, step_of(l, n));
}

/* A finishing instruction's type is its operand's, and TYPES times that of its arithmetic. */
static struct Instruction ending(int operation, int operand, int arithmetic) {
    return (struct Instruction){FINISH + operation, operand + TYPES * arithmetic, -1, -1, -1, -1, -1, -1, 0};
}

void lower_scaled(struct Lowering *l, struct Node *n, struct Draft *step) {
    struct Node **arg = n->is.args;
    int factor = type_of(arg[0]->lo, arg[0]->hi), part[5]; /* as was taken: what a comparison gives lies in wider words */
    part[0] = value_of(l, arg[0], type_size(factor), step);
    for (int i = 1; i < 5; i++) part[i] = of_row(l, arg[i], type_size(n->is.type));
    struct Instruction i = ending(n->is.which, factor, n->is.type);
    i.a = part[0], i.b = part[1], i.c = part[2], i.d = part[3], i.e = part[4];
    i.imm = (int64_t)n->is.number[0];
    i.dst = own_slot(l, n);
    emit_instruction(l->out, step, i);
}

void lower_shared(struct Lowering *l, struct Node *n, struct Draft *step) {
    struct Node **arg = n->is.args;
    int given = type_of(arg[0]->lo, arg[0]->hi);
    struct Instruction i = ending(QUOTIENT, given, U32);
    i.a = value_of(l, arg[0], type_size(given), step);
    i.b = of_row(l, arg[1], 4);
    i.c = of_row(l, arg[2], 4);
    i.d = held_slot(l->out, n->is.number[0], 4);
    i.imm = (int64_t)n->is.number[1];
    i.dst = own_slot(l, n);
    emit_instruction(l->out, step, i);
}

void lower_share(struct Lowering *l, struct Node *n, struct Draft *step) {
    int own = own_slot(l, n);
    emit(l, step, SHARE, U32, own, value_of(l, n->is.args[0], 4, step), -1, -1, 0);
}
