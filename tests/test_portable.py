"""What would fail on Windows or macOS only: encodings, line ends, file names, workers that are not forked."""

import ast
import multiprocessing
import re
import subprocess
from pathlib import Path

import pytest
import torch

from lrcn_utils.data.vocabulary import Vocabulary
from lrcn_utils.training.loop import fit
from lrcn_utils.training.sentences import Pairs, collate

REPOSITORY = Path(__file__).resolve().parents[1]
LISTED = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, encoding="utf-8", check=True)
TRACKED = [name for name in LISTED.stdout.split("\0") if (REPOSITORY / name).is_file()]
SOURCES = [name for name in TRACKED if name.endswith(".py") and not name.startswith("tests/")]
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
WRITES = re.compile(r"[wax]")


def careless(source: str) -> list[str]:
    """The calls in ``source`` that read or write text in the encoding, or with the line ends, of the machine.

    ``atomic.write_text`` and ``data.text.read_text``, which know both, are called by other names than a path's.
    """
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        given = {word.arg: word.value for word in node.keywords}
        name, path = node.func, False
        if isinstance(name, ast.Attribute):
            path = not (isinstance(name.value, ast.Name) and name.value.id in {"atomic", "text"})
            name = name.attr
        else:
            name = getattr(name, "id", "")
        wanted = set()
        if path and name == "read_text":
            wanted = {"encoding"}
        elif path and name == "write_text":
            wanted = {"encoding", "newline"}
        elif name == "open" and not path:
            mode = node.args[1] if len(node.args) > 1 else given.get("mode")
            mode = mode.value if isinstance(mode, ast.Constant) else "" if mode is not None else "r"
            if mode and "b" not in mode:
                wanted = {"encoding", "newline"} if WRITES.search(mode) else {"encoding"}
        elif "text" in given or "universal_newlines" in given:
            wanted = {"encoding"}
        if missing := wanted - set(given):
            found.append(f"line {node.lineno}: {name} without {' and '.join(sorted(missing))}")
    return found


@pytest.mark.parametrize("path", SOURCES)
def test_text_is_read_and_written_as_utf_8_with_unix_line_ends(path):
    assert careless((REPOSITORY / path).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("source", "missing"),
    [
        ("path.read_text()", "encoding"),
        ("path.write_text(text, encoding='utf-8')", "newline"),
        ("open(path)", "encoding"),
        ("open(path, 'w', encoding='utf-8')", "newline"),
        ("subprocess.run(command, text=True)", "encoding"),
    ],
)
def test_a_careless_call_would_be_found(source, missing):
    (line,) = careless(source)
    assert line.endswith(f"without {missing}")


@pytest.mark.parametrize("source", ["open(path, 'rb')", "atomic.write_text(path, text)", "read_text(path)"])
def test_what_knows_both_is_let_through(source):
    assert careless(source) == []


def test_every_file_can_be_checked_out_on_windows_and_macos():
    """No name that Windows keeps for itself or cannot write, and no two that differ in upper case alone."""
    for name in TRACKED:
        parts = name.split("/")
        assert not any(RESERVED.fullmatch(part) for part in parts), name
        assert not re.search(r'[<>:"|?*\\\x00-\x1f]', name) and not any(part.endswith((".", " ")) for part in parts)
        assert len(name) <= 120, f"{name}: with the path of a home folder it is near Windows' 260 characters"
    assert len({name.lower() for name in TRACKED}) == len(TRACKED)


def test_no_link_is_tracked():
    assert [name for name in TRACKED if (REPOSITORY / name).is_symlink()] == []


def test_no_process_is_forked():
    """Windows has no fork, and macOS does not survive it; ``spawn`` begins anew everywhere."""
    forked = re.compile(
        r"os\.fork\(|get_context\(['\"]fork|set_start_method\(['\"]fork|ProcessPoolExecutor\((?!.*spawn)"
    )
    assert [name for name in SOURCES if forked.search((REPOSITORY / name).read_text(encoding="utf-8"))] == []


@pytest.fixture
def spawned():
    before = multiprocessing.get_start_method()
    multiprocessing.set_start_method("spawn", force=True)
    yield
    multiprocessing.set_start_method(before, force=True)


def test_a_training_reads_its_data_in_a_worker_that_was_spawned(spawned):
    """As on Windows and macOS: data and collate travel to a process that knows nothing, and the losses are the same."""

    def losses(workers: int) -> list[float]:
        torch.manual_seed(0)
        vocabulary = Vocabulary.build(["a red pot", "a pan"], min_count=1)
        pairs = Pairs(torch.arange(8.0).reshape(4, 2), [(row, "a red pot") for row in range(4)], vocabulary)
        model = torch.nn.Linear(2, 1)
        return fit(
            model,
            pairs,
            lambda model, batch: model(batch[0]).square().mean(),
            torch.optim.SGD(model.parameters(), 0.01),
            epochs=2,
            batch_size=2,
            collate=collate,
            workers=workers,
            progress=False,
        ).loss

    assert losses(1) == losses(0)
