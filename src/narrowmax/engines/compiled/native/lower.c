/* The program of a drawing, from its graph. */
#include "finish.h"
#include "lowering.h"

enum { FEW_CASTS = 32 };

struct Lowering *lowering_new(struct Assembler *out, struct Graph *g, const struct FlatKernels *loops, int inside,
                              const struct Roots *roots) {
    struct Lowering *l = FRESH(out->making, struct Lowering, 1);
    l->making = out->making, l->casts = memo_for(out->making, FEW_CASTS), l->out = out, l->loops = loops, l->inside = inside;
    if (!inside) finish(g, roots);
    collapse(g, roots, loops);
    stage(l, roots);
    return l;
}

/* The slot of the output, in its place also where nothing was computed into that: of a source or a constant. */
static int output_slot(struct Lowering *l, struct Node *output, int of_rows) {
    int place = of_rows ? PLACE_ROW_OUTPUT : PLACE_OUTPUT;
    if (output->slot >= 0 && l->out->program->slot[output->slot].place == place) return output->slot;
    struct Draft *step = step_at(l, output->stage, of_rows ? ROW_STEP : ELEMENTS);
    int type = output->type, operand = value_of(l, output, type_size(type), step);
    return emit(l, step, cast_to(type_size(type)), type, new_slot(l->out, place, type), operand, -1, -1, 0);
}

static void describe(struct Program *p, const struct Drawing *d, int output, int given) {
    p->chunk = d->chunk, p->max_n = d->max_n;
    p->x_type = given;
    p->out_slot = output, p->out_type = p->slot[output].type;
    p->out_is_row = p->slot[output].place == PLACE_ROW_OUTPUT;
}

void lower(struct Making *m, const struct Drawing *d, struct Program *p, const struct FlatKernels *loops) {
    struct Graph *g = graph_new(m);
    struct Node *output = translate(g, d);
    struct Assembler *out = assembler_new(m, p);
    struct Roots roots = roots_of(g, &output, 1);
    int given = type_of(d->codes.lo, d->codes.hi);
    new_slot(out, PLACE_INPUT, given); /* so that a program that never looks at x says what it is given all the same */
    struct Lowering *l = lowering_new(out, g, loops, 0, &roots);
    l->wanted = output;
    lower_all(l);
    int slot = output_slot(l, output, d->of_rows);
    out->draft = l->step, out->drafts = l->steps;
    assemble(out);
    describe(p, d, slot, given);
    if (type_of(d->codes.lo, d->codes.hi) > I64 || p->out_type > I64) give_up(m, TOO_WIDE); /* rows are of 64 bits at most */
}
