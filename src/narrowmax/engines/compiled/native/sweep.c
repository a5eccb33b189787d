/* Many programs over the same tiles, and what their outputs are worth beside exact softmax. */
#include "module.h"

#include "machine.h"

enum { MOST_ENTRIES = 1 << 24, MOST_ROWS = 1 << 30 };
enum { GROUP = 1 << 14 }; /* elements that all programs see before the next: they stay in the second cache */

/* The arrays of a call, in the order in which sweep.py gives them. */
enum Array {
    X, PRESENT, P, IF_ZERO, TAIL_P, TAIL_IF_ZERO, TAIL_MOST,        /* of tiles */
    COUNT, LEAST, GREATEST, FIRST, MEMBERS, LENGTHS,                /* of lists; the last: entries of each tile */
    LABEL, WINNER, RIVALS, PRESENT_COUNT, ENTROPY, HIDDEN, FLOAT_RIGHT, NUMBER, /* of rows */
    SCALES, ZERO_CODES, FAULTS, TOTALS, VERDICTS,                   /* of programs; the last three are written */
    ARRAYS
};
enum { TOTAL_NUMBERS = 13 };

struct Sweep {
    Py_ssize_t programs, rows, tiles, n;
    unsigned metrics;
    int falling;
    double floor;
    const struct Kernels *kernels;
    ProgramObject **program;
    Py_buffer view[ARRAYS];
    struct Totals *totals;
    void *out;
};

static const void *tile_of(const struct Sweep *s, int array, Py_ssize_t tile, Py_ssize_t bytes) {
    return s->view[array].obj ? (const char *)s->view[array].buf + tile * bytes : NULL;
}

static struct Known known_of(const struct Sweep *s, Py_ssize_t t) {
    return (struct Known){
        .label = tile_of(s, LABEL, t, 4 * WIDE),
        .winner = tile_of(s, WINNER, t, 4 * WIDE),
        .rivals = tile_of(s, RIVALS, t, 4 * WIDE),
        .present = tile_of(s, PRESENT_COUNT, t, 4 * WIDE),
        .negative_entropy = tile_of(s, ENTROPY, t, 8 * WIDE),
        .hidden = tile_of(s, HIDDEN, t, 8 * WIDE),
        .float_right = tile_of(s, FLOAT_RIGHT, t, WIDE),
        .number = tile_of(s, NUMBER, t, 8 * WIDE),
        .floor = s->floor,
    };
}

/* The entries of a tile: n, or fewer in lists. */
static Py_ssize_t length_of(const struct Sweep *s, Py_ssize_t t) {
    return s->view[LENGTHS].obj ? ((const int32_t *)s->view[LENGTHS].buf)[t] : s->n;
}

static Py_ssize_t steps_of(const struct Sweep *s) { return (s->n + STEP - 1) / STEP + 1; }

static void judge(const struct Sweep *s, Py_ssize_t d, Py_ssize_t t) {
    Py_ssize_t cells = s->n * WIDE, tails = steps_of(s) * WIDE;
    const struct Exact exact = {tile_of(s, P, t, 4 * cells), tile_of(s, IF_ZERO, t, 4 * cells),
                                tile_of(s, TAIL_P, t, 4 * tails), tile_of(s, TAIL_IF_ZERO, t, 4 * tails),
                                tile_of(s, TAIL_MOST, t, 4 * tails)};
    const struct Lists lists = {tile_of(s, COUNT, t, 2 * cells), tile_of(s, LEAST, t, 4 * cells),
                                tile_of(s, GREATEST, t, 4 * cells), tile_of(s, MEMBERS, 0, 0),
                                tile_of(s, FIRST, t, 4 * cells)};
    const struct Judged judged = {
        .type = s->program[d]->program->out_type,
        .zero = ((const int32_t *)s->view[ZERO_CODES].buf)[d],
        .scale = ((const double *)s->view[SCALES].buf)[d],
        .n = length_of(s, t),
        .codes = s->out,
        .exact = &exact,
        .lists = lists.count ? &lists : NULL,
    };
    const struct Known known = known_of(s, t);
    const struct MetricKernels *metrics = s->kernels->metrics;
    struct Verdict own, *verdict = &own;
    if (s->view[VERDICTS].obj) verdict = (struct Verdict *)s->view[VERDICTS].buf + d * s->tiles + t;
    struct Tally tally;
    Py_ssize_t rows = s->rows - t * WIDE;
    metrics->measure(&judged, s->metrics, &tally);
    metrics->conclude(&judged, &known, &tally, s->metrics, verdict);
    metrics->add(verdict, &known, s->metrics, rows < WIDE ? (int)rows : WIDE, &s->totals[d]);
}

static int one_tile(const struct Sweep *s, struct Workspace *w, Py_ssize_t d, Py_ssize_t t) {
    const struct Program *program = s->program[d]->program;
    Py_ssize_t cells = s->n * WIDE;
    const struct Tile tile = {
        .rows = WIDE,
        .n = length_of(s, t),
        .x = tile_of(s, X, t, cells * (Py_ssize_t)type_size(program->x_type)),
        .falling = s->falling,
        .present = tile_of(s, PRESENT, t, cells),
        .weight = tile_of(s, COUNT, t, 2 * cells),
        .out = s->out,
    };
    int wire, fault = vm_run(program, w, s->kernels, &tile, &wire);
    if (fault == FINE) judge(s, d, t);
    return fault;
}

/* All tiles, GROUP elements at a time; a program that failed once rests. */
static void sweep(const struct Sweep *s, struct Workspace *w) {
    int32_t *faults = s->view[FAULTS].buf;
    Py_ssize_t group = GROUP / (s->n * WIDE) + 1;
    for (Py_ssize_t from = 0; from < s->tiles; from += group)
        for (Py_ssize_t d = 0; d < s->programs; d++)
            for (Py_ssize_t t = from; t < s->tiles && t < from + group && faults[d] == FINE; t++)
                faults[d] = one_tile(s, w, d, t);
}

/* In the order of sweep.py: counts, largest and where, sums. */
static void summed(const struct Totals *all, double *out) {
    double numbers[TOTAL_NUMBERS] = {(double)all->agree, (double)all->tied, (double)all->right, (double)all->lost,
                                     (double)all->won,   (double)all->zeros, -1};
    for (int l = 0; l < WIDE; l++) {
        if (all->max_error[l] > numbers[6] || (all->max_error[l] == numbers[6] && all->worst[l] < numbers[7])) {
            numbers[6] = all->max_error[l];
            numbers[7] = (double)all->worst[l];
        }
        numbers[8] += all->sum_error[l];
        numbers[9] += all->kl[l];
        numbers[10] += all->nll[l];
        numbers[11] += all->row_sum_error[l];
        if (all->most_row_sum_error[l] > numbers[12]) numbers[12] = all->most_row_sum_error[l];
    }
    memcpy(out, numbers, sizeof numbers);
}

/* -- what Python gives -------------------------------------------------------------------------- */

/* The bytes that each array must have at least; `code` is the size of an input code. */
static void sizes_of(const struct Sweep *s, Py_ssize_t code, Py_ssize_t *bytes) {
    Py_ssize_t lanes = s->tiles * WIDE, cells = lanes * s->n, tails = lanes * steps_of(s), d = s->programs;
    const Py_ssize_t sizes[ARRAYS] = {
        code * cells, cells,     4 * cells, 4 * cells, 4 * tails, 4 * tails, 4 * tails, 2 * cells,
        4 * cells,    4 * cells, 4 * cells, 0,         4 * s->tiles, 4 * lanes, 4 * lanes, 4 * lanes,
        4 * lanes,    8 * lanes, 8 * lanes, lanes,     8 * lanes,  8 * d,     4 * d,     4 * d,
        8 * TOTAL_NUMBERS * d, s->tiles * d * (Py_ssize_t)sizeof(struct Verdict)};
    memcpy(bytes, sizes, sizeof sizes);
}

static int may_be_none(const struct Sweep *s, int array) {
    int exact = array >= P && array <= TAIL_MOST, listed = array >= COUNT && array <= LENGTHS;
    if (listed) return !s->view[COUNT].obj;
    if (exact) return !(s->metrics & (ERRORS | KL));
    return array == PRESENT || array == LABEL || array == VERDICTS;
}

static int take_arrays(struct Sweep *s, PyObject *arrays, Py_ssize_t code) {
    Py_ssize_t bytes[ARRAYS];
    sizes_of(s, code, bytes);
    if (PyTuple_GET_SIZE(arrays) != ARRAYS) return PyErr_SetString(PyExc_ValueError, "some arrays are missing"), 0;
    for (int a = 0; a < ARRAYS; a++) {
        PyObject *array = PyTuple_GET_ITEM(arrays, a);
        if (array == Py_None && may_be_none(s, a)) continue;
        int flags = PyBUF_C_CONTIGUOUS | (a >= FAULTS ? PyBUF_WRITABLE : 0);
        if (PyObject_GetBuffer(array, &s->view[a], flags) < 0) return 0;
        if (s->view[a].len < bytes[a])
            return PyErr_Format(PyExc_ValueError, "array %d holds %zd bytes of %zd", a, s->view[a].len, bytes[a]), 0;
        if ((uintptr_t)s->view[a].buf % 8)
            return PyErr_Format(PyExc_ValueError, "array %d begins within a word", a), 0;
    }
    return 1;
}

/* Whether an array of 32-bit integers, where there is one, holds none but least..most. */
static int is_within(const struct Sweep *s, int array, Py_ssize_t count, int64_t least, int64_t most) {
    const int32_t *found = s->view[array].buf;
    int beyond = 0;
    for (Py_ssize_t i = 0; i < count && s->view[array].obj; i++) beyond |= (found[i] < least) | (found[i] > most);
    return !beyond;
}

/* Whether every entry's members are there. */
static int has_members(const struct Sweep *s) {
    const uint32_t *first = s->view[FIRST].buf;
    const uint16_t *count = s->view[COUNT].buf;
    uint64_t members = (uint64_t)s->view[MEMBERS].len / sizeof(float), most = 0;
    for (Py_ssize_t i = 0; i < s->tiles * s->n * WIDE && s->view[COUNT].obj; i++) {
        uint64_t end = (uint64_t)first[i] + count[i];
        most = most > end ? most : end;
    }
    return !s->view[COUNT].obj || most <= members;
}

/* Refuses places that are nowhere, and programs that read what is not given. */
static int take_places(const struct Sweep *s) {
    Py_ssize_t lanes = s->tiles * WIDE;
    int given = is_within(s, LENGTHS, s->tiles, 1, s->n) && is_within(s, LABEL, lanes, INT32_MIN, s->n - 1) &&
                is_within(s, WINNER, lanes, INT32_MIN, s->n - 1) && has_members(s);
    for (Py_ssize_t d = 0; d < s->programs; d++) {
        const struct Program *p = s->program[d]->program;
        given &= s->view[PRESENT].obj || !program_reads(p, PLACE_PRESENT);
        given &= s->view[COUNT].obj || !program_reads(p, PLACE_WEIGHT);
    }
    if (!given) PyErr_SetString(PyExc_ValueError, "an array names a place that is none, or one that a program reads is missing");
    return given;
}

/* The programs, which read codes of one type, and give one code of at most 32 bits for each element. */
static int take_programs(struct Sweep *s, PyObject *programs) {
    s->program = (ProgramObject **)PySequence_Fast_ITEMS(programs);
    for (Py_ssize_t d = 0; d < s->programs; d++) {
        if (!Py_IS_TYPE(s->program[d], &ProgramType) || !s->program[d]->program)
            return PyErr_SetString(PyExc_TypeError, "a program is missing"), 0;
        const struct Program *p = s->program[d]->program, *first = s->program[0]->program;
        if (p->x_type != first->x_type || p->out_is_row || type_size(p->out_type) > 4 || s->n > p->max_n)
            return PyErr_SetString(PyExc_ValueError, "a program does not fit the sweep"), 0;
    }
    return 1;
}

static int run_sweep(struct Sweep *s) {
    struct Workspace *w = workspace_take();
    if (!w) return 0;
    s->out = workspace_memory(w, 2, (size_t)(s->n * WIDE) * 4);
    s->totals = PyMem_Calloc((size_t)s->programs, sizeof *s->totals);
    int fine = s->out && s->totals;
    for (Py_ssize_t d = 0; fine && d < s->programs; d++)
        for (int l = 0; l < WIDE; l++) s->totals[d].worst[l] = INT64_MAX;
    if (fine) {
        Py_BEGIN_ALLOW_THREADS
        sweep(s, w);
        for (Py_ssize_t d = 0; d < s->programs; d++)
            summed(&s->totals[d], (double *)s->view[TOTALS].buf + d * TOTAL_NUMBERS);
        Py_END_ALLOW_THREADS
    } else {
        PyErr_NoMemory();
    }
    PyMem_Free(s->totals);
    workspace_give(w);
    return fine;
}

PyObject *native_sweep(PyObject *self, PyObject *args) {
    struct Sweep s = {.kernels = kernels_in_use()};
    PyObject *programs, *arrays;
    (void)self;
    if (!PyArg_ParseTuple(args, "O!O!nnIdp", &PyTuple_Type, &programs, &PyTuple_Type, &arrays, &s.rows, &s.n,
                          &s.metrics, &s.floor, &s.falling))
        return NULL;
    s.programs = PyTuple_GET_SIZE(programs);
    if (s.programs < 1 || s.rows < 1 || s.n < 1 || s.n > MOST_ENTRIES || s.rows > MOST_ROWS)
        return PyErr_SetString(PyExc_ValueError, "no programs, no rows, or too many of them, or too long"), NULL;
    s.tiles = (s.rows + WIDE - 1) / WIDE;
    if (s.metrics & (KL | NLL)) s.metrics |= SUMS;
    int fine = take_programs(&s, programs) &&
               take_arrays(&s, arrays, (Py_ssize_t)type_size(s.program[0]->program->x_type)) && take_places(&s) &&
               run_sweep(&s);
    for (int a = 0; a < ARRAYS; a++) PyBuffer_Release(&s.view[a]);
    if (!fine) return NULL;
    Py_RETURN_NONE;
}
