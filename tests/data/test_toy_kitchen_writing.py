"""Writing Toy Kitchen to disk: the same bytes from the same seed, and no half-made sets."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from lrcn_utils.data import toy_kitchen
from lrcn_utils.data.toy_kitchen import writing

SCRIPT = Path(__file__).resolve().parents[2] / "data_scripts" / "make_toy_kitchen.py"


@pytest.fixture(autouse=True)
def _one_group(monkeypatch):
    """One group makes a set of 16 videos, enough here."""
    monkeypatch.setattr(writing, "TINY_GROUPS", [1])


def unfilmed(root, seed, name, group, clip) -> dict:
    """The record of a video without the video, for tests that look at folders alone."""
    facts = {"tool": "spoon", "object": "soup", "source": "bowl", "target": "none", "dish_colour": "red"}
    record = {"name": writing.video_name(name, group, clip), "class": name, "group": group, "clip": clip}
    return {**record, "seed": seed, "frames": 20, "activity": "stir", "facts": facts}


def digests(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("small") / "kitchen"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing, "TINY_GROUPS", [1])
        toy_kitchen.make(root, size="tiny", images=9, workers=1, progress=False)
    return root


def test_same_seed_same_bytes_with_one_worker_or_two(small, tmp_path):
    toy_kitchen.make(tmp_path / "again", size="tiny", images=9, workers=2, progress=False)
    first, again = digests(small), digests(tmp_path / "again")
    assert len(first) > 100
    assert first == again


def test_another_seed_is_another_world(small, tmp_path):
    toy_kitchen.make(tmp_path / "other", size="tiny", images=9, seed=1, workers=1, progress=False)
    first, other = digests(small), digests(tmp_path / "other")
    videos = [name for name in first if name.endswith(".avi")]
    assert len(videos) == 16 and not any(first[name] == other[name] for name in videos)


def test_a_complete_set_is_kept_and_other_settings_are_refused(small):
    before = (small / "card.json").stat().st_mtime_ns
    card = toy_kitchen.make(small, size="tiny", images=9, progress=False)
    assert card["videos"] == 16 and (small / "card.json").stat().st_mtime_ns == before
    with pytest.raises(FileExistsError, match="other settings"):
        toy_kitchen.make(small, size="tiny", images=9, seed=5, progress=False)


def test_a_folder_with_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="not empty"):
        toy_kitchen.make(tmp_path, size="tiny")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_empty_folder_is_filled_on_windows_too(tmp_path, monkeypatch):
    """There a folder cannot be renamed onto another one, not even an empty one."""
    rename = Path.rename

    def as_on_windows(path, target):
        if Path(target).exists():
            raise FileExistsError(target)
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", as_on_windows)
    monkeypatch.setattr(writing, "_write", lambda root, *_: {"card": "made"})
    (tmp_path / "kitchen").mkdir()
    assert writing.make(tmp_path / "kitchen", size="tiny", progress=False) == {"card": "made"}


def test_an_interrupted_run_leaves_nothing(tmp_path, monkeypatch):
    def stop(*job):
        raise KeyboardInterrupt

    monkeypatch.setattr(writing, "_make_video", stop)
    with pytest.raises(KeyboardInterrupt):
        toy_kitchen.make(tmp_path / "kitchen", size="tiny", workers=1, progress=False)
    assert list(tmp_path.iterdir()) == []


def test_two_makers_at_once_leave_one_whole_set(tmp_path, monkeypatch):
    """Two notebooks opened together may both find the set missing: the slower one takes the faster one's."""
    root, write = tmp_path / "kitchen", writing._write

    def overtaken(part, *rest):
        card = write(part, *rest)
        if not root.exists():
            monkeypatch.setattr(writing, "_write", write)
            toy_kitchen.make(root, size="tiny", images=9, workers=1, progress=False)
        return card

    monkeypatch.setattr(writing, "_write", overtaken)
    monkeypatch.setattr(writing, "_make_video", unfilmed)
    card = toy_kitchen.make(root, size="tiny", images=9, workers=1, progress=False)
    assert card == json.loads((root / "card.json").read_text())
    assert [path.name for path in tmp_path.iterdir()] == ["kitchen"]


def test_a_script_without_a_main_guard_makes_one_set(tmp_path):
    """Spawned processes run the caller's script again unless kept from it; then this one would never end well."""
    script = tmp_path / "script.py"
    script.write_text(
        "from lrcn_utils.data.toy_kitchen import make, writing\n"
        "writing.TINY_GROUPS = [1]\n"
        f"print(make({str(tmp_path / 'kitchen')!r}, size='tiny', images=9, workers=2, progress=False)['videos'])\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.stdout == "16\n", done.stderr


@pytest.mark.parametrize("bad", [{"size": "huge"}, {"videos": 0}, {"images": 2}])
def test_bad_settings_are_named(tmp_path, bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        toy_kitchen.make(tmp_path / "kitchen", **bad)


def test_the_card_says_what_is_there(small):
    card = json.loads((small / "card.json").read_text())
    assert card["frames"] == sum(
        v["frames"] for v in json.loads((small / "ground_truth/videos.json").read_text()).values()
    )
    text = toy_kitchen.card_text(card)
    for part in ("16 videos", "OpenDrawer/CloseDrawer", "56.25%", "9 stills", "egg on board"):
        assert part in text


def test_the_command_prints_the_card_and_says_when_there_is_none(small, tmp_path):
    run = lambda root: subprocess.run(  # noqa: E731
        [sys.executable, SCRIPT, "--card", "--out", root], capture_output=True, text=True, check=False
    )
    assert "one frame, position known" in run(small).stdout
    missing = run(tmp_path)
    assert missing.returncode == 1 and "card.json: no such file" in missing.stderr
