"""The command of the toy CNN: it learns from stills and frames of films together."""

import json

import numpy as np

from lrcn_utils import environment
from lrcn_utils.data.cache import digest, digest_of
from lrcn_utils.models.cnn import toy_hybrid
from lrcn_utils.training.cnn import images
from lrcn_utils.training.cnn.images import LabelledImages
from lrcn_utils.training.cnn.models import train
from lrcn_utils.training.cnn.parts import CNNSettings
from lrcn_utils.training.cnn.scores import scores
from lrcn_utils.training.run import Run


def _run(settings: CNNSettings) -> None:
    """Train, score on the kitchens never seen, and write the CNN of every seed."""
    this = Run.start(settings, "cnn", world=_world(settings.folder))
    pictures, targets, points, labels = _training_images(settings)
    print(f"{len(pictures)} images, {len(labels)} labels")
    dataset = LabelledImages(pictures, targets, points)
    found = [
        this.once(f"cnn_seed{seed}", _train_one, this, settings, dataset, labels, seed) for seed in settings.all_seeds
    ]
    this.write_results(data={"images": len(pictures)}, seeds=list(settings.all_seeds), scores=found)


def _train_one(this: Run, settings: CNNSettings, dataset: LabelledImages, labels: list[str], seed: int) -> dict:
    """Train the CNN of one seed, or go on with it, and return its scores by set of images."""
    part = f"cnn_seed{seed}"
    environment.seed_everything(seed)
    model = toy_hybrid(len(labels)).to(environment.device())
    history = train(model, dataset, settings.recipe, seed=seed, state=this.state(part), workers=settings.workers)
    tests = images.test_sets(settings.folder, labels)
    found = {name: scores(model, test, labels) for name, test in tests.items()}
    this.keep(
        part, model, {"model": "toy_hybrid", "labels": labels}, {"seed": seed, "loss": history.loss, "scores": found}
    )
    print(json.dumps(found, indent=1), flush=True)
    return found


COMMANDS = {"": _run}


def _training_images(settings: CNNSettings) -> tuple[list[np.ndarray], np.ndarray, np.ndarray, list[str]]:
    """Images, targets, points (as in ``LabelledImages``) and the names of the labels."""
    root = settings.folder
    stills, words = images.read_stills(root, "train", settings.limit)
    more, their_words = images.render_stills(root, settings.more_stills)
    frames, frames_words, frames_points = images.render_frames(root, settings.films)
    all_words = words + their_words + frames_words
    labels = images.label_names(all_words)
    points = np.concatenate([images.no_points(len(stills) + len(more)), frames_points])
    return stills + more + frames, images.as_targets(all_words, labels), points, labels


def _world(root) -> str:
    """Toy Kitchen's contents: its ground truth, its stills and its videos."""
    files = sorted(
        [
            root / "card.json",
            *root.glob("ground_truth/*.json"),
            *root.glob("UCF-101/*/*.avi"),
            *root.glob("stills/images/*"),
        ]
    )
    return digest_of([[file.name, digest(file)] for file in files])
