"""A small unit that keeps the rules of the streams: each element negated (a masked one gives 0), behind a
queue of four beats.  What hardware asks of a unit stands here, apart from the Verilog engine."""

from types import SimpleNamespace

from narrowmax.datapath import draw
from narrowmax.engines.verilog.ports import Ports
from narrowmax.formats import parse
from narrowmax.hardware import Subject

WIDTH = 7  # of the codes, -64..63, in one byte; results are -63..64, 8 bits

_CODE = """\
// One code negated, or 0 where it is masked.
module negate_code (
  input  logic       present,
  input  logic [6:0] code,      // two's complement
  output logic [7:0] negated    // two's complement
);
  assign negated = present ? 8'd0 - {code[6], code} : 8'd0;
endmodule
"""

_TOP = """\
// Negates every element of a row.
module negate (
  input  logic        aclk,
  input  logic        aresetn,
  input  logic        s_axis_tvalid,
  output logic        s_axis_tready,
  input  logic [{high}:0] s_axis_tdata,
  input  logic [{top}:0] s_axis_tkeep,
  input  logic        s_axis_tlast,
  input  logic [{top}:0] s_axis_tuser,
  output logic        m_axis_tvalid,
  input  logic        m_axis_tready,
  output logic [{high}:0] m_axis_tdata,
  output logic [{top}:0] m_axis_tkeep,
  output logic        m_axis_tlast,
  output logic        row_too_long
);
  logic        accept;
  logic        deliver;
  logic        kept;       // this beat holds elements of the row
  logic        over;       // this beat holds elements beyond max_n
  logic        closing;    // this beat is the last that is kept
  logic [15:0] position;   // of lane 0 in the row
  logic [{high}:0] negated;
  logic [{top}:0] held;
  logic [{entry}:0] queue [0:3];
  logic [1:0]  head;
  logic [1:0]  tail;
  logic [2:0]  waiting;
  logic        awake;      // low in reset, so that no beat is lost
{lanes_text}
  logic        unused;
  assign unused = ^s_axis_tdata;
  assign accept = s_axis_tvalid & s_axis_tready;
  assign deliver = m_axis_tvalid & m_axis_tready;
  assign kept = position < 16'd{max_n};
  assign over = |(s_axis_tkeep & ~held);
  assign closing = s_axis_tlast | (position + 16'd{lanes} >= 16'd{max_n});
  assign s_axis_tready = awake & (waiting < 3'd4);
  assign m_axis_tvalid = waiting != 3'd0;
  assign {{m_axis_tlast, m_axis_tkeep, m_axis_tdata}} = queue[head];
  always_ff @(posedge aclk) begin
    awake <= aresetn;
    if (accept & kept) begin
      queue[tail] <= {{closing, s_axis_tkeep & held, negated}};
    end
    if (!aresetn) begin
      head <= 2'd0;
      tail <= 2'd0;
      waiting <= 3'd0;
      position <= 16'd0;
      row_too_long <= 1'b0;
    end else begin
      if (accept) begin
        position <= s_axis_tlast ? 16'd0 : kept ? position + 16'd{lanes} : position;
        row_too_long <= row_too_long | over;
      end
      if (accept & kept) begin
        tail <= tail + 2'd1;
      end
      if (deliver) begin
        head <= head + 2'd1;
      end
      waiting <= waiting + {{2'd0, accept & kept}} - {{2'd0, deliver}};
    end
  end
endmodule
"""

_LANE = """\
  assign held[{lane}] = position + 16'd{lane} < 16'd{max_n};
  negate_code lane_{lane} (
    .present(s_axis_tuser[{lane}]),
    .code(s_axis_tdata[{code_high}:{low}]),
    .negated(negated[{high}:{low}])
  );"""


def _evaluate(present, code):
    return (-code if present else 0,)


def negate_unit(lanes=2, max_n=10, replace=()):
    """The unit; `replace` holds pairs (old, new) that change its Verilog, each found at least once."""
    lane_text = "\n".join(
        _LANE.format(lane=i, max_n=max_n, low=8 * i, high=8 * i + 7, code_high=8 * i + 6) for i in range(lanes)
    )
    top = _TOP.format(
        high=8 * lanes - 1, top=lanes - 1, entry=9 * lanes, lanes=lanes, max_n=max_n, lanes_text=lane_text
    )
    files = {"negate_code.v": _CODE, "negate.v": top}
    for old, new in replace:
        assert any(old in text for text in files.values()), old
        files = {name: text.replace(old, new) for name, text in files.items()}
    block = SimpleNamespace(
        name="negate_code", inputs=(("present", 1, 0, 1), ("code", 7, -64, 63)),
        outputs=(("negated", 8, -63, 64),), latency=0, evaluate=_evaluate,
    )  # fmt: skip
    return SimpleNamespace(
        top="negate", files=files, lanes=lanes, max_n=max_n, in_bits=WIDTH, out_bits=8, in_signed=True,
        out_signed=True, in_bytes=1, out_bytes=1, ports=Ports(WIDTH, 8, lanes), output_rate="element", chunk=1,
        latency_cycles=1, initiation_interval=-(-max_n // lanes), modules=(block,),
        probes=tuple(
            SimpleNamespace(wire="negated", signal=f"lane_{i}.negated", valid=("accept",), lane=i, rate="element")
            for i in range(lanes)
        ),
    )  # fmt: skip


def negate(lanes=2, max_n=10, replace=()):
    """The unit with the datapath that says what it computes."""
    datapath = draw(lambda row: (0 - row.x).named("negated"), parse("Q7.0"), parse("Q8.0"), max_n, absent_code=0)
    return Subject(negate_unit(lanes, max_n, replace), datapath, 10.0)
