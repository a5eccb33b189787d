"""Nothing is judged that was trained or selected on; folders of images."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from PIL import Image
from tests.models.datasets import made

from narrowmax.errors import DataError
from narrowmax.models.datasets import folders
from narrowmax.models.datasets.pictures import Found, Part, split

CLASSES = tuple("abcdefghij")


def parts(found: Found, samples=None):
    data = split("here", found, samples)
    return data, (data.training, data.selection, data.judgement)


def disjoint(cut, count: int) -> bool:
    every = np.concatenate(cut)
    return len(np.unique(every)) == len(every) and (every >= 0).all() and (every < count).all()


def test_images_to_test_on_are_selected_and_judged_on():
    training, test = made.images(100), made.images(200, seed=1)
    data, cut = parts(Found(CLASSES, Part(*training), Part(*test)))
    assert disjoint(cut, 300) and [len(part) for part in cut] == [100, 60, 140]
    assert np.array_equal(data.training, np.arange(100)) and data.selection.min() >= 100
    assert np.array_equal(np.bincount(data.labels[data.judgement]), np.full(10, 14))
    assert data.notes == "selection and judgement are of the images to test on"


def test_images_of_one_part_are_split_in_three_by_class():
    data, cut = parts(Found(CLASSES, None, Part(*made.images(500))))
    assert disjoint(cut, 500) and [len(part) for part in cut] == [300, 60, 140]
    for part in cut:
        assert (abs(np.bincount(data.labels[part], minlength=10) - len(part) / 10) <= 1).all()
    again = split("here", Found(CLASSES, Part(*made.images(500)), None))
    assert np.array_equal(again.judgement, data.judgement)


def test_an_image_that_is_there_twice_stays_where_it_is_first():
    images, labels = made.images(100)
    test = made.images(60, seed=1)
    test[0][:30] = images[7]
    data, cut = parts(Found(CLASSES, Part(images, labels), Part(*test)))
    assert sum(map(len, cut)) == 130
    trained = {data.images[k].tobytes() for k in data.training}
    assert not any(data.images[k].tobytes() in trained for k in np.concatenate(cut[1:]))
    assert data.notes.endswith("; 30 images that stand in an earlier part too were left out")


def test_fewer_samples_are_of_all_classes():
    data, cut = parts(Found(CLASSES, Part(*made.images(400)), Part(*made.images(100, seed=1))), 50)
    assert len(cut[0]) == 50 and np.array_equal(np.bincount(data.labels[cut[0]]), np.full(10, 5))


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (Found(CLASSES, None, None), "here holds no images; give a folder with some"),
        (
            Found(("a", "b"), None, Part(*made.images(20))),
            "a label in here is 9; labels of 2 classes start from 0",
        ),
        (
            Found(CLASSES, None, Part(made.images(20)[0], np.zeros(3, np.int64))),
            "here has 3 labels for 20 images; give one each",
        ),
        (
            Found(CLASSES, Part(np.zeros((9, 8, 8, 3), np.uint8), np.zeros(9, np.int64)), Part(*made.images(20))),
            "the images of here to train on and to test on differ in size; give them in one size",
        ),
        (
            Found(CLASSES, None, Part(*made.images(2))),
            "here has 2 images, too few for training, selection and judgement; give more",
        ),
    ],
)
def test_what_cannot_be_split(found, message):
    with pytest.raises(DataError) as raised:
        split("here", found)
    assert str(raised.value) == message


def drawn(folder, count: int = 6, size=(40, 30)):
    for name, level in (("cats", 50), ("dogs", 200)):
        (folder / name).mkdir(parents=True)
        for k in range(count):
            Image.new("RGB", size, (level, k, 0)).save(folder / name / f"{k}.png")
    (folder / "cats" / "notes.txt").write_text("not an image")
    return folder


def test_a_folder_for_each_class(tmp_path):
    found = folders.read(drawn(tmp_path / "all"), 16)
    assert found.classes == ("cats", "dogs") and found.training is None
    assert found.test.images.shape == (12, 16, 16, 3)
    assert np.array_equal(found.test.images[:, 3, 3, 0], np.repeat([50, 200], 6))
    assert np.array_equal(found.test.labels, np.repeat([0, 1], 6))


def test_folders_to_train_on_and_to_test_on(tmp_path):
    drawn(tmp_path / "train", 4)
    drawn(tmp_path / "val", 2)
    found = folders.read(tmp_path, 16)
    assert (len(found.training.images), len(found.test.images), found.classes) == (8, 4, ("cats", "dogs"))


def test_the_middle_square_is_kept():
    image = Image.new("RGB", (40, 20), (0, 0, 255))
    image.paste((255, 0, 0), (10, 0, 30, 20))
    assert (folders.squared(image, "x", 20) == (255, 0, 0)).all() and folders.squared(
        image.convert("L"), "x", 8
    ).shape == (
        8,
        8,
        3,
    )
    small = Image.fromarray(made.images(1)[0][0])
    assert np.array_equal(folders.squared(small, "x", 32), made.images(1)[0][0])


def test_a_folder_that_is_none(tmp_path):
    (tmp_path / "only").mkdir()
    with pytest.raises(DataError, match="has folders for 1 classes; give one with images for each of two at least$"):
        folders.read(tmp_path, 16)
    with pytest.raises(DataError, match="is not a folder; give one with a folder of images for each class$"):
        folders.read(tmp_path / "none", 16)


def test_a_damaged_image_and_one_too_large(tmp_path, monkeypatch):
    folder = drawn(tmp_path / "a")
    whole = (folder / "dogs" / "3.png").read_bytes()
    (folder / "dogs" / "3.png").write_bytes(whole[:40])
    with pytest.raises(DataError, match="3.png is damaged, or no image that can be read; leave it out"):
        folders.read(folder, 16)
    (folder / "dogs" / "3.png").write_bytes(whole)
    monkeypatch.setattr(folders, "MOST_PIXELS", 100)
    with pytest.raises(DataError, match="0.png has 40x30 pixels, more than are read; make it smaller$"):
        folders.read(folder, 16)


def test_without_pillow_it_is_said(tmp_path, monkeypatch):
    folder = drawn(tmp_path / "a")
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(DataError, match="^reading .*0.png needs the package pillow; install it, or give"):
        folders.read(folder, 16)


def test_a_file_of_another_kind_is_no_image_whatever_it_is_called(tmp_path):
    """Pillow would hand PostScript to Ghostscript."""
    drawn(tmp_path / "a")
    (tmp_path / "a" / "cats" / "x.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n")
    with pytest.raises(DataError, match="x.png is damaged, or no image that can be read"):
        folders.read(tmp_path / "a", 8)


def test_more_than_eight_bits_a_channel_are_refused(tmp_path):
    drawn(tmp_path / "a")
    deep = Image.fromarray(np.linspace(0, 65535, 64, dtype=np.uint16).reshape(8, 8))
    deep.save(tmp_path / "a" / "cats" / "deep.png")
    with pytest.raises(DataError, match="deep.png has more than 8 bits a channel; save it with 8"):
        folders.read(tmp_path / "a", 8)


def with_alpha(mode: str, alpha: int) -> Image.Image:
    """A red image, the upper left pixel of which is so opaque: 255 is all."""
    image = Image.new("RGBA", (8, 8), (255, 0, 0, 255))
    image.putpixel((0, 0), (0, 0, 255, alpha))
    return image.quantize() if mode == "P" else image.convert(mode)


TRANSPARENT = [("RGBA", "png"), ("LA", "png"), ("P", "png"), ("RGBA", "webp"), ("RGBA", "gif")]


@pytest.mark.parametrize("mode, suffix", TRANSPARENT)
def test_transparent_pixels_are_refused_and_an_alpha_channel_that_hides_nothing_is_not(tmp_path, mode, suffix):
    drawn(tmp_path / "a")
    with_alpha(mode, 255).save(tmp_path / "a" / "cats" / f"x.{suffix}")
    folders.read(tmp_path / "a", 8)
    with_alpha(mode, 0).save(tmp_path / "a" / "cats" / f"x.{suffix}")
    with pytest.raises(DataError, match=rf"x.{suffix} has transparent pixels, .*; save it without an alpha channel$"):
        folders.read(tmp_path / "a", 8)


def test_a_colour_that_is_called_transparent_is_refused_where_a_pixel_has_it(tmp_path):
    drawn(tmp_path / "a")
    image = Image.new("RGB", (8, 8), (255, 0, 0))
    image.save(tmp_path / "a" / "cats" / "x.png", transparency=(0, 0, 255))
    folders.read(tmp_path / "a", 8)
    image.save(tmp_path / "a" / "cats" / "x.png", transparency=(255, 0, 0))
    with pytest.raises(DataError, match="x.png has transparent pixels"):
        folders.read(tmp_path / "a", 8)
