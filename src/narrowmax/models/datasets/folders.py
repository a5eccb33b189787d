"""A folder of images, a class in each of its folders."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import numpy as np

from narrowmax.errors import DataError
from narrowmax.models.datasets import huggingface
from narrowmax.models.datasets.pictures import Found, Part

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".ppm")
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "PPM")
"""Whatever a file is called: Pillow would hand PostScript to Ghostscript."""
MOST_PIXELS = 1 << 26
"""Of one image: what is unpacked into memory at most."""
_TRAINING, _TEST = ("train", "training"), ("test", "val", "valid", "validation")


def read(place: Path, side: int) -> Found:
    """The images in `place`: `CLASS/*.png`, or the same in `train/` and `test/` (or `val/`); or saved by `datasets`.

    side: what they are resized to, their middle square
    Raises DataError where there are none, an image cannot be read, or Pillow is missing.
    """
    if not place.is_dir():
        raise DataError(f"{place} is not a folder; give one with a folder of images for each class")
    if huggingface.is_saved(place):
        return huggingface.read(place, side)
    folders = _folders(place)
    training, test = (next((folders[name] for name in names if name in folders), None) for names in (_TRAINING, _TEST))
    if training is None:
        return _found(place, None, place, side)
    return _found(place, training, test, side)


def _folders(place: Path) -> dict[str, Path]:
    return {one.name: one for one in sorted(place.iterdir()) if one.is_dir() and not one.name.startswith(".")}


def _found(place: Path, training: Path | None, test: Path | None, side: int) -> Found:
    classes = tuple(sorted({name for part in (training, test) if part is not None for name in _folders(part)}))
    if len(classes) < 2:
        raise DataError(
            f"{place} has folders for {len(classes)} classes; give one with images for each of two at least"
        )
    return Found(classes, *(None if part is None else _part(part, classes, side) for part in (training, test)))


def _part(place: Path, classes: tuple[str, ...], side: int) -> Part | None:
    files = [
        (file, label)
        for label, name in enumerate(classes)
        for file in sorted((place / name).glob("*"))
        if file.suffix.lower() in SUFFIXES and file.is_file()
    ]
    if not files:
        return None
    return Part(np.stack([_image(file, side) for file, _ in files]), np.array([label for _, label in files], np.int64))


def _image(file: Path, side: int) -> np.ndarray:
    return decoded(file, str(file), side)


def decoded(file: Path | BinaryIO, name: str, side: int) -> np.ndarray:
    """An image of a file as uint8 (side, side, 3), its middle square.  Raises DataError, with the `name` of it."""
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        raise DataError(f"reading {name} needs the package pillow; install it, or give the images as .npz") from None
    try:
        with Image.open(file, formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise DataError(f"{name} has {image.width}x{image.height} pixels, more than are read; make it smaller")
            return squared(image, name, side)
    except DataError:
        raise
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise DataError(f"{name} is damaged, or no image that can be read; leave it out or save it again") from None


def squared(image, name: str, side: int) -> np.ndarray:
    """The middle square of a Pillow image as uint8 (side, side, 3).

    Raises DataError, with the `name` of it, where that would not be the image: more than 8 bits a channel, or
    transparent pixels, whose colour depends on what they are shown on.
    """
    from PIL import Image

    least = min(image.size)
    left, top = (image.width - least) // 2, (image.height - least) // 2
    box = (left, top, left + least, top + least)
    if image.mode.startswith(("I", "F")):  # 16 bits and more, which Pillow would cut off at 255
        raise DataError(f"{name} has more than 8 bits a channel; save it with 8")
    if _is_transparent(image):
        raise DataError(
            f"{name} has transparent pixels, whose colour depends on what is behind them; save it without an alpha "
            "channel"
        )
    made = image.convert("RGB")
    if (image.width, image.height) != (side, side):
        made = made.resize((side, side), Image.Resampling.BILINEAR, box=box)
    return np.asarray(made, np.uint8)


def _is_transparent(image) -> bool:
    """Whether any pixel lets through what is behind it; an alpha channel alone says nothing."""
    if "a" not in image.mode.lower() and "transparency" not in image.info:
        return False
    return image.convert("RGBA").getchannel("A").getextrema()[0] < 255
