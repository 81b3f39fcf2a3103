"""What is to be seen in your own films and images, by the models of the course or by one that you trained.

    python -m lrcn_utils.predict film.mp4 photo.jpg
    python -m lrcn_utils.predict holidays/ --json > holidays.json
    python -m lrcn_utils.predict film.mp4 --model runs/activity-1a2b3c4d/lrcn-fc6_rgb_seed0.safetensors

Films get an activity and a description, images a caption. A folder is searched for both, with all folders in it.
What cannot be read costs one line on standard error, the rest is done, and the exit code is 1.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from lrcn_utils import environment

IMAGES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm"}
TASKS = {"activity": "film", "description": "film", "captioning": "image"}  # and what each of them is about
NOTE = (
    "note: the course's own models know only Toy Kitchen, its little rendered world; of anything else they speak"
    " with the same confidence, and are wrong"
)
JSON = """\
--json writes one list, with one object for each file:
  {"file": PATH, "error": WHY}                               what could not be read
  {"file": PATH, "activity": {...}, "description": {...}}    a film
  {"file": PATH, "captioning": {...}}                        an image
activity     "frames", "top": [{"label", "probability"}, ...], the best first, and "clips", each 16 frames long, one
             beginning every 8 frames: [{"first", "last", "top"}, ...], the numbers of frames counted from 0
description  "frames", "tuple": {SLOT: WORD, ...}, "sentence", "log_prob" in nats
captioning   "sentence", "log_prob" in nats
"""
Answer = dict[str, object]


def main(words: list[str] | None = None) -> None:
    """The command. The exit code is 1 where a file could not be read or nothing was found."""
    args = parse(words)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # a file's name may hold what a terminal cannot show
    environment.keep_freed_memory()
    try:
        from lrcn_utils.data.command import one_line

        sys.exit(int(one_line(partial(predict, args))))
    except KeyboardInterrupt:
        sys.exit(130)


def parse(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m lrcn_utils.predict",
        description=__doc__,
        epilog=JSON,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="FILE_OR_FOLDER")
    parser.add_argument("--task", action="append", choices=TASKS, help="only this one; may be given several times")
    parser.add_argument(
        "--model", type=Path, metavar="CHECKPOINT", help="a model that you trained, or the folder of an exported one"
    )
    parser.add_argument("--json", action="store_true", help="write one JSON document, described below")
    parser.add_argument("--top", type=positive, default=3, metavar="N", help="list the N best labels (%(default)s)")
    parser.add_argument("--beam", type=positive, default=3, metavar="N", help="beams of a sentence (%(default)s)")
    return parser.parse_args(words)


def positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def predict(args: argparse.Namespace) -> bool:
    """Answer for every file; whether one of them failed, or there was none."""
    checkpoints = choose(args)
    found, failed = find(args.paths)
    told = [complaint(path, why) for path, why in failed.items()]
    ours = {path: [task for task in checkpoints if TASKS[task] == kind(path)] for path in found}
    ours = {path: tasks for path, tasks in ours.items() if tasks}
    if others := len(found) - len(ours):
        print(f"left alone: {others} other file{'s' if others > 1 else ''}", file=sys.stderr)
    if not ours:
        kinds = " or ".join(sorted({TASKS[task] for task in checkpoints}))
        print(f"there is no {kinds} to look at; the suffix of a file tells what it is", file=sys.stderr)
    elif not args.model:
        print(NOTE, file=sys.stderr)
    needed = {task for tasks in ours.values() for task in tasks}
    answer = {task: ready(task, file, args) for task, file in checkpoints.items() if task in needed}
    try:
        told += answer_all(ours, answer, args.json)
        if args.json:
            print(json.dumps(told, indent=1))
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read the answers wants no more of them
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return not ours or any("error" in one for one in told)


def choose(args: argparse.Namespace) -> dict[str, Path]:
    """The checkpoint of each task. Raises ValueError or FileNotFoundError for a model that cannot be used."""
    if args.model and args.model.is_dir():
        return {_task(args.model, args): args.model}

    from lrcn_utils.environment import CHECKPOINTS
    from lrcn_utils.training.captioning.shipped import path as captioner
    from lrcn_utils.training.description.shipped import path as describer

    if args.model is None:
        activity = CHECKPOINTS / "activity_lrcn_rgb.safetensors"
        shipped = {"activity": activity, "description": describer("c"), "captioning": captioner("2f")}
        return {task: shipped[task] for task in args.task or TASKS}
    return {_task(args.model, args): args.model}


def _task(model: Path, args: argparse.Namespace) -> str:
    """The task of a checkpoint, or of the folder of an exported model, which is read without PyTorch."""
    if model.is_dir():
        from lrcn_utils.inference.exported import read_card

        task = read_card(model)["task"]
    else:
        from lrcn_utils.training.checkpoints import load_checkpoint

        task = load_checkpoint(model)[1].get("task")
    if task not in TASKS:
        raise ValueError(f"{model}: a checkpoint of {task or 'another kind'}; give one of {', '.join(TASKS)}")
    if args.task and task not in args.task:
        raise ValueError(f"{model}: its task is {task}; leave --task {args.task[0]} out")
    return task


def find(paths: Iterable[Path]) -> tuple[list[Path], dict[Path, str]]:
    """The files that are named or lie in the folders that are named, in order; {what cannot be read: why}."""
    found, failed = {}, {}

    def unreadable(error: OSError) -> None:
        failed[Path(error.filename)] = f"cannot be read ({error.strerror})"

    for path in paths:
        if path.is_dir():
            for folder, folders, names in os.walk(path, onerror=unreadable):
                folders.sort()
                found |= {Path(folder, name): None for name in sorted(names)}
        elif not path.exists():
            failed[path] = "there is no such file or folder"
        elif kind(path):
            found[path] = None
        else:
            failed[path] = "its suffix is not one of a film or an image"
    return list(found), failed


def kind(path: Path) -> str | None:
    """ "film", "image", or None, by the suffix; a hidden file is neither."""
    from lrcn_utils.data.forms import SUFFIXES

    if path.name.startswith("."):
        return None
    suffix = path.suffix.lower()
    return "film" if suffix in SUFFIXES else "image" if suffix in IMAGES else None


def ready(task: str, checkpoint: Path, args: argparse.Namespace) -> Callable[[Path], Answer]:
    """What answers for a file. Raises ValueError for a checkpoint that is not whole."""
    try:
        model = load(task, checkpoint)
        if task == "activity":
            return partial(activity, model, top=args.top)
        return partial(description if task == "description" else caption, model, beam=args.beam)
    except (KeyError, TypeError, RuntimeError) as error:
        why = " ".join(str(error).split())[:100]
        raise ValueError(f"{checkpoint}: cannot be used as a model of {task} ({why}); train it again") from error


def load(task: str, checkpoint: Path):
    """The model of a checkpoint, or of the folder of an exported one, which needs no PyTorch."""
    if checkpoint.is_dir():
        from lrcn_utils.inference.exported import MODELS

        return MODELS[task](checkpoint)
    if task == "activity":
        from lrcn_utils.inference.activity import ActivityModel

        return ActivityModel.load(checkpoint)
    if task == "description":
        from lrcn_utils.inference.description import Describer

        return Describer.load(checkpoint)
    from lrcn_utils.inference.captioning import Captions

    return Captions.load(checkpoint)


def answer_all(tasks: dict[Path, list[str]], answer: dict[str, Callable], quiet: bool) -> list[Answer]:
    """The answers for all files; each is printed as soon as it is there, unless ``quiet``."""
    from tqdm import tqdm

    told = []
    for path in tqdm(tasks, "files", disable=None if len(tasks) > 1 else True):
        try:
            one = {"file": str(path)} | {task: answer[task](path) for task in tasks[path]}
        except (OSError, ValueError) as error:
            one = complaint(path, str(error))
        else:
            if not quiet:
                tqdm.write("\n".join(as_text(one)))
        told.append(one)
    return told


def complaint(path: Path, why: str) -> Answer:
    """Say in one line what is wrong with a file, by its whole path."""
    from tqdm import tqdm

    why = " ".join(why.removeprefix(f"{path.name}: ").split())
    tqdm.write(f"{path}: {why}", file=sys.stderr)
    return {"file": str(path), "error": why}


def activity(model, path: Path, top: int) -> Answer:
    from lrcn_utils.data.clips import LENGTH
    from lrcn_utils.inference.film import Film

    seen = model.watch(Film(path.name, path, progress=True))
    clips = [
        {"first": first, "last": min(first + LENGTH, seen.frames) - 1, "top": best(row, model.classes, top)}
        for first, row in seen.clips.items()
    ]
    return {"frames": seen.frames, "top": best(seen.probabilities, model.classes, top), "clips": clips}


def best(probabilities: Sequence[float], classes: Sequence[str], count: int) -> list[Answer]:
    """The ``count`` most probable classes, best first."""
    order = sorted(range(len(classes)), key=lambda k: -probabilities[k])[:count]
    return [{"label": classes[k], "probability": round(float(probabilities[k]), 4)} for k in order]


def description(model, path: Path, beam: int) -> Answer:
    from lrcn_utils.inference.film import Film

    found = model.describe(Film(path.name, path, progress=True), beam)
    said = {"sentence": found.sentence.words, "log_prob": round(found.sentence.log_prob, 4)}
    return {"frames": found.frames, "tuple": found.words, **said}


def caption(model, path: Path, beam: int) -> Answer:
    said = model.caption(path, beam)
    return {"sentence": said.words, "log_prob": round(said.log_prob, 4)}


def as_text(one: Answer) -> list[str]:
    """The lines of a file's answer."""
    frames = [found["frames"] for task in ("activity", "description") if (found := one.get(task))]
    lines = [" ".join(one["file"].split()) + (f": {frames[0]} frames" if frames else "")]
    if found := one.get("activity"):
        labels = ", ".join(f"{label['label']} {label['probability']:.2f}" for label in found["top"])
        lines.append(f"  activity     {labels}")
        wide = max(len(clip["top"][0]["label"]) for clip in found["clips"])
        for clip in found["clips"]:
            label, p = clip["top"][0].values()
            frames = f"{clip['first']}-{clip['last']}"
            lines.append(f"    frames {frames:>11}  {label:{wide}} {p:.2f} {'#' * round(20 * p)}")
    if found := one.get("description"):
        lines.append(f"  description  {found['sentence']} (log p {found['log_prob']:.2f})")
        lines.append(f"  tuple        {', '.join(f'{slot} {word}' for slot, word in found['tuple'].items())}")
    if found := one.get("captioning"):
        lines.append(f"  caption      {found['sentence']} (log p {found['log_prob']:.2f})")
    return lines


if __name__ == "__main__":
    main()
