"""If and Loop with a softmax inside: run here, the graphs inside them as plans of their own."""

from __future__ import annotations

import numpy as np

from narrowmax.errors import DataError
from narrowmax.models.onnx.steps import Values, array_of, ort_value


class IfStep:
    """An If node; `branches` maps "then_branch" and "else_branch" to (graph, plan)."""

    def __init__(self, node, branches: dict):
        self._condition, self.outputs, self._branches = node.input[0], list(node.output), branches
        self.reads = {self._condition}.union(*(plan.reads for _, plan in branches.values()))

    def run(self, values: Values, offer, threads: int | None) -> None:
        """Run the branch that the condition chooses."""
        taken = "then_branch" if values[self._condition].numpy().item() else "else_branch"
        _, plan = self._branches[taken]
        found = plan.run({name: values[name] for name in plan.reads}, offer, threads)
        values.update({out: found[name] for out, name in zip(self.outputs, plan.outputs, strict=True) if out})


class LoopStep:
    """A Loop node: `graph` is its body, `plan` what runs it."""

    def __init__(self, node, graph, plan):
        self._most, self._condition, *self._start = (*node.input, *[""] * (2 - len(node.input)))
        self.outputs, self._plan = list(node.output), plan
        self._counter, self._going, *self._carried = (value.name for value in graph.input)
        captured = plan.reads - {value.name for value in graph.input}
        self._captured = captured
        self.reads = {name for name in (self._most, self._condition, *self._start) if name} | captured

    def run(self, values: Values, offer, threads: int | None) -> None:
        """Run the body until its condition is false or the most iterations are done."""
        most = values[self._most].numpy().item() if self._most else None
        going = values[self._condition].numpy().item() if self._condition else True
        carried, scanned, done = [values[name] for name in self._start], [], 0
        while going and (most is None or done < most):
            found = self._once(values, carried, done, going, offer, threads)
            going, carried = found[0].numpy().item(), found[1 : 1 + len(carried)]
            scanned.append([array_of(value) for value in found[1 + len(carried) :]])
            done += 1
        stacked = self._stacked(scanned, len(self.outputs) - len(carried))
        values.update({name: value for name, value in zip(self.outputs, [*carried, *stacked], strict=True) if name})

    def _once(self, values: Values, carried: list, done: int, going: bool, offer, threads: int | None) -> list:
        inside = {name: values[name] for name in self._captured}
        inside |= {self._counter: ort_value(np.array(done)), self._going: ort_value(np.array(going))}
        inside |= dict(zip(self._carried, carried, strict=True))
        found = self._plan.run(inside, offer, threads)
        return [found[name] for name in self._plan.outputs]

    def _stacked(self, scanned: list[list[np.ndarray]], many: int) -> list:
        if many and not scanned:
            raise DataError(
                f"the loop that makes {self.outputs[-1]!r} ran not once, so its output has no shape; look at its inputs"
            )
        return [ort_value(np.stack(column)) for column in zip(*scanned, strict=True)] if many else []
