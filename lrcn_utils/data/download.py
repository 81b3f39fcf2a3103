"""Downloads that resume and archives that stay in their folder."""

import gzip
import hashlib
import os
import re
import shutil
import socket
import subprocess
import tarfile
import time
import urllib.error
import urllib.request
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from lrcn_utils.data import atomic
from lrcn_utils.data.command import bytes_of
from lrcn_utils.data.text import read_text

CHUNK = 1 << 20
MOST_SWELLING = 200  # times its own size, of an archive that is unpacked; text shrinks to a tenth, films not at all


class DownloadError(OSError):
    """A download or an archive that cannot be had or used. The message names it, what is wrong, and what to do."""


def fetch(
    url: str, path: Path | str, digest: str | None = None, *, page: str = "", tries: int = 5, progress: bool = False
) -> Path:
    """Download ``url`` to ``path`` and return it; a file that is there already is kept, if it has the digest.

    What has come lies in ``path``.part; a broken transfer, or a program started again, goes on where it ended, or
    begins anew when the server has another version of the file by then. The file gets its name only when it is as
    long as the server said and has the ``digest``, if one is given: 64 hexadecimal digits of SHA-256, or 32 of MD5.
    ``page``: where a person looks for the file when it is no longer at ``url``.
    Raises DownloadError after ``tries`` attempts, at once when the file is not where it was (the message then says what
    to do by hand), or when the digest is another one (what came is then deleted).
    """
    path = Path(path)
    if path.exists():
        if wrong := _wrong(path, digest):
            raise DownloadError(f"{path}: is another file than {url} ({wrong}); remove it")
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    for attempt in range(tries):
        try:
            if _transfer(url, part, progress):
                break
            why = "the connection broke off"
        except urllib.error.HTTPError as error:
            why = f"the server answers {error.code} {_reason(error)}"
            if error.code < 500 and error.code not in (408, 429):
                raise DownloadError(_moved(url, path, page, why)) from error
        except _NotAFile as error:
            raise DownloadError(_moved(url, path, page, "the server sends a web page instead of the file")) from error
        except OSError as error:  # no network, a name that is not found, a certificate, a time-out
            why = _lost(url, getattr(error, "reason", error))
        if attempt + 1 < tries:
            time.sleep(min(2**attempt, 30) if attempt else 0)
    else:
        raise DownloadError(_cannot(url, path, why))
    _version(part).unlink(missing_ok=True)
    if wrong := _wrong(part, digest):
        part.unlink()
        raise DownloadError(f"{path.name}: {wrong}; deleted, fetch it again")
    os.replace(part, path)
    return path


def provide(part: str, url: str, folder: Path, digest: str | None = None, *, page: str = "") -> None:
    """See to it that ``folder``/``part`` is there: where it is not, the archive at ``url`` is fetched and unpacked.

    ``digest``: of the archive, and ``page``, as for ``fetch``.
    """
    if not (folder / part).exists():
        print(f"{part}: fetching {url}")
        archive = fetch(url, folder / url.rsplit("/", 1)[1], digest, page=page, progress=True)
        unpack(archive, folder, last=PurePosixPath(part).parts[0])


def unpack(archive: Path | str, folder: Path | str, last: str = "") -> None:
    """Unpack a .zip, .tar, .tar.gz, .tgz or .rar into ``folder``; nothing is written outside of it.

    It is unpacked beside and moved at the end, the file or folder ``last`` after all others: where that is, all is.
    Raises DownloadError when a member's name or link leads out of the folder or it swells beyond all measure (nothing
    is unpacked then), when the archive is damaged, or when its form is unknown. A .rar needs the program ``bsdtar``,
    ``unrar`` or ``7z``.
    """
    archive, folder = Path(archive), Path(folder)
    part = folder / f".{archive.name}.part"
    shutil.rmtree(part, ignore_errors=True)  # of a program that was killed
    try:
        _extract(archive, part)
        move_into(part, folder, last)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def move_into(source: Path, folder: Path, last: str = "") -> None:
    """Move all that is in ``source`` into ``folder`` on the same disk, ``last`` after all others."""
    folder.mkdir(parents=True, exist_ok=True)
    for child in sorted(source.iterdir(), key=lambda child: child.name == last):
        if child.is_dir() and (folder / child.name).is_dir():
            move_into(child, folder / child.name)
        else:
            os.replace(child, folder / child.name)


def _extract(archive: Path, folder: Path) -> None:
    name = archive.name.lower()
    try:
        if name.endswith(".zip"):
            with zipfile.ZipFile(archive) as file:
                _assert_inside(archive, file.namelist())
                _assert_size(archive, sum(member.file_size for member in file.infolist()))
                folder.mkdir(parents=True, exist_ok=True)
                file.extractall(folder)
        elif name.endswith((".tar", ".tar.gz", ".tgz")):
            with tarfile.open(archive) as file:
                _assert_inside(archive, file.getnames())
                _assert_size(archive, sum(member.size for member in file))
                folder.mkdir(parents=True, exist_ok=True)
                file.extractall(folder, filter="data")
        elif name.endswith(".rar"):
            _unpack_rar(archive, folder)
        else:
            raise DownloadError(f"{archive.name}: only .zip, .tar, .tar.gz, .tgz and .rar can be unpacked")
    except tarfile.FilterError as error:  # a link, a device
        raise DownloadError(f"{archive.name}: {error}, and nothing was unpacked; it is not to be trusted") from error
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, RuntimeError) as error:
        why = str(error).splitlines()[0].rstrip(":")  # RuntimeError: a zip that asks for a password
        raise DownloadError(f"{archive.name}: damaged archive ({why}); delete it and fetch it again") from error


def _transfer(url: str, part: Path, progress: bool) -> bool:
    """Append to ``part`` what is missing; True when it is complete."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    if have and _version(part).exists() and (version := read_text(_version(part))):
        headers["If-Range"] = version
    request = urllib.request.Request(url, headers=headers)
    try:
        answer = urllib.request.urlopen(request, timeout=60)
    except urllib.error.HTTPError as error:
        if error.code != 416:  # 416: there is nothing after what we have
            raise
        if error.headers.get("Content-Range", "").removeprefix("bytes */") == str(have):
            return True
        part.unlink()  # longer than the file on the server, so not the same file
        return False
    with answer:
        if answer.headers.get_content_type() == "text/html":
            raise _NotAFile
        if answer.status != 206:
            have = 0  # the server sends everything again
            tag = answer.headers.get("ETag", "")  # a weak one, W/"...", may not be asked for
            atomic.write_text(_version(part), tag if tag.startswith('"') else answer.headers.get("Last-Modified", ""))
        length = answer.headers.get("Content-Length")
        total = None if length is None else have + int(length)
        with (
            open(part, "ab" if have else "wb") as file,
            tqdm(desc=part.stem, initial=have, total=total, unit="B", unit_scale=True, disable=not progress) as bar,
        ):
            while chunk := answer.read(CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
    return total is None or part.stat().st_size == total


def _version(part: Path) -> Path:
    """Where it is kept which version of the file on the server ``part`` comes from."""
    return part.with_name(part.name + ".version")


class _NotAFile(Exception):
    """A site that has moved often answers every address with a page."""


def _cannot(url: str, path: Path, why: str) -> str:
    return f"{url}: {why}; try again later (it goes on where it ended), or save it with a browser as {path}"


def _moved(url: str, path: Path, page: str, why: str) -> str:
    where = f"look for it on {page}" if page else "look for where it is now"
    return f"{url}: {why}: it is no longer there; {where}, save it as {path}, and start this again"


def _lost(url: str, why: object) -> str:
    """What a failure of the network means: that the site is gone looks the same from here as no network."""
    if isinstance(why, socket.gaierror):
        return f"the name of the site is not found ({why.strerror}): is there a network here? If there is, it has moved"
    return str(why)


def _reason(error: urllib.error.HTTPError) -> str:
    # urllib tells of a circle in several lines.
    return "and sends from one address to the next in a circle" if "infinite loop" in str(error) else error.reason


def _wrong(path: Path, wanted: str | None) -> str:
    """What is wrong with the digest of the file at ``path``; "" where it is the wanted one, or none is wanted."""
    if wanted is None:
        return ""
    name = {32: "MD5", 64: "SHA-256"}[len(wanted)]
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, name.replace("-", "")).hexdigest()
    return "" if found == wanted.lower() else f"its {name} is {found}, not {wanted}"


def _assert_inside(archive: Path, names: list[str]) -> None:
    for name in names:
        parts = PurePosixPath(name.replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts or (parts.parts and ":" in parts.parts[0]):
            raise DownloadError(f"{archive.name}: its member {name!r} leads out of the folder; nothing was unpacked")


def _assert_size(archive: Path, size: int) -> None:
    """Refuse an archive that swells by more than any picture, film or text does, or that the disk cannot hold."""
    if size > max(MOST_SWELLING * archive.stat().st_size, 1e8):
        swollen = f"{archive.stat().st_size} bytes would become {bytes_of(size)}"
        raise DownloadError(f"{archive.name}: {swollen}; nothing was unpacked, for it is not to be trusted")
    if size > (free := shutil.disk_usage(archive.parent).free):
        raise DownloadError(f"{archive.name}: needs {bytes_of(size)}, and {bytes_of(free)} are free; make room")


def _unpack_rar(archive: Path, folder: Path) -> None:
    # Of each: words that list names (7z itself refuses those that lead out) and sizes, the size of each member, nothing
    # where it is not told, and words that unpack. An owner is a number, as a name might hold columns of its own.
    sizes_of = ["-tv", "--numeric-owner", "-f"]
    tools = {
        "bsdtar": (["-tf"], sizes_of, r"^(?:\S+ +\d+ +\d+ +\d+ +(\d+) .*|.+)$", ["-xf", archive, "-C", folder]),
        "unrar": (["lb"], ["lt"], r"^ *Size: *(\d*)", ["x", "-o+", "-idq", archive, f"{folder}{os.sep}"]),
        "7z": (None, ["l", "-slt"], r"^Folder = -\nSize = (\d*)$", ["x", "-y", "-bso0", f"-o{folder}", archive]),
    }
    tool = next((tool for tool in tools if shutil.which(tool)), None)
    if tool is None:
        raise DownloadError(
            f"{archive.name}: a .rar needs one of the programs {', '.join(tools)}"
            " (Debian and Ubuntu: apt install libarchive-tools; macOS has bsdtar); install one and run this again"
        )
    names, sizes, size, extraction = tools[tool]
    if names is not None:
        _assert_inside(archive, _run(archive, [tool, *names, archive]).splitlines())
    found = re.findall(size, _run(archive, [tool, *sizes, archive]), re.MULTILINE)
    if not found or "" in found:
        raise DownloadError(f"{archive.name}: {tool} does not tell how large each member is; nothing was unpacked")
    _assert_size(archive, sum(map(int, found)))
    folder.mkdir(parents=True, exist_ok=True)
    _run(archive, [tool, *extraction])


def _run(archive: Path, command: list) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, encoding="utf-8", errors="replace")
    if done.returncode != 0:
        why = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise DownloadError(f"{archive.name}: {command[0]} failed ({why}); delete the archive and fetch it again")
    return done.stdout
