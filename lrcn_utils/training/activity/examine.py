"""The command ``activity controls``: what trained models make of frames that are shuffled, reversed or left out.

What a checkpoint was built for stands in its header: which classes, which CNN, what it sees and at which size.
"""

from dataclasses import asdict
from pathlib import Path

from lrcn_utils import environment
from lrcn_utils.data.cache import digest
from lrcn_utils.data.clips import FrameSize
from lrcn_utils.data.ucf101 import ClipDataset, UCF101Index, Video
from lrcn_utils.models.activity import Recogniser
from lrcn_utils.training.activity.controls import Control, Kinds, measure, table
from lrcn_utils.training.activity.models import checkpoint_file, load
from lrcn_utils.training.activity.parts import ControlsSettings
from lrcn_utils.training.activity.probe import POSITIONS, probes
from lrcn_utils.training.activity.settings import FROZEN_CNNS, NO_FC6
from lrcn_utils.training.activity.videos import choose_videos, counts, identity, split_words
from lrcn_utils.training.checkpoints import load_checkpoint
from lrcn_utils.training.features import FrameFeatures, extract
from lrcn_utils.training.run import Run


def examine(settings: ControlsSettings) -> None:
    """Measure the controls of the checkpoints, write them to the run's results.json and print them as a table."""
    files = [checkpoint_file(name) for name in settings.checkpoint]
    config = _shared_config(files, split_words(settings))
    classes = config["classes"]
    index = choose_videos(settings, classes)
    if index.classes != classes:
        there, known = ", ".join(index.classes), ", ".join(classes)
        raise ValueError(f"{settings.folder}: the classes are {there}, but {files[0].name} knows {known}")
    print("\n".join([*index.report.lines, counts(index)]), flush=True)
    _dataset(config, index.train + index.test, False)  # flow that is missing is said now
    kinds = Kinds.read(settings.folder, classes, config["input"])
    digests = [digest(file) for file in files]
    run = Run.start(settings, "activity controls", checkpoints=digests, **identity(index, {config["input"]}))
    found = [
        run.once(key, _controls, file, config, index, kinds, settings.cache_folder)
        for key, file in zip(digests, files, strict=True)
    ]
    run.write_results(
        data={"train": len(index.train), "test": len(index.test)},
        chance=1 / len(classes),
        ceilings=kinds.ceilings,
        controls=[{"checkpoint": file.name, "found": one} for file, one in zip(files, found, strict=True)],
    )
    print(table([[Control(**one) for one in same] for same in found], kinds, f"{len(index.test)} test videos"))


def _shared_config(files: list[Path], split: str) -> dict:
    """The configuration of all checkpoints.

    Raises ValueError where two are of different kinds, or the same, or where one was trained on another split.
    """
    first, *_ = configs = [load_checkpoint(file, "activity")[1] for file in files]
    if len(set(map(digest, files))) < len(files):
        raise ValueError("--checkpoint names one model twice: a spread is one of different models")
    for file, config in zip(files, configs, strict=True):
        if different := [name for name in first if config.get(name) != first[name]]:
            raise ValueError(f"{file.name} and {files[0].name} are models of two kinds: {', '.join(different)} differ")
        _assert_same_split(file, split)
    return first


def _assert_same_split(file: Path, split: str) -> None:
    """No model is tested on what it was trained on. Earlier checkpoints say only by which command they were made."""
    _, _, record = load_checkpoint(file)
    if "split" not in record:
        print(f"{file.name} does not say which split it was trained on; it was made by: {record['command']}")
    elif record["split"] != split:
        raise ValueError(f"{file.name} was trained with {record['split']}; here it would be tested with {split}")


def _controls(file: Path, config: dict, index: UCF101Index, kinds: Kinds, cache: Path) -> list[dict]:
    """The controls and the probes of one checkpoint, each a ``Control`` as a dictionary."""
    model = load(file)[0].to(environment.device())
    found = measure(model, _features(model, config, index.test, cache), [video.label for video in index.test], kinds)
    for layer in (name for name in model.cnn.feature_size if name != "fc8"):
        train, test = (_probed(model, config, side, cache, layer) for side in (index.train, index.test))
        found += probes(layer, train, test, kinds)
    return [asdict(control) for control in found]


def _features(model: Recogniser, config: dict, videos: list[Video], cache: Path) -> FrameFeatures:
    """Of every frame, as the model sees the frames of a test video."""
    dataset = _dataset(config, videos, cache)
    return extract(dataset, model.cnn, model.feature, cache, views=config["views"], progress=True)


def _probed(model: Recogniser, config: dict, videos: list[Video], cache: Path, layer: str) -> FrameFeatures:
    """``layer`` of the frames that the probes see, one view of each."""
    view = "whole" if config["cnn"] in NO_FC6 else "centre"
    dataset = _dataset(config, videos, cache)
    return extract(dataset, model.cnn, layer, cache, views=view, spread=len(POSITIONS), progress=True)


def _dataset(config: dict, videos: list[Video], cache: Path | bool) -> ClipDataset:
    kept = False if config["cnn"] in FROZEN_CNNS else cache  # a frozen CNN reads each video once
    return ClipDataset(videos, FrameSize(*config["frames"]), train=False, input=config["input"], cache=kept)
