"""Archives are unpacked whole or not at all, and never outside their folder."""

import io
import os
import shutil
import stat
import subprocess
import tarfile
import zipfile
from types import SimpleNamespace

import pytest

from lrcn_utils.data import download
from lrcn_utils.data.download import DownloadError, unpack


def make_zip(path, members):
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def make_tar(path, members):
    with tarfile.open(path, "w:gz") as file:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    return path


@pytest.mark.parametrize(("make", "name"), [(make_zip, "a.zip"), (make_tar, "a.tar.gz"), (make_tar, "a.tgz")])
def test_archives_are_unpacked(tmp_path, make, name):
    archive = make(tmp_path / name, {"one/two.txt": b"hello", "..three/f..txt": b"dots are no danger"})
    unpack(archive, tmp_path / "out")
    assert (tmp_path / "out" / "one" / "two.txt").read_bytes() == b"hello"
    assert (tmp_path / "out" / "..three" / "f..txt").exists()


@pytest.mark.parametrize(("make", "name"), [(make_zip, "a.zip"), (make_tar, "a.tar.gz")])
@pytest.mark.parametrize("member", ["../evil", "one/../../evil", "/tmp/evil", "..\\evil", "C:/evil"])
def test_nothing_is_written_outside_the_folder(tmp_path, make, name, member):
    archive = make(tmp_path / name, {"good": b"1", member: b"2"})
    with pytest.raises(DownloadError, match=rf"{name}: its member .*evil.* leads out of the folder"):
        unpack(archive, tmp_path / "deep" / "out")
    assert sorted(p.name for p in tmp_path.rglob("*")) == [name]


def test_a_link_that_leads_out_is_refused(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as file:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc"
        file.addfile(link)
    with pytest.raises(DownloadError, match=r"a\.tar: .*link.*, and nothing was unpacked; it is not to be trusted"):
        unpack(tmp_path / "a.tar", tmp_path / "out")
    assert not any((tmp_path / "out").iterdir())


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_nothing_is_written_through_a_link(tmp_path, kind):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_bytes(b"mine")
    with tarfile.open(tmp_path / "a.tar", "w") as file:
        link = tarfile.TarInfo("one")
        link.type, link.linkname = kind, "../outside" if kind == tarfile.SYMTYPE else "../outside/file"
        file.addfile(link)
        through = tarfile.TarInfo("one/file" if kind == tarfile.SYMTYPE else "one")
        through.size = 4
        file.addfile(through, io.BytesIO(b"evil"))
    with pytest.raises(DownloadError, match="a.tar"):
        unpack(tmp_path / "a.tar", tmp_path / "out")
    assert (tmp_path / "outside" / "file").read_bytes() == b"mine" and not any((tmp_path / "out").iterdir())


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz"])
def test_a_bomb_is_not_unpacked(tmp_path, name):
    zeros = bytes(1 << 20)
    if name == "a.zip":
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as file, file.open("z", "w") as member:
            for _ in range(300):
                member.write(zeros)
    else:
        with tarfile.open(tmp_path / name, "w:gz") as file:
            info = tarfile.TarInfo("z")
            info.size = 300 << 20
            file.addfile(info, io.BufferedReader(Zeros(info.size)))
    with pytest.raises(DownloadError, match=r"a\..* bytes would become 315 MB; nothing was unpacked"):
        unpack(tmp_path / name, tmp_path / "out")
    assert os.listdir(tmp_path) == [name]


class Zeros(io.RawIOBase):
    def __init__(self, left):
        self.left = left

    def readable(self):
        return True

    def readinto(self, buffer):
        count = min(len(buffer), self.left)
        buffer[:count], self.left = bytes(count), self.left - count
        return count


def test_what_the_disk_cannot_hold_is_not_unpacked(tmp_path, monkeypatch):
    archive = make_zip(tmp_path / "a.zip", {"one": bytes(3_000_000)})
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=2_000_000))
    with pytest.raises(DownloadError, match=r"a\.zip: needs 3 MB, and 2 MB are free; make room"):
        unpack(archive, tmp_path / "out")


def test_an_unpacking_that_was_interrupted_does_not_count_as_complete(tmp_path, monkeypatch):
    archive = make_zip(tmp_path / "a.zip", {"photos/1.jpg": b"1", "photos/2.jpg": b"2", "list.txt": b"3"})
    real, moved = os.replace, []

    def killed(source, target):
        if len(moved) == 1:
            raise KeyboardInterrupt
        moved.append(target.name)
        real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(download.os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            unpack(archive, tmp_path / "out", last="list.txt")
    assert moved == ["photos"] and not (tmp_path / "out" / "list.txt").exists()
    (tmp_path / "out" / ".a.zip.part" / "photos").mkdir(parents=True)  # of a program that was killed for good
    (tmp_path / "out" / ".a.zip.part" / "photos" / "half.jpg").write_bytes(b"")
    unpack(archive, tmp_path / "out", last="list.txt")
    there = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*")}
    assert there == {"photos", "photos/1.jpg", "photos/2.jpg", "list.txt"}


def test_what_is_there_already_stays_beside_what_is_unpacked(tmp_path):
    (tmp_path / "out" / "one").mkdir(parents=True)
    (tmp_path / "out" / "one" / "mine.txt").write_bytes(b"mine")
    (tmp_path / "out" / "one" / "two.txt").write_bytes(b"old")
    unpack(make_zip(tmp_path / "a.zip", {"one/two.txt": b"new"}), tmp_path / "out")
    found = {path.name: path.read_bytes() for path in (tmp_path / "out" / "one").iterdir()}
    assert found == {"mine.txt": b"mine", "two.txt": b"new"}


def test_a_part_of_a_dataset_is_provided_once(tmp_path, monkeypatch, capsys):
    archive = make_zip(tmp_path / "a.zip", {"photos/1.jpg": b"1"})
    fetched = []

    def fake(url, path, digest, page, progress):
        fetched.append((url, digest))
        return shutil.copy(archive, path)

    monkeypatch.setattr(download, "fetch", fake)
    (tmp_path / "out").mkdir()
    for _ in range(2):
        download.provide("photos/1.jpg", "https://here/a.zip", tmp_path / "out", "a" * 64)
    assert fetched == [("https://here/a.zip", "a" * 64)] and (tmp_path / "out" / "photos" / "1.jpg").exists()
    assert capsys.readouterr().out == "photos/1.jpg: fetching https://here/a.zip\n"


@pytest.mark.parametrize("damage", [lambda content: b"no archive", lambda content: content[:3000]])
@pytest.mark.parametrize(("make", "name"), [(make_zip, "a.zip"), (make_tar, "a.tar.gz")])
def test_a_damaged_archive_says_so(tmp_path, make, name, damage):
    (tmp_path / name).write_bytes(damage(make(tmp_path / name, {"a": os.urandom(5000)}).read_bytes()))
    with pytest.raises(DownloadError, match=rf"{name}: damaged archive .*; delete it and fetch it again"):
        unpack(tmp_path / name, tmp_path / "out")


def test_an_unknown_form_is_named(tmp_path):
    with pytest.raises(DownloadError, match=r"a\.7zz: only \.zip"):
        unpack(tmp_path / "a.7zz", tmp_path)


def test_a_rar_without_a_program_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(DownloadError, match=r"UCF101\.rar: a \.rar needs one of the programs bsdtar, unrar, 7z"):
        unpack(tmp_path / "UCF101.rar", tmp_path)


LISTINGS = {  # what each program prints: names alone, and with their sizes
    "bsdtar": ("{name}\n", "-rw-r--r--  0 0      0      {size} Mar 13  2011 {name}\n"),
    "unrar": ("{name}\n", "        Name: {name}\n        Type: File\n        Size: {size}\n Packed size: 9\n"),
    "7z": ("", "Path = a.rar\nPhysical Size = 9\n----------\nPath = {name}\nFolder = -\nSize = {size}\n"),
}


@pytest.mark.parametrize("tool", LISTINGS)
def test_a_rar_is_listed_before_it_is_unpacked_by_the_program_there_is(tmp_path, monkeypatch, tool):
    (tmp_path / "UCF101.rar").write_bytes(bytes(99))
    names, sizes = LISTINGS[tool]
    member, calls = {"name": "UCF-101/a b.avi", "size": 1000}, []

    def run(command, **_):
        calls.append(command)
        said = {"-tf": names, "lb": names, "-tv": sizes, "lt": sizes, "l": sizes}.get(command[1], "")
        return subprocess.CompletedProcess(command, 0, stdout=said.format(**member), stderr="")

    monkeypatch.setattr(shutil, "which", lambda name: name == tool)
    monkeypatch.setattr(subprocess, "run", run)
    unpack(tmp_path / "UCF101.rar", tmp_path / "out")
    assert all(call[0] == tool for call in calls) and calls[-1][1] in ("-xf", "x")

    calls.clear()
    member["size"] = 3 << 30
    with pytest.raises(DownloadError, match=r"UCF101\.rar: 99 bytes would become .* not to be trusted"):
        unpack(tmp_path / "UCF101.rar", tmp_path / "out")
    member |= {"name": "../evil", "size": 1000}
    if tool != "7z":
        with pytest.raises(DownloadError, match="leads out of the folder"):
            unpack(tmp_path / "UCF101.rar", tmp_path / "out")
    member |= {"name": "a", "size": ""}
    with pytest.raises(DownloadError, match=f"{tool} does not tell how large each member is"):
        unpack(tmp_path / "UCF101.rar", tmp_path / "out")
    assert not any(call[1] in ("-xf", "x") for call in calls)

    monkeypatch.setattr(subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 0, "", ""))
    with pytest.raises(DownloadError, match=f"{tool} does not tell how large each member is"):
        unpack(tmp_path / "UCF101.rar", tmp_path / "out")


@pytest.mark.parametrize("tool", ["bsdtar", "7z"])
def test_the_real_programs_unpack_and_refuse_a_bomb(tmp_path, monkeypatch, tool):
    """They look at what a file is, not at its name: so a zip, which anybody can make, does for a rar."""
    if shutil.which(tool) is None:
        pytest.skip(f"no {tool} here")
    real = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: real(name) if name == tool else None)
    make_zip(tmp_path / "a.rar", {"one two/three.txt": b"four"})
    unpack(tmp_path / "a.rar", tmp_path / "out")
    assert (tmp_path / "out" / "one two" / "three.txt").read_bytes() == b"four"
    with zipfile.ZipFile(tmp_path / "b.rar", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("z", bytes(300 << 20))
    with pytest.raises(DownloadError, match=r"b\.rar: .* bytes would become 315 MB; nothing was unpacked"):
        unpack(tmp_path / "b.rar", tmp_path / "bomb")
    with tarfile.open(tmp_path / "c.rar", "w:gz") as file:  # a user's name that hides the column of the size
        small, large = tarfile.TarInfo("a"), tarfile.TarInfo("b")
        large.uname, large.size = "two words", 150 << 20
        file.addfile(small)
        file.addfile(large, io.BufferedReader(Zeros(large.size)))
    with pytest.raises(DownloadError, match=r"c\.rar: .*nothing was unpacked"):
        unpack(tmp_path / "c.rar", tmp_path / "bomb")
    assert not (tmp_path / "bomb").exists()


def test_a_program_that_fails_on_a_rar_gives_its_reason(tmp_path, monkeypatch):
    tool = tmp_path / "bsdtar"
    tool.write_text("#!/bin/sh\necho 'bsdtar: Unrecognized archive format' >&2\nexit 1\n")
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(DownloadError, match=r"a\.rar: bsdtar failed \(bsdtar: Unrecognized archive format\)"):
        unpack(tmp_path / "a.rar", tmp_path / "out")
