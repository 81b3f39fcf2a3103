"""From videos to what the decoders read: described videos, their frame features, the CRF's outputs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from lrcn_utils.data import tacos
from lrcn_utils.data.report import Report
from lrcn_utils.data.tacos import CRFOutputs, TacosCorpus
from lrcn_utils.data.ucf101 import ClipDataset, Video, read_index
from lrcn_utils.models.crf import TupleCRF, chow_liu
from lrcn_utils.models.description import SlotClassifier
from lrcn_utils.training.checkpoints import load_checkpoint
from lrcn_utils.training.description import tuples
from lrcn_utils.training.description.decoders import decoder_inputs
from lrcn_utils.training.features import extract

FRAMES = 8  # of each video, evenly spread
LAYER = "fc6"


@dataclass(frozen=True)
class DescribedVideos:
    """Sentences, and a tuple of words for each video of ``train`` and ``test``; ``states``: the words of each slot."""

    corpus: TacosCorpus
    videos: dict[str, Video]
    tuples: dict[str, tuple[str, ...]]
    states: dict[str, list[str]]
    train: list[str]
    test: list[str]

    @property
    def report(self) -> Report:
        return self.corpus.report

    @property
    def sizes(self) -> list[int]:
        """The number of states of each slot."""
        return [len(words) for words in self.states.values()]

    def fewer(self, limit: int | None, *, both: bool = False) -> "DescribedVideos":
        """The same with at most ``limit`` training videos, evenly spread; with ``both`` of the test videos, too."""
        return replace(self, train=spread(self.train, limit), test=spread(self.test, limit if both else None))

    def truth(self, videos: Sequence[str]) -> Tensor:
        """The true tuples of ``videos`` as state numbers, long (videos, slots)."""
        return tacos.encode_tuples([self.tuples[video] for video in videos], self.states)


def spread(videos: list[str], limit: int | None) -> list[str]:
    """At most ``limit`` of ``videos``, evenly spread; all for None."""
    count = len(videos) if limit is None else min(limit, len(videos))
    return [videos[i * len(videos) // count] for i in range(count)]


def read_toy(
    root: Path | str, levels: Sequence[str] = tacos.LEVELS, *, cache: Path | None = None, strict: bool = False
) -> DescribedVideos:
    """The described videos of a Toy Kitchen.

    Videos without a whole tuple, or that cannot be read, are reported and left out. Raises ValueError when no
    training video, or no test video, is left.
    """
    corpus = tacos.read_corpus(Path(root) / "descriptions", levels, strict=strict)
    words = tacos.read_tuples(corpus.root / "tuples.csv", corpus.report)
    index = read_index(root, cache=cache, strict=strict)
    videos = {video.name: video for video in index.train + index.test}
    corpus = corpus.only(words, "tuple in tuples.csv").only(videos, "video that can be read")
    for side, names in (("training", corpus.train), ("test", corpus.test)):
        if not names:
            raise ValueError(f"{root}: no {side} video has descriptions, a tuple and a film that can be read")
    return DescribedVideos(corpus, videos, words, tacos.slot_states(words.values()), corpus.train, corpus.test)


def frame_features(described: DescribedVideos, cnn: nn.Module, cache: Path) -> dict[str, Tensor]:
    """Features (frames, dim) of ``FRAMES`` frames of every video, evenly spread; kept in ``cache``."""
    names = described.train + described.test
    dataset = ClipDataset([described.videos[name] for name in names], train=False, cache=False)
    found = extract(dataset, cnn, LAYER, cache, spread=FRAMES)
    return {name: torch.tensor(found[i][0]).float() for i, name in enumerate(names)}


@dataclass(frozen=True)
class Reading:
    """What was seen of some videos: the CRF's outputs and, of films, frame features (videos, frames, dim)."""

    outputs: CRFOutputs
    frames: Tensor | None = None

    def inputs(self, kind: str) -> Tensor:
        """The input of decoder ``kind``, a row a video."""
        return self.frames if kind == "end" else decoder_inputs(kind, self.outputs)

    def of(self, videos: Sequence[str]) -> "Reading":
        """What was seen of ``videos`` alone, in their order."""
        rows = [self.outputs.videos.index(video) for video in videos]
        return Reading(self.outputs.of(videos), None if self.frames is None else self.frames[rows])


def read_videos(
    described: DescribedVideos, features: dict[str, Tensor], *, seed: int = 0, state_of: Callable | None = None
) -> tuple[nn.ModuleDict, Reading, Reading]:
    """The chain from frames to tuples: cross-fitted unaries, CRF on Chow and Liu's tree, both sides read.

    ``features``: frame features (frames, dim) of every video. ``state_of``: gives the ``State`` of the training of a
    classifier by its name. Returns the test classifier and the CRF as modules "classifier" and "crf", and a
    ``Reading`` of the training and of the test videos.
    """
    train, test = (torch.stack([features[name] for name in side]) for side in (described.train, described.test))
    truth, sizes = described.truth(described.train), described.sizes
    options = {"seed": seed, "state_of": state_of}
    seen = tuples.out_of_fold(train, truth, described.train, sizes, **options)
    field = tuples.fit_crf(seen, truth, chow_liu(truth, sizes))
    classifier = tuples.train_classifier(train, truth, sizes, seed=seed, state=state_of and state_of("all"))
    new = tuples.unaries(classifier, test)
    return (
        nn.ModuleDict({"classifier": classifier, "crf": field}),
        Reading(tuples.read_clips(field, seen, described.train, described.states), train),
        Reading(tuples.read_clips(field, new, described.test, described.states), test),
    )


def config_of(described: DescribedVideos, found: nn.ModuleDict, cnn: dict) -> dict:
    """All that is needed to build classifier and CRF again, and to show them films. ``cnn``: which one."""
    classifier = found["classifier"].lstm
    return {
        "states": described.states,
        "edges": found["crf"].edges,
        "feature_size": classifier.input_size,
        "hidden": classifier.hidden_size,
        "cnn": cnn,
        "layer": LAYER,
        "frames": FRAMES,
    }


def load(path: Path | str) -> tuple[nn.ModuleDict, dict]:
    """Classifier and CRF of a checkpoint, as "classifier" and "crf", and its config.

    Raises FileNotFoundError, or ValueError for a checkpoint of something else.
    """
    weights, config, _ = load_checkpoint(path, "description")
    if "edges" not in config:
        raise ValueError(f"{Path(path).name}: not a classifier with its CRF; look for crf_seed0.safetensors")
    sizes = [len(words) for words in config["states"].values()]
    edges = [tuple(edge) for edge in config["edges"]]
    classifier = SlotClassifier(config["feature_size"], sizes, config["hidden"])
    chain = nn.ModuleDict({"classifier": classifier, "crf": TupleCRF(sizes, edges)})
    chain.load_state_dict(weights)
    return chain.eval().requires_grad_(False), config
