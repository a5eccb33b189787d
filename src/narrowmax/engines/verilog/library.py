"""The modules that every unit shares: the buffer and the dividers."""

from __future__ import annotations

from narrowmax.datapath import literal
from narrowmax.engines.verilog.text import declare, module

_FIFO = """// A first-in first-out buffer that shows its oldest word.  A writer reserves a place first (ready
// says that there is one) and pushes any number of cycles later, in order.
module {name} #(
  parameter int WIDTH = 8,
  parameter int DEPTH = 2
) (
  input  logic             aclk,
  input  logic             aresetn,
  input  logic             reserve,
  output logic             ready,
  input  logic             push,
  input  logic [WIDTH-1:0] push_data,
  output logic             valid,
  output logic [WIDTH-1:0] data,
  input  logic             pop
);
  localparam int AW = (DEPTH > 1) ? $clog2(DEPTH) : 1;
  localparam int CW = $clog2(DEPTH + 1);
  localparam logic [AW-1:0] LAST = AW'(DEPTH - 1);

  logic [WIDTH-1:0] memory [0:DEPTH-1];
  logic [AW-1:0] write_at;
  logic [AW-1:0] read_at;
  logic [CW-1:0] count;
  logic [CW-1:0] places;
  logic [CW-1:0] places_next;
  logic move;

  assign move = (count != CW'(0)) && (!valid || pop);
  assign places_next = places + CW'(move) - CW'(reserve);

  always_ff @(posedge aclk) begin
    if (!aresetn) begin
      write_at <= AW'(0);
      read_at <= AW'(0);
      count <= CW'(0);
      places <= CW'(DEPTH);
      ready <= 1'b0;
      valid <= 1'b0;
    end else begin
      if (push) write_at <= (write_at == LAST) ? AW'(0) : write_at + AW'(1);
      if (move) read_at <= (read_at == LAST) ? AW'(0) : read_at + AW'(1);
      count <= count + CW'(push) - CW'(move);
      places <= places_next;
      ready <= places_next != CW'(0);
      valid <= move || (valid && !pop);
    end
  end

  always_ff @(posedge aclk) begin
    if (push) memory[write_at] <= push_data;
    if (move) data <= memory[read_at];
  end
endmodule
"""


def fifo(name: str) -> str:
    """The buffer, as a module of that name."""
    return _FIFO.replace("{name}", name, 1)


def divider_cycles(quotient_bits: int, steps: int) -> int:
    """Cycles from operands to quotient, one register after every `steps` quotient bits."""
    return -(-quotient_bits // steps)


def divider(name: str, a: int, b: int, q: int, by_zero: int, steps: int, sequential: bool) -> str:
    """floor(a / b), restoring, for a quotient that fits `q` bits; `by_zero` where b is 0.

    Pipelined: one division may begin every cycle.  Sequential: one every `divider_cycles`, begun
    by `start`; the quotient stands for the one cycle in which it is done.
    """
    ports = [
        "input  logic aclk",
        *(["input  logic start"] if sequential else []),
        declare("input  logic", "numerator", a),
        declare("input  logic", "divisor", b),
        declare("output logic", "quotient", q),
    ]
    cycles = divider_cycles(q, steps)
    body = _sequential(a, b, q, by_zero, steps, cycles) if sequential else _pipelined(a, b, q, by_zero, steps, cycles)
    way = "one at a time" if sequential else "one every cycle"
    return module(name, f"Restoring division, {cycles} cycles, {way}; {by_zero} where the divisor is 0.", ports, body)


def _first_remainder(a: int, b: int, q: int) -> str:
    """The numerator's bits above the quotient: less than the divisor, since the quotient fits."""
    if a <= q:
        return f"{b}'d0"
    have = a - q
    top = f"numerator[{a - 1}:{q}]" if have > 1 else f"numerator[{q}]"
    if have == b:
        return top
    return f"{{{b - have}'d0, {top}}}" if have < b else f"numerator[{q + b - 1}:{q}]"


def _low_numerator(a: int, q: int) -> str:
    if a >= q:
        return "numerator" if a == q else f"numerator[{q - 1}:0]" if q > 1 else "numerator[0]"
    return f"{{{q - a}'d0, numerator}}"


def _steps(lines: list[str], names: tuple[str, str, str], count: int, b: int, q: int, tag: str) -> tuple[str, str]:
    """`count` restoring steps; the quotient grows from the right into the numerator's place."""
    rest, word, divisor = names
    for s in range(count):
        k = f"{tag}_{s}"
        lines += [
            f"{declare('logic', f'trial_{k}', b + 1)};",
            f"{declare('logic', f'less_{k}', b + 1)};",
            f"{declare('logic', f'fits_{k}', 1)};",
            f"{declare('logic', f'rest_{k}', b)};",
            f"{declare('logic', f'word_{k}', q)};",
            f"assign trial_{k} = {{{rest}, {word}{f'[{q - 1}]' if q > 1 else ''}}};",
            f"assign fits_{k} = trial_{k} >= {{1'b0, {divisor}}};",
            f"assign less_{k} = trial_{k} - {{1'b0, {divisor}}};",
            f"assign rest_{k} = fits_{k} ? {_low(f'less_{k}', b)} : {_low(f'trial_{k}', b)};",
            f"assign word_{k} = {f'{{{_low(word, q - 1)}, fits_{k}}}' if q > 1 else f'fits_{k}'};",
            f"logic unused_{k};",
            f"assign unused_{k} = &{{1'b0, less_{k}[{b}], trial_{k}[{b}]}};",
        ]
        rest, word = f"rest_{k}", f"word_{k}"
    return rest, word


def _low(name: str, width: int) -> str:
    return f"{name}[{width - 1}:0]" if width > 1 else f"{name}[0]"


def _pipelined(a, b, q, by_zero, steps, cycles) -> list[str]:
    lines = [
        f"{declare('logic', 'rest_in', b)};",
        f"{declare('logic', 'word_in', q)};",
        "logic zero_in;",
        f"assign rest_in = {_first_remainder(a, b, q)};",
        f"assign word_in = {_low_numerator(a, q)};",
        f"assign zero_in = divisor == {b}'d0;",
        *_spare(a, b, q),
    ]
    clocked = []
    rest, word, by, zero = "rest_in", "word_in", "divisor", "zero_in"
    for c in range(cycles):
        rest, word = _steps(lines, (rest, word, by), min(steps, q - c * steps), b, q, f"{c}")
        last = c == cycles - 1
        held = [("word_q", q, word)] if last else [("rest_q", b, rest), ("word_q", q, word), ("by_q", b, by)]
        for name, width, value in [*held, ("zero_q", 1, zero)]:
            lines.append(f"{declare('logic', f'{name}{c}', width)};")
            clocked.append(f"{name}{c} <= {value};")
        if last:
            lines += [f"logic unused_rest_{c};", f"assign unused_rest_{c} = &{{1'b0, {rest}}};"]
        rest, word, by, zero = f"rest_q{c}", f"word_q{c}", f"by_q{c}", f"zero_q{c}"
    return [
        *lines,
        f"assign quotient = {zero} ? {literal(by_zero, q)} : {word};",
        "always_ff @(posedge aclk) begin",
        *(f"  {c}" for c in clocked),
        "end",
    ]


def _sequential(a, b, q, by_zero, steps, cycles) -> list[str]:
    """The same steps on one set of registers; a partial last round is not allowed, so steps divide."""
    lines = [
        f"{declare('logic', 'rest_in', b)};",
        f"{declare('logic', 'word_in', q)};",
        f"{declare('logic', 'by_in', b)};",
        f"{declare('logic', 'rest_q', b)};",
        f"{declare('logic', 'word_q', q)};",
        f"{declare('logic', 'by_q', b)};",
        "logic zero_q;",
        f"assign rest_in = start ? {_first_remainder(a, b, q)} : rest_q;",
        f"assign word_in = start ? {_low_numerator(a, q)} : word_q;",
        "assign by_in = start ? divisor : by_q;",
        *_spare(a, b, q),
    ]
    rest, word = _steps(lines, ("rest_in", "word_in", "by_in"), steps, b, q, "0")
    return [
        *lines,
        f"assign quotient = zero_q ? {literal(by_zero, q)} : word_q;",
        "always_ff @(posedge aclk) begin",
        f"  rest_q <= {rest};",
        f"  word_q <= {word};",
        "  by_q <= by_in;",
        f"  if (start) zero_q <= divisor == {b}'d0;",
        "end",
    ]


def _spare(a: int, b: int, q: int) -> list[str]:
    """Numerator bits above what a quotient of q bits can come from: zero wherever the divisor is not."""
    if a - q <= b:
        return []
    return ["logic unused_numerator;", f"assign unused_numerator = &{{1'b0, numerator[{a - 1}:{q + b}]}};"]
