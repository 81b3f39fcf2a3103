"""A run knows itself: settings from the command line, refusals by name, and what is recorded is what was used."""

import importlib
import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch

from lrcn_utils import environment
from lrcn_utils.data.command import one_line
from lrcn_utils.training import settings as options
from lrcn_utils.training.__main__ import TASKS, main
from lrcn_utils.training.checkpoints import load_checkpoint
from lrcn_utils.training.run import Run
from lrcn_utils.training.settings import Settings, option
from lrcn_utils.training.state import RunError


@dataclass(frozen=True, kw_only=True)
class Example(Settings):
    """An example."""

    RECIPE = {"epochs": 3, "rate": 0.1}
    model: str = option("one", "the model", choices=["one", "two"])
    groups: tuple[int, ...] | None = option(None, "groups", kind=lambda text: tuple(map(int, text.split(","))))
    names: tuple[str, ...] = option(("a", "b"), "names")
    start: Path | None = option(None, "start")

    def __post_init__(self):
        super().__post_init__()
        if self.model == "two" and self.start:
            raise ValueError("--start has no meaning for --model two")


def parse(*words):
    return options.parse(Example, list(words), prog="example", about="An example.", renamed={"--variant": "--model"})


def test_settings_come_from_the_command_line_and_are_frozen():
    given = parse("--model", "two", "--groups", "1,2", "--names", "c", "d", "--seeds", "2", "--seed", "4", "--strict")
    assert (given.model, given.groups, given.names, given.strict) == ("two", (1, 2), ("c", "d"), True)
    assert list(given.all_seeds) == [4, 5] and given.epochs == 3 and given.rate == 0.1
    assert parse("--epochs", "7").epochs == 7
    with pytest.raises(AttributeError):
        given.seed = 1


@pytest.mark.parametrize(
    "words",
    [["--seeds", "0"], ["--epochs", "0"], ["--batch-size", "-1"], ["--limit", "0"], ["--rate", "-1"], ["--seed", "-1"]],
)
def test_numbers_that_make_no_sense_are_refused(words, capsys):
    with pytest.raises(SystemExit):
        parse(*words)
    assert f"{words[0]} {words[1]}" in capsys.readouterr().err and parse("--rate", "0", "--workers", "0").rate == 0


def test_data_is_a_name_or_a_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LRCN_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    for folder in ("mine", "data/other"):
        (tmp_path / folder).mkdir(parents=True)
    assert Example(data="mine").folder == Path("mine") and Example(data="other").folder == tmp_path / "data" / "other"
    assert Example(data="toy", root=tmp_path).folder == tmp_path
    with pytest.raises(FileNotFoundError, match="gone: there is no such folder"):
        _ = Example(data="gone").folder


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--variant", "one"], "--variant is now --model"),
        (["--variant=one"], "--variant is now --model"),
        (["--mod", "one"], "unrecognized arguments: --mod one"),
        (["--model", "two", "--start", "x"], "--start has no meaning for --model two"),
        (["--model", "three"], "invalid choice: 'three'"),
    ],
)
def test_what_does_not_fit_costs_one_line(words, line, capsys):
    with pytest.raises(SystemExit) as stopped:
        parse(*words)
    assert stopped.value.code == 2 and line in capsys.readouterr().err


def test_the_recorded_command_gives_the_same_settings_again():
    given = parse(
        "--model", "two", "--groups", "1,2", "--names", "c", "d", "--rate", "0.5", "--out", "here", "--resume"
    )
    words = options.command(given, "example").split()
    assert words[:4] == ["python", "-m", "lrcn_utils.training", "example"] and "here" not in words
    assert parse(*words[4:]) == replace(given, out=None, resume=False)


def test_where_files_lie_is_no_part_of_what_a_run_is():
    here, there = Example(out=Path("a"), cache=Path("b"), workers=3), Example(root=Path("c"))
    assert options.that_change_results(here) == options.that_change_results(there)
    assert options.that_change_results(Example(rate=1.0)) != options.that_change_results(here)


@pytest.fixture
def start(tmp_path):
    def begin(data="d1", out=tmp_path / "run", **changes):
        return Run.start(Example(out=out, **changes), "example", data=data, recipe={"clip": 5})

    return begin


def test_a_folder_holds_one_run(start):
    run = start()
    run.file("model.state").touch()
    with pytest.raises(RunError, match=r"holds this run already; add --resume to go on with it"):
        start()
    assert start(resume=True).facts == run.facts
    with pytest.raises(RunError, match=r"another run .data d1 there, d2 here, rate 0.1 there, 0.5 here.; choose"):
        start(data="d2", rate=0.5, resume=True)
    with pytest.raises(RunError, match="seed 0 there, 1 here"):
        start(seed=1)


def test_a_run_of_which_nothing_came_does_not_keep_the_folder(start):
    start()  # and then, say, a layer was misspelt
    run = start(rate=0.5)
    assert json.loads(run.file("run.json").read_text())["facts"]["rate"] == 0.5


@pytest.mark.parametrize("content", ["{broken", "[]", '{"a": 1}', '{"facts": 3}', ""])
def test_a_damaged_record_of_a_run_is_one_line(start, content):
    run = start()
    run.file("model.state").touch()
    run.file("run.json").write_text(content)
    with pytest.raises(RunError, match=r"run\.json is damaged; choose another --out"):
        start(resume=True)


def test_a_folder_of_something_else_is_refused(tmp_path, start):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").touch()
    with pytest.raises(RunError, match="holds files of something else"):
        start(out=tmp_path / "other")


def test_without_out_every_run_has_a_folder_of_its_own(start, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    folders = {start(out=None, rate=rate).folder for rate in (0.1, 0.5)}
    assert len(folders) == 2 and all(folder.parent == Path("runs") for folder in folders)


def test_files_say_what_was_used(start):
    run = start(rate=0.5, seed=3)
    file = run.keep("model_seed3", torch.nn.Linear(2, 1), {"sizes": [2, 1]}, {"seed": 3})
    _, config, record = load_checkpoint(file)
    assert config == {"task": "example", "sizes": [2, 1]} and run.trained("model_seed3") == file
    assert record == {"command": "python -m lrcn_utils.training example --seed 3 --epochs 3 --rate 0.5", "seed": 3}
    assert run.state("model_seed3").facts["part"] == "model_seed3"
    run.file("model_seed3.state").touch()
    run.write_results(scores=[1.5], data={"train": 9})
    results = json.loads(run.file("results.json").read_text())
    assert results["facts"]["rate"] == 0.5 and results["facts"]["recipe"] == {"clip": 5} and results["scores"] == [1.5]
    assert results["versions"]["torch"] and results["command"] == record["command"]
    assert not run.file("model_seed3.state").exists()


@pytest.mark.parametrize(("there", "written"), [("Some GPU", "Some GPU"), (None, "none was available")])
def test_results_name_the_gpu_or_say_that_there_was_none(start, monkeypatch, there, written):
    monkeypatch.setattr(environment, "gpu_name", lambda: there)
    run = start()
    run.write_results()
    assert json.loads(run.file("results.json").read_text())["versions"]["gpu"] == written


def test_what_is_finished_is_not_done_again(start):
    run, calls = start(), []

    def compute(x):
        calls.append(x)
        return {"score": x / 3}

    assert run.once("part", compute, 1) == start(resume=True).once("part", compute, 2) == {"score": 1 / 3}
    assert run.once("other", compute, 3) == {"score": 1.0} and calls == [1, 3]


@pytest.mark.parametrize(
    "error", [ValueError("a\nb"), FileNotFoundError("a b"), ImportError("a b"), ArithmeticError("a b")]
)
def test_what_a_user_can_mend_is_one_line(error):
    def fails():
        raise error

    with pytest.raises(SystemExit) as stopped:
        one_line(fails)
    assert stopped.value.code == "a b"
    assert one_line(lambda: 3) == 3


def test_help_lists_the_tasks_and_their_parts(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "activity     Activity recognition" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["activity", "--help"])
    assert "table, controls, heads, fuse, ship" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["activity", "--root", "nowhere"], "nowhere: there is no such folder"),
        (["captioning", "--data", "flickr8k"], "flickr8k: there is no such folder"),
        (["captioning", "--data", "../nowhere"], "nowhere: there is no such folder"),
        (["activity", "fuse", "a.npz", "b.npz"], "a.npz: there are no saved scores"),
        (["description", "ship", "nowhere"], "no such checkpoint"),
    ],
)
def test_a_mistake_is_one_line_and_no_traceback(words, line, monkeypatch, tmp_path):
    monkeypatch.setenv("LRCN_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert line in stopped.value.code and "\n" not in stopped.value.code


@pytest.mark.parametrize(
    ("task", "old", "new"),
    [
        ("activity", "--batch", "--batch-size"),
        ("captioning", "--variant", "--model"),
        ("captioning", "--layer", "--feature"),
        ("description", "--models", "--model"),
        ("cnn", "--batch", "--batch-size"),
    ],
)
def test_old_spellings_say_the_new_one(task, old, new, capsys):
    with pytest.raises(SystemExit):
        main([task, old, "2"])
    assert f"{old} is now {new}" in capsys.readouterr().err


def test_an_option_means_the_same_in_every_task():
    kinds = [
        importlib.import_module(f"lrcn_utils.training.{task}.parts").PARTS[""] for task in TASKS if task != "arrow"
    ]
    for name, one in Settings.__dataclass_fields__.items():
        for kind in kinds:
            assert kind.__dataclass_fields__[name].metadata == one.metadata, f"{kind.__name__}.{name}"
