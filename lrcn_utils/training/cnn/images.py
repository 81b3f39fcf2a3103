"""Single images of Toy Kitchen with their labels: the course's stand-in for ImageNet.

Stills are labelled with what their captions tell (object, colour, count, place, ...) and the kind of table, frames
of films with their activity, object and tool, and with where hand, tool and object are. The stills are of kitchens 8
to 25, the films of kitchens that are in no set: those of the test lists of split 1 and of the test stills stay unseen.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import Dataset

from lrcn_utils import environment
from lrcn_utils.data import toy_kitchen
from lrcn_utils.data.clips import TOY
from lrcn_utils.data.frame_cache import read_frames
from lrcn_utils.data.image import read_image
from lrcn_utils.data.text import read_json
from lrcn_utils.data.toy_kitchen import films, render, stills

TEST_GROUPS = frozenset(range(1, 8))
FRAMES_OF_A_FILM = 4
STILL_SIDE = 60  # pixels to which a still is warped before its crop of 56
FAMILIES = ("object", "count", "colour", "place", "dish", "table", "size", "second", "where", "tool", "activity")
ALIKE = [*toy_kitchen.REVERSED_PAIRS, tuple(toy_kitchen.MOTION_ONLY)]
POINTS = ("hand", "tool", "object")  # whose place, x and y in shares of the crop, is a label of a frame
POINT_LABELS = [f"{axis} of {point}" for point in POINTS for axis in "xy"]


class LabelledImages(Dataset):
    """Images with one row of ``targets`` each, for training: a random crop, a function of (seed, epoch, item).

    ``images``: uint8 arrays (height, width, 3), sides of at least 56 pixels. ``targets``: float32 (n, labels) in
    0..1, nan where unknown. ``points``: float32 (n, 3, 2), pixel x and y of the POINTS, nan where there is none.
    Items are (float32 image (3, 56, 56) in 0..1, targets). With ``train=False`` the crop is the middle.
    """

    def __init__(self, images: list[np.ndarray], targets: np.ndarray, points: np.ndarray, train: bool = True):
        self.images, self.targets, self.points, self.train = images, targets, points, train
        self.seed, self.epoch = 0, 0

    def set_epoch(self, seed: int, epoch: int) -> None:
        self.seed, self.epoch = seed, epoch

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, torch.Tensor]:
        image, side = self.images[i], TOY.crop
        room = np.array(image.shape[:2]) - side
        top, left = room // 2
        if self.train:
            top, left = np.random.default_rng([self.seed, self.epoch, i]).integers(room + 1)
        target = self.targets[i].copy()
        inside = (self.points[i] - (left, top)) / side
        target[-len(POINT_LABELS) :] = np.where(
            ((inside < 0) | (inside > 1)).any(1, keepdims=True), np.nan, inside
        ).ravel()
        pixels = torch.from_numpy(image[top : top + side, left : left + side].copy())
        return pixels.permute(2, 0, 1).float() / 255, torch.from_numpy(target)


def still_words(facts: dict) -> dict[str, str]:
    """What a still shows, one word for each family of labels."""
    main, second = facts["main"], facts.get("second") or {}
    return {
        "object": main["name"],
        "count": str(main["count"]),
        "colour": main["colour"] or stills.draw.FOOD_COLOURS[main["name"]][0],
        "place": facts["place"],
        "dish": facts["dish_colour"] or "none",
        "table": facts["table"],
        "size": main["size"] or "none",
        "second": second.get("name", "none"),
        "where": second.get("where", "none"),
        "tool": facts.get("tool") or "none",
    }


def _frame_words(name: str, facts: dict) -> dict[str, str]:
    """What a frame of a video shows; activities that one frame cannot tell apart share one."""
    alike = next((names for names in ALIKE if name in names), (name,))
    words = {"activity": "/".join(alike), "object": facts["object"], "tool": facts["tool"]}
    dishes = [facts[slot] for slot in ("source", "target") if facts[slot] not in ("none", "counter", "board")]
    if dishes and facts.get("dish_colour"):
        words |= {"dish": facts["dish_colour"]}
    return words | ({"colour": facts["colour"]} if facts.get("colour") else {})


def as_targets(words: Iterable[dict[str, str]], labels: list[str]) -> np.ndarray:
    """Rows of 0 and 1, one column for each of ``labels`` ("family word"), nan for families that are not told."""
    rows = np.full((len(words := list(words)), len(labels)), np.nan, np.float32)
    for row, told in zip(rows, words, strict=True):
        for column, label in enumerate(labels):
            family, _, word = label.partition(" ")
            if family in told:
                row[column] = told[family] == word
    return rows


def label_names(words: Iterable[dict[str, str]]) -> list[str]:
    """All labels that occur, family by family, and last the places of the POINTS."""
    seen = {f"{family} {word}" for told in words for family, word in told.items()}
    return [label for family in FAMILIES for label in sorted(seen) if label.startswith(family + " ")] + POINT_LABELS


def read_stills(root: Path, split: str, limit: int | None = None) -> tuple[list[np.ndarray], list[dict[str, str]]]:
    """The first ``limit`` stills (all for None) of ``split`` (train, val or test), uint8 60x60, and their words."""
    records = read_json(root / "ground_truth" / "stills.json")
    records = [record for record in records.values() if record["split"] == split][:limit]
    folder = root / "stills" / "images"
    images = [read_image(folder / record["file_name"], (STILL_SIDE, STILL_SIDE)) for record in records]
    return images, [still_words(record["facts"]) for record in records]


def render_stills(root: Path, count: int) -> tuple[list[np.ndarray], list[dict[str, str]]]:
    """``count`` more training stills of the same kitchens than there are on disk, drawn from the set's own seed."""
    card = read_json(root / "card.json")
    images, words = [], []
    for number in range(card["stills"]["train"], card["stills"]["train"] + count):
        scene = stills.scene(card["settings"]["seed"], "train", number)
        (picture,) = render.render(scene)
        images.append(_warped(picture, STILL_SIDE, STILL_SIDE))
        words.append(still_words(scene.facts))
    return images, words


def _warped(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    return np.array(Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR))


def _video_frames(
    root: Path, per_video: int, cache: Path | None = None
) -> tuple[list[np.ndarray], list[dict[str, str]], np.ndarray]:
    """``per_video`` frames of each video of the test kitchens: (uint8 60x80, words, points).

    ``cache``: where frames are kept (default: beside the data). Points as in ``LabelledImages``.
    """
    videos = read_json(root / "ground_truth" / "videos.json").values()
    images, words, points = [], [], []
    for video in (video for video in videos if video["group"] in TEST_GROUPS):
        path = root / "UCF-101" / video["class"] / f"{video['name']}.avi"
        frames = read_frames(path, video["frames"], TOY[:2], cache=cache or environment.cache_folder(root))
        scene = films.scene(video["seed"], video["class"], video["group"], video["clip"])
        rng = np.random.default_rng([video["group"], video["clip"], len(images)])
        for t in np.sort(rng.choice(video["frames"], per_video, replace=False)):
            images.append(np.array(frames[t]))
            words.append(_frame_words(video["class"], video["facts"]))
            points.append(_points(scene, int(t)))
    return images, words, np.stack(points)


def render_frames(root: Path, count: int) -> tuple[list[np.ndarray], list[dict[str, str]], np.ndarray]:
    """Frames of ``count`` films that are in no set, of kitchens that none shows: (uint8 60x80, words, points).

    The films are of seeds beyond the set's own, FRAMES_OF_A_FILM frames of each. The set's own films are left out, as
    those of UCF-101 are not in ImageNet: a CNN learns its training frames by heart, and an LSTM on its features of
    the same films would read the labels there instead of the film.
    """
    seed = read_json(root / "card.json")["settings"]["seed"]
    images, words, points = [], [], []
    for number in range(count):
        rng = np.random.default_rng([seed, 950, number])
        name, group = toy_kitchen.CLASSES[number % len(toy_kitchen.CLASSES)], int(rng.integers(1, 26))
        scene = films.scene(seed + 1 + number, name, group, 1)
        moments = np.sort(rng.choice(scene.frames, FRAMES_OF_A_FILM, replace=False)).tolist()
        for t, picture in zip(moments, render.render(scene, moments), strict=True):
            images.append(_warped(picture, TOY.width, TOY.height))
            words.append(_frame_words(name, scene.facts))
            points.append(_points(scene, t))
    return images, words, np.stack(points)


def _points(scene: render.Scene, t: int) -> np.ndarray:
    """Where hand, tool and object are at frame ``t``, in pixels of the warped frame; nan where there is none.

    Of several objects of one kind, the one nearest to the hand: the one that is handled.
    """
    names = ("hand", scene.facts["tool"], scene.facts["object"])
    hand = _places(scene, t, "hand")[-1]  # the other hand, if there is one, is painted before it
    points = np.full((len(POINTS), 2), np.nan, np.float32)
    for row, name in zip(points, names, strict=True):
        if found := _places(scene, t, name):
            row[:] = min(found, key=lambda place: np.hypot(*(place - hand)))
    return points * (TOY.height / scene.size[1])


def _places(scene: render.Scene, t: int, name: str) -> list[np.ndarray]:
    """Where on the screen the actors of a name are that frame ``t`` shows: the origins of their sprites."""
    return [scene.screen_matrix(actor, t)[:2, 2] for actor in scene.actors if actor.name == name and actor.shown(t)]


def no_points(count: int) -> np.ndarray:
    return np.full((count, len(POINTS), 2), np.nan, np.float32)


def test_sets(root: Path, labels: list[str]) -> dict[str, LabelledImages]:
    """The 300 test stills and two frames of each test video of split 1: kitchens that no training image shows."""
    images, words = read_stills(root, "test")
    frames, frames_words, points = _video_frames(root, per_video=2)
    return {
        "stills": LabelledImages(images, as_targets(words, labels), no_points(len(images)), train=False),
        "frames": LabelledImages(frames, as_targets(frames_words, labels), points, train=False),
    }


test_sets.__test__ = False  # not a test, whatever pytest makes of the name
