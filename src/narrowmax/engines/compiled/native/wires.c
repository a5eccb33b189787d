/* Wires, read from the first to the last: each has its operands before it. */
#include "reading.h"

/* -- where wires stand ---------------------------------------------------------------------------- */

int place_of(struct Reading *r, struct Places *p, PyObject *wire) {
    int place = *number_of(&p->known, wire, 0);
    if (place < 0) strange(r, "a drawing has operands before what needs them, and %R is not", wire);
    return place;
}

const int *places_of(struct Reading *r, struct Places *p, PyObject *wires) {
    int count = (int)PyTuple_GET_SIZE(wires), *found = FRESH(&r->making, int, count);
    for (int i = 0; i < count; i++) found[i] = place_of(r, p, PyTuple_GET_ITEM(wires, i));
    return found;
}

/* -- what an operation has beside operands -------------------------------------------------------- */

enum { MOST_BITS = 1 << 30 }; /* of a shift or a word; beyond any that matters */

static void read_bits(struct Reading *r, PyObject *op, enum Name name, struct Wire *w) {
    integer(r, get(r, op, name), &w->number);
    w->number = w->number < 0 ? 0 : least_of(w->number, MOST_BITS);
}

static void read_number(struct Reading *r, PyObject *op, enum Name name, struct Wire *w) {
    w->beyond = integer(r, get(r, op, name), &w->number);
}

static int text_is(struct Reading *r, PyObject *text, const char *other) {
    if (!PyUnicode_Check(text)) strange(r, "a drawing has a text where this has %R", text);
    return PyUnicode_CompareWithASCIIString(text, other) == 0;
}

/* What lies in the tile's own arrays is read in their words. */
static int is_as_given(const struct Reading *r, const struct Wire *w) {
    if (w->which == SOURCE_N) return w->rate == OF_ROWS;
    if (w->which == SOURCE_X && type_of(w->range.lo, w->range.hi) != type_of(r->codes.lo, r->codes.hi)) return 0;
    if (w->which == SOURCE_PRESENT && (w->range.lo < 0 || w->range.hi > 1)) return 0;
    return w->rate == OF_ELEMENTS;
}

static void read_source(struct Reading *r, PyObject *op, struct Wire *w) {
    PyObject *kind = get(r, op, NAME_kind);
    w->which = text_is(r, kind, "x")          ? SOURCE_X
               : text_is(r, kind, "present")  ? SOURCE_PRESENT
               : text_is(r, kind, "position") ? SOURCE_POSITION
                                              : SOURCE_N;
    if (!is_as_given(r, w)) strange(r, "a source has the range and the rate of what a row gives, and %R has others", op);
}

static int moment_of(struct Reading *r, PyObject *op) {
    PyObject *when = get(r, op, NAME_when);
    return text_is(r, when, "before") ? BEFORE : text_is(r, when, "at") ? AT_CHUNK : AFTER;
}

static void read_output(struct Reading *r, PyObject *op, struct Wire *w, struct Places *p) {
    int is_fold = w->kind == FOLD_OUTPUT;
    w->step = read_step(r, get(r, op, is_fold ? NAME_fold : NAME_scan), is_fold, p);
    int most = w->step->primitive == CONSTANT ? w->step->body.results - 1 : 0;
    w->number = number(r, get(r, op, NAME_position), 0, most);
    w->which = is_fold ? AFTER : moment_of(r, op);
    int rate = is_fold ? w->step->to : w->which == AFTER ? OF_ROWS : OF_CHUNKS;
    if (w->rate != rate) strange(r, "what a fold or scan gives has its rate, and %R has another", op);
}

static void read_operation(struct Reading *r, PyObject *op, struct Wire *w, struct Places *p) {
    switch (w->kind) {
        case SHIFT_LEFT: case SHIFT_RIGHT: read_bits(r, op, NAME_amount, w); break;
        case LOW_BITS: read_bits(r, op, NAME_count, w); break;
        case NORMALISED: read_bits(r, op, NAME_width, w); break;
        case LEADING_ZEROS: read_number(r, op, NAME_width, w); break;
        case QUOTIENT_OF: read_number(r, op, NAME_by_zero, w); break;
        case KNOWN: w->which = text_is(r, get(r, op, NAME_proof), "sampled"); break;
        case LOOKUP: w->table = read_table(r, get(r, op, NAME_table)); break;
        case SOURCE: read_source(r, op, w); break;
        case ARGUMENT: w->number = number(r, get(r, op, NAME_position), 0, 1 << 20); break;
        case FOLD_OUTPUT: case SCAN_OUTPUT: read_output(r, op, w, p); break;
        default: break;
    }
}

/* -- wires ---------------------------------------------------------------------------------------- */

static int operands_of(enum Operation kind) {
#define OPERANDS(name, class, operands) operands,
    static const signed char counts[DRAWN] = {DRAWN_KINDS(OPERANDS)};
#undef OPERANDS
    return counts[kind];
}

static void read_kind(struct Reading *r, PyObject *op, struct Wire *w, int inside) {
    w->kind = kind_of(r, (PyObject *)Py_TYPE(op));
    if (w->kind == DRAWN) strange(r, "a drawing has operations of the datapath language where this has %R", op);
    int apart = w->kind == SOURCE || w->kind == FOLD_OUTPUT || w->kind == SCAN_OUTPUT;
    if (inside ? apart : w->kind == ARGUMENT)
        strange(r, "a source, fold or scan is of a row, an argument of a body, and %R is elsewhere", op);
}

static int fastest(const struct Wire *w, const struct Places *p) {
    int rate = OF_CONSTANTS;
    for (int i = 0; i < w->count; i++)
        if (p->read[w->args[i]].rate > rate) rate = p->read[w->args[i]].rate;
    return rate;
}

static void read_wire(struct Reading *r, PyObject *wire, struct Wire *w, int inside, struct Places *p) {
    PyObject *op = get(r, wire, NAME_op), *lo = get(r, wire, NAME_lo), *hi = get(r, wire, NAME_hi);
    read_kind(r, op, w, inside);
    w->range = ends(r, lo, hi);
    w->rate = number(r, get(r, wire, NAME_rate), OF_CONSTANTS, OF_ELEMENTS);
    PyObject *args = get_tuple(r, wire, NAME_args);
    w->count = (int)PyTuple_GET_SIZE(args);
    int expected = operands_of(w->kind);
    if (expected >= 0 && w->count != expected) strange(r, "an operation has another number of operands than %R", args);
    w->args = places_of(r, p, args);
    if (w->kind < SOURCE && w->count && fastest(w, p) != w->rate)
        strange(r, "an operation has the rate of its fastest operand, not another than %R", args);
    read_operation(r, op, w, p);
}

struct Places read_wires(struct Reading *r, PyObject *wires, int inside) {
    int count = (int)PyTuple_GET_SIZE(wires);
    struct Places p = {memo_for(&r->making, count), FRESH(&r->making, struct Wire, count)};
    for (int i = 0; i < count; i++) {
        PyObject *wire = PyTuple_GET_ITEM(wires, i);
        read_wire(r, wire, &p.read[i], inside, &p);
        int *place = number_of(&p.known, wire, 0);
        if (*place >= 0) strange(r, "a drawing has each wire once, and %R twice", wire);
        *place = i;
    }
    return p;
}
