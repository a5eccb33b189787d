"""Files of others: what is read, and the one sentence for everything that cannot be."""

from __future__ import annotations

import io
import pickle
import re
import zipfile

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet
from safetensors.numpy import save_file

from narrowmax.errors import DataError
from narrowmax.models import files, read_logits

X = np.array([[1.0, 2.0, 3.0], [0.5, -1.0, 0.25]], np.float32)
Y = np.array([2, 0])


@pytest.fixture
def saved(tmp_path):
    """A function that writes arrays to `f.npz` and gives its path."""

    def save(**arrays):
        np.savez(tmp_path / "f.npz", **arrays)
        return tmp_path / "f.npz"

    return save


def refused(path, message):
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_logits(path)


def test_npz(saved):
    mask = np.array([[1, 1, 1], [1, 0, 1]])
    got = read_logits(saved(logits=X, labels=Y.astype(np.uint8), mask=mask, groups=Y, epoch=Y, names=np.array(["a"])))
    assert got.name == "f.npz"
    assert got.logits.dtype == np.float32
    assert got.logits.tolist() == [[1, 2, 3], [0.5, 0, 0.25]]
    assert (got.labels.tolist(), got.groups.tolist(), got.epoch.tolist(), got.n) == ([2, 0], [2, 0], [2, 0], 3)
    assert got.mask.tolist() == mask.astype(bool).tolist()


def test_what_is_compressed_or_in_fortran_order_or_big_endian(tmp_path):
    np.savez_compressed(tmp_path / "f.npz", logits=np.asfortranarray(X), labels=Y.astype(">i2"))
    got = read_logits(tmp_path / "f.npz")
    assert np.array_equal(got.logits, X)
    assert got.labels.tolist() == [2, 0]
    np.savez(tmp_path / "g.npz", logits=X.astype(">f8"))
    assert np.array_equal(read_logits(tmp_path / "g.npz").logits, X)


def test_more_axes_and_arrays_for_the_leading_ones(saved):
    got = read_logits(saved(logits=np.zeros((2, 3, 4)), labels=np.zeros((2, 3), int), groups=np.array([7, 8])))
    assert got.groups.tolist() == [[7] * 3, [8] * 3]


@pytest.mark.parametrize("dtype", [np.float16, np.int8, np.int32, np.int64, np.float64])
def test_every_value_survives(saved, dtype):
    x = np.array([[1, -(2**6) + 1, 3]], dtype)
    assert np.array_equal(read_logits(saved(logits=x)).logits, x)


def test_integers_that_float32_would_round_are_kept(saved):
    assert read_logits(saved(logits=np.array([[2**24 + 1, 0]]))).logits[0, 0] == 2**24 + 1


def test_minus_infinity_becomes_a_mask(saved):
    got = read_logits(saved(logits=np.array([[0.0, -np.inf], [1.0, 2.0]])))
    assert got.mask.tolist() == [[True, False], [True, True]]
    assert np.isfinite(got.logits).all()
    assert read_logits(saved(logits=X)).mask is None


def test_nan_under_a_mask_is_nobodys(saved):
    got = read_logits(saved(logits=np.array([[0.0, np.nan]]), mask=np.array([[True, False]])))
    assert got.logits.tolist() == [[0.0, 0.0]]


def test_the_integer_form(saved):
    q = np.array([[0, 128, 255]], np.uint8)
    got = read_logits(saved(logits_q=q, scale=np.float32(0.5), zero_point=np.int64(128)))
    assert got.logits.tolist() == [[-64.0, 0.0, 63.5]]
    assert read_logits(saved(logits_q=q, scale=np.array([0.25]))).logits.tolist() == [[0.0, 32.0, 63.75]]


def test_npy_and_csv(tmp_path):
    np.save(tmp_path / "f.npy", X)
    assert np.array_equal(read_logits(tmp_path / "f.npy").logits, X)
    (tmp_path / "f.csv").write_text("1,2,3\n0.5,-1,0.25\n")
    assert np.array_equal(read_logits(tmp_path / "f.csv").logits, X)
    (tmp_path / "g.csv").write_text("a,b,label,c,epoch\n1,2,2,3,5\n\n0.5,-1,0,-inf,5\n")
    got = read_logits(str(tmp_path / "g.csv"))
    assert (got.labels.tolist(), got.epoch.tolist()) == ([2, 0], [5, 5])
    assert got.mask.tolist() == [[True] * 3, [True, True, False]]


@pytest.mark.parametrize("header", ["a,b,c,label", "A,B,C,Label", "a,b,c,Target", "0,1,2,label", "0,1,2,labels "])
def test_names_of_columns_in_any_spelling(tmp_path, header):
    path = tmp_path / "f.CSV"
    path.write_text(header + "\n0.5,-1,0.25,2\n1,2,3,0\n")
    got = read_logits(path)
    assert got.labels.tolist() == [2, 0] and got.logits.tolist() == [[0.5, -1, 0.25], [1, 2, 3]]
    path.write_text("0,1,2\n0.5,-1,0.25\n")
    assert read_logits(path).logits.tolist() == [[0.5, -1, 0.25]]


@pytest.mark.parametrize("header", [",0,1", "Unnamed: 0,0,1", "index,a,b", None])
def test_numbers_of_rows_are_no_logits(tmp_path, header):
    lines = [f"{row},{row % 3}.5,1" for row in range(12)]
    (tmp_path / "f.csv").write_text("\n".join([header] * (header is not None) + lines))
    name = "0" if header is None else header.split(",")[0].lower()
    refused(
        tmp_path / "f.csv",
        f"the column {name!r} of f.csv holds the numbers of its rows, which are no logits; "
        "save it without them (in pandas with index=False)",
    )
    parquet.write_table(pyarrow.table({"a": X[:, 0], "__index_level_0__": [5, 7]}), tmp_path / "f.parquet")
    with pytest.raises(DataError, match="the column '__index_level_0__' of f.parquet holds the numbers of its rows"):
        read_logits(tmp_path / "f.parquet")


@pytest.mark.parametrize("suffix", ["parquet", "safetensors"])
def test_formats_of_other_libraries_say_what_they_need(tmp_path, suffix, monkeypatch):
    package = {"parquet": "pyarrow", "safetensors": "safetensors"}[suffix]
    monkeypatch.setitem(__import__("sys").modules, package, None)
    (tmp_path / f"f.{suffix}").write_bytes(b"PAR1")
    refused(
        tmp_path / f"f.{suffix}",
        f"reading f.{suffix} needs the package {package}; install it, or save the logits as .npz",
    )


FINITE = "; give finite ones, or -inf where an element takes no part"
ONE_OF = "f.npz must hold one of the arrays 'logits' and 'logits_q', and holds "
ROWS = "; give (rows, n) with a row and an element at least"
PLAIN = "; give floats or integers of at most 64 bits"
SCALE = "logits_q in f.npz needs 'scale' beside it, one positive number"
Q, ONE = Y[None], np.float32(1)
REFUSED = {
    "nan": ({"logits": np.array([[0, np.nan]])}, "the logits in f.npz hold NaN" + FINITE),
    "+inf": ({"logits": np.array([[0, np.inf]])}, "the logits in f.npz hold +inf" + FINITE),
    "no logits": ({"x": X}, ONE_OF + "neither"),
    "both": ({"logits": X, "logits_q": Y}, ONE_OF + "logits, logits_q"),
    "no rows": ({"logits": np.zeros((0, 3))}, "the logits in f.npz have shape (0, 3)" + ROWS),
    "one axis": ({"logits": np.zeros(3)}, "the logits in f.npz have shape (3,)" + ROWS),
    "booleans": ({"logits": np.zeros((2, 2), bool)}, "the logits in f.npz have type bool; give numbers"),
    "complex": ({"logits": X + 1j}, "'logits' in f.npz has type complex64" + PLAIN),
    "text": ({"logits": np.array([["a"]])}, "'logits' in f.npz has type <U1" + PLAIN),
    "length of labels": (
        {"logits": X, "labels": Y[:1]},
        "f.npz has labels of shape (1,) for logits of shape (2, 3); give one label a row",
    ),
    "labels above": ({"logits": X, "labels": Y + 1}, "a label in f.npz is 3; labels of rows of 3 are 0 to 2"),
    "labels below": ({"logits": X, "labels": Y - 1}, "a label in f.npz is -1; labels of rows of 3 are 0 to 2"),
    "labels as floats": ({"logits": X, "labels": Y * 1.0}, "the labels in f.npz have type float64; give integers"),
    "masked label": (
        {"logits": X, "labels": Y, "mask": np.array([[1, 1, 0], [1, 1, 1]])},
        "a label in f.npz is of an element that is masked; a right answer must take part",
    ),
    "shape of the mask": (
        {"logits": X, "mask": np.ones((2, 2), bool)},
        "f.npz has a mask of shape (2, 2) for logits of shape (2, 3); make them equal",
    ),
    "mask of others": (
        {"logits": X, "mask": X},
        "the mask in f.npz holds other values than 0 and 1; true means that an element takes part",
    ),
    "groups": (
        {"logits": X, "groups": np.zeros(3, int)},
        "groups in f.npz has shape (3,) for rows of shape (2,); give one number a row",
    ),
    "epoch": ({"logits": X, "epoch": np.zeros(2)}, "epoch in f.npz has type float64; give integers"),
    "no scale": ({"logits_q": Q}, SCALE),
    "scale": ({"logits_q": Q, "scale": 0 * ONE}, SCALE),
    "float codes": (
        {"logits_q": X, "scale": ONE},
        "logits_q in f.npz has type float32; give integers, or call the array 'logits'",
    ),
    "zero points": (
        {"logits_q": Q, "scale": ONE, "zero_point": Y},
        "zero_point in f.npz must be one number, and has shape (2,)",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_arrays_that_do_not_fit(case, saved):
    arrays, message = REFUSED[case]
    refused(saved(**arrays), message)


class Bomb:
    """Unpickling this would be noticed."""

    def __reduce__(self):
        return (pytest.fail, ("a pickle was executed",))


@pytest.mark.parametrize("name", ["logits", "extra"])
def test_a_pickle_is_never_loaded(name, saved):
    arrays = {"logits": X, name: np.array([Bomb()], dtype=object)}
    refused(
        saved(**arrays),
        f"'{name}' in f.npz holds Python objects (a pickle), which are never loaded; save plain numbers",
    )


def test_a_pickle_as_a_file(tmp_path):
    (tmp_path / "f.npz").write_bytes(pickle.dumps(Bomb()))
    refused(tmp_path / "f.npz", "f.npz is damaged or cut short and cannot be read; make it again")
    np.save(tmp_path / "f.npy", np.array([Bomb()], dtype=object))
    refused(
        tmp_path / "f.npy",
        "'logits' in f.npy holds Python objects (a pickle), which are never loaded; save plain numbers",
    )


def test_every_truncation_of_a_file_is_refused(saved, tmp_path):
    np.savez_compressed(tmp_path / "g.npz", logits=X)
    np.save(tmp_path / "h.npy", X)
    for path in (saved(logits=X), tmp_path / "g.npz", tmp_path / "h.npy"):
        whole = path.read_bytes()
        for length in range(1, len(whole)):
            path.write_bytes(whole[:length])
            refused(path, f"{path.name} is damaged or cut short and cannot be read; make it again")


def test_no_changed_byte_leads_to_anything_but_a_sentence(saved):
    path = saved(logits=X, labels=Y)
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x15]) + whole[place + 1 :])
        try:
            got = read_logits(path)
        except DataError:
            continue
        assert np.array_equal(got.logits, X)  # a date, or an attribute that means nothing here


def test_a_header_that_claims_more_than_there_is(tmp_path):
    for claimed, message in (
        ("(5, 3)", "f.npz is damaged or cut short and cannot be read; make it again"),
        ("(-1, 3)", "f.npz is damaged or cut short and cannot be read; make it again"),
        (
            "(999999999, 99999)",
            "'logits' in f.npz takes 399,995,999,600,004 bytes, more than the 2,147,483,648 allowed; split the file",
        ),
    ):
        member = io.BytesIO()
        np.lib.format.write_array_header_1_0(member, {"descr": "<f4", "fortran_order": False, "shape": (2, 3)})
        forged = member.getvalue().replace(b"(2, 3)", claimed.encode()) + bytes(24)
        with zipfile.ZipFile(tmp_path / "f.npz", "w") as archive:
            archive.writestr("logits.npy", _padded(forged))
        refused(tmp_path / "f.npz", message)


def _padded(forged: bytes) -> bytes:
    """The header's length put right."""
    body = forged[10:]
    return forged[:8] + body.index(b"\n").__add__(1).to_bytes(2, "little") + body


def test_other_things_in_a_zip(tmp_path):
    with zipfile.ZipFile(tmp_path / "f.npz", "w") as archive:
        archive.writestr("../../evil.txt", "x")
    refused(tmp_path / "f.npz", "f.npz does not hold NumPy arrays alone; save it again with numpy.savez")
    member = io.BytesIO()
    np.save(member, X)
    with zipfile.ZipFile(tmp_path / "g.npz", "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("logits.npy", member.getvalue())
        archive.writestr("logits.npy", member.getvalue())
    refused(tmp_path / "g.npz", "g.npz does not hold NumPy arrays alone; save it again with numpy.savez")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2\n3\n", "row 2 of f.csv has 1 columns, the first has 2; give rows of one length"),
        ("a,b\n1,2\n3,4,5\n", "row 3 of f.csv has 3 columns, the first has 2; give rows of one length"),
        ("1,2\n3,x\n", "f.csv holds 'x', which is no number; give numbers separated by commas"),
        ("1,2\n3,nan\n", "the logits in f.csv hold NaN; give finite ones, or -inf where an element takes no part"),
        ("\n\n", "f.csv is empty; give a file with logits in it"),
        ("a,b\n", "f.csv is empty; give a file with logits in it"),
        ("a,label\n1,0.5\n", "the labels in f.csv are not whole numbers; give integers"),
        ("a,Label,target\n1,0,0\n", "f.csv has two columns of labels; leave one of them"),
        ("label\n1\n", "the logits in f.csv have shape (1, 0); give (rows, n) with a row and an element at least"),
    ],
)
def test_tables_that_do_not_fit(tmp_path, text, message):
    (tmp_path / "f.csv").write_text(text)
    refused(tmp_path / "f.csv", message)


def test_files_that_are_none(tmp_path):
    for name in ("f.npz", "f.npy", "f.csv"):
        (tmp_path / name).write_bytes(b"")
        refused(tmp_path / name, f"{name} is empty; give a file with logits in it")
    refused(tmp_path / "none.npz", f"{tmp_path / 'none.npz'} does not exist; give the path of a file of logits")
    refused(
        tmp_path / "f.txt",
        "f.txt is not a file of logits that can be read; give one of .npz .npy .csv .parquet .safetensors",
    )
    (tmp_path / "d.npz").mkdir()
    refused(tmp_path / "d.npz", "d.npz could not be read: Is a directory")
    (tmp_path / "f.csv").write_bytes(b"\xff\xfe\x00")
    refused(tmp_path / "f.csv", "f.csv is damaged or cut short and cannot be read; make it again")


def test_a_text_file_too_large_to_take_in(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "LARGEST_BYTES", 100)
    (tmp_path / "f.csv").write_text("1,2,3\n4,5,6\n")
    refused(tmp_path / "f.csv", "the text in f.csv takes 192 bytes, more than the 100 allowed; split the file")


def test_the_real_files(shared_data):
    quantised = read_logits(shared_data / "coral_mobilenet_imagenet1000" / "mobilenet_v2_1.0_224_quant_logits_u8.npz")
    assert (quantised.logits.shape, quantised.labels.shape) == ((1000, 1001), (1000,))
    with np.load(shared_data / "nano_gpt_sort" / "all729_logits.npz") as stored:
        assert np.array_equal(read_logits(shared_data / "nano_gpt_sort" / "all729_logits.npz").logits, stored["logits"])


def test_parquet(tmp_path):
    path = tmp_path / "f.parquet"
    parquet.write_table(pyarrow.table({"a": X[:, 0], "label": Y % 2, "b": X[:, 1]}), path)
    got = read_logits(path)
    assert (got.logits.tolist(), got.labels.tolist()) == (X[:, :2].tolist(), [0, 0])
    whole = path.read_bytes()
    for length in (1, 7, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        refused(path, "f.parquet is damaged or cut short and cannot be read; make it again")
    parquet.write_table(pyarrow.table({"a": ["text"], "b": ["more"]}), path)
    refused(path, "f.parquet holds columns that are no numbers; give numbers alone")


def test_safetensors(tmp_path):
    path = tmp_path / "f.safetensors"
    save_file({"logits": X, "labels": Y, "other": X}, path)
    got = read_logits(path)
    assert (got.logits.tolist(), got.labels.tolist()) == (X.tolist(), Y.tolist())
    whole = path.read_bytes()
    for length in (1, 7, 8, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        refused(path, "f.safetensors is damaged or cut short and cannot be read; make it again")
