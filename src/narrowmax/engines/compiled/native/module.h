/* What the files with Python functions share. */
#ifndef NARROWMAX_MODULE_H
#define NARROWMAX_MODULE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "drive.h"
#include "program.h"

typedef struct {
    PyObject_HEAD
    struct Program *program;
    PyObject *tables; /* a tuple of arrays, kept alive */
    Py_buffer *views; /* of the tables */
    Py_ssize_t count;
} ProgramObject;

extern PyTypeObject ProgramType;

/* program_text.c: what Python hands over, as flat arrays. */
struct Words {
    int64_t *word;
    Py_ssize_t count, room;
};

struct Numbers {
    struct Words slot, instruction, step, more, meta;
};

int lists_read(struct Numbers *, PyObject *slots, PyObject *steps, PyObject *meta); /* steps: a list; 0: an error is set */
struct ProgramText lists_text(const struct Numbers *, const void *const *table);
void lists_free(struct Numbers *);

/* sweep.c */
PyObject *native_sweep(PyObject *self, PyObject *args);

/* The loops in use. */
const struct Kernels *kernels_in_use(void);

/* A workspace of those that wait, or a new one; NULL with MemoryError set.  Both want the GIL. */
struct Workspace *workspace_take(void);
void workspace_give(struct Workspace *);

#endif
