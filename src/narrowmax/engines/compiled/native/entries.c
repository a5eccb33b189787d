/* The entries of a drawing's tables: where they lie, or copied where they are Python's integers. */
#include "reading.h"

#include <string.h>

enum { MOST_ENTRIES = 1 << 16 };

static void copy_integers(struct Reading *r, struct Table *t, PyObject *const *entries) {
    int64_t *low = FRESH(&r->making, int64_t, t->count), *high = FRESH(&r->making, int64_t, t->count);
    for (int i = 0; i < t->count; i++) { /* one beyond 127 bits and a sign is one that no wire reads */
        int128 value;
        integer(r, entries[i], &value);
        low[i] = (int64_t)value, high[i] = (int64_t)((uint128)value >> 64);
    }
    t->low = low, t->high = high;
}

static void new_table(struct Reading *r, PyObject *array) {
    r->table = grown(&r->making, r->table, r->tables, &r->table_room, sizeof *r->table);
    r->view = grown(&r->making, r->view, r->views, &r->view_room, sizeof *r->view);
    struct Table *t = FRESH(&r->making, struct Table, 1);
    Py_buffer *view = FRESH(&r->making, Py_buffer, 1);
    if (PyObject_GetBuffer(array, view, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT) < 0) give_up(&r->making, RAISED);
    r->view[r->views++] = view;
    Py_ssize_t count = view->itemsize ? view->len / view->itemsize : 0;
    if (view->ndim != 1 || view->itemsize != 8 || count < 1 || count > MOST_ENTRIES || (uintptr_t)view->buf % 8)
        strange(r, "a table has a vector of 1 to 65536 integers where this has %R", array);
    t->count = (int)count;
    const char *format = view->format ? view->format : "B";
    if (!strcmp(format, "O"))
        copy_integers(r, t, view->buf);
    else if (!strcmp(format, "l") || !strcmp(format, "q"))
        t->low = view->buf;
    else
        strange(r, "a table has words of 64 bits with a sign, or Python's integers, where this has %R", array);
    r->table[r->tables++] = t;
}

const struct Table *read_table(struct Reading *r, PyObject *table) {
    PyObject *array = get(r, table, NAME_array);
    int *known = number_of(&r->known_tables, array, 0);
    if (*known < 0) {
        new_table(r, array);
        *known = r->tables - 1;
    }
    return r->table[*known];
}
