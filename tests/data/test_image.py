"""One reader of images: what a viewer shows is what comes out, and every fault is one line with the file's name."""

import io
import struct
import threading
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from lrcn_utils.data import image
from lrcn_utils.data.image import ImageError, read_image

UPRIGHT = np.zeros((24, 40, 3), np.uint8)
UPRIGHT[:12, :20], UPRIGHT[:12, 20:], UPRIGHT[12:, :20] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
# How the upright picture is stored when the EXIF block says that orientation.
STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
    8: lambda a: np.rot90(a, -1),
}


def file_of(picture, form="png", name="picture.png", **options):
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    buffer.seek(0)
    buffer.name = name
    return buffer


@pytest.mark.parametrize("form", ["jpeg", "png", "webp", "tiff"])
@pytest.mark.parametrize("orientation", list(STORED))
def test_a_picture_is_turned_as_its_exif_block_says(orientation, form):
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](UPRIGHT)))
    read = read_image(file_of(stored, form, exif=exif)).astype(int)
    assert read.shape == UPRIGHT.shape and np.abs(read - UPRIGHT).mean() < 12


def test_a_damaged_exif_block_does_not_cost_the_picture():
    stored = Image.fromarray(UPRIGHT)
    damaged = b"Exif\0\0MM\0*\0\0\0\x08\0\x02\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\x87\x69\0\x04"
    assert read_image(file_of(stored, "jpeg", exif=damaged)).size == UPRIGHT.size


def test_an_exif_block_that_pillow_stumbles_over_does_not_cost_the_picture(monkeypatch):
    def fail(*_, **__):
        raise struct.error("unpack requires a buffer of 12 bytes")

    monkeypatch.setattr(image.ImageOps, "exif_transpose", fail)
    assert (read_image(file_of(Image.fromarray(UPRIGHT))) == UPRIGHT).all()


RAMP = np.linspace(0, 1, 256)[None].repeat(4, 0)


@pytest.mark.parametrize(
    ("values", "form"),
    [
        ((RAMP * 65535).round().astype("<u2"), "png"),
        ((RAMP * 65535).round().astype("<u2"), "tiff"),
        ((RAMP * 65535).round().astype(np.int32), "tiff"),
        ((RAMP * 3_000_000).astype(np.int32), "tiff"),
        ((RAMP * 1.0).astype(np.float32), "tiff"),
        ((RAMP * 255).astype(np.float32), "tiff"),
        ((RAMP * 2 - 1).astype(np.float32), "tiff"),
    ],
)
def test_grey_of_many_bits_is_a_ramp_from_black_to_white(values, form):
    read = read_image(file_of(Image.fromarray(values), form))
    assert np.abs(read[0, :, 0].astype(int) - np.arange(256)).max() <= 1
    assert (read == read[..., :1]).all()


def test_a_dark_picture_of_16_bits_stays_dark():
    assert read_image(file_of(Image.fromarray(np.full((4, 4), 257 * 10, np.uint16)))).max() == 10
    assert read_image(file_of(Image.fromarray(np.full((4, 4), 200, np.int32)), "tiff")).max() == 1


def transparent(mode):
    picture = Image.new("LA", (4, 2), (0, 0))
    picture.putpixel((1, 1), (0, 255))
    if mode == "P":
        picture = Image.new("P", (4, 2), 0)
        picture.putpalette([0, 0, 0, 0, 0, 0])
        picture.putpixel((1, 1), 1)
        return picture, {"transparency": 0}
    if mode in ("L", "RGB"):  # one colour, not quite the bar's, counts as transparent
        picture = Image.new(mode, (4, 2), "black" if mode == "L" else (1, 0, 0))
        picture.putpixel((1, 1), 1 if mode == "L" else (0, 0, 0))
        return picture, {"transparency": 0 if mode == "L" else (1, 0, 0)}
    return picture.convert(mode), {}


@pytest.mark.parametrize("mode", ["LA", "RGBA", "P", "L", "RGB"])
def test_what_is_transparent_becomes_white(mode):
    picture, options = transparent(mode)
    read = read_image(file_of(picture, **options))
    assert read[1, 1].max() <= 1 and (np.delete(read.reshape(-1, 3), 5, 0) == 255).all()


def test_half_transparent_is_half_white():
    assert read_image(file_of(Image.new("RGBA", (2, 2), (0, 0, 0, 127))))[0, 0].tolist() == [128] * 3


def test_other_kinds_of_pictures():
    assert read_image(file_of(Image.new("1", (4, 4), 1))).min() == 255
    assert read_image(file_of(Image.new("CMYK", (4, 4), (0, 255, 255, 0)), "jpeg"))[0, 0].tolist() == pytest.approx(
        [254, 0, 0], abs=4
    )
    first, second = Image.new("RGB", (4, 4), "red"), Image.new("RGB", (4, 4), "blue")
    for form in ("gif", "webp", "png", "tiff"):
        animated = file_of(first, form, save_all=True, append_images=[second])
        assert read_image(animated)[0, 0].tolist() == pytest.approx([255, 0, 0], abs=2), form


@pytest.mark.parametrize("form", ["jpeg", "png"])
def test_an_ordinary_picture_is_resized_bit_for_bit_as_pillow_does(tmp_path, form):
    noise = np.random.default_rng(0).integers(0, 256, (37, 53, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "a", form)
    with Image.open(tmp_path / "a") as picture:
        assert (read_image(tmp_path / "a") == np.array(picture.convert("RGB"))).all()
        resized = picture.convert("RGB").resize((20, 30), Image.Resampling.BILINEAR)
    assert (read_image(str(tmp_path / "a"), (30, 20)) == np.array(resized)).all()


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width, height, before=b"", after=b""):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + before + chunk(b"IDAT", zlib.compress(b"\0" * 9)) + after


WHOLE = file_of(Image.fromarray(UPRIGHT), "jpeg").getvalue()
BROKEN = {
    "cut.jpg": (WHOLE[: len(WHOLE) // 2], "cannot be read as an image"),
    "empty.jpg": (b"", "cannot be read as an image (it is empty, damaged, or of another kind); get it again"),
    "notes.jpg": (b"buy milk", "cannot be read as an image (it is empty, damaged, or of another kind); get it again"),
    "chunk.png": (png(8, 8, after=b"\0\0\0\1\1\2\3\4xabcd"), "broken PNG file"),
    "text.png": (png(8, 8, chunk(b"zTXt", b"a\0\0" + zlib.compress(b" " * 3_000_000))), "too large"),
    "bomb.png": (png(16320, 12240), "has more than the 100 million pixels that are allowed; make it smaller"),
    "warned.png": (png(12000, 9000), "has more than the 100 million pixels that are allowed; make it smaller"),
}


@pytest.mark.parametrize("name", list(BROKEN))
def test_every_fault_is_one_line_with_the_name(tmp_path, name):
    content, message = BROKEN[name]
    (tmp_path / name).write_bytes(content)
    upload = io.BytesIO(content)
    upload.name = name
    for file in (tmp_path / name, upload):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(ImageError) as caught:
                read_image(file)
        said = str(caught.value)
        assert said.startswith(f"{name}: ") and message.lower() in said.lower() and "\n" not in said and "/" not in said


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(ImageError, match=r"^nowhere.jpg: there is no such image; check the path$"):
        read_image(tmp_path / "nowhere.jpg")
    with pytest.raises(ImageError, match=f"^{tmp_path.name}: cannot be read as an image"):
        read_image(tmp_path)


@pytest.mark.parametrize("error", [MemoryError(), struct.error("unpack"), OverflowError("a\nb"), SyntaxError("broken")])
def test_whatever_pillow_raises_is_an_image_error(monkeypatch, error):
    def fail(_):
        raise error

    monkeypatch.setattr(image.Image, "open", fail)
    with pytest.raises(ImageError, match=r"^a.png: cannot be read as an image \([^\n]+\); get it again"):
        read_image("a.png")


def test_threads_that_read_at_once_leave_warnings_as_they_were(tmp_path):
    """Each alone puts them back; overlapping ones must not put back what another has switched off."""
    first, second = threading.Event(), threading.Event()

    def reader(begins, ends):
        with image._quiet:
            begins.set()
            ends.wait(timeout=10)

    before = list(warnings.filters)
    one = threading.Thread(target=reader, args=(first, second))
    one.start()
    first.wait(timeout=10)
    with image._quiet:
        second.set()
        one.join()
        assert warnings.filters[0][0] == "ignore", "still quiet while one reads"
    assert warnings.filters == before
