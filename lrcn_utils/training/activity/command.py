"""The commands of activity recognition: one model, the paper's table, controls, the average of two saved streams."""

from dataclasses import asdict

import numpy as np
import torch

from lrcn_utils import environment
from lrcn_utils.data.cache import digest
from lrcn_utils.data.ucf101 import ClipDataset, UCF101Index, Video
from lrcn_utils.metrics import activity as metrics
from lrcn_utils.models.activity import Recogniser
from lrcn_utils.training.activity import shipped, table
from lrcn_utils.training.activity.examine import examine
from lrcn_utils.training.activity.heads import compare
from lrcn_utils.training.activity.models import build, fit_lstm, load, start_as_caffe, start_cnn, train
from lrcn_utils.training.activity.parts import FuseSettings, ShipSettings
from lrcn_utils.training.activity.scores import Scores, score, score_features
from lrcn_utils.training.activity.settings import ActivityData, ActivitySettings, TableSettings
from lrcn_utils.training.activity.videos import choose_videos, counts, identity, split_words
from lrcn_utils.training.checkpoints import load_checkpoint
from lrcn_utils.training.features import FeatureClips, FrameFeatures, extract
from lrcn_utils.training.run import Run


def _run_one(settings: ActivitySettings) -> None:
    """Train one model on one input and score it, for every seed."""
    _run(settings, "activity", [settings])


def _run_table(settings: TableSettings) -> None:
    """Train both models on both inputs, fuse, and print the paper's table."""
    _run(settings, "activity table", settings.streams())


def _fuse(settings: FuseSettings) -> None:
    """Print the weighted averages of the saved scores of two streams."""
    print(table.fused(Scores.load(settings.rgb), Scores.load(settings.flow)))


def _ship(settings: ShipSettings) -> None:
    """For maintainers: make the shipped checkpoints of a finished table."""
    shipped.ship(settings.out)


COMMANDS = {
    "": _run_one,
    "table": _run_table,
    "controls": examine,
    "heads": compare,
    "fuse": _fuse,
    "ship": _ship,
}


def _run(settings: ActivityData, task: str, streams: list[ActivitySettings]) -> None:
    index = choose_videos(settings, settings.classes)
    print("\n".join([*index.report.lines, counts(index)]), flush=True)
    for name in {stream.input for stream in streams}:
        ClipDataset(index.train + index.test, input=name, cache=False)  # flow that is missing is said now
    run = Run.start(settings, task, **_identity(streams, index))
    runs: table.Runs = {}
    for stream in streams:
        for seed in settings.all_seeds:
            scores = _trained_and_scored(run, stream, index, seed)
            runs.setdefault((stream.name, stream.input), []).append(scores)
            print(f"{stream.name} {stream.input} seed {seed}: {scores.accuracy:.1%}", flush=True)
    found = {f"{model} {stream}": [s.accuracy for s in seeds] for (model, stream), seeds in runs.items()}
    trained_on, tested = ([video.label for video in side] for side in (index.train, index.test))
    run.write_results(
        data={"train": len(trained_on), "test": len(tested)},
        seeds=list(settings.all_seeds),
        scores=found,
        controls={
            "always the class most frequent in training": metrics.majority(trained_on, tested),
            f"chance among {len(index.classes)} classes": 1 / len(index.classes),
        },
    )
    print(table.table(runs, trained_on))


def _identity(streams: list[ActivitySettings], index: UCF101Index) -> dict:
    """What the settings do not say of a run: its videos and initial weights by contents, and its recipes in full."""
    first = streams[0]
    inputs = {stream.input for stream in streams}
    start = getattr(first, "start", None)
    initial = None if first.frozen or start else first.initial_weights
    before = [stream.single_frame() for stream in streams if stream.model == "lrcn" and not stream.frozen]
    return {
        "recipes": {f"{stream.name} {stream.input}": asdict(stream.recipe) for stream in [*before, *streams]},
        "models": {f"{stream.name} {stream.input}": stream.config(index.classes) for stream in streams},
        **identity(index, inputs),
        "initial weights": initial and _digest_weights(initial),
        "start": start and _digest_weights(start),
    }


def _digest_weights(file) -> str:
    """A checkpoint by contents. Raises FileNotFoundError, naming the file, where there is none."""
    if not file.is_file():
        raise FileNotFoundError(f"{file}: there is no such checkpoint; check --cnn-weights and --start")
    return digest(file)


def _trained_and_scored(run: Run, settings: ActivitySettings, index: UCF101Index, seed: int) -> Scores:
    """One model of one seed; a resumed run finds what it has finished."""
    file = run.file(f"{_part_name(settings, seed)}.npz")
    if file.exists():
        return Scores.load(file)
    model = _trained(run, settings, index, seed)
    if settings.frozen:
        kept = _frozen_features(settings, model, index.test, settings.views)
        rows = score_features(model, (torch.from_numpy(row.astype(np.float32)) for row in kept))
        scores = Scores.of(index.test, index.classes, rows)
    else:
        dataset = _clip_dataset(settings, index.test, train=False)
        scores = score(model, dataset, index.classes, settings.crops, progress=True)
    scores.save(file)
    return scores


def _trained(run: Run, settings: ActivitySettings, index: UCF101Index, seed: int) -> Recogniser:
    """The trained model of one seed: loaded where it is finished, else trained, or trained on."""
    part = _part_name(settings, seed)
    if file := run.trained(part):
        return load(file)[0].to(environment.device())
    recipe, config, state = settings.recipe, settings.config(index.classes), run.state(part)
    environment.seed_everything(seed)
    model = build(config).to(environment.device())
    if recipe.caffe:
        start_as_caffe(model)
    if settings.frozen:
        model.cnn.requires_grad_(False)
        kept = _frozen_features(settings, model, index.train, settings.training_views)
        dataset = FeatureClips(kept, recipe.clip_length)
    else:
        _give_start(model, run, settings, index, seed)
        if recipe.warm_up:
            _warm_up(model, run, settings, index, seed)
        dataset = _clip_dataset(settings, index.train, train=True)
    history = train(model, dataset, recipe, seed=seed, state=state, workers=settings.workers)
    made = {"recipe": asdict(recipe), "seed": seed, "loss": history.loss, "split": split_words(settings)}
    run.keep(part, model, config, made)
    return model


def _give_start(model: Recogniser, run: Run, settings: ActivitySettings, index: UCF101Index, seed: int) -> None:
    """The paper's chain: the pre-trained CNN starts the single-frame model, which starts its stream's LRCN."""
    if settings.model == "single-frame":
        file, prefix = settings.initial_weights, ""
        weights = file and load_checkpoint(file, "cnn")[0]
    elif settings.start:
        file, prefix = settings.start, "cnn."
        weights = load_checkpoint(file, "activity")[0]
    else:
        file, prefix = "the single frame", "cnn."
        weights = _trained(run, settings.single_frame(), index, seed).state_dict()
    if weights:
        try:
            start_cnn(model, weights, prefix)
        except ValueError as error:
            raise ValueError(f"{file}: {error}") from error


def _warm_up(model: Recogniser, run: Run, settings: ActivitySettings, index: UCF101Index, seed: int) -> None:
    """Train only the head, on fixed features of the CNN as it starts."""
    dataset = _clip_dataset(settings, index.train, train=False)
    cache, views = settings.cache_folder, "centre and mirror"
    features = extract(dataset, model.cnn, model.feature, cache, views=views, progress=True)
    model.cnn.requires_grad_(False)
    fit_lstm(model.lstm, features)
    state, recipe = run.state(_part_name(settings, seed), "warm-up"), settings.recipe.alone()
    train(model, FeatureClips(features), recipe, seed=seed, state=state, workers=settings.workers)
    model.cnn.requires_grad_(True)


def _clip_dataset(settings: ActivitySettings, videos: list[Video], train: bool) -> ClipDataset:
    # A frozen CNN reads each video once: its features are kept instead of its frames.
    kept = False if settings.frozen or settings.decode else settings.cache_folder
    options = {"input": settings.input, "cache": kept, "length": settings.recipe.clip_length}
    return ClipDataset(videos, settings.frames, train=train, **options)


def _frozen_features(settings: ActivitySettings, model: Recogniser, videos: list[Video], views: str) -> FrameFeatures:
    """The frozen CNN's features of every frame, kept in the cache."""
    dataset = _clip_dataset(settings, videos, train=False)
    return extract(dataset, model.cnn, settings.layer, settings.cache_folder, views=views, progress=True)


def _part_name(settings: ActivitySettings, seed: int) -> str:
    return f"{settings.name}_{settings.input}_seed{seed}"
