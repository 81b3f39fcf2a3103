"""The one cache: found by contents and settings, whole or not there, and never an end of the process."""

import errno
import os

import numpy as np
import pytest

from lrcn_utils.data import atomic, cache
from lrcn_utils.data.cache import ArrayCache, digest


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "film.avi"
    path.write_bytes(b"one film")
    return path


def keep(kept, source, value=1):
    kept.write(source, (6, 2), np.float16, iter([np.full((4, 2), value), np.full((2, 2), value + 1)]))


def test_what_is_written_is_read_whole_or_in_part(source, tmp_path):
    kept = ArrayCache(tmp_path / "cache", "features", layer="fc6")
    assert kept.read(source) is None and source not in kept
    keep(kept, source)
    whole = kept.read(source)
    assert source in kept and whole.dtype == np.float16 and whole[:, 0].tolist() == [1, 1, 1, 1, 2, 2]
    assert isinstance(whole.base, np.memmap) and not whole.flags.writeable
    assert kept.read(source, 3, 5)[:, 1].tolist() == [1, 2] and kept.read(source, 4, 99).shape == (2, 2)
    assert len(kept.read(source, 9, 12)) == 0
    np.testing.assert_array_equal(np.load(kept.path(source)), whole)  # any NumPy reads it


def test_entries_follow_contents_and_settings_not_names_and_times(source, tmp_path):
    kept = ArrayCache(tmp_path / "cache", "features", layer="fc6")
    keep(kept, source)
    assert source not in ArrayCache(tmp_path / "cache", "features", layer="fc7")
    copy = tmp_path / "another name.avi"
    copy.write_bytes(b"one film")
    assert copy in kept
    source.write_bytes(b"two film")  # as many bytes
    os.utime(source, ns=(1, 1))  # and older than the entry
    assert source not in kept
    keep(kept, source, value=5)
    assert kept.read(copy)[0, 0] == 1 and kept.read(source)[0, 0] == 5


def test_a_damaged_entry_is_made_again(source, tmp_path):
    kept = ArrayCache(tmp_path / "cache", "features")
    keep(kept, source)
    whole = kept.path(source).read_bytes()
    for damaged in (whole[:-1], whole[:20], b"", whole + b"x"):
        kept.path(source).write_bytes(damaged)
        assert ArrayCache(tmp_path / "cache", "features").read(source) is None
        assert kept.read(source) is None


def test_a_full_disk_costs_one_line_and_leaves_nothing_behind(source, tmp_path):
    kept = ArrayCache(tmp_path / "cache", "features")

    def parts():
        yield np.zeros((4, 2))
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="cannot be written .No space left on device.; make room, or choose another"):
        kept.write(source, (6, 2), np.float16, parts())
    assert [file.name for file in kept.folder.iterdir()] == ["settings.json"]


@pytest.mark.parametrize("rows", [5, 7])
def test_too_few_and_too_many_parts_are_refused(source, tmp_path, rows):
    kept = ArrayCache(tmp_path / "cache", "features")
    with pytest.raises(ValueError, match="bytes were made for an array of 24"):
        kept.write(source, (6, 2), np.float16, [np.zeros((rows, 2))])
    assert source not in kept


def test_a_fault_of_the_source_is_not_blamed_on_the_cache(source, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gone\.avi"):
        ArrayCache(tmp_path / "cache", "features").read(tmp_path / "gone.avi")


def test_digests_are_of_contents(source, tmp_path):
    first = digest(source)
    assert len(first) == 16 and digest(str(source)) == first
    source.write_bytes(b"one filn")
    assert digest(source) != first
    assert cache.digest_of({"a": 1, "b": 2}) == cache.digest_of({"b": 2, "a": 1}) != cache.digest_of({"a": 1})


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    target = tmp_path / "deep" / "file.txt"
    atomic.write_text(target, "grün\n")
    assert target.read_bytes() == "grün\n".encode()
    with pytest.raises(KeyboardInterrupt), atomic.replacing(target) as part:  # noqa: PT012
        part.write_text("half")
        raise KeyboardInterrupt
    assert target.read_text(encoding="utf-8") == "grün\n" and len(list(target.parent.iterdir())) == 1
