/* The Python module: which loops run, workspaces, and what is exported. */
#include "module.h"

#include <string.h>

#include "processor.h"
#include "reading.h"

/* -- instruction sets --------------------------------------------------------------------------- */

static const struct Kernels *available[3], *in_use;
static int sets;

static void find_sets(void) {
    sets = 0;
    available[sets++] = &kernels_base;
#if defined(__x86_64__)
    if (processor_has_avx2()) available[sets++] = &kernels_avx2;
    if (processor_has_avx512()) available[sets++] = &kernels_avx512;
#endif
    in_use = available[sets - 1];
}

const struct Kernels *kernels_in_use(void) { return in_use; }

static PyObject *native_isas(PyObject *self, PyObject *nothing) {
    (void)self, (void)nothing;
    PyObject *names = PyTuple_New(sets);
    for (int i = 0; names && i < sets; i++) PyTuple_SET_ITEM(names, i, PyUnicode_FromString(available[i]->isa));
    return names;
}

static PyObject *native_isa(PyObject *self, PyObject *nothing) {
    (void)self, (void)nothing;
    return PyUnicode_FromString(in_use->isa);
}

static PyObject *native_use(PyObject *self, PyObject *name) {
    (void)self;
    const char *wanted = PyUnicode_AsUTF8(name);
    if (!wanted) return NULL;
    for (int i = 0; i < sets; i++)
        if (!strcmp(available[i]->isa, wanted)) {
            in_use = available[i];
            Py_RETURN_NONE;
        }
    return PyErr_Format(PyExc_ValueError, "the instruction set %R is not to be had on this processor", name);
}

/* -- workspaces --------------------------------------------------------------------------------- */

static struct Workspace *waiting[16];
static int idle;

struct Workspace *workspace_take(void) {
    struct Workspace *w = idle ? waiting[--idle] : workspace_new();
    if (!w) PyErr_NoMemory();
    return w;
}

void workspace_give(struct Workspace *w) {
    if (idle < 16)
        waiting[idle++] = w;
    else
        workspace_free(w);
}

/* -- the module --------------------------------------------------------------------------------- */

static PyObject *operation_names(void) {
#define NAME(name) #name,
    static const char *const names[] = {FLAT_OPERATIONS(NAME) "SCALE", "SCALE_EVEN", "SCALE_HIGH", "SCALE_HIGH_EVEN", "QUOTIENT", "SPREAD", "REDUCE_SUM", "REDUCE_LARGEST", "REDUCE_SMALLEST",
                                        "POSITION", "LENGTH"};
#undef NAME
    Py_ssize_t count = sizeof names / sizeof *names;
    PyObject *tuple = PyTuple_New(count);
    for (Py_ssize_t i = 0; tuple && i < count; i++) PyTuple_SET_ITEM(tuple, i, PyUnicode_FromString(names[i]));
    return tuple;
}

static PyMethodDef methods[] = {
    {"isas", native_isas, METH_NOARGS, "The instruction sets that this processor has loops for."},
    {"isa", native_isa, METH_NOARGS, "The instruction set in use."},
    {"use", native_use, METH_O, "Use the loops of an instruction set."},
    {"learn", native_learn, METH_O, "Take a tuple of classes for the operations of KINDS, in that order."},
    {"sweep", native_sweep, METH_VARARGS, "Run programs on the same tiles and compare their outputs with exact softmax."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_native", "Programs on tiles of rows.", -1, methods,
                                        NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__native(void) {
    find_sets();
    if (PyType_Ready(&ProgramType) < 0) return NULL;
    PyObject *module = PyModule_Create(&definition);
    if (!module) return NULL;
    PyObject *names = operation_names(), *kinds = kind_names();
    int failed = !names || !kinds || !names_learn() ||
                 PyModule_AddObjectRef(module, "Program", (PyObject *)&ProgramType) < 0 ||
                 PyModule_AddObjectRef(module, "OPERATIONS", names) < 0 ||
                 PyModule_AddObjectRef(module, "KINDS", kinds) < 0 ||
                 PyModule_AddIntConstant(module, "MOST_CARRIED", MOST_CARRIED) < 0;
    Py_XDECREF(names);
    Py_XDECREF(kinds);
    if (failed) Py_CLEAR(module);
    return module;
}
