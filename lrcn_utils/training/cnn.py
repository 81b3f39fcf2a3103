"""Pre-training of the toy CNN on single images of Toy Kitchen: the course's stand-in for ImageNet.

Stills are labelled with what their captions tell (object, colour, count, place, ...) and the kind of table, frames
of videos with their activity, object and tool, and with where hand, tool and object are. One output of fc8 for each
label, each a logistic regression, so both kinds of images train one network. Only kitchens 8 to 25 are used: those
of the test lists of split 1 and of the test stills stay unseen.
"""

import argparse
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F
from torch.utils.data import Dataset

from lrcn_utils import environment
from lrcn_utils.data import toy_kitchen
from lrcn_utils.data.captions import load_image
from lrcn_utils.data.clips import TOY
from lrcn_utils.data.frame_cache import read_frames
from lrcn_utils.data.toy_kitchen import render, stills
from lrcn_utils.models.cnn import LayerTableCNN, toy_hybrid
from lrcn_utils.training.checkpoints import load_checkpoint, save_checkpoint
from lrcn_utils.training.loop import History, fit

CHECKPOINT = environment.CHECKPOINTS / "cnn_hybrid_toy.safetensors"
TEST_GROUPS = frozenset(range(1, 8))
STILL_SIDE = 60  # pixels to which a still is warped before its crop of 56
FAMILIES = ("object", "count", "colour", "place", "dish", "table", "size", "second", "where", "tool", "activity")
POINTS = ("hand", "tool", "object")  # whose middle, x and y in shares of the crop, is a label of a frame
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


def frame_words(video: dict) -> dict[str, str]:
    """What a frame of a video shows; reversed pairs share an activity, since one frame cannot tell them apart."""
    facts = video["facts"]
    pair = next((pair for pair in toy_kitchen.REVERSED_PAIRS if video["class"] in pair), None)
    words = {"activity": "/".join(pair) if pair else video["class"], "object": facts["object"], "tool": facts["tool"]}
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


def read_stills(root: Path, split: str) -> tuple[list[np.ndarray], list[dict[str, str]]]:
    """The stills of ``split`` (train, val or test), uint8 60x60, and their words."""
    records = json.loads((root / "ground_truth" / "stills.json").read_text())
    records = [record for record in records.values() if record["split"] == split]
    folder = root / "stills" / "images"
    images = [load_image(folder / record["file_name"], STILL_SIDE, STILL_SIDE) for record in records]
    return images, [still_words(record["facts"]) for record in records]


def render_stills(root: Path, count: int) -> tuple[list[np.ndarray], list[dict[str, str]]]:
    """``count`` more training stills of the same kitchens than there are on disk, drawn from the set's own seed."""
    card = json.loads((root / "card.json").read_text())
    images, words = [], []
    for number in range(card["stills"]["train"], card["stills"]["train"] + count):
        scene = stills.scene(card["settings"]["seed"], "train", number)
        (picture,) = render.render(scene)
        images.append(_warped(picture))
        words.append(still_words(scene.facts))
    return images, words


def _warped(picture: np.ndarray) -> np.ndarray:
    return np.array(Image.fromarray(picture).resize((STILL_SIDE, STILL_SIDE), Image.Resampling.BILINEAR))


def read_video_frames(
    root: Path, *, test: bool, per_video: int, limit: int | None = None
) -> tuple[list[np.ndarray], list[dict[str, str]], np.ndarray]:
    """``per_video`` frames of each video of the test kitchens, or of all others: (uint8 60x80, words, points).

    ``limit``: at most so many videos, spread over all. Points as in ``LabelledImages``.
    """
    videos = json.loads((root / "ground_truth" / "videos.json").read_text()).values()
    videos = [video for video in videos if (video["group"] in TEST_GROUPS) == test]
    videos = videos if limit is None else videos[:: max(1, len(videos) // limit)][:limit]
    images, words, points = [], [], []
    for video in videos:
        path = root / "UCF-101" / video["class"] / f"{video['name']}.avi"
        frames = read_frames(path, video["frames"], TOY[:2], cache=root / "cache")
        scene = toy_kitchen.activities.scene(video["seed"], video["class"], video["group"], video["clip"])
        rng = np.random.default_rng([video["group"], video["clip"], len(images)])
        for t in np.sort(rng.choice(video["frames"], per_video, replace=False)):
            images.append(np.array(frames[t]))
            words.append(frame_words(video))
            points.append(_points(render.boxes(scene, int(t)), video["facts"], frames.shape[1] / 120))
    return images, words, np.stack(points)


def _points(boxes: dict[str, list[int]], facts: dict, scale: float) -> np.ndarray:
    points = np.full((len(POINTS), 2), np.nan, np.float32)
    for row, name in zip(points, ("hand", facts["tool"], facts["object"]), strict=True):
        if name in boxes:
            x, y, width, height = boxes[name]
            row[:] = (x + width / 2) * scale, (y + height / 2) * scale
    return points


def no_points(count: int) -> np.ndarray:
    return np.full((count, len(POINTS), 2), np.nan, np.float32)


def multi_label_loss(model: nn.Module, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """Logistic loss summed over the labels that are known, per image."""
    images, targets = batch
    device = next(model.parameters()).device
    images = images.to(device, memory_format=torch.channels_last)
    targets = targets.to(device)
    known = ~targets.isnan()
    losses = F.binary_cross_entropy_with_logits(model(images), targets.nan_to_num(), reduction="none")
    return (losses * known).sum() / len(images)


@torch.no_grad()
def outputs(model: nn.Module, dataset: Dataset, layer: str = "fc8", batch: int = 128) -> torch.Tensor:
    """Units of ``layer`` (n, dim) for all images of ``dataset``, on the CPU."""
    device = next(model.parameters()).device
    model.eval()
    kept = []
    for start in range(0, len(dataset), batch):
        images = torch.stack([dataset[i][0] for i in range(start, min(start + batch, len(dataset)))])
        kept.append(model.features(images.to(device, memory_format=torch.channels_last), layer).cpu())
    return torch.cat(kept)


def scores(model: nn.Module, dataset: LabelledImages, labels: list[str]) -> dict[str, float]:
    """Share of images whose word is found, for each family; and the mean error of the points in shares of the crop."""
    dataset.train = False
    found = outputs(model, dataset)
    truth = torch.stack([dataset[i][1] for i in range(len(dataset))])
    result = {}
    for family in FAMILIES:
        columns = [k for k, label in enumerate(labels) if label.startswith(family + " ")]
        told = ~truth[:, columns].isnan().any(1) if columns else torch.zeros(0)
        if told.any():
            right = found[told][:, columns].argmax(1) == truth[told][:, columns].argmax(1)
            result[family] = round(right.float().mean().item(), 4)
    places = [labels.index(label) for label in POINT_LABELS]
    known = ~truth[:, places].isnan()
    if known.any():
        errors = (found[:, places].sigmoid() - truth[:, places]).abs()
        result["point error"] = round(errors[known].mean().item(), 4)
    return result


def train(
    model: nn.Module, dataset: LabelledImages, *, epochs: int, batch: int, rate: float, seed: int, **options
) -> History:
    """AdamW, the rate falling to nothing along a cosine; the loop is ``fit``."""
    optimizer = torch.optim.AdamW(model.parameters(), rate, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    return fit(
        model,
        dataset,
        multi_label_loss,
        optimizer,
        epochs=epochs,
        batch_size=batch,
        seed=seed,
        schedule=schedule,
        **options,
    )


def load(path: Path | str = CHECKPOINT) -> LayerTableCNN:
    """The pre-trained toy hybrid, ready to use; ``.labels`` names the outputs of fc8 ("object carrot", "count 2", ...).

    Raises FileNotFoundError or ValueError as ``load_checkpoint``.
    """
    weights, config, _ = load_checkpoint(path)
    model = toy_hybrid(len(config["labels"]))
    model.load_state_dict(weights)
    model.labels = config["labels"]
    return model.eval()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m lrcn_utils.training cnn``."""
    add = parser.add_argument
    add("--data", choices=["toy"], default="toy", help="Toy Kitchen; there is no other data for it")
    add("--root", type=Path, help="folder of Toy Kitchen (default: the one in the data folder)")
    add("--out", type=Path, default=Path("runs/cnn"), help="folder of the checkpoint and of what resumes a run")
    add("--more-stills", type=int, default=24_000, help="training stills drawn beyond those on disk")
    add("--frames", type=int, default=8, help="frames of each training video")
    add("--epochs", type=int, default=10)
    add("--batch", type=int, default=32)
    add("--rate", type=float, default=1e-3)
    add("--seed", type=int, default=0)


def run(args: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Train, score on the kitchens never seen, and write ``cnn_hybrid_toy.safetensors``; returns the scores."""
    root = args.root or environment.toy_kitchen()
    environment.seed_everything(args.seed)
    images, words = read_stills(root, "train")
    more, their_words = render_stills(root, args.more_stills)
    frames, frames_words, frames_points = read_video_frames(root, test=False, per_video=args.frames)
    labels = label_names(words + their_words + frames_words)
    points = np.concatenate([no_points(len(images) + len(more)), frames_points])
    targets = as_targets(words + their_words + frames_words, labels)
    dataset = LabelledImages(images + more + frames, targets, points)
    print(f"{len(dataset)} images, {len(labels)} labels")
    model = toy_hybrid(len(labels)).to(environment.device())
    options = {"epochs": args.epochs, "batch": args.batch, "rate": args.rate, "seed": args.seed}
    history = train(model, dataset, **options, save_to=args.out / "resume.pt")
    found = {name: scores(model, test, labels) for name, test in test_sets(root, labels).items()}
    command = (
        f"python -m lrcn_utils.training cnn --more-stills {args.more_stills} --frames {args.frames} "
        f"--epochs {args.epochs} --batch {args.batch} --rate {args.rate} --seed {args.seed}"
    )
    record = {"command": command, "seed": args.seed, "loss": history.loss, "scores": found}
    save_checkpoint(args.out / CHECKPOINT.name, model, {"model": "toy_hybrid", "labels": labels}, record)
    print(json.dumps(found, indent=1))
    return found


def test_sets(root: Path, labels: list[str]) -> dict[str, LabelledImages]:
    """The 300 test stills and two frames of each test video of split 1: kitchens that no training image shows."""
    images, words = read_stills(root, "test")
    frames, frames_words, points = read_video_frames(root, test=True, per_video=2)
    return {
        "stills": LabelledImages(images, as_targets(words, labels), no_points(len(images)), train=False),
        "frames": LabelledImages(frames, as_targets(frames_words, labels), points, train=False),
    }


test_sets.__test__ = False  # not a test, whatever pytest makes of the name
