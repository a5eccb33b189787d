"""Folds whose body is drawn, and scans: run as a whole, with a small program of their own for each step."""

from __future__ import annotations

from narrowmax.datapath import Argument, Fold
from narrowmax.engines.compiled.assembler import BOUND, CARRIED, CAST, CHUNK, FOLD, ROW, SCAN, Step
from narrowmax.engines.compiled.graph import OF_CHUNKS, OF_ELEMENTS, OF_ROWS, Flag, Group, Node
from narrowmax.engines.compiled.types import BYTES, UNSIGNED, type_of


def together(lowering, node: Node, step: Step) -> None:
    """One result of a group, which is emitted with the first of them."""
    group = node.op.group
    if group not in lowering.groups:
        lowering.groups.add(group)
        _emit(lowering, group, node.stage)
    node.type = group.types[node.op.position]
    node.slot = group.slots[node.op.when, node.op.position]


def _emit(lowering, group: Group, stage: int) -> None:
    """The step of a fold or scan; native/vm_fold.c says what it is given."""
    out, fold, k = lowering.out, isinstance(group.step, Fold), len(group.results)
    group.types = [type_of(*group.ranges[j]) for j in range(k)]
    body, results, arguments, flag = _body(lowering, group)
    fed = [_fed(lowering, a, group.ranges[(0 if fold else k) + j]) for j, a in enumerate(group.inputs)]
    flags = -1 if group.flags is None else lowering.value(group.flags, 1, lowering.at_its_rate(group.flags))
    group.slots = {
        key: out.slot(ROW if n.rate is OF_ROWS else CHUNK, group.types[key[1]]) for key, n in group.outputs.items()
    }
    if fold:
        to = CHUNK if group.step.to is OF_CHUNKS else ROW  # a result is left somewhere, wanted or not
        left = [group.slots.get(("after", j)) or out.slot(to, group.types[j]) for j in range(k)]
        more = [*_order(group.step), k, flags, flag, *fed, *left, *arguments, *results]
    else:
        start = [out.constant(s, BYTES[t]) for s, t in zip(group.step.start, group.types, strict=True)]
        views = [group.slots.get((when, j), -1) for when in ("before", "at", "after") for j in range(k)]
        more = [k, len(fed), flags, flag, *start, *fed, *views, *arguments, *results]
    lowering.steps[stage, -len(lowering.groups)] = Step(FOLD if fold else SCAN, body.instructions, more)


def _order(fold: Fold) -> list[int]:
    rates = {OF_ELEMENTS: CARRIED, OF_CHUNKS: CHUNK, OF_ROWS: ROW}
    return [int(fold.order == "tree"), fold.ways, rates[fold.inputs[0].rate], rates[fold.to]]


def _fed(lowering, node: Node, ends: tuple[int, int]) -> int:
    """What goes into a fold or scan, kept for the whole tile in the type of its argument."""
    width = BYTES[type_of(*ends)]
    if BYTES[node.type] == width:
        return node.slot
    target = lowering.out.slot(CARRIED if node.rate is OF_ELEMENTS else CHUNK, UNSIGNED[width])
    return lowering.out.emit(lowering.at_its_rate(node), CAST[width], node.type, target, node.slot)


def _body(lowering, group: Group):
    """A body's step, the slots of its results, of its arguments, of its flag (-1: it has none)."""
    inside = lowering.inner(group)
    step = inside.at_start()
    slots, flag = [-1] * len(group.ranges), -1
    for node in inside.nodes:
        if isinstance(node.op, Argument):
            slots[node.op.position] = inside.bound(node, step)
        elif isinstance(node.op, Flag):
            flag = inside.bound(node, step)
    out = lowering.out
    arguments = [s if s >= 0 else out.slot(BOUND, type_of(*r)) for s, r in zip(slots, group.ranges, strict=True)]
    inside.run()
    results = [out.slot(BOUND, t) for t in group.types]
    for node, kind, result in zip(group.results, group.types, results, strict=True):
        out.emit(step, CAST[BYTES[kind]], kind, result, inside.value(node, BYTES[kind], step))
    return step, results, arguments, flag
