"""The command ``activity heads``: LRCN's LSTM beside what came before and after it, on the same features.

The CNN is the course's pre-trained one and stays as it is. So the models differ in what they do with time, and in
nothing else: one CNN, one size, the same clips in the same order, the same number of epochs.
"""

import json
from dataclasses import dataclass, field
from importlib import resources

import numpy as np
import torch

from lrcn_utils import environment
from lrcn_utils.data.cache import digest
from lrcn_utils.data.ucf101 import ClipDataset
from lrcn_utils.models import heads
from lrcn_utils.paper import Table
from lrcn_utils.training.activity.controls import Kinds
from lrcn_utils.training.activity.models import standard_scale, train
from lrcn_utils.training.activity.parts import RATES, HeadsSettings
from lrcn_utils.training.activity.scores import score_features
from lrcn_utils.training.activity.settings import TOY_CNN
from lrcn_utils.training.activity.table import spread
from lrcn_utils.training.activity.videos import choose_videos, counts, identity
from lrcn_utils.training.cnn import models as cnns
from lrcn_utils.training.features import FeatureClips, FrameFeatures, extract
from lrcn_utils.training.run import Run

ORDERS = ("as filmed", "shuffled", "reversed")


@dataclass(frozen=True)
class Found:
    """One model of one seed. ``accuracy``: {order of the frames: {kind of class: 0..1}}."""

    name: str
    seed: int
    parameters: int
    accuracy: dict[str, dict[str, float]] = field(default_factory=dict)


def compare(settings: HeadsSettings) -> None:
    """Train every model for every seed, score it with the frames in order and shuffled, and print the table."""
    index = choose_videos(settings)
    print(counts(index), flush=True)
    kinds = Kinds.read(settings.folder, index.classes)
    cnn = cnns.load().to(environment.device())
    run = Run.start(settings, "activity heads", rates=RATES, cnn=digest(TOY_CNN), **identity(index, {"rgb"}))
    sides = [ClipDataset(side, train=False, cache=settings.cache_folder) for side in (index.train, index.test)]
    train_side, test_side = (
        extract(side, cnn, "fc6", settings.cache_folder, views=views, progress=True)
        for side, views in zip(sides, ("centre and mirror", "centre"), strict=True)
    )
    found = []
    for name in [settings.only] if settings.only else heads.HEADS:
        for seed in settings.all_seeds:
            one = run.once(f"{name}, seed {seed}", _one, run, settings, name, seed, cnn, train_side, test_side, kinds)
            print(f"{name}, seed {seed}: {one['accuracy']['as filmed']['all']:.1%}", flush=True)
            found.append(Found(**one))
    run.write_results(data={"train": len(index.train), "test": len(index.test)}, found=[vars(one) for one in found])
    print(table(found, kinds))


def _one(run: Run, settings, name: str, seed: int, cnn, train_side: FrameFeatures, test_side, kinds) -> dict:
    environment.seed_everything(seed)
    head = heads.build(name, cnn, len(kinds.classes), settings.parameters).to(environment.device())
    head.cnn.requires_grad_(False)
    head.mean, head.spread = (part.to(head.mean.device) for part in standard_scale(train_side))
    options = {"seed": seed, "log": run.log(f"{name}_seed{seed}"), "workers": settings.workers}
    train(head, FeatureClips(train_side), settings.recipe(name), **options)
    labels = [video.label for video in test_side.videos]
    clips = lambda: (torch.from_numpy(one.astype(np.float32)) for one in test_side)  # noqa: E731
    scored = {order: kinds.accuracy(score_features(head, clips(), order), labels) for order in ORDERS}
    return vars(Found(name, seed, heads.count(head), scored))


def table(found: list[Found], kinds: Kinds) -> Table:
    """Accuracy in %, mean and standard deviation over the seeds, by kind of class and with shuffled frames."""
    rows = []
    for name in dict.fromkeys(one.name for one in found):
        same = [one for one in found if one.name == name]
        cells = [_cell(same, "as filmed", kind) for kind in kinds.members]
        rows.append((name, [f"{same[0].parameters:,}", *cells, _cell(same, "shuffled", "all")]))
    columns = ["parameters", *(f"{kind} (%)" for kind in kinds.members), "shuffled, all (%)"]
    return Table(columns, [("models over time, on the same features", rows)])


def _cell(same: list[Found], order: str, kind: str) -> str:
    return spread(100 * np.array([one.accuracy[order][kind] for one in same]))


def recorded() -> list[Found]:
    """What the course measured with ``--seeds 3`` on Toy Kitchen's test groups, on two cores."""
    file = resources.files("lrcn_utils").joinpath("results/activity_heads.json")
    return [Found(**one) for one in json.loads(file.read_text(encoding="utf-8"))["found"]]
