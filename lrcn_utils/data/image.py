"""The one reader of images, for training and for uploads: a network sees the picture that a person sees in a viewer."""

import threading
import warnings
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from lrcn_utils.data.clips import centre_crop

READER = 1  # counts up whenever the same file would give other pixels, so that features kept from before are not used
MAX_PIXELS = 100_000_000  # 300 MB in memory; more than any common camera gives


class ImageError(ValueError):
    """An image that cannot be used: ``file: what is wrong; how to mend it``, in one line."""


def read_image(file: Path | str | BinaryIO, size: tuple[int, int] | None = None) -> np.ndarray:
    """An image as uint8 (height, width, 3), RGB, 0..255.

    It is turned as its EXIF block says, what is transparent becomes white, grey of 16 bits or of floats keeps its
    whole range from black to white, and of an animation the first picture is taken.
    ``size``: (height, width) to which it is resized (bilinear, as the released code does), or None for its own.
    ``file`` may also be a binary file, such as an uploaded one in a ``BytesIO``; its ``name`` is used in errors.
    Raises ImageError when the file is missing, no image, damaged, or has more than ``MAX_PIXELS`` pixels.
    """
    try:
        with _quiet, Image.open(file) as image:
            if image.width * image.height > MAX_PIXELS:
                raise Image.DecompressionBombError
            picture = _rgb(_upright(image))
            if size is not None:
                picture = picture.resize((size[1], size[0]), Image.Resampling.BILINEAR)
            return np.array(picture)
    except Exception as error:  # Pillow raises whatever a damaged byte leads its parsers to, even SyntaxError
        name = getattr(file, "name", "the uploaded image") if hasattr(file, "read") else file
        raise ImageError(f"{Path(name).name}: {_why(error)}") from error


def warped(pixels: np.ndarray, side: int, crop: int) -> np.ndarray:
    """What a CNN is shown of uint8 pixels (height, width, 3): warped to a square, then the centre (crop, crop, 3)."""
    square = Image.fromarray(pixels).resize((side, side), Image.Resampling.BILINEAR)
    return centre_crop(np.asarray(square), crop)


class _Quiet:
    """No warnings, of what Pillow finds odd about a file that it can read, while any thread is reading one.

    ``warnings.catch_warnings`` is of the whole process: threads that overlap would leave the warnings switched off.
    """

    def __init__(self):
        self._lock, self._readers, self._caught = threading.Lock(), 0, None

    def __enter__(self) -> None:
        with self._lock:
            if self._readers == 0:
                self._caught = warnings.catch_warnings()
                self._caught.__enter__()
                warnings.simplefilter("ignore")
            self._readers += 1

    def __exit__(self, *error) -> None:
        with self._lock:
            self._readers -= 1
            if self._readers == 0:
                self._caught.__exit__(*error)


_quiet = _Quiet()


def _upright(image: Image.Image) -> Image.Image:
    image.load()
    with suppress(Exception):  # a damaged EXIF block says nothing about the picture
        ImageOps.exif_transpose(image, in_place=True)
    return image


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        return _grey(np.asarray(image, np.float32), (1, 255, 65535) if image.mode == "F" else (65535,))
    if image.mode in ("RGBA", "RGBa", "LA", "La", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGB", image.size, "white")
        white.paste(image, mask=image)
        return white
    return image.convert("RGB")


def _grey(values: np.ndarray, whites: tuple[int, ...]) -> Image.Image:
    """Grey values of a file that does not tell its range: white is the first of ``whites`` that none exceeds."""
    values = np.nan_to_num(values)
    black, highest = min(values.min(), 0), values.max()
    white = next((white for white in whites if highest <= white), highest)
    return Image.fromarray(((values - black) * (255 / (white - black))).round().astype(np.uint8)).convert("RGB")


def _why(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such image; check the path"
    if isinstance(error, Image.DecompressionBombError):
        return f"has more than the {MAX_PIXELS // 10**6} million pixels that are allowed; make it smaller"
    if isinstance(error, UnidentifiedImageError):
        reason = "it is empty, damaged, or of another kind"
    else:
        reason = " ".join((getattr(error, "strerror", None) or str(error) or type(error).__name__).split())[:100]
    return f"cannot be read as an image ({reason}); get it again, or save it as JPEG or PNG"
