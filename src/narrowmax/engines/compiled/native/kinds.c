/* Which class is which operation. */
#include "reading.h"

static PyObject *kinds; /* of each class its number */

PyObject *kind_names(void) {
#define TEXT(name, class, operands) #class,
    static const char *const texts[DRAWN] = {DRAWN_KINDS(TEXT)};
#undef TEXT
    PyObject *tuple = PyTuple_New(DRAWN);
    for (int i = 0; tuple && i < DRAWN; i++) {
        PyObject *text = PyUnicode_FromString(texts[i]);
        if (!text) Py_CLEAR(tuple);
        if (tuple) PyTuple_SET_ITEM(tuple, i, text);
    }
    return tuple;
}

PyObject *native_learn(PyObject *self, PyObject *classes) {
    (void)self;
    if (!PyTuple_Check(classes) || PyTuple_GET_SIZE(classes) != DRAWN)
        return PyErr_Format(PyExc_ValueError, "the classes of KINDS are allowed, not %R", classes);
    PyObject *found = PyDict_New();
    for (int i = 0; found && i < DRAWN; i++) {
        PyObject *number = PyLong_FromLong(i);
        if (!number || PyDict_SetItem(found, PyTuple_GET_ITEM(classes, i), number) < 0) Py_CLEAR(found);
        Py_XDECREF(number);
    }
    if (!found) return NULL;
    Py_XSETREF(kinds, found);
    Py_RETURN_NONE;
}

enum Operation kind_of(struct Reading *r, PyObject *class) {
    if (!kinds) return DRAWN;
    PyObject *known = Py_NewRef(kinds), *found = PyDict_GetItemWithError(known, class); /* a class may hash as it likes */
    long number = found ? PyLong_AsLong(found) : DRAWN;
    Py_DECREF(known);
    if (!found && PyErr_Occurred()) give_up(&r->making, RAISED);
    return (enum Operation)number;
}
