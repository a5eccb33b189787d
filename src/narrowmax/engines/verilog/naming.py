"""Names in Verilog: the architecture's wherever they are free, never a keyword, never one name twice."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping

from narrowmax.errors import DesignError

# IEEE 1800-2017, annex B, with what tools keep for themselves: bool and wreal (Icarus), std (Verilator)
KEYWORDS = frozenset(
    """
    accept_on alias always always_comb always_ff always_latch and assert assign assume automatic before begin bind
    bins binsof bit break buf bufif0 bufif1 byte case casex casez cell chandle checker class clocking cmos config
    const constraint context continue cover covergroup coverpoint cross deassign default defparam design disable
    dist do edge else end endcase endchecker endclass endclocking endconfig endfunction endgenerate endgroup
    endinterface endmodule endpackage endprimitive endprogram endproperty endspecify endsequence endtable endtask
    enum event eventually expect export extends extern final first_match for force foreach forever fork forkjoin
    function generate genvar global highz0 highz1 if iff ifnone ignore_bins illegal_bins implements implies import
    incdir include initial inout input inside instance int integer interconnect interface intersect join join_any
    join_none large let liblist library local localparam logic longint macromodule matches medium modport module
    nand negedge nettype new nexttime nmos nor noshowcancelled not notif0 notif1 null or output package packed
    parameter pmos posedge primitive priority program property protected pull0 pull1 pulldown pullup
    pulsestyle_ondetect pulsestyle_onevent pure rand randc randcase randsequence rcmos real realtime ref reg
    reject_on release repeat restrict return rnmos rpmos rtran rtranif0 rtranif1 s_always s_eventually s_nexttime
    s_until s_until_with scalared sequence shortint shortreal showcancelled signed small soft solve specify
    specparam static string strong strong0 strong1 struct super supply0 supply1 sync_accept_on sync_reject_on
    table tagged task this throughout time timeprecision timeunit tran tranif0 tranif1 tri tri0 tri1 triand trior
    trireg type typedef union unique unique0 unsigned until until_with untyped use uwire var vectored virtual void
    wait wait_order wand weak weak0 weak1 while wildcard wire with within wor xnor xor bool std wreal
    """.split()
)

LONGEST = 64  # characters of a unit's name: modules append to it, and a file has the name of its module

# What the writer appends to a name: a lane, a cycle, a part of a fold, an instance.
_TAIL = re.compile(
    r"_(\d+|[cpvy]\d+|acc\d+|(state|before|at|step)\d*|q|in|out|push|here|old|stepper|body|table|divide|block)$"
)


def require_name(name: str) -> None:
    """Raise DesignError for what cannot name a unit: its top module, and what the names of the others begin with."""
    legal = isinstance(name, str) and re.fullmatch(rf"[A-Za-z_][A-Za-z0-9_]{{0,{LONGEST - 1}}}", name)
    if not legal or name in KEYWORDS or name == "TOP" or name.startswith("narrowmax_"):
        raise DesignError(
            f"the name is {name!r}; give a letter or _ and then letters, digits and _, at most {LONGEST}, such as "
            "softmax, no keyword of SystemVerilog, not TOP, which Verilator has, and no narrowmax_ at its beginning"
        )


def require_unused(name: str, text: str) -> None:
    """Raise DesignError where the top module, whose text that is, has a port or a signal of its own name."""
    if len(re.findall(rf"\b{name}\b", re.sub("//.*", "", text))) > 1:
        raise DesignError(
            f"the name is {name!r}, which a port or a signal of the unit has; give another, such as softmax"
        )


def distinct(wanted: Mapping[Hashable, str], reserved: Iterable[str] = ()) -> dict[Hashable, str]:
    """A name for each key, the wanted one where it can be had, else with underscores at its end.

    It can be had if it is neither a keyword nor taken, and if nothing that the writer appends to
    another name (one of `reserved` included) could make it.
    """
    taken, given = set(reserved), {}
    stems = taken | set(wanted.values())
    for key, name in wanted.items():
        while name in KEYWORDS or name in taken or stems.intersection(_shorter(name)):
            name += "_"
        taken.add(name)
        given[key] = name
    return given


def _shorter(name: str) -> Iterable[str]:
    """What is left when appended parts are taken off, one after the other."""
    while found := _TAIL.search(name):
        name = name[: found.start()]
        yield name


def word(text: str) -> str:
    """Any text as a part of a name."""
    return re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_") or "unnamed"
