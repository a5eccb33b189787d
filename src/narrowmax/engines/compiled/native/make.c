/* From a datapath's objects to its program, or to an error. */
#include "module.h"

#include <stdlib.h>

#include "kernels.h"
#include "lowering.h"
#include "reading.h"

struct Order {
    PyObject *datapath, *lowest, *highest;
    int variant;
};

/* What a program is made of may give up anywhere; it does so by coming back here. */
static enum Reason make(struct Reading *r, const struct Order *o, struct Program *p) {
    int reason = setjmp(r->making.out);
    if (reason) return (enum Reason)reason;
    struct Range codes = ends(r, o->lowest, o->highest);
    struct Drawing d = read_drawing(r, o->datapath, (enum Variant)o->variant, codes);
    if (codes.beyond) give_up(&r->making, TOO_WIDE);
    lower(&r->making, &d, p, kernels_in_use()->flat);
    return allocate(p) ? MADE : NO_ROOM;
}

void heed(struct Making *m) {
    if (PyErr_CheckSignals() < 0) give_up(m, RAISED);
}

static void set_error(enum Reason reason) {
    if (reason == NO_ROOM) PyErr_NoMemory();
    if (reason == TOO_WIDE) PyErr_SetString(PyExc_OverflowError, "a value needs more than 127 bits and a sign");
}

struct Program *program_of(PyObject *args) {
    struct Reading r = {0};
    struct Order o;
    if (!PyArg_ParseTuple(args, "OiOO", &o.datapath, &o.variant, &o.lowest, &o.highest)) return NULL;
    if (o.variant < FULL || o.variant > LISTED) return PyErr_SetString(PyExc_ValueError, "a variant is 0, 1 or 2"), NULL;
    struct Program *p = calloc(1, sizeof *p);
    if (!p) return (struct Program *)PyErr_NoMemory();
    enum Reason reason = make(&r, &o, p);
    reading_end(&r);
    if (reason == MADE) return p;
    program_free(p);
    set_error(reason);
    return NULL;
}
