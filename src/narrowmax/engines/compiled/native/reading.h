/* Python's objects on their way to plain numbers. */
#ifndef NARROWMAX_READING_H
#define NARROWMAX_READING_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "drawing.h"
#include "memo.h"

/* A drawing being read.  What is held of Python's is let go at the end, so borrowed things stay what they are. */
struct Reading {
    struct Making making;
    struct Range codes; /* of the input */
    PyObject **held;
    int count, room;
    Py_buffer **view; /* of tables */
    int views, view_room;
    struct Table **table;
    int tables, table_room;
    const struct DrawnStep **step; /* folds and scans */
    int steps, step_room;
    struct Memo known_tables, known_steps; /* by their objects: what was read once is not read again */
};

#define NAMES(F)                                                                                              \
    F(wires) F(output) F(absent_code) F(chunk) F(max_n) F(op) F(args) F(lo) F(hi) F(rate)      \
    F(amount) F(count) F(width) F(by_zero) F(proof) F(kind) F(table) F(array) F(position) F(when)             \
    F(fold) F(scan) F(body) F(primitive) F(arguments) F(results) F(inputs) F(to) F(order) F(ways) F(start)
#define NAME_ENUM(name) NAME_##name,
enum Name { NAMES(NAME_ENUM) NAME_COUNT };

/* -- objects.c: every one of these gives up where it cannot -- */
int names_learn(void); /* once; 0: a Python error is set */
PyObject *get(struct Reading *, PyObject *, enum Name);
PyObject *get_tuple(struct Reading *, PyObject *, enum Name);
PyObject *hold(struct Reading *, PyObject *); /* a new reference; NULL: an error is set */
int integer(struct Reading *, PyObject *, int128 *); /* whether it is beyond 127 bits and a sign; then its nearest */
int number(struct Reading *, PyObject *, int least, int most);
struct Range ends(struct Reading *, PyObject *lo, PyObject *hi);
_Noreturn void strange(struct Reading *, const char *format, PyObject *); /* a ValueError about an object */
void reading_end(struct Reading *);

/* -- kinds.c -- */
PyObject *kind_names(void);
PyObject *native_learn(PyObject *self, PyObject *classes); /* the classes of kind_names, in their order */
enum Operation kind_of(struct Reading *, PyObject *class);     /* DRAWN: none of them */

/* -- entries.c -- */
const struct Table *read_table(struct Reading *, PyObject *table);

struct Places {
    struct Memo known; /* of each wire its place */
    struct Wire *read; /* what they say, in their order */
};

/* -- wires.c -- */
struct Places read_wires(struct Reading *, PyObject *wires, int inside);
int place_of(struct Reading *, struct Places *, PyObject *wire);
const int *places_of(struct Reading *, struct Places *, PyObject *wires);

/* -- steps.c -- */
const struct DrawnStep *read_step(struct Reading *, PyObject *step, int is_fold, struct Places *);
struct Drawing read_drawing(struct Reading *, PyObject *datapath, enum Variant, struct Range codes);

#endif
