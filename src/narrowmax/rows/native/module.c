/* The Python module: arrays in, arrays added to. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "rows.h"

enum { TABLES = 9 }; /* arrays beside the masses */

struct Views {
    Py_buffer view[TABLES + POWERS + 2];
    int held;
};

static void release(struct Views *v) {
    while (v->held) PyBuffer_Release(&v->view[--v->held]);
}

/* The memory of a contiguous array of so many bytes; of any number of them where `bytes` is -1. */
static Py_buffer *hold(struct Views *v, PyObject *array, Py_ssize_t bytes, int flags) {
    Py_buffer *view = &v->view[v->held];
    if (PyObject_GetBuffer(array, view, PyBUF_C_CONTIGUOUS | flags) < 0) return NULL;
    v->held++;
    if (bytes < 0 || view->len == bytes) return view;
    PyErr_Format(PyExc_ValueError, "an array of %zd bytes is %zd bytes long", bytes, view->len);
    return NULL;
}

static void *table(struct Views *v, PyObject *tuple, int which, Py_ssize_t bytes) {
    Py_buffer *view = hold(v, PyTuple_GET_ITEM(tuple, which), bytes, PyBUF_WRITABLE);
    return view ? view->buf : NULL;
}

/* The masses, from a dict by power of two. */
static int read_masses(struct Views *v, PyObject *dict, struct Tables *t) {
    PyObject *power, *array;
    for (Py_ssize_t at = 0; PyDict_Next(dict, &at, &power, &array);) {
        long which = PyLong_AsLong(power);
        if (which == -1 && PyErr_Occurred()) return -1;
        if (which < 0 || which >= POWERS) return PyErr_SetString(PyExc_ValueError, "a row is 2^0 to 2^63 long"), -1;
        Py_buffer *view = hold(v, array, (BINS + 1) * sizeof(double), PyBUF_WRITABLE);
        if (!view) return -1;
        t->mass[which] = view->buf;
    }
    return 0;
}

/* `Counts.tables`: record, reaches, distances, gaps, digits, within, inside, limits, fits, and the dict of masses. */
static int read_tables(struct Views *v, PyObject *tuple, struct Tables *t) {
    const Py_ssize_t bins = BINS * sizeof(int64_t);
    if (!PyTuple_Check(tuple) || PyTuple_GET_SIZE(tuple) != TABLES + 1 || !PyDict_Check(PyTuple_GET_ITEM(tuple, TABLES)))
        return PyErr_SetString(PyExc_TypeError, "tables are nine arrays and a dict"), -1;
    int read = (t->record = table(v, tuple, 0, sizeof *t->record)) && (t->reaches = table(v, tuple, 1, bins)) &&
               (t->distances = table(v, tuple, 2, bins)) && (t->gaps = table(v, tuple, 3, bins)) &&
               (t->digits = table(v, tuple, 4, EXPONENTS * SIGNIFICANT * sizeof(int64_t))) &&
               (t->within = table(v, tuple, 5, -1));
    if (!read) return -1;
    t->radii = v->view[v->held - 1].len / (Py_ssize_t)sizeof *t->within;
    if (!(t->inside = table(v, tuple, 6, t->radii * sizeof *t->inside)) || !(t->limits = table(v, tuple, 7, -1))) return -1;
    t->formats = v->view[v->held - 1].len / (Py_ssize_t)sizeof *t->limits;
    if (!(t->fits = table(v, tuple, 8, t->formats * sizeof *t->fits))) return -1;
    return read_masses(v, PyTuple_GET_ITEM(tuple, TABLES), t);
}

static void free_work(struct Work *w) {
    if (!w) return;
    free(w->values), free(w->weight), free(w->bin), free(w);
}

static struct Work *new_work(int64_t n) {
    size_t room = n > CHUNK ? (size_t)n : CHUNK;
    struct Work *w = malloc(sizeof *w);
    if (!w) return NULL;
    w->values = malloc(room * sizeof(double));
    w->weight = malloc(room * sizeof *w->weight);
    w->bin = malloc(room * sizeof *w->bin);
    if (w->values && w->weight && w->bin) return w;
    free_work(w);
    return NULL;
}

static PyObject *count(const Py_buffer *rows, const uint8_t *present, int64_t times, struct Tables *t) {
    int64_t many = rows->shape[0], n = rows->shape[1], counted;
    int missing = -1;
    struct Work *w = new_work(n);
    if (!w) return PyErr_NoMemory();
    Py_BEGIN_ALLOW_THREADS;
    if (rows->itemsize == sizeof(float))
        counted = count_float(t, w, rows->buf, present, many, n, times, &missing);
    else
        counted = count_double(t, w, rows->buf, present, many, n, times, &missing);
    Py_END_ALLOW_THREADS;
    free_work(w);
    return Py_BuildValue("Li", (long long)counted, missing);
}

static PyObject *native_count(PyObject *self, PyObject *args) {
    (void)self;
    PyObject *rows, *present, *tuple, *result = NULL;
    long long times;
    if (!PyArg_ParseTuple(args, "OOLO", &rows, &present, &times, &tuple)) return NULL;
    struct Views v = {.held = 0};
    struct Tables t = {0};
    Py_buffer *x = hold(&v, rows, -1, PyBUF_FORMAT), *flags = NULL;
    if (x && (x->ndim != 2 || (strcmp(x->format, "f") && strcmp(x->format, "d"))))
        PyErr_SetString(PyExc_TypeError, "rows are a matrix of float32 or float64");
    else if (x && (present == Py_None || (flags = hold(&v, present, x->len / x->itemsize, PyBUF_SIMPLE))) &&
             !read_tables(&v, tuple, &t))
        result = count(x, flags ? flags->buf : NULL, times, &t);
    release(&v);
    return result;
}

static PyMethodDef methods[] = {
    {"count", native_count, METH_VARARGS,
     "count(rows, present, times, tables): add rows to tables; how many were counted, and the power of two of which "
     "there is no mass for the next."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_native", "Statistics of rows.", -1, methods,
                                        NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__native(void) { return PyModule_Create(&definition); }
