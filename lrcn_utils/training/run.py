"""A run: one command with its settings, in a folder of its own that says what it is.

    run.json                 what the run is: task, settings, data by contents, initial weights, versions
    <part>.state             the state of a training that is under way
    <part>.csv               its log: epoch, loss, evaluations, seconds
    events/<part>            the same for TensorBoard, with --tensorboard
    <part>.safetensors       a trained model, its configuration and its record in the header
    scores.json              scores of the parts that are finished
    results.json             all of run.json, counts of the data and the scores

A folder holds one run. Another run is refused, and named by what differs; the same run goes on only with --resume.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from lrcn_utils import environment
from lrcn_utils.data import atomic
from lrcn_utils.data.cache import digest_of
from lrcn_utils.data.text import read_json
from lrcn_utils.training.checkpoints import save_checkpoint
from lrcn_utils.training.logs import Log, event_writer
from lrcn_utils.training.processes import processes
from lrcn_utils.training.settings import DataSettings, command, that_change_results
from lrcn_utils.training.state import Facts, RunError, State, as_stored, assert_same

FORMAT = 4  # of the files of a run: raise it when an older one must not be continued


@dataclass(frozen=True)
class Run:
    """A started run. ``facts``: all that its results depend on. ``events``: whether TensorBoard's are written."""

    folder: Path
    task: str
    command: str
    facts: Facts
    events: bool = False

    @classmethod
    def start(cls, settings: DataSettings, task: str, **identity) -> "Run":
        """Begin the run of ``settings``, or go on with it when ``--resume`` says so.

        ``identity``: what the settings do not say, such as digests of the data and of initial weights.
        Raises RunError when the folder holds another run, or this run and it was not asked to resume it.
        """
        changing = that_change_results(settings) | processes().facts
        facts = as_stored({"task": task, "format": FORMAT, **changing, **identity})
        folder = settings.out or Path("runs") / f"{task.replace(' ', '-')}-{digest_of(facts)[:8]}"
        run = cls(folder, task, command(settings, task), facts, getattr(settings, "tensorboard", False))
        if run.events:
            event_writer()  # where it is missing, that is said before the run begins
        made = [file.name for file in folder.iterdir() if file.name != "run.json"] if folder.is_dir() else []
        if made and (folder / "run.json").exists():
            assert_same(_facts_of(folder / "run.json"), facts, f"{folder} holds another run")
            if not settings.resume:
                raise RunError(
                    f"{folder} holds this run already; add --resume to go on with it, or choose another --out"
                )
        elif made:
            raise RunError(f"{folder} holds files of something else; choose another --out")
        else:  # also where a run was begun, but nothing came of it
            atomic.write_text(folder / "run.json", json.dumps(run.description(), indent=1))
        return run

    def description(self) -> Facts:
        """What stands in run.json."""
        gpu = environment.gpu_name() or "none was available"
        versions = environment.versions() | {"device": str(environment.device()), "gpu": gpu}
        return {"command": self.command, "facts": self.facts, "versions": versions}

    def file(self, name: str) -> Path:
        return self.folder / name

    def trained(self, part: str) -> Path | None:
        """The finished model of ``part``, or None."""
        file = self.file(f"{part}.safetensors")
        return file if file.exists() else None

    def state(self, part: str, stage: str = "") -> State:
        """The state of the training of ``part``; a training of two stages has two."""
        name = f"{part}.{stage}" if stage else part
        facts = {"run": digest_of(self.facts), "part": part, "stage": stage}
        return State(self.file(f"{name}.state"), facts, resume=True, log=self.log(name))

    def log(self, name: str) -> Log:
        """The log of one training; for one that is too short to be kept while it runs."""
        return Log(self.file(f"{name}.csv"), self.file("events") / name if self.events else None)

    def keep(self, part: str, model: torch.nn.Module, config: Facts, record: Facts) -> Path:
        """Save the finished model of ``part`` with how it was made."""
        file = self.file(f"{part}.safetensors")
        save_checkpoint(file, model, {"task": self.task.split()[0], **config}, {"command": self.command, **record})
        return file

    def once(self, part: str, compute: Callable, *arguments) -> Any:
        """``compute(*arguments)``, JSON-able, for ``part``; a resumed run finds it in scores.json instead."""
        file = self.file("scores.json")
        done = read_json(file) if file.exists() else {}
        if part not in done:
            done[part] = as_stored(compute(*arguments))
            atomic.write_text(file, json.dumps(done, indent=1))
        return done[part]

    def write_results(self, **results) -> None:
        """Write ``results.json``, the run and what came of it, and drop the states of its trainings."""
        text = json.dumps(self.description() | as_stored(results), indent=1)
        atomic.write_text(self.file("results.json"), text)
        for state in self.folder.glob("*.state"):
            state.unlink(missing_ok=True)  # another process of this run may have been faster


def _facts_of(file: Path) -> Facts:
    try:
        return dict(read_json(file)["facts"])
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(f"{file} is damaged; choose another --out") from error
