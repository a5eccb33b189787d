/* A program as Python's lists of numbers, read into flat arrays. */
#include "module.h"

static int64_t *room_for(struct Words *w, Py_ssize_t more) {
    if (w->count + more > w->room) {
        Py_ssize_t room = 2 * (w->count + more);
        int64_t *grown = PyMem_Realloc(w->word, (size_t)room * sizeof *grown);
        if (!grown) return PyErr_NoMemory(), NULL;
        w->word = grown, w->room = room;
    }
    w->count += more;
    return w->word + w->count - more;
}

/* The numbers of a sequence into `width` words, -1 in those that it does not fill. */
static int append(struct Words *w, PyObject *numbers, Py_ssize_t width) {
    PyObject *fast = PySequence_Fast(numbers, "a program is made of sequences of numbers");
    if (!fast) return 0;
    Py_ssize_t given = PySequence_Fast_GET_SIZE(fast), count = width ? width : given;
    int64_t *to = given > count ? NULL : room_for(w, count);
    for (Py_ssize_t i = 0; to && i < count; i++) {
        to[i] = i < given ? PyLong_AsLongLong(PySequence_Fast_GET_ITEM(fast, i)) : -1;
        if (to[i] == -1 && PyErr_Occurred()) to = NULL;
    }
    if (!to && !PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "a program has more numbers in a row than there are words");
    Py_DECREF(fast);
    return to != NULL;
}

static int append_each(struct Words *w, PyObject *rows, Py_ssize_t width) {
    PyObject *fast = PySequence_Fast(rows, "a program is made of sequences");
    int fine = fast != NULL;
    for (Py_ssize_t i = 0; fine && i < PySequence_Fast_GET_SIZE(fast); i++)
        fine = append(w, PySequence_Fast_GET_ITEM(fast, i), width);
    Py_XDECREF(fast);
    return fine;
}

static int append_step(struct Numbers *l, PyObject *step) {
    int kind;
    PyObject *instructions, *more;
    if (!PyTuple_Check(step)) return PyErr_SetString(PyExc_TypeError, "a program's step is a tuple"), 0;
    if (!PyArg_ParseTuple(step, "iOO", &kind, &instructions, &more)) return 0;
    Py_ssize_t before = l->instruction.count, mores = l->more.count;
    if (!append_each(&l->instruction, instructions, INSTRUCTION_WORDS)) return 0;
    if (more != Py_None && !append(&l->more, more, 0)) return 0;
    int64_t *to = room_for(&l->step, STEP_WORDS);
    if (!to) return 0;
    to[0] = kind, to[1] = (l->instruction.count - before) / INSTRUCTION_WORDS, to[2] = l->more.count - mores;
    return 1;
}

int lists_read(struct Numbers *l, PyObject *slots, PyObject *steps, PyObject *meta) {
    int fine = append_each(&l->slot, slots, SLOT_WORDS) && append(&l->meta, meta, META_WORDS);
    for (Py_ssize_t i = 0; fine && i < PyList_GET_SIZE(steps); i++) fine = append_step(l, PyList_GET_ITEM(steps, i));
    return fine;
}

struct ProgramText lists_text(const struct Numbers *l, const void *const *table) {
    return (struct ProgramText){l->slot.word, l->instruction.word, l->step.word, l->more.word, l->meta.word,
                                l->slot.count / SLOT_WORDS, l->instruction.count / INSTRUCTION_WORDS,
                                l->step.count / STEP_WORDS, l->more.count, table};
}

void lists_free(struct Numbers *l) {
    PyMem_Free(l->slot.word);
    PyMem_Free(l->instruction.word);
    PyMem_Free(l->step.word);
    PyMem_Free(l->more.word);
    PyMem_Free(l->meta.word);
}
