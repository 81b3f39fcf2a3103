"""Uploads: the same file again, files that cannot be used, and both forms in which ipywidgets gives a file."""

import pytest
from choose_file import choose

from lrcn_utils.widgets import upload as uploads
from lrcn_utils.widgets.upload import Upload, uploaded_file


@pytest.fixture
def opened():
    return []


@pytest.fixture
def upload(opened):
    def open_(name, content):
        if content == b"bad":
            raise ValueError(f"{name}: <no> film;\ncopy it again")
        opened.append((name, content))

    return Upload("your own", "video/*", "knows only <toys>", open_)


def test_the_same_file_is_opened_as_often_as_it_is_chosen(upload, opened):
    for _ in range(3):
        choose(upload, "a.avi", b"film")
    assert opened == [("a.avi", b"film")] * 3


def test_a_fault_stays_in_one_escaped_line_until_something_else_is_opened(upload, opened):
    assert "knows only &lt;toys&gt;" in upload.message.value
    for _ in range(2):
        choose(upload, "b.avi", b"bad")
        assert "b.avi: &lt;no&gt; film; copy it again</b>" in upload.message.value
    choose(upload, "a.avi", b"film")
    assert upload.message.value == upload.note
    choose(upload, "b.avi", b"bad")
    upload.clear()
    assert upload.message.value == upload.note and len(opened) == 1


def test_the_limit_is_said_and_kept(upload, opened, monkeypatch):
    assert "At most 10 MB" in upload.message.value
    monkeypatch.setattr(uploads, "MOST", 1_000_000)
    choose(upload, "<long>.avi", bytes(1_300_000))
    assert "&lt;long&gt;.avi: 1.3 MB, and 1 MB may be uploaded" in upload.message.value and opened == []
    choose(upload, "short.avi", bytes(1_000_000))
    assert len(opened) == 1


def test_both_forms_of_a_file_are_read():
    new = ({"name": "a.avi", "content": memoryview(b"film")},)
    old = {"a.avi": {"metadata": {}, "content": b"film"}}
    assert uploaded_file(new) == uploaded_file(old) == ("a.avi", b"film")
