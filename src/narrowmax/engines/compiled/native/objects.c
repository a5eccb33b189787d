/* Attributes, integers and tuples of Python's objects. */
#include "reading.h"

static PyObject *names[NAME_COUNT];

int names_learn(void) {
#define TEXT(name) #name,
    static const char *const texts[] = {NAMES(TEXT)};
#undef TEXT
    for (int i = 0; i < NAME_COUNT; i++)
        if (!names[i] && !(names[i] = PyUnicode_InternFromString(texts[i]))) return 0;
    return 1;
}

/* Room comes first: what is given here must not be lost. */
static void room_to_hold(struct Reading *r) {
    r->held = grown(&r->making, r->held, r->count, &r->room, sizeof *r->held);
}

PyObject *hold(struct Reading *r, PyObject *object) {
    if (!object) give_up(&r->making, RAISED);
    return r->held[r->count++] = object;
}

PyObject *get(struct Reading *r, PyObject *object, enum Name name) {
    room_to_hold(r);
    return hold(r, PyObject_GetAttr(object, names[name]));
}

void strange(struct Reading *r, const char *format, PyObject *object) {
    PyErr_Format(PyExc_ValueError, format, object);
    give_up(&r->making, RAISED);
}

PyObject *get_tuple(struct Reading *r, PyObject *object, enum Name name) {
    PyObject *found = get(r, object, name);
    if (!PyTuple_Check(found)) strange(r, "a drawing has a tuple where this has %R", found);
    if (PyTuple_GET_SIZE(found) >= 1 << 28) give_up(&r->making, NO_ROOM);
    return found;
}

/* Of an integer beyond int64: its upper half, and then its lower. */
static int wide(struct Reading *r, PyObject *object, int sign, int128 *value) {
    int beyond;
    room_to_hold(r);
    PyObject *bits = hold(r, PyLong_FromLong(64));
    room_to_hold(r);
    PyObject *upper = hold(r, PyLong_Type.tp_as_number->nb_rshift(object, bits)); /* a class of its own may shift otherwise */
    int64_t high = PyLong_AsLongLongAndOverflow(upper, &beyond);
    uint64_t low = PyLong_AsUnsignedLongLongMask(object);
    if (PyErr_Occurred()) give_up(&r->making, RAISED);
    *value = beyond ? (sign < 0 ? LEAST_128 : MOST_128) : (int128)((uint128)(uint64_t)high << 64 | low);
    return beyond != 0;
}

int integer(struct Reading *r, PyObject *object, int128 *value) {
    int beyond;
    if (!object || !PyLong_Check(object)) strange(r, "a drawing has an integer where this has %R", object);
    int64_t found = PyLong_AsLongLongAndOverflow(object, &beyond);
    *value = found;
    return beyond ? wide(r, object, beyond, value) : 0;
}

int number(struct Reading *r, PyObject *object, int least, int most) {
    int128 found;
    if (integer(r, object, &found) || found < least || found > most)
        strange(r, "a drawing has another number where this has %R", object);
    return (int)found;
}

struct Range ends(struct Reading *r, PyObject *lo, PyObject *hi) {
    struct Range found;
    int low = integer(r, lo, &found.lo), high = integer(r, hi, &found.hi);
    found.beyond = low || high;
    if (found.lo > found.hi) strange(r, "a drawing has no range that ends at %R before it begins", hi);
    return found;
}

void reading_end(struct Reading *r) {
    for (int i = 0; i < r->views; i++) PyBuffer_Release(r->view[i]);
    for (int i = 0; i < r->count; i++) Py_DECREF(r->held[i]);
    making_end(&r->making);
}
