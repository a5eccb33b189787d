"""Where a drawing adds exponentials up: what enters the sum, the sum itself, what leads from it to the output."""

from __future__ import annotations

from dataclasses import dataclass

from narrowmax.datapath import Argument, Datapath, FoldOutput, Linear, Rate, ScanOutput, Source, Wire
from narrowmax.datapath.operations import Constant, Known, Maximum, Minimum, Select
from narrowmax.engines.exactly import Meaning
from narrowmax.errors import DesignError


class Unclear(DesignError):
    """A drawing in which something was not found."""


@dataclass(frozen=True, eq=False)
class Number:
    """Wires that stand for one real number, and how; some may be constants."""

    wires: tuple[Wire, ...]
    scale: object

    @property
    def moving(self) -> tuple[Wire, ...]:
        return tuple(w for w in self.wires if not isinstance(w.op, Constant))

    def value(self, held: dict):
        return self.scale.value(*(w.op.value if isinstance(w.op, Constant) else held[w] for w in self.wires))

    def by(self, others: dict[Wire, Wire]) -> Number:
        """The same number on other wires."""
        return Number(tuple(others.get(w, w) for w in self.wires), self.scale)


def entering(datapath: Datapath) -> Number:
    """What is added up.  Raises Unclear where nothing is."""
    first = _first(datapath)
    fold = first.op.fold
    if _is_gathering(fold):
        return _taken(first, datapath.wires).by({first: fold.inputs[0].args[1]})
    arguments = [w for w in fold.body.wires if isinstance(w.op, Argument) and w.op.position < len(fold.inputs)]
    inputs = {a: fold.inputs[a.op.position] for a in arguments}
    return _taken(fold.body.arguments[0], fold.body.wires).by(inputs)


def _taken(wire: Wire, wires) -> Number:
    """The number that a wire is, or a part of, to the block that reads it."""
    meaning = Meaning(wires)
    for block in filter(None, map(meaning.block, wires)):
        if block.scales and wire in block.arguments:
            place = 0
            for scale in block.scales:
                number = Number(block.arguments[place : place + scale.wires], scale)
                if wire in number.wires:
                    return number
                place += scale.wires
    return Number((wire,), Linear(wire.point))


def _first(datapath: Datapath) -> Wire:
    found = next((w for w in datapath.wires if _adds(w)), None)
    if found is None:
        raise Unclear("no sum of elements is in the drawing")
    return found


def _adds(wire: Wire) -> bool:
    """Whether elements are added up here: any fold of elements but a largest or smallest one, of all."""
    if not isinstance(wire.op, FoldOutput) or wire.op.fold.inputs[0].rate is not Rate.ELEMENT:
        return False
    return wire.op.fold.body.primitive not in (Maximum, Minimum) or _is_gathering(wire.op.fold)


def _is_gathering(fold) -> bool:
    """Whether it is the element at one place of a chunk, so that sums of places follow: all others are 0 here."""
    item = fold.inputs[0]
    if fold.body.primitive is not Maximum or not isinstance(item.op, Select):
        return False
    place, _, other = item.args
    return other.op == Constant(0) and _sources(place) == {"position"}


def _sources(wire: Wire) -> set[str]:
    if isinstance(wire.op, Source):
        return {wire.op.kind}
    return set().union(*map(_sources, wire.args))


def sum_of(datapath: Datapath) -> Number:
    """The sum as it leads to the output: on one wire of a row, or on as many as what enters it.

    Raises Unclear where it does not.
    """
    first = _first(datapath)
    fold, added = first.op.fold, entering(datapath)
    if len(fold.inputs) == len(added.wires) > 1:
        outputs = {w.op.position: w for w in datapath.wires if isinstance(w.op, FoldOutput) and w.op.fold is fold}
        return Number(tuple(outputs[k] for k in range(len(added.wires))), added.scale)
    return _taken(_one_wire(datapath, first), datapath.wires)


def _one_wire(datapath: Datapath, first: Wire) -> Wire:
    """The one wire of a row through which what is added first reaches the output."""
    below = behind(datapath, (first,)) | {first}
    last_use = {a: w for w in datapath.wires for a in w.args if a in below}  # operands come first
    waiting: set[Wire] = set()  # wires that are used later on
    for wire in datapath.wires:
        if wire not in below:
            continue
        waiting = {w for w in waiting if last_use[w].index > wire.index}
        if wire.rate is Rate.ROW and not waiting:
            return _asserted(datapath, wire)
        if wire in last_use:
            waiting.add(wire)
    raise Unclear("the sum does not reach the output through one wire")


def _asserted(datapath: Datapath, wire: Wire) -> Wire:
    """The wire, or what is known of it, if that alone is used."""
    users = [w for w in datapath.wires if wire in w.args]
    return _asserted(datapath, users[0]) if len(users) == 1 and isinstance(users[0].op, Known) else wire


def behind(datapath: Datapath, wires: tuple[Wire, ...]) -> set[Wire]:
    """The wires that depend on some."""
    found: set[Wire] = set()
    for wire in datapath.wires:
        if any(a in wires or a in found for a in wire.args):
            found.add(wire)
    return found


def to_the_output(datapath: Datapath, sum: tuple[Wire, ...]) -> tuple[set[Wire], Wire]:
    """What leads from the sum to the output, and the one wire of an element that enters there.

    Where several enter, what they are made of belongs to it too, back to one that all are made of.
    """
    meaning, inside = Meaning(datapath.wires), behind(datapath, sum)
    while True:
        inside |= {w for b in map(meaning.block, tuple(inside)) if b is not None for w in meaning.members(b)}
        users = [*inside, *(b for b in map(meaning.block, inside) if b is not None)]
        used = {a for u in users for a in (u.args if isinstance(u, Wire) else u.arguments)}
        entering = {a for a in used - inside - set(sum) if not isinstance(a.op, Constant)}
        if len(entering) == 1:
            return inside, entering.pop()
        last = max(entering, key=lambda w: w.index, default=None)
        if last is None:
            raise Unclear("nothing of an element enters it beside the sum, as all exponentials are the same")
        if not last.args or isinstance(last.op, (FoldOutput, ScanOutput)):
            names = ", ".join(sorted(datapath.names[w] for w in entering))
            raise Unclear(f"{names} enter it beside the sum, which no wire of an element stands for")
        inside.add(last)
