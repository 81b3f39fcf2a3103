"""Does the model use time? Its accuracy when the frames of the test clips are shuffled, reversed, or left out.

A score is worth something when its controls are. What frames can tell at most differs between kinds of class: of a
video and the same one played backwards, frames without their order tell nothing. So every control is measured by kind
of class, and chance and, where the data's card gives them, ceilings stand beside the numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike

from lrcn_utils.data.text import read_json
from lrcn_utils.metrics import activity as metrics
from lrcn_utils.models.activity import Recogniser
from lrcn_utils.paper import Table
from lrcn_utils.training.activity.scores import ORDERS, Order, score_features
from lrcn_utils.training.activity.table import spread

FRAMES_SEEN = (1, 2, 4, 8, 16)
# The ceilings of a card, by the frames that they are about.
ANY_FRAME, KNOWN_FRAME, NO_ORDER = "one frame, position unknown", "one frame, position known", "frames without order"
# A frame that is kept in its place tells more than a set of frames: such controls have no ceiling here.
CEILINGS = {"shuffled": NO_ORDER, "first frame frozen": KNOWN_FRAME}


@dataclass(frozen=True)
class Kinds:
    """The kinds of class of a dataset: ``members`` {kind: numbers of its classes}, among them "all".

    ``pairs``: classes that are each other played backwards. ``ceilings``: {what is seen: {kind: the best accuracy,
    0..1}}, empty where nobody has worked them out.
    """

    classes: list[str]
    members: dict[str, list[int]]
    pairs: list[tuple[int, int]] = field(default_factory=list)
    ceilings: dict[str, dict[str, float]] = field(default_factory=dict)

    @classmethod
    def read(cls, root: Path, classes: Sequence[str], stream: str = "rgb") -> "Kinds":
        """From the card of the dataset in ``root``; without a card there is only "all".

        Ceilings are those of frames of the whole world: they do not hold for flow (``stream``), which sees motion in
        one image, nor for some of the classes.
        """
        numbers = {name: number for number, name in enumerate(classes)}
        card = read_json(root / "card.json") if (root / "card.json").exists() else {}
        known = [pair for pair in card.get("reversed_pairs", []) if set(pair) <= set(classes)]
        pairs = [(numbers[first], numbers[second]) for first, second in known]
        found = {
            "all": list(numbers.values()),
            "reversed pairs": [number for pair in pairs for number in pair],
            "motion only": [numbers[name] for name in card.get("motion_only", []) if name in numbers],
            "object only": [numbers[name] for name in card.get("object_only", []) if name in numbers],
        }
        whole = stream == "rgb" and set(card.get("videos_per_class", ())) == set(classes)
        members = {kind: of for kind, of in found.items() if of}
        return cls(list(classes), members, pairs, card.get("ceilings", {}) if whole else {})

    def accuracy(self, probabilities: np.ndarray, labels: ArrayLike) -> dict[str, float]:
        """{kind: accuracy on the videos of its classes, 0..1, every class being allowed as an answer}.

        ``probabilities`` (videos, classes), ``labels`` (videos,). A kind without a video is left out.
        """
        labels = np.asarray(labels)
        chosen = {kind: np.isin(labels, members) for kind, members in self.members.items()}
        return {kind: metrics.accuracy(probabilities[on], labels[on]) for kind, on in chosen.items() if on.any()}

    def swapped(self, probabilities: np.ndarray, labels: ArrayLike) -> dict[str, float]:
        """The share of the videos of reversed pairs, 0..1, that are named as the other class of their pair."""
        other = dict(self.pairs) | {second: first for first, second in self.pairs}
        on = np.isin(labels, list(other))
        partners = [other[label] for label in np.asarray(labels)[on].tolist()]
        return {"reversed pairs": metrics.accuracy(probabilities[on], partners)} if on.any() else {}


@dataclass(frozen=True)
class Control:
    """One number of one model: ``accuracy`` {kind of class: 0..1} when its frames were changed as ``name`` says.

    ``about``: what the control belongs to, the heading of its block in a table. ``ceiling``: the name of the ceiling
    of what such frames can tell, or "".
    """

    about: str
    name: str
    accuracy: dict[str, float]
    ceiling: str = ""


def measure(model: Recogniser, features: Sequence, labels: ArrayLike, kinds: Kinds) -> list[Control]:
    """The controls of a model on the features of test videos: each (crops, frames, d), an array or a tensor.

    Every clip of 16 frames is changed by itself, and a video's answer is averaged over its clips, as in any score. So
    where a clip keeps one frame a video still shows one of each clip, and may pass the ceiling of one frame a little.
    """

    def scored(order: str | Order) -> np.ndarray:
        return score_features(model, (torch.from_numpy(np.asarray(one).astype(np.float32)) for one in features), order)

    found, about = [], "the frames of each test clip"
    for name in ORDERS:
        probabilities = scored(name)
        found.append(Control(about, name, kinds.accuracy(probabilities, labels), CEILINGS.get(name, "")))
        if name == "reversed" and (share := kinds.swapped(probabilities, labels)):
            found.append(Control(about, "reversed, and named as the other of the pair", share))
    for end in ("first", "last"):
        for n in FRAMES_SEEN:
            part = slice(n) if end == "first" else slice(-n, None)
            accuracy = kinds.accuracy(scored(itemgetter((slice(None), part))), labels)
            ceiling = KNOWN_FRAME if n == 1 else ""
            found.append(Control(f"the {end} frames of each test clip alone", str(n), accuracy, ceiling))
    return found


def table(runs: Sequence[Sequence[Control]], kinds: Kinds, videos: str) -> Table:
    """The controls of models that differ in their seed, in %: mean and standard deviation where there are several.

    A ceiling stands below the rows that it belongs to, chance below all. Every model must have the same controls, in
    the same order. ``videos``: what was measured on, for the headings.
    """
    shown = list(runs[0][0].accuracy)
    chance = (f"chance among {len(kinds.classes)} classes", [f"{100 / len(kinds.classes):.1f}"] * len(shown))
    blocks: dict[str, list] = {}
    for same in zip(*runs, strict=True):
        rows = blocks.setdefault(same[0].about, [])
        ceiling = _ceiling(kinds, same[0].ceiling, shown)
        if rows[-1:] == ceiling:  # the row above has the same one: it stands once, below both
            del rows[-1:]
        rows.append((same[0].name, [_cell([one.accuracy.get(kind) for one in same]) for kind in shown]))
        rows += ceiling
    for rows in blocks.values():
        rows.append(chance)
    next(iter(blocks.values())).extend(_ceiling(kinds, ANY_FRAME, shown))
    return Table([f"{kind} (%)" for kind in shown], [(f"{about}, {videos}", rows) for about, rows in blocks.items()])


def _cell(accuracies: list[float | None]) -> str:
    return "" if None in accuracies else spread(100 * np.array(accuracies))


def _ceiling(kinds: Kinds, name: str, shown: list[str]) -> list[tuple[str, list[str]]]:
    """The row of a ceiling; none where the card does not give it."""
    known = kinds.ceilings.get(name, {})
    cells = [f"{100 * known[kind]:.1f}" if kind in known else "" for kind in shown]
    return [(f"ceiling of {name}", cells)] if known else []
