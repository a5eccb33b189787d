/* Programs as Python objects. */
#include "module.h"

/* -- making one --------------------------------------------------------------------------------- */

static int program_init(PyObject *object, PyObject *args, PyObject *named) {
    ProgramObject *self = (ProgramObject *)object;
    if (self->program) return PyErr_SetString(PyExc_TypeError, "a program is made once"), -1;
    if (named && PyDict_GET_SIZE(named)) return PyErr_SetString(PyExc_TypeError, "a program takes no names"), -1;
    struct Program *made = program_of(args);
    if (made && self->program) { /* by what the drawing's objects did meanwhile */
        program_free(made);
        return PyErr_SetString(PyExc_TypeError, "a program is made once"), -1;
    }
    self->program = made;
    return made ? 0 : -1;
}

static void program_dealloc(PyObject *object) {
    program_free(((ProgramObject *)object)->program);
    Py_TYPE(object)->tp_free(object);
}

/* -- running one -------------------------------------------------------------------------------- */

static int quantiser_from(PyObject *words, struct Quantiser *q) {
    int bits, fraction_bits, is_signed, rounding, overflow;
    if (!PyTuple_Check(words)) return PyErr_SetString(PyExc_TypeError, "a quantiser is a tuple of five integers"), 0;
    if (!PyArg_ParseTuple(words, "iiiii", &bits, &fraction_bits, &is_signed, &rounding, &overflow)) return 0;
    if (quantiser_set(q, bits, fraction_bits, is_signed, rounding, overflow)) return 1;
    PyErr_SetString(PyExc_ValueError, "no loop quantises to this format");
    return 0;
}

/* Whether a program was made: Python can make the object alone. */
static int is_made(const ProgramObject *self) {
    if (!self->program) PyErr_SetString(PyExc_ValueError, "this program was never made");
    return self->program != NULL;
}

static int begins_at(const Py_buffer *view, size_t bytes) { return (uintptr_t)view->buf % bytes == 0; }

/* Refuses what a program reads beside codes, and is not given; and words that lie across their places. */
static int is_given(const struct Drive *d, const Py_buffer *in, const Py_buffer *present, const Py_buffer *out) {
    if (program_reads(d->program, PLACE_WEIGHT) || (program_reads(d->program, PLACE_PRESENT) && !present->obj))
        PyErr_SetString(PyExc_ValueError, "this program reads what elements are present, or how often they stand");
    else if (!begins_at(in, kind_size(d->in_kind)) || !begins_at(out, kind_size(d->out_kind)))
        PyErr_SetString(PyExc_ValueError, "the arrays do not begin where their words may");
    else
        return 1;
    return 0;
}

/* Refuses arrays that are too small for the rows asked for. */
static int fits(const struct Drive *d, const Py_buffer *in, const Py_buffer *present, const Py_buffer *out, Py_ssize_t first,
                Py_ssize_t last) {
    Py_ssize_t cells = 0, bytes = 0; /* 8 for each: no kind of value is longer */
    int much = __builtin_mul_overflow(last, d->n, &cells) || __builtin_mul_overflow(cells, 8, &bytes);
    Py_ssize_t results = d->program->out_is_row ? last : cells;
    if (much || first < 0 || last < first || d->n < 1 || d->n > d->program->max_n || d->in_kind < 0 || d->in_kind >= KINDS || d->out_kind < 0 ||
        d->out_kind >= KINDS || in->len < cells * (Py_ssize_t)kind_size(d->in_kind) ||
        out->len < results * (Py_ssize_t)kind_size(d->out_kind) || (present->obj && present->len < cells) ||
        (!d->quantiser && d->in_kind != KIND_I64)) {
        PyErr_SetString(PyExc_ValueError, "the arrays do not hold the rows asked for");
        return 0;
    }
    return 1;
}

static PyObject *driven(ProgramObject *self, struct Drive *d, Py_ssize_t first, Py_ssize_t last) {
    struct Workspace *w = workspace_take();
    struct Outcome found;
    if (!w) return NULL;
    d->program = self->program;
    d->kernels = kernels_in_use();
    Py_BEGIN_ALLOW_THREADS
    found = drive(d, w, first, last);
    Py_END_ALLOW_THREADS
    workspace_give(w);
    if (found.fault == NO_MEMORY) return PyErr_NoMemory();
    return Py_BuildValue("(iii)", found.fault, found.found, found.exact);
}

static PyObject *program_run(PyObject *object, PyObject *args) {
    ProgramObject *self = (ProgramObject *)object;
    PyObject *in, *words, *present, *out, *answer = NULL;
    Py_buffer view[3] = {{0}};
    Py_ssize_t first, last;
    struct Quantiser q;
    struct Drive d = {.program = self->program};
    if (!is_made(self)) return NULL;
    if (!PyArg_ParseTuple(args, "OiOOOiinnn", &in, &d.in_kind, &words, &present, &out, &d.out_kind, &d.fraction_bits, &d.n,
                          &first, &last))
        return NULL;
    if (words != Py_None) {
        if (!quantiser_from(words, &q)) return NULL;
        d.quantiser = &q;
    }
    if (PyObject_GetBuffer(in, &view[0], PyBUF_C_CONTIGUOUS) == 0 &&
        (present == Py_None || PyObject_GetBuffer(present, &view[1], PyBUF_C_CONTIGUOUS) == 0) &&
        PyObject_GetBuffer(out, &view[2], PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE) == 0 &&
        fits(&d, &view[0], &view[1], &view[2], first, last) && is_given(&d, &view[0], &view[1], &view[2])) {
        d.in = view[0].buf, d.present = view[1].buf, d.out = view[2].buf;
        answer = driven(self, &d, first, last);
    }
    for (int i = 0; i < 3; i++) PyBuffer_Release(&view[i]);
    return answer;
}

static PyObject *program_types(PyObject *object, void *nothing) {
    const struct Program *p = ((ProgramObject *)object)->program;
    (void)nothing;
    if (!is_made((ProgramObject *)object)) return NULL;
    return Py_BuildValue("(iii)", p->x_type, p->out_type, p->out_is_row);
}

static PyObject *program_list(PyObject *object, void *nothing) {
    (void)nothing;
    return is_made((ProgramObject *)object) ? program_listing(((ProgramObject *)object)->program) : NULL;
}

static PyMethodDef methods[] = {
    {"run", program_run, METH_VARARGS,
     "run(in, in_kind, quantiser, present, out, out_kind, fraction_bits, n, first, last) -> (fault, found, exact)"},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef properties[] = {
    {"types", program_types, NULL, "(type of input codes, type of output codes, whether a row has one)", NULL},
    {"listing", program_list, NULL, "(slots, steps, numbers): what the program is made of; see listing.c", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyTypeObject ProgramType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "narrowmax.engines.compiled._native.Program",
    .tp_basicsize = sizeof(ProgramObject),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = "Program(datapath, variant, lowest, highest): what runs on tiles of rows.\n\n"
              "variant: 0 full, 1 masked, 2 listed; lowest, highest: input codes.\n"
              "Raises OverflowError for a value beyond 127 bits and a sign, ValueError for what is no drawing.",
    .tp_new = PyType_GenericNew,
    .tp_init = program_init,
    .tp_dealloc = program_dealloc,
    .tp_methods = methods,
    .tp_getset = properties,
};
