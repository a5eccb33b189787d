"""The traps of experiments with softmax, and what it takes to call one a finding.

Observers of a framework put counts into a `Ledger`; whether counts are evidence, and in which words,
is decided here alone.  A clean network gives no finding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

HALF_LARGEST = 65504.0
"""The largest number of fp16."""
_TIED = 1e-3  # share of rows with a tie at the top, from which on a top-1 figure depends on how ties break
_BEYOND = 0.5  # share of rounded values that are too large to have a fraction, from which on rounding does nothing
_ROWS = 4  # of probabilities, from which on they are no accident
_NAMED = 4  # parameters that are named, of those without a gradient


@dataclass(frozen=True)
class Finding:
    """One trap in one place.

    trap: a name of `TRAPS`; where: the layer, as the network names it; evidence: what was counted, a
    sentence with its figures; remedy: what to do
    """

    trap: str
    where: str
    evidence: str
    remedy: str


@dataclass(frozen=True)
class Trap:
    """meaning: what goes wrong, a sentence; evidence: counts -> a sentence, or None where they prove nothing"""

    meaning: str
    remedy: str
    evidence: Callable[[dict], str | None]


class Ledger:
    """Counts by trap, place and function.  Those whose name begins with `most_` are maxima, the others sums."""

    def __init__(self):
        self._counts: dict[tuple[str, str, str], dict] = {}

    def add(self, trap: str, where: str, **counts: float | str) -> None:
        """Counts of one occurrence; words are kept as they came first."""
        kept = self._counts.setdefault((trap, where, counts.get("function", "")), {})
        for name, value in counts.items():
            if isinstance(value, str):
                kept.setdefault(name, value)
            elif name.startswith("most_"):
                kept[name] = max(kept.get(name, value), value)
            else:
                kept[name] = kept.get(name, 0) + value

    def places(self, trap: str) -> list[tuple[str, str]]:
        """`(where, function)` where counts of `trap` were made, evidence or not."""
        return [key[1:] for key in self._counts if key[0] == trap]

    def findings(self) -> list[Finding]:
        """What the counts prove, in the order of `TRAPS`."""
        found = []
        for name, trap in TRAPS.items():
            for (own, where, _), counts in self._counts.items():
                if own == name and (evidence := trap.evidence(counts)) is not None:
                    found.append(Finding(name, where, evidence, trap.remedy))
        return found


def as_dicts(findings: list[Finding]) -> list[dict]:
    """`findings` of `narrowmax doctor --json`."""
    return [asdict(one) for one in findings]


def named(names: list[str]) -> str:
    """A few of `names`, and how many more."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.3g} %"


def _no_effect(counts: dict) -> str | None:
    """values: nonzero, that reached a rounding; beyond: of them, too large for a fraction; changed: by the rounding"""
    if not counts["values"] or counts["beyond"] < _BEYOND * counts["values"]:
        return None
    values, bits = counts["values"], counts["most_bits"]
    return (
        f"{_share(counts['beyond'], values)} of the {values} values that reach {counts['function']} are 2**{bits - 1} "
        f"or more, where {counts['dtype']}, which has {bits} bits, has no fraction left to round; it changed "
        f"{_share(counts['changed'], values)} of them"
    )


def _blocked(counts: dict) -> str | None:
    """arrived: gradients other than 0 that came back to a rounding, which hands on none; frozen: parameters"""
    frozen = counts.get("frozen")
    if not frozen:  # gradients go around it: x - floor(x), x + round(x) - x.detach()
        return None
    if not counts["arrived"]:
        return f"no gradient reaches {frozen}, and the derivative of {counts['function']} is 0"
    back = f"{counts['arrived']} gradients came back to {counts['function']}, whose derivative is 0 everywhere"
    return f"{back}; no gradient reaches {frozen}"


def _twice(counts: dict) -> str | None:
    """rows: of calls of a softmax whose every row is not negative and has a sum of 1"""
    if counts["rows"] < _ROWS:
        return None
    return (
        f"{counts['rows']} rows that reach {counts['function']}, all of a call, are probabilities already: "
        "no element is negative and each row's sum is 1"
    )


def _not_probabilities(counts: dict) -> str | None:
    """rows: that reached a loss on (log-)probabilities; others: of them, whose probabilities do not sum to 1"""
    if 2 * counts["others"] <= counts["rows"]:
        return None
    return (
        f"{counts['others']} of {counts['rows']} rows that reach {counts['function']} are no {counts['wanted']}: "
        f"their sums are as far from 1 as {counts['most_off']:.3g}"
    )


def _mask_lost(counts: dict) -> str | None:
    """masked: cells of a mask that reached a quantiser; shown: of them, those that came out as scores"""
    if not counts["shown"]:
        return None
    return (
        f"{counts['shown']} of {counts['masked']} masked cells came out of {counts['function']} as scores of "
        f"{counts['most_score']:.6g} or less, so they take part in the softmax"
    )


def _overflow(counts: dict) -> str | None:
    """over: values beyond fp16; most_size: the largest"""
    if not counts["over"]:
        return None
    if counts.get("function"):
        return f"{counts['over']} values of {counts['function']} came out infinite or NaN in fp16 from finite inputs"
    return (
        f"{counts['over']} inputs of the softmax are larger than fp16 can hold: up to {counts['most_size']:.6g}, and "
        f"fp16 ends at {HALF_LARGEST:.0f}"
    )


def _not_finite(counts: dict) -> str | None:
    """bad: NaN or infinite inputs of a softmax that no mask explains"""
    return f"{counts['bad']} inputs of the softmax are NaN or infinite" if counts["bad"] else None


def _tied(counts: dict) -> str | None:
    """rows; tied: of them, whose two largest are equal"""
    if not counts["rows"] or counts["tied"] < _TIED * counts["rows"]:
        return None
    return (
        f"in {counts['tied']} of {counts['rows']} rows ({_share(counts['tied'], counts['rows'])}) the two largest are "
        "equal, so top-1 depends on which of equals is taken"
    )


def _stuck(counts: dict) -> str:
    """said: a sentence"""
    return counts["said"]


def _unseen(counts: dict) -> str:
    """calls; function: how it was made; or said: a sentence"""
    if "said" in counts:
        return counts["said"]
    times = "once" if counts["calls"] == 1 else f"{counts['calls']} times"
    return f"{counts['function']} ran {times}, and neither measure nor replace can see it"


TRAPS = {
    "rounding-without-effect": Trap(
        "Rounding to more decimals than the number type has bits does nothing.",
        "round to fewer decimals (float32 has about 7 digits in all), or quantise with a format such as Q5.10",
        _no_effect,
    ),
    "rounding-blocks-gradient": Trap(
        "The derivative of rounding is 0, so nothing before it is trained.",
        "let the gradient straight through: narrowmax.torch.Quantize, narrowmax.keras.Quantize, or "
        "nm.replace(network, design); casting to fp16 has a gradient of its own",
        _blocked,
    ),
    "softmax-twice": Trap(
        "A softmax is taken of probabilities, which flattens them and weakens the gradient.",
        "hand the logits to the loss, which has a softmax of its own (F.cross_entropy, from_logits=True), or take the "
        "softmax out of the network",
        _twice,
    ),
    "logits-for-probabilities": Trap(
        "A loss on probabilities is given something else.",
        "give F.nll_loss the output of log_softmax, or use F.cross_entropy; in Keras say from_logits=True for logits",
        _not_probabilities,
    ),
    "quantised-after-mask": Trap(
        "A quantiser clips the mask, so masked cells become scores.",
        "quantise the scores first and mask afterwards, or use nm.replace, which keeps masked cells masked",
        _mask_lost,
    ),
    "fp16-overflow": Trap(
        "Values beyond 65504 are infinite in fp16.",
        "use bf16, scale the scores down before the product, or keep the softmax's input in float32",
        _overflow,
    ),
    "not-finite": Trap(
        "NaN or infinity reaches a softmax.",
        "look for a division by 0, a log of 0, an overflow or a learning rate that is too high in the layers before it",
        _not_finite,
    ),
    "ties": Trap(
        "Equal largest elements make top-1 depend on how ties are broken.",
        "count a tie that a wrong class could win as wrong, as narrowmax does, or give the input more bits",
        _tied,
    ),
    "does-not-learn": Trap(
        "Training changes nothing, or nothing was learnt.",
        "see that the optimiser has the parameters, that they get a gradient, and that the loss is that of the labels",
        _stuck,
    ),
    "softmax-unseen": Trap(
        "A softmax that is written out, or runs inside TorchScript, cannot be measured or replaced.",
        "call torch.softmax (keras.ops.softmax), or put narrowmax's Softmax layer there",
        _unseen,
    ),
}
