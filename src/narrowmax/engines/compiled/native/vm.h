/* Running a program on one tile of rows, lane per row: element i of row r lies at i * rows + r. */
#ifndef NARROWMAX_VM_H
#define NARROWMAX_VM_H

#include "kernels.h"
#include "types.h"

struct Program;   /* what lower.c made of a datapath; program.h */
struct Workspace; /* memory for one thread; grows as needed, belongs to no program */

struct Tile {
    ptrdiff_t rows, n;
    const void *x;           /* codes, of program_x_type */
    int falling;             /* whether no row's codes rise, so that its first is its largest */
    const uint8_t *present;  /* 1 where an element takes part, laid out alike; NULL: everywhere */
    const uint16_t *weight;  /* how many equal elements each stands for, laid out alike; NULL: one */
    const char *ahead, *ahead_end; /* memory that will be read next, brought nearer meanwhile; or NULL */
    char *written, *written_end;   /* memory that will be written next, likewise */
    void *out;               /* codes, of program_out_type: rows * n in the tile's layout, or rows */
};

enum Fault { FINE, NO_MEMORY, LEFT_RANGE };

/* Runs the program; absent elements and rows with nothing present come out as absent_code.
 * LEFT_RANGE: a present value left a range that was asserted; *wire then is its number. */
int vm_run(const struct Program *, struct Workspace *, const struct Kernels *, const struct Tile *, int *wire);

int program_x_type(const struct Program *);
int program_out_type(const struct Program *);
int program_out_is_row(const struct Program *);

struct Workspace *workspace_new(void);
void workspace_free(struct Workspace *);

#endif
