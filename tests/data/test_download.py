import hashlib
import http.server
import importlib.util
import os
import socket
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from lrcn_utils.data import download
from lrcn_utils.data.download import DownloadError, fetch

CONTENT = os.urandom(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Serves CONTENT; ``break_at`` cuts transfers there, ``ranges=False`` ignores Range, ``fail`` answers that.

    ``version``: headers that tell it; as a real server does, it sends everything where If-Range names another.
    """

    break_at, ranges, fail, requests, version, redirect = None, True, None, 0, {}, None


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        server.requests += 1
        if server.fail:
            self.send_error(server.fail)
            return
        if server.redirect:
            self.send_response(302)
            self.send_header("Location", server.redirect)
            self.end_headers()
            return
        asked = self.headers.get("Range") if server.ranges else None
        if self.headers.get("If-Range", "") not in ("", *server.version.values()):
            asked = None
        start = int(asked[6:-1]) if asked else 0
        if start >= len(CONTENT):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(CONTENT)}")
            self.end_headers()
            return
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        for name, value in server.version.items():
            self.send_header(name, value)
        self.end_headers()
        body = CONTENT[start:]
        self.wfile.write(body[: server.break_at] if server.break_at else body)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{server.server_port}/archive.zip"
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(download.time, "sleep", lambda seconds: None)


def test_a_whole_file_is_fetched_checked_and_kept(server, tmp_path):
    path = fetch(server.url, tmp_path / "deep" / "archive.zip", SHA256)
    assert path.read_bytes() == CONTENT
    assert os.listdir(path.parent) == ["archive.zip"]
    fetch(server.url, path)
    assert server.requests == 1, "a file that is there is not fetched again"


def test_a_connection_that_breaks_is_resumed(server, tmp_path):
    server.break_at = 100_000
    assert fetch(server.url, tmp_path / "a", SHA256).read_bytes() == CONTENT
    assert server.requests == 3


def test_a_program_started_again_goes_on_where_it_ended(server, tmp_path):
    (tmp_path / "a.part").write_bytes(CONTENT[:250_000])
    server.break_at = 60_000  # enough for the rest, not for everything
    assert fetch(server.url, tmp_path / "a", SHA256, tries=1).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"ETag": '"1"'}, {"ETag": '"2"'}),
        ({"ETag": 'W/"1"', "Last-Modified": "Mon"}, {"ETag": 'W/"1"', "Last-Modified": "Tue"}),
    ],
)
def test_a_part_of_another_version_is_never_gone_on_with(server, tmp_path, before, after):
    server.version, server.break_at = before, 200_000
    with pytest.raises(DownloadError):
        fetch(server.url, tmp_path / "a", tries=1)
    (tmp_path / "a.part").write_bytes(b"old" + (tmp_path / "a.part").read_bytes()[3:])
    server.version, server.break_at = after, None
    assert fetch(server.url, tmp_path / "a").read_bytes() == CONTENT
    assert os.listdir(tmp_path) == ["a"]


def test_a_part_of_the_same_version_is_gone_on_with(server, tmp_path):
    server.version, server.break_at = {"ETag": '"1"', "Last-Modified": "Mon"}, 200_000
    assert fetch(server.url, tmp_path / "a", SHA256).read_bytes() == CONTENT and server.requests == 2


def test_a_complete_part_needs_no_transfer_and_a_longer_one_starts_over(server, tmp_path):
    (tmp_path / "a.part").write_bytes(CONTENT)
    assert fetch(server.url, tmp_path / "a", SHA256).read_bytes() == CONTENT
    (tmp_path / "b.part").write_bytes(CONTENT + b"more")
    assert fetch(server.url, tmp_path / "b", SHA256).read_bytes() == CONTENT


def test_a_server_without_ranges_sends_everything_again(server, tmp_path):
    server.ranges = False
    (tmp_path / "a.part").write_bytes(b"x" * 1000)
    assert fetch(server.url, tmp_path / "a", SHA256).read_bytes() == CONTENT


def test_a_short_transfer_is_never_accepted(server, tmp_path):
    server.break_at, server.ranges = 100_000, False
    with pytest.raises(
        DownloadError,
        match="the connection broke off; try again later .it goes on where it ended., or save it with a browser",
    ):
        fetch(server.url, tmp_path / "a", tries=2)
    assert not (tmp_path / "a").exists()


def test_another_digest_is_refused_and_deleted(server, tmp_path):
    with pytest.raises(DownloadError, match=rf"a: its SHA-256 is {SHA256}, not 00"):
        fetch(server.url, tmp_path / "a", "00" * 32)
    assert os.listdir(tmp_path) == []


def test_what_the_server_refuses_is_not_asked_again(server, tmp_path):
    server.fail = 404
    moved = r"the server answers 404 .*: it is no longer there; look for it on https://page, save it as .*a, and start"
    with pytest.raises(DownloadError, match=moved):
        fetch(server.url, tmp_path / "a", page="https://page")
    assert server.requests == 1
    server.fail = 503
    with pytest.raises(DownloadError, match="the server answers 503"):
        fetch(server.url, tmp_path / "a", tries=3)
    assert server.requests == 4


def test_no_network_is_one_clear_error(tmp_path):
    with pytest.raises(DownloadError, match="http://127.0.0.1:9/a: .*; try again later"):
        fetch("http://127.0.0.1:9/a", tmp_path / "a", tries=2)


def test_a_source_that_has_moved_is_told_from_a_lost_network(server, tmp_path, monkeypatch):
    server.redirect = "/round"  # and /round sends there again
    with pytest.raises(
        DownloadError, match=r"302 and sends from one address to the next in a circle: it is no longer there"
    ):
        fetch(server.url, tmp_path / "a")
    server.redirect, server.version = None, {"Content-Type": "text/html; charset=utf-8"}
    with pytest.raises(DownloadError, match="sends a web page instead of the file: it is no longer there"):
        fetch(server.url, tmp_path / "a")
    assert os.listdir(tmp_path) == []

    def no_name(*_, **__):
        raise urllib.error.URLError(socket.gaierror(-2, "Name or service not known"))

    monkeypatch.setattr(urllib.request, "urlopen", no_name)
    lost = (
        r"the name of the site is not found \(Name .*\): is there a network here\? If there is, it has moved; try again"
    )
    with pytest.raises(DownloadError, match=lost):
        fetch(server.url, tmp_path / "a", tries=2)


def test_a_file_that_is_there_is_checked_too(server, tmp_path):
    (tmp_path / "a").write_bytes(b"planted")
    with pytest.raises(DownloadError, match=rf"a: is another file than {server.url} .*not {SHA256}\); remove it"):
        fetch(server.url, tmp_path / "a", SHA256)
    assert server.requests == 0 and (tmp_path / "a").read_bytes() == b"planted"


def test_where_only_an_md5_is_known_it_is_checked(server, tmp_path):
    with pytest.raises(DownloadError, match="its MD5 is"):
        fetch(server.url, tmp_path / "a", "0" * 32)
    assert fetch(server.url, tmp_path / "a", hashlib.md5(CONTENT).hexdigest()).read_bytes() == CONTENT


SCRIPTS = Path(__file__).resolve().parents[2] / "data_scripts"


def load(script):
    spec = importlib.util.spec_from_file_location(script, SCRIPTS / f"{script}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("script", "archives"), [("prepare_coco", 4), ("prepare_flickr", 2), ("prepare_ucf101", 2)])
def test_datasets_come_by_https_and_with_a_digest(script, archives):
    module = load(script)
    source = module.SOURCES["flickr8k"] if script == "prepare_flickr" else module.SOURCE
    assert len(source.archives) == archives and source.licence and source.page.startswith("https://")
    for archive in source.archives:
        assert archive.url.startswith("https://") and len(archive.digest) in (32, 64) and archive.size > 1e4
