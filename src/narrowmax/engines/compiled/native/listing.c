/* What a program is made of, as Python's tuples: for tests, and for whoever wants to see it.
 *
 * (slots, steps, numbers): a slot is (place, type, value, pinned), value the bytes of a constant or table; a step
 * (kind, instructions, words of a fold or scan), an instruction (operation, type, dst, a, b, c, d, e, imm); the numbers are
 * bytes of an element, a chunk and a row that are kept, the chunk, max_n and the slot of the output.
 */
#include "module.h"

static PyObject *list_slot(const struct Slot *s) {
    Py_ssize_t bytes = s->place == PLACE_CONSTANT ? (Py_ssize_t)type_size(s->type) : (Py_ssize_t)s->value;
    PyObject *value = s->fixed ? PyBytes_FromStringAndSize(s->fixed, bytes) : PyLong_FromLongLong(s->value);
    return value ? Py_BuildValue("(iiNi)", s->place, s->type, value, s->pinned) : NULL;
}

static PyObject *list_instruction(const struct Instruction *i) {
    return Py_BuildValue("(iiiiiiiiL)", i->operation, i->type, i->dst, i->a, i->b, i->c, i->d, i->e, (long long)i->imm);
}

/* A tuple of `count` things, each of which `item` lists. */
#define LISTED_BY(name, T, item)                                                 \
    static PyObject *name(const T *things, int count) {                          \
        PyObject *tuple = PyTuple_New(count);                                    \
        for (int i = 0; tuple && i < count; i++) {                               \
            PyObject *one = item(&things[i]);                                    \
            if (!one) Py_CLEAR(tuple);                                           \
            if (tuple) PyTuple_SET_ITEM(tuple, i, one);                          \
        }                                                                        \
        return tuple;                                                            \
    }

static PyObject *list_word(const int64_t *word) { return PyLong_FromLongLong(*word); }

LISTED_BY(list_slots, struct Slot, list_slot)
LISTED_BY(list_instructions, struct Instruction, list_instruction)
LISTED_BY(list_words, int64_t, list_word)

static PyObject *list_step(const struct Program *p, const struct Step *s) {
    PyObject *instructions = list_instructions(p->instruction + s->first, s->count), *more = list_words(s->more, s->mores);
    if (instructions && more) return Py_BuildValue("(iNN)", s->kind, instructions, more);
    Py_XDECREF(instructions);
    Py_XDECREF(more);
    return NULL;
}

static PyObject *list_steps(const struct Program *p) {
    PyObject *tuple = PyTuple_New(p->steps);
    for (int i = 0; tuple && i < p->steps; i++) {
        PyObject *one = list_step(p, &p->step[i]);
        if (!one) Py_CLEAR(tuple);
        if (tuple) PyTuple_SET_ITEM(tuple, i, one);
    }
    return tuple;
}

PyObject *program_listing(const struct Program *p) {
    PyObject *slots = list_slots(p->slot, p->slots), *steps = list_steps(p);
    if (slots && steps)
        return Py_BuildValue("(NN(nnnnni))", slots, steps, p->carried_bytes, p->chunk_bytes, p->row_bytes, p->chunk, p->max_n,
                             p->out_slot);
    Py_XDECREF(slots);
    Py_XDECREF(steps);
    return NULL;
}
