"""Whatever a file has suffered, what comes out is an error that belongs to the reader, in one line; never a crash."""

import io
import zlib

import pytest
from mutations import CAPTIONS, IMAGES, TABLES, mutations

from lrcn_utils.data.caption_files import read_captions
from lrcn_utils.data.captions import CaptionError, collect
from lrcn_utils.data.coco import read_coco
from lrcn_utils.data.image import ImageError, read_image
from lrcn_utils.data.report import Report
from lrcn_utils.data.tacos import read_crf, read_tuples

COUNT = 10  # of each form; by hand it was run with many more


def one_line(error):
    said = str(error)
    assert said and said.splitlines() == [said] and len(said) < 400, said


@pytest.mark.parametrize("name", list(IMAGES))
@pytest.mark.filterwarnings("error")
def test_damaged_images(name, capsys):
    for content in mutations(IMAGES[name], COUNT, zlib.crc32(name.encode())):
        file = io.BytesIO(content)
        file.name = name
        try:
            assert read_image(file, (8, 8)).shape == (8, 8, 3)
        except ImageError as error:
            one_line(error)
            assert str(error).startswith(f"{name}: ")  # noqa: PT017
    assert capsys.readouterr() == ("", "")  # no warning, no log


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("name", list(CAPTIONS))
def test_damaged_caption_files(tmp_path, name, strict):
    for content in mutations(CAPTIONS[name], COUNT, zlib.crc32(name.encode())):
        (tmp_path / name).write_bytes(content)
        report = Report(strict, CaptionError)
        try:
            found = collect(read_captions(tmp_path / name, report), tmp_path)
            read_coco(tmp_path / name, tmp_path, strict=strict)
        except CaptionError as error:
            assert strict
            one_line(error)
            continue
        assert len(found) == 0, "no image is there"
        for line in report.lines:
            one_line(line)


@pytest.mark.parametrize(("name", "read"), [("crf.csv", read_crf), ("tuples.csv", read_tuples)])
def test_damaged_tables(tmp_path, name, read):
    for content in mutations(TABLES[name], COUNT, zlib.crc32(name.encode())):
        (tmp_path / name).write_bytes(content)
        report = Report()
        try:
            read(tmp_path / name, report)
        except ValueError as error:
            one_line(error)
            assert str(error).startswith(name)  # noqa: PT017
        for line in report.lines:
            one_line(line)
