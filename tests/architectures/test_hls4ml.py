"""hls4ml's softmax against hls4ml's own C++, bit for bit: every table entry, and rows of 1 to 128 elements.

Quick: 10**6 elements for each of five sets of types and 10**5 by pairs on the fastest engine, 10**4 and 10**3
on the definition.
Long: every set, 10**6 elements each, all lengths to 128, and sets of types drawn at random.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache, partial
from random import Random

import mpmath
import numpy as np
import pytest
from tests.architectures.hls4ml_cpp import DEFAULTS, Compiled, chosen, width
from tests.architectures.rows import adversarial
from tests.engines.every_engine import ENGINES, first_difference

from narrowmax.architectures.hls4ml_parts import exponentials
from narrowmax.designs import design
from narrowmax.engines import array, compiled, interpret
from narrowmax.errors import DesignError
from narrowmax.formats import parse
from narrowmax.hardware import subjects, verify

LENGTHS = (1, 2, 3, 5, 6, 7, 10, 17, 33, 100, 128)
FEW = (1, 2, 7, 100)
EIGHT = dict.fromkeys(("input", "exp", "sum", "divisor", "reciprocal", "output"), "ap_fixed<8,3>")
SIXTEEN = dict.fromkeys(EIGHT, "ap_fixed<16,6>")
SIZES = {"exp_size": "128", "reciprocal_size": "256"}  # what hls4ml makes of 1,024 behind an input of 8 bits
LEGACY = {"implementation": "legacy"}

# What differs from hls4ml's defaults, in its own words; what it derives (a difference's type, sizes) is written out
# here and left out in the design.
CASES = {
    "defaults": {},
    "all_16_6": SIXTEEN,  # the sum wraps at 32, and is negative then
    "all_8_3": EIGHT | SIZES | {"difference": "ap_ufixed<7,2>"},
    "unsigned_tables": {
        "exp": "ap_ufixed<12,1,AP_RND,AP_SAT>", "sum": "ap_ufixed<16,7,AP_TRN,AP_SAT>",
        "divisor": "ap_ufixed<10,6,AP_TRN,AP_SAT>", "reciprocal": "ap_ufixed<10,1,AP_RND_CONV,AP_SAT>",
        "output": "ap_ufixed<8,0,AP_RND,AP_SAT>",
    },
    "rounded_and_saturated": {
        "input": "ap_ufixed<8,4>", "difference": "ap_ufixed<8,4>", "exp_size": "256", "reciprocal_size": "256",
        "exp": "ap_fixed<12,2,AP_RND_CONV,AP_SAT>", "sum": "ap_fixed<9,5,AP_RND_INF,AP_SAT>",
        "divisor": "ap_fixed<8,6,AP_RND_CONV,AP_SAT>", "reciprocal": "ap_fixed<12,1,AP_TRN_ZERO,AP_SAT>",
        "output": "ap_fixed<9,1,AP_RND_INF,AP_WRAP>",
    },
    # exp(0) = 1 wraps to -1, so that saturation at every node of the tree shows
    "negative_exponentials": {
        "exp": "ap_fixed<10,1,AP_RND,AP_WRAP>", "sum": "ap_fixed<9,3,AP_RND,AP_SAT>", "output": "ap_fixed<16,8>",
    },
    "latency": {"implementation": "latency"},
    "latency_8_3": EIGHT | {"implementation": "latency", "exp_size": "256", "reciprocal_size": "256"},
    "legacy": LEGACY,
    "legacy_8_3": LEGACY | {"input": "ap_fixed<8,3>", "exp_size": "256", "reciprocal_size": "256",
                            "table": "ap_fixed<14,6,AP_RND,AP_SAT>", "output": "ap_fixed<10,3,AP_RND,AP_SAT>"},
}  # fmt: skip
DERIVED = {"difference", "exp_size", "reciprocal_size"}

# What hls4ml does not derive: a front end (HGQ2) or a person writes it.
GIVEN = {
    "difference_of_its_own": {
        "difference": "ap_ufixed<9,6,AP_RND,AP_SAT>", "scale": "0.37", "exp_size": "512", "reciprocal_size": "64",
    },
    "signed_difference": {
        "difference": "ap_fixed<14,7,AP_TRN,AP_WRAP>", "scale": "3.0", "exp_size": "16384",
        "exp": "ap_ufixed<24,1,AP_RND,AP_SAT>", "reciprocal_size": "4096",
    },
    "infinite_exponentials": {
        "implementation": "latency", "input": "ap_fixed<12,9>", "exp_size": "4096", "scale": "1.5",
        "exp": "ap_fixed<20,9,AP_TRN,AP_WRAP>", "reciprocal_size": "2",
    },
    "saturated_exponentials": {
        "implementation": "latency", "input": "ap_fixed<12,9>", "exp_size": "4096",
        "exp": "ap_fixed<31,9,AP_RND,AP_SAT>", "sum": "ap_fixed<31,9,AP_RND,AP_SAT>", "reciprocal_size": "512",
    },
    # more fraction bits than a float32 has, so that its own rounding shows
    "fine": {"exp": "ap_ufixed<32,0,AP_RND_CONV,AP_SAT>", "sum": "ap_ufixed<32,0,AP_RND,AP_WRAP>"},
}  # fmt: skip
ALL = CASES | GIVEN
QUICK = ("defaults", "all_8_3", "unsigned_tables", "negative_exponentials", "latency", "legacy_8_3")


def described(case: dict[str, str], left_out=frozenset()):
    """The design of a case."""
    return design(f"hls4ml({', '.join(f'{k}={v}' for k, v in case.items() if k not in left_out)})")


DESIGNS = {name: described(case, DERIVED if name in CASES else ()) for name, case in ALL.items()}


@cache
def quick() -> Compiled:
    return Compiled({name: ALL[name] for name in QUICK}, {name: FEW[: 3 if "legacy" in name else 4] for name in QUICK})


@cache
def whole() -> Compiled:
    return Compiled(ALL, dict.fromkeys(ALL, LENGTHS))


def rows(found, n: int, count: int, seed: int = 0) -> np.ndarray:
    """Rows of codes (count, n), from nearly equal to as wide as the format, where differences wrap."""
    random = np.random.default_rng([seed, n])
    low, high = found.input.lowest_code, found.input.highest_code
    spread = (high - low + 1) >> random.integers(0, (high - low + 1).bit_length() - 1, (count, 1))
    codes = random.integers(low, high + 1, (count, 1)) + spread * (random.random((count, n)) - 0.5) * 1.5
    return np.clip(codes, low, high).astype(np.int64)


def agree(found, wanted, codes: np.ndarray, fastest: bool = True) -> int:
    """Compare a design with what the C++ gives for rows of codes, and say how many elements they had."""
    datapath, wanted = found.datapath(codes.shape[1]), wanted(codes)
    if fastest:
        got = (compiled.run if compiled.available() else array.run)(datapath, codes, None)
    else:
        got = np.array([interpret.run(datapath, row) for row in codes.tolist()])
    if not np.array_equal(got, wanted):
        row = int(np.argmax((got != wanted).any(axis=1)))
        raise AssertionError(f"{found}: {codes[row].tolist()} gives {got[row].tolist()}, not {wanted[row].tolist()}")
    return codes.size


def tables_agree(found, wanted: tuple[list[int], list[int]]) -> None:
    """Every entry of both tables."""
    drawn = {w.op.table.name: list(w.op.table.entries) for w in found.datapath(128).wires if hasattr(w.op, "table")}
    assert drawn == dict(zip(("exp", "reciprocal"), wanted, strict=True))


@pytest.mark.parametrize("name", QUICK)
class TestAgainstTheCode:
    def test_tables(self, name):
        if ALL[name].get("implementation") != "legacy":  # its tables are made elsewhere, and seen by all its rows
            tables_agree(DESIGNS[name], quick().tables(name))

    def test_many_rows(self, name):
        share, of = (100_000, FEW[:3]) if "legacy" in name else (1_000_000, FEW)
        counts = [-(-share // (len(of) * n)) for n in of]
        done = [agree(DESIGNS[name], partial(quick(), name), rows(DESIGNS[name], n, c)) for n, c in zip(of, counts)]
        assert sum(done) >= share

    def test_the_definition(self, name):
        count = 150 if "legacy" in name else 1430
        assert agree(DESIGNS[name], partial(quick(), name), rows(DESIGNS[name], 7, count, 1), fastest=False) >= 1_000

    def test_rows_meant_to_break(self, name):
        found = DESIGNS[name]
        for row in adversarial(found.input.lowest_code, found.input.highest_code):
            for n in FEW[:3]:
                if len(row) >= n:
                    agree(found, partial(quick(), name), np.array([row[:n], row[-n:]]))

    @pytest.mark.parametrize("file", ("repvgg_a2", "vgg16_bn"))
    def test_trained_logits(self, name, file, shared_data):
        """100 classes; by pairs the first seven."""
        logits = np.load(shared_data / "wasscal_logits" / f"logits_cifar100_{file}_pretrainedcy.npz")["logits"]
        kept = logits[:, :7] if "legacy" in name else logits[:1000]
        agree(DESIGNS[name], partial(quick(), name), DESIGNS[name].input.quantise(kept))


@pytest.mark.parametrize("name", ["all_8_3", "legacy_8_3"])
def test_all_rows_of_one_and_two_eight_bit_elements(name):
    codes = np.arange(-128, 128)
    pairs = np.stack(np.meshgrid(codes, codes), axis=-1).reshape(-1, 2)
    assert agree(DESIGNS[name], partial(quick(), name), codes[:, None]) == 256
    assert agree(DESIGNS[name], partial(quick(), name), pairs) == 2 * 65_536


@pytest.mark.long
@pytest.mark.parametrize("name", ALL)
def test_every_set_of_types(name):
    """10**6 elements each (by pairs 10**5) of 1 to 128, from the quick tests' rows on."""
    found, case = DESIGNS[name], partial(whole(), name)
    if ALL[name].get("implementation") != "legacy":
        tables_agree(found, whole().tables(name))
    share = (100_000 if "legacy" in name else 1_000_000) // len(LENGTHS)
    done = [agree(found, case, rows(found, n, -(-share // n), 2)) for n in LENGTHS]
    assert sum(done) >= share * len(LENGTHS)


@pytest.mark.long
@pytest.mark.parametrize("name", ["negative_exponentials", "legacy_8_3"])
def test_every_length_to_128(name):
    """The tree of a row of any length, with nodes that saturate on both sides; and pairs, up to 32."""
    lengths = range(1, 129 if name == "negative_exponentials" else 33)
    made = Compiled({name: ALL[name]}, {name: tuple(lengths)})
    for n in lengths:
        agree(DESIGNS[name], partial(made, name), rows(DESIGNS[name], n, 200, 3))


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2))
def test_types_drawn_at_random(seed):
    random = Random(seed)
    cases = {f"case{i}": drawn_case(random) for i in range(24)}
    made = Compiled(cases, dict.fromkeys(cases, (1, 2, 3, 7, 33)))
    for name, case in cases.items():
        for n in (1, 2, 3, 7, 33):
            agree(described(case), partial(made, name), rows(described(case), n, 4000 // n))


def drawn_case(random: Random) -> dict[str, str]:
    case = {name: drawn_type(random) for name in DEFAULTS if "ap_" in DEFAULTS[name]}
    while not 3 <= width(case["input"]) <= 14 or case["input"].split(",")[1].startswith("-"):
        case["input"] = drawn_type(random)
    case["implementation"] = random.choice(("stable", "stable", "latency", "legacy"))
    case["scale"] = random.choice(("1.0", "0.37", "2.5"))
    addressed = {"stable": width(case["difference"]), "latency": width(case["input"]), "legacy": 12}
    case["exp_size"] = str(1 << random.randint(1, min(12, addressed[case["implementation"]])))
    case["reciprocal_size"] = str(1 << random.randint(1, min(12, width(case["divisor"]))))
    return case


def drawn_type(random: Random) -> str:
    whole = random.randint(-3, 9)
    bits = max(2, whole + random.randint(0, 16))
    words = random.choice(("AP_TRN", "AP_RND", "AP_RND_CONV", "AP_RND_INF", "AP_TRN_ZERO"))
    return (
        f"ap_{random.choice(('u', ''))}fixed<{bits},{min(whole, bits)},{words},{random.choice(('AP_SAT', 'AP_WRAP'))}>"
    )


# -- what hls4ml chooses -----------------------------------------------------------------------------------------


def test_defaults_are_those_of_hls4ml():
    import hls4ml
    from hls4ml.model.layers import Activation, Softmax

    of = hls4ml.backends.get_backend("Vivado").attribute_map
    told = {a.name: a.default for a in (*of[Activation], *of[Softmax])}
    names = {
        "exp": "exp_table_t",
        "sum": "accum_t",
        "divisor": "inv_inp_t",
        "reciprocal": "inv_table_t",
        "table": "table_t",
    }
    assert {k: read(told[v]) for k, v in names.items()} == {k: design("hls4ml").parameters[k] for k in names}
    assert (told["implementation"], told["table_size"]) == ("stable", 1024)
    assert read("fixed<16,6,TRN,WRAP>") == design("hls4ml").input == design("hls4ml").output


def read(told):
    """The format that hls4ml writes as fixed<18,8,RND,SAT,0>."""
    words = str(told).removesuffix(",0>").removesuffix(">").split(",")
    return parse(f"ap_{words[0]},{words[1]},{','.join(f'AP_{w}' for w in words[2:])}>")


@pytest.mark.parametrize("implementation", ["stable", "latency", "legacy"])
@pytest.mark.parametrize(
    "input", ["ap_fixed<16,6>", "ap_fixed<8,3>", "ap_ufixed<8,3>", "ap_fixed<11,4>", "ap_fixed<5,2>"]
)
def test_sizes_and_differences_are_as_hls4ml_chooses_them(input, implementation):
    found = design(f"hls4ml(input={input}, implementation={implementation}, reciprocal=ap_ufixed<9,1>)")
    told = chosen(input, implementation, inv_table_t="ap_ufixed<9,1>")
    sizes = {w.op.table.name: str(len(w.op.table.entries)) for w in found.datapath(32).wires if hasattr(w.op, "table")}
    assert sizes == {"exp": told["exp_table_size"], "reciprocal": told["inv_table_size"]}
    if implementation == "stable":
        given = design(f"{found.text.replace('difference=auto', 'difference=' + told['inp_norm_t'])}")
        codes = rows(found, 10, 50)
        assert (array.run(given.datapath(10), codes) == array.run(found.datapath(10), codes)).all()


# -- what the page says ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["defaults", "negative_exponentials", "latency_8_3", "legacy_8_3"])
def test_engines_agree(name):
    """With absent elements, of which the C++ knows nothing; the definition checks every wire's range."""
    random, found = np.random.default_rng(4), DESIGNS[name]
    for n in (1, 2, 7):
        codes, present = rows(found, n, 20, 5), random.random((20, n)) < 0.7
        for engine in ENGINES:
            assert first_difference(engine, found.datapath(8), codes, present) is None


@pytest.mark.parametrize("name", ["defaults", "all_8_3", "latency", "legacy_8_3"])
def test_absent_elements_are_left_out(name):
    """A row of seven of which two take part is a row of two, where the order of the sum does not matter."""
    found, present = DESIGNS[name], np.array([0, 1, 0, 0, 1, 0, 0], dtype=bool)
    codes = rows(found, 7, 200, 6)
    got = array.run(found.datapath(8), codes, np.tile(present, (200, 1)))
    assert np.array_equal(got[:, present], quick()(name, codes[:, present]))
    assert not got[:, ~present].any()


def outputs(text: str, *row: float) -> list[float]:
    return design(f"hls4ml({text})")(np.array([row]))[0].tolist()


def test_a_far_loser_wins_where_its_difference_wraps():
    assert outputs("", 31.5, -0.5 + 2**-10) == [1.0, 0.0]
    assert outputs("", 31.5, -0.5) == [0.5, 0.5]
    assert outputs("difference=ap_ufixed<16,6>", 31.5, -0.5) == [1.0, 0.0]


def test_rows_sum_to_up_to_a_quarter_too_much():
    found = design("hls4ml")
    codes = np.stack([np.zeros(8192, np.int64), -np.arange(8192)], axis=1)
    sums = found.output.values(array.run(found.datapath(2), codes)).sum(axis=1)
    assert 1.24 < sums.max() <= 1.25


def test_equal_maxima_beyond_the_end_of_the_sum():
    for n, wanted in ((127, 1), (128, 1), (256, 2)):
        assert abs(sum(outputs("", *[0.0] * n)) - wanted) < 0.02
    assert chosen("ap_fixed<16,6>")["accum_t"] == "ap_fixed<16,6,TRN,WRAP,0>"  # where only the model has a precision
    assert min(outputs("sum=ap_fixed<16,6>", *[0.0] * 32)) < 0  # 32 wraps to -32


def test_latency_without_a_maximum():
    assert outputs("implementation=latency", -1.4)[0] > 30
    assert outputs("implementation=latency", 5.0, 7.0) == [1 - 2**-10] * 2


def test_legacy_where_exponentials_wrap():
    assert outputs("implementation=legacy", 0.0, -5.546875) == [1.0, 0.7265625]
    assert max(outputs("implementation=legacy", 6564 / 1024, -235 / 1024, -6784 / 1024, 2435 / 1024)) == 16
    with pytest.raises(DesignError, match="takes rows of up to 128 elements, not 129: implementation=legacy compares"):
        design("hls4ml(implementation=legacy)").datapath(129)


def test_order_holds_while_differences_fit():
    found = design("hls4ml(difference=ap_ufixed<16,6>)")
    codes = np.sort(rows(found, 17, 500, 7), axis=1)
    assert (np.diff(array.run(found.datapath(17), codes), axis=1) >= 0).all()


# -- parameters --------------------------------------------------------------------------------------------------


def test_types_are_read_as_hls_reads_them():
    found = design("hls4ml(input=ap_fixed<8,3>, exp=ap_ufixed<9,1,AP_RND>, sum=ap_fixed<9,4,AP_SAT>, output=Q1.7)")
    assert [str(found.parameters[k]) for k in ("input", "exp", "sum", "output")] == [
        "Q3.5:floor:wrap", "UQ1.8:half_up:wrap", "Q4.5:floor", "Q1.7",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("exp=ap_fixed<8,1,AP_RND_ZERO>", "AP_RND_ZERO"),
        ("sum=Q4.4:forbid", "sum is fixed point .* overflow saturate or wrap"),
        ("difference=automatic", "difference: format 'automatic' is not known"),
        ("difference=UQ40.0", "difference is fixed point .*, or auto"),
        ("exp_size=1000", "exp_size is auto or one of 2, 4, 8"),
        ("scale=0", "scale is a number from"),
        ("exp_size=65536", "difference has 15 bits, too few for the address of a table of 65,536 entries"),
        ("implementation=latency, input=Q4.4, exp_size=512", "input has 8 bits, too few"),
        ("divisor=Q4.4, reciprocal_size=1024", "divisor has 8 bits, too few"),
        ("input=Q1.0:floor:wrap", "has nothing but its sign"),
    ],
)
def test_what_cannot_be_is_refused(text, message):
    with pytest.raises(DesignError, match=message):
        design(f"hls4ml({text})")


def test_exponentials_in_float32():
    """The ends of float32, both sides of a power of two, and a float64 exponential rounded where that is safe."""
    edges = [Fraction(x) for x in (0, -104, 89, -1000, 1000)]
    assert exponentials(edges).tolist() == [1, 0, math.inf, 0, math.inf]
    assert exponentials([Fraction(-103), Fraction(-103.97)]).tolist() == [2.0**-149] * 2
    assert 2.0**127 < exponentials([Fraction(88.5)])[0] < math.inf
    arguments = [float(np.float32(k * np.log(2))) for k in range(-140, 128)]
    wanted = [np.float32(mpmath.exp(mpmath.mpf(x))) for x in arguments]
    assert exponentials([Fraction(x) for x in arguments]).tolist() == wanted


# -- Verilog -----------------------------------------------------------------------------------------------------


def test_lanes_that_cannot_keep_the_tree_are_refused():
    with pytest.raises(DesignError, match="4 lanes cannot keep the order tree of the fold sum; 8 lanes can"):
        subjects.subject(DESIGNS["negative_exponentials"].text, lanes=4, max_n=8)


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "lanes", "max_n"),
    [
        ("all_16_6", 4, 16),
        ("latency", 4, 16),
        ("negative_exponentials", 8, 8),
        ("legacy_8_3", 1, 4),
        ("legacy_8_3", 4, 4),
    ],
)
def test_verilog(name, lanes, max_n):
    record = verify(subjects.subject(DESIGNS[name].text, lanes=lanes, max_n=max_n), elements=100_000, netlist=False)
    assert (record["findings"], record["mismatches"]) == ([], 0)
