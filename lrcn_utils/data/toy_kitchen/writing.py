"""From scenes to files, in the real datasets' own formats."""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm.auto import tqdm

from lrcn_utils.data import atomic, text
from lrcn_utils.data.toy_kitchen import activities, films, language, render, stills
from lrcn_utils.data.toy_kitchen.card import build_card
from lrcn_utils.data.toy_kitchen.scenery import GROUPS
from lrcn_utils.data.video import write_video

# Counts up whenever the same seed would give other files, so that an old set is not taken for a new one.
WORLD = 4
# A fixed quantiser, which keeps the set under 150 MB.
ENCODING = {"fps": films.FRAME_RATE, "options": {"qmin": "3", "qmax": "3"}}
TINY_GROUPS = [1, 8, 15, 22]  # one test group of each split, and one that is always for training
TEST_GROUPS = {1: range(1, 8), 2: range(8, 15), 3: range(15, 22)}
SUPERCATEGORY = {"hand": "person", **{f: "food" for f in stills.draw.FOOD}, **{p: "place" for p in stills.PLACES}}


def video_name(name: str, group: int, clip: int) -> str:
    return f"v_{name}_g{group:02d}_c{clip:02d}"


def check_world(root: Path | str) -> None:
    """Raise ValueError where the Toy Kitchen at ``root`` is of an older world, unknown to the course's models."""
    path = Path(root) / "card.json"
    world = text.read_json(path)["settings"].get("world")
    if world != WORLD:
        raise ValueError(
            f"{path}: a Toy Kitchen of world {world}, and this course is about world {WORLD}; "
            f"remove {root} and run make toy"
        )


def make(
    root: Path | str,
    *,
    size: str = "default",
    videos: int | None = None,
    images: int | None = None,
    seed: int = 0,
    workers: int | None = None,
    progress: bool = True,
) -> dict:
    """Make a Toy Kitchen at ``root`` and return its card; a complete one with the same settings is kept as it is.

    ``size``: "default" (25 groups, 5 clips of each class in each, 1800 stills) or "tiny" (4 groups, 1 clip, 60 stills).
    ``videos``: clips per class and group, instead of the size's. ``images``: stills in all, instead of the size's.
    ``workers``: processes, by default one a core and at most four; the bytes on disk do not depend on it.
    The set is made beside ``root`` and renamed, so an interrupted run leaves nothing half done there.

    Raises ValueError for a bad setting, FileExistsError where ``root`` holds something else.
    """
    if size not in ("default", "tiny"):
        raise ValueError(f'size = {size!r}: there are "default" and "tiny"')
    groups = TINY_GROUPS if size == "tiny" else list(range(1, GROUPS + 1))
    clips = (1 if size == "tiny" else 5) if videos is None else videos
    images = (60 if size == "tiny" else 1800) if images is None else images
    if not 1 <= clips <= 99 or images < 6:
        raise ValueError(
            f"videos = {clips}, images = {images}: need 1 to 99 videos per class and group, and 6 images or more"
        )
    settings = {"world": WORLD, "seed": seed, "groups": groups, "videos": clips, "images": images}
    root = Path(root)
    if (root / "card.json").exists():
        card = text.read_json(root / "card.json")
        if card["settings"] == settings:
            return card
        raise FileExistsError(
            f"{root}: holds a Toy Kitchen with other settings, {card['settings']}; remove it, or choose another folder"
        )
    if root.exists() and any(root.iterdir()):
        raise FileExistsError(f"{root}: not empty, and no complete Toy Kitchen; remove it, or choose another folder")
    root.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{root.name}.", dir=root.parent))
    part.chmod(0o755)
    try:
        card = _write(part, settings, workers or min(os.cpu_count() or 1, 4), progress)
        with suppress(OSError):
            root.rmdir()  # an empty one: Windows renames nothing onto a folder
        part.rename(root)  # fails where another process was first
    except OSError:
        if not (root / "card.json").exists():
            raise
        card = text.read_json(root / "card.json")
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return card


def _write(root: Path, settings: dict, workers: int, progress: bool) -> dict:
    seed = settings["seed"]
    clips = [
        (root, seed, name, group, clip)
        for name in activities.CLASSES
        for group in settings["groups"]
        for clip in range(1, settings["videos"] + 1)
    ]
    shares = {"val": settings["images"] // 9, "test": settings["images"] // 6}
    shares = {"train": settings["images"] - sum(shares.values()), **shares}
    pictures = [(root, seed, split, number) for split, count in shares.items() for number in range(count)]
    for name in activities.CLASSES:
        (root / "UCF-101" / name).mkdir(parents=True)
    (root / "stills" / "images").mkdir(parents=True)
    with tqdm(total=len(clips) + len(pictures), desc="Toy Kitchen", unit="file", disable=not progress) as bar:
        if workers == 1:
            records = []
            for job in clips + pictures:
                records.append(_job(job))
                bar.update()
        else:
            with _main_left_alone(), ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
                records = []
                for record in pool.map(_job, clips + pictures, chunksize=8):
                    records.append(record)
                    bar.update()
    videos, images = records[: len(clips)], records[len(clips) :]
    _write_split_lists(root, videos)
    _write_descriptions(root, seed, videos)
    _write_captions(root, seed, images)
    _json(root / "ground_truth" / "videos.json", {video["name"]: video for video in videos})
    _json(root / "ground_truth" / "stills.json", {image["file_name"]: image for image in images})
    card = build_card(settings, videos, images)
    _json(root / "card.json", card)
    return card


@contextmanager
def _main_left_alone() -> Iterator[None]:
    """Keep new processes from running the caller's script again, which need not be written for that."""
    main = sys.modules["__main__"]
    file = main.__dict__.pop("__file__", None)
    try:
        yield
    finally:
        if file is not None:
            main.__file__ = file


def _json(path: Path, content) -> None:
    atomic.write_text(path, json.dumps(content, indent=1) + "\n")


def _job(job: tuple) -> dict:
    return _make_video(*job) if len(job) == 5 else _make_still(*job)


def _make_video(root: Path, seed: int, name: str, group: int, clip: int) -> dict:
    scene = films.scene(seed, name, group, clip)
    video = video_name(name, group, clip)
    write_video(root / "UCF-101" / name / f"{video}.avi", render.render(scene), **ENCODING)
    record = {"name": video, "class": name, "group": group, "clip": clip, "seed": seed, "frames": scene.frames}
    return {**record, "activity": activities.VERBS[name], "facts": scene.facts}


def _make_still(root: Path, seed: int, split: str, number: int) -> dict:
    scene = stills.scene(seed, split, number)
    first = {"train": 0, "val": 100_000, "test": 200_000}[split]
    file_name = f"TOY_{split}_{first + number + 1:012d}.jpg"
    (picture,) = render.render(scene)
    Image.fromarray(picture).save(root / "stills" / "images" / file_name, quality=92)
    return {
        "file_name": file_name,
        "id": first + number + 1,
        "split": split,
        "number": number,
        "facts": scene.facts,
        "boxes": render.boxes(scene, 0),
    }


def _write_split_lists(root: Path, videos: list[dict]) -> None:
    folder = root / "ucfTrainTestlist"
    number = {name: k for k, name in enumerate(sorted(activities.CLASSES), start=1)}
    atomic.write_text(folder / "classInd.txt", "".join(f"{k} {name}\n" for name, k in number.items()))
    ordered = sorted(videos, key=lambda video: video["name"])
    for split, test_groups in TEST_GROUPS.items():
        train = [v for v in ordered if v["group"] not in test_groups]
        test = [v for v in ordered if v["group"] in test_groups]
        path = "{class}/{name}.avi"
        lines = [f"{path.format(**v)} {number[v['class']]}\n" for v in train]
        atomic.write_text(folder / f"trainlist{split:02d}.txt", "".join(lines))
        atomic.write_text(folder / f"testlist{split:02d}.txt", "".join(path.format(**v) + "\n" for v in test))


def _write_descriptions(root: Path, seed: int, videos: list[dict]) -> None:
    folder = root / "descriptions"
    for video in videos:
        rng = np.random.default_rng(
            [seed, 900, activities.CLASSES.index(video["class"]), video["group"], video["clip"]]
        )
        for level, sentences in language.describe(video["activity"], video["facts"], rng).items():
            place = folder / level / video["name"]
            for n, sentence in enumerate(sentences, start=1):
                atomic.write_text(place / f"{n}.txt", sentence + "\n")
    slots = ("activity", "tool", "object", "source", "target")
    rows = [(video["name"], video["activity"], *(video["facts"][slot] for slot in slots[1:])) for video in videos]
    atomic.write_text(folder / "tuples.csv", "".join(f"{','.join(row)}\n" for row in [("video", *slots), *rows]))
    names = {True: [], False: []}
    for video in videos:
        names[video["group"] in TEST_GROUPS[1]].append(video["name"] + "\n")
    atomic.write_text(folder / "experimentalSetup" / "sequencesTest.txt", "".join(names[True]))
    atomic.write_text(folder / "experimentalSetup" / "sequencesTrainValDishes.txt", "".join(names[False]))


def _write_captions(root: Path, seed: int, images: list[dict]) -> None:
    folder = root / "stills" / "annotations"
    seen = sorted({box.split("#")[0] for image in images for box in image["boxes"]})
    categories = [
        {"id": k, "name": name, "supercategory": SUPERCATEGORY.get(name, "tool")}
        for k, name in enumerate(seen, start=1)
    ]
    category = {entry["name"]: entry["id"] for entry in categories}
    for split in stills.SPLIT_GROUPS:
        entries, captions, instances = [], [], []
        for image in (image for image in images if image["split"] == split):
            entries.append({"id": image["id"], "file_name": image["file_name"], "width": 128, "height": 128})
            rng = np.random.default_rng([seed, 901, image["id"]])
            for words in language.caption(image["facts"], rng):
                captions.append({"id": 5 * image["id"] + len(captions) % 5, "image_id": image["id"], "caption": words})
            for k, (what, box) in enumerate(image["boxes"].items()):
                name = what.split("#")[0]
                instances.append(
                    {
                        "id": 100 * image["id"] + k,
                        "image_id": image["id"],
                        "category_id": category[name],
                        "bbox": box,
                        "area": box[2] * box[3],
                        "iscrowd": 0,
                        "attributes": _attributes(name, image["facts"]),
                    }
                )
        info = {"info": {"description": "Toy Kitchen stills", "split": split}, "images": entries}
        _json(folder / f"captions_{split}.json", {**info, "annotations": captions})
        _json(folder / f"instances_{split}.json", {**info, "annotations": instances, "categories": categories})


def _attributes(name: str, facts: dict) -> dict:
    """Colour, size and place of an instance in a still, as far as they are told."""
    for item in (facts["main"], facts.get("second")):
        if item is not None and item["name"] == name:
            place = facts["place"] if item.get("where") in (None, "with") else "counter"
            return {"colour": item["colour"], "size": item["size"], "place": place}
    return {"colour": facts["dish_colour"] if name == facts["place"] else None, "size": None, "place": None}
