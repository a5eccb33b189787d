/* What the files with Python functions share. */
#ifndef NARROWMAX_MODULE_H
#define NARROWMAX_MODULE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "drive.h"
#include "program.h"

typedef struct {
    PyObject_HEAD
    struct Program *program; /* NULL: never made */
} ProgramObject;

extern PyTypeObject ProgramType;

/* make.c: the program of a datapath, from (datapath, variant, lowest code, highest code); NULL: an error is set. */
struct Program *program_of(PyObject *args);

/* listing.c: what a program is made of, as Python's tuples. */
PyObject *program_listing(const struct Program *);

/* sweep.c */
PyObject *native_sweep(PyObject *self, PyObject *args);

/* The loops in use. */
const struct Kernels *kernels_in_use(void);

/* A workspace of those that wait, or a new one; NULL with MemoryError set.  Both want the GIL. */
struct Workspace *workspace_take(void);
void workspace_give(struct Workspace *);

#endif
