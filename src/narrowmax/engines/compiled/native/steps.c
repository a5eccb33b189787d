/* Folds, scans and their bodies, and the drawing as a whole. */
#include "reading.h"

/* The longest row or chunk that is told from longer ones: sums of two of them do not overflow. */
#define LONGEST (PTRDIFF_MAX / 4)

/* A length: beyond the most that matters, that. */
static ptrdiff_t extent(struct Reading *r, PyObject *object, int least, int128 most) {
    int128 found;
    integer(r, object, &found);
    if (found < least) strange(r, "a drawing has a length where this has %R", object);
    return (ptrdiff_t)least_of(found, most);
}

static void read_body(struct Reading *r, PyObject *body, struct DrawnStep *s) {
    struct DrawnBody *b = &s->body;
    PyObject *wires = get_tuple(r, body, NAME_wires), *arguments = get_tuple(r, body, NAME_arguments);
    PyObject *results = get_tuple(r, body, NAME_results);
    struct Places p = read_wires(r, wires, 1);
    b->wire = p.read;
    b->wires = (int)PyTuple_GET_SIZE(wires), b->arguments = (int)PyTuple_GET_SIZE(arguments);
    b->results = (int)PyTuple_GET_SIZE(results), b->result = places_of(r, &p, results);
    for (int i = 0; i < b->wires; i++) {
        const struct Wire *w = &b->wire[i];
        int is_argument = i < b->arguments && PyTuple_GET_ITEM(wires, i) == PyTuple_GET_ITEM(arguments, i);
        int fine = is_argument ? w->kind == ARGUMENT && w->number < b->arguments : i >= b->arguments && w->kind != ARGUMENT;
        if (!fine)
            strange(r, "a body has its arguments before its other wires, and this has %R", wires);
    }
    int expected = s->is_fold ? 2 * b->results : b->results + s->inputs;
    if (b->arguments != expected || b->wires < expected || b->results < 1 || (s->is_fold && s->inputs != b->results))
        strange(r, "a body has as many arguments as its fold or scan gives it, and this has %R", arguments);
}

static void read_order(struct Reading *r, PyObject *fold, struct DrawnStep *s) {
    PyObject *order = get(r, fold, NAME_order);
    s->tree = PyUnicode_Check(order) && PyUnicode_CompareWithASCIIString(order, "tree") == 0;
    s->ways = (int)extent(r, get(r, fold, NAME_ways), 1, INT32_MAX);
}

static void read_fold(struct Reading *r, PyObject *fold, PyObject *body, struct DrawnStep *s) {
    PyObject *primitive = get(r, body, NAME_primitive);
    s->to = number(r, get(r, fold, NAME_to), OF_ROWS, s->from - 1);
    if (primitive == Py_None) {
        read_body(r, body, s);
        read_order(r, fold, s);
        return;
    }
    s->primitive = kind_of(r, primitive);
    if (s->primitive != PLUS && s->primitive != MAXIMUM && s->primitive != MINIMUM)
        strange(r, "a fold is a sum or an extreme, or has a body of its own, and this is %R", primitive);
    PyObject *results = get_tuple(r, body, NAME_results);
    if (PyTuple_GET_SIZE(results) < 1) strange(r, "a body has results, and this has %R", results);
    PyObject *first = PyTuple_GET_ITEM(results, 0);
    s->first = ends(r, get(r, first, NAME_lo), get(r, first, NAME_hi));
}

static void read_start(struct Reading *r, PyObject *scan, struct DrawnStep *s) {
    PyObject *start = get_tuple(r, scan, NAME_start);
    int count = (int)PyTuple_GET_SIZE(start);
    struct Range *found = FRESH(&r->making, struct Range, count);
    if (count != s->body.results)
        strange(r, "a scan starts from as many integers as it carries, and this from %R", start);
    for (int i = 0; i < count; i++) found[i] = ends(r, PyTuple_GET_ITEM(start, i), PyTuple_GET_ITEM(start, i));
    s->start = found;
}

static struct DrawnStep *new_step(struct Reading *r, PyObject *step, int is_fold, struct Places *p) {
    struct DrawnStep *s = FRESH(&r->making, struct DrawnStep, 1);
    PyObject *inputs = get_tuple(r, step, NAME_inputs), *body = get(r, step, NAME_body);
    s->is_fold = is_fold, s->primitive = CONSTANT;
    s->inputs = (int)PyTuple_GET_SIZE(inputs), s->input = places_of(r, p, inputs);
    if (!s->inputs) strange(r, "a fold or scan has inputs, and this has %R", inputs);
    s->from = p->read[s->input[0]].rate;
    if (s->from < OF_CHUNKS || (!is_fold && s->from != OF_CHUNKS))
        strange(r, "a fold takes elements or chunks, a scan chunks, not %R", inputs);
    for (int i = 0; i < s->inputs; i++)
        if (p->read[s->input[i]].rate != s->from)
            strange(r, "a fold or scan takes wires of one rate, not %R", inputs);
    if (is_fold) {
        read_fold(r, step, body, s);
    } else {
        read_body(r, body, s);
        read_start(r, step, s);
    }
    return s;
}

const struct DrawnStep *read_step(struct Reading *r, PyObject *step, int is_fold, struct Places *p) {
    int *known = number_of(&r->known_steps, step, 0);
    if (*known < 0) {
        struct DrawnStep *found = new_step(r, step, is_fold, p);
        r->step = grown(&r->making, r->step, r->steps, &r->step_room, sizeof *r->step);
        r->step[r->steps] = found;
        *known = found->number = r->steps++;
    }
    if (r->step[*known]->is_fold != is_fold) strange(r, "a fold is no scan: %R", step);
    return r->step[*known];
}

struct Drawing read_drawing(struct Reading *r, PyObject *datapath, enum Variant variant, struct Range codes) {
    struct Drawing d = {.variant = variant, .codes = codes};
    PyObject *wires = get_tuple(r, datapath, NAME_wires), *chunk = get(r, datapath, NAME_chunk);
    r->codes = codes;
    r->known_tables = memo_for(&r->making, 0), r->known_steps = memo_for(&r->making, 0);
    struct Places p = read_wires(r, wires, 0);
    d.wire = p.read, d.wires = (int)PyTuple_GET_SIZE(wires), d.steps = r->steps;
    d.output = place_of(r, &p, get(r, datapath, NAME_output));
    d.of_rows = d.wire[d.output].rate != OF_ELEMENTS;
    if (integer(r, get(r, datapath, NAME_absent_code), &d.absent)) give_up(&r->making, TOO_WIDE);
    d.chunk = chunk == Py_None ? 0 : extent(r, chunk, 0, LONGEST);
    for (int i = 0; i < d.wires; i++)
        if (d.wire[i].rate == OF_CHUNKS && (!d.chunk || i == d.output))
            strange(r, "a drawing has chunks where wires have their rate, and an output of another than %R", chunk);
    d.max_n = extent(r, get(r, datapath, NAME_max_n), 1, LONGEST);
    return d;
}
