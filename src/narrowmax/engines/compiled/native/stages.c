/* In which order nodes are computed, and in which stage. */
#include "lowering.h"

/* After what it needs: in the stage of that, or the next one where it is slower. */
static void place(struct Lowering *l, struct Node *n) {
    int stage = 0, whole = n->is.kind == TOGETHER;
    for (int i = 0; i < n->is.count; i++) {
        const struct Node *a = n->is.args[i];
        if (a->stage >= stage) stage = a->stage + (a->rate < n->rate && !is_constant(a));
    }
    n->stage = stage += whole;
    for (int i = 0; i < n->is.count && !l->inside; i++) { /* values that outlive their step */
        struct Node *a = n->is.args[i];
        if (a->rate == OF_ELEMENTS && (whole || a->stage != stage)) a->carried = 1;
    }
}

struct Waiting {
    struct Node **node;
    int count, room;
};

static void wait_for(struct Lowering *l, struct Waiting *w, struct Node *n) {
    w->node = grown(l->making, w->node, w->count, &w->room, sizeof *w->node);
    w->node[w->count++] = n;
}

/* Puts what a node still needs on top of it; 0: nothing. */
static int needs_more(struct Lowering *l, struct Waiting *w, const struct Node *n) {
    int before = w->count;
    for (int i = 0; i < n->is.count; i++)
        if (n->is.args[i]->stage < 0) wait_for(l, w, n->is.args[i]);
    return w->count > before;
}

void stage(struct Lowering *l, const struct Roots *roots) {
    struct Waiting w = {0};
    for (int i = roots->count - 1; i >= 0; i--) wait_for(l, &w, roots->node[i]);
    while (w.count) {
        struct Node *n = w.node[w.count - 1];
        if (n->stage < 0) {
            if (needs_more(l, &w, n)) continue;
            place(l, n);
            l->node = grown(l->making, l->node, l->count, &l->room, sizeof *l->node);
            l->node[l->count++] = n;
        }
        w.count--;
    }
}
