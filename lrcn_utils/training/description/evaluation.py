"""How good a decoder's descriptions are on one split of a dataset: the paper's BLEU-4, and the scores of captions.

Sentences are split as the COCO server splits them, the decoder's and people's alike, so the numbers may differ a little
from those of a training, which splits them as its vocabulary does.
"""

from dataclasses import replace
from typing import NamedTuple

import torch

from lrcn_utils import environment
from lrcn_utils.data import tacos
from lrcn_utils.data.cache import digest, digest_of
from lrcn_utils.data.coco import write_predictions
from lrcn_utils.data.tacos import TacosCorpus
from lrcn_utils.data.vocabulary import as_text
from lrcn_utils.training.captioning.evaluation import scores_of, table_lines
from lrcn_utils.training.captioning.models import cnn_of
from lrcn_utils.training.description import chain, decoders, tuples
from lrcn_utils.training.description.chain import Reading
from lrcn_utils.training.description.parts import DescriberSettings
from lrcn_utils.training.run import Run


class Asked(NamedTuple):
    """The videos of a split with their descriptions, and what was read of them. ``right``: shares of right slots."""

    corpus: TacosCorpus
    reading: Reading
    right: dict[str, float]


def evaluate_decoder(settings: DescriberSettings) -> None:
    """Print the scores; write them to the run's results.json and the sentences of the beam to its predictions.json.

    Raises FileNotFoundError or ValueError for a checkpoint or a split that cannot be used.
    """
    model, vocabulary, config, _ = decoders.load(settings.checkpoint)
    asked = (_of_tacos if settings.data == "tacos" else _of_films)(settings, config)
    for line in asked.corpus.report.lines:
        print(line)
    found = asked.corpus.of(config["level"], asked.reading.outputs.videos)
    videos = list(dict.fromkeys(description.video for description in found))  # one may lack the level
    if not videos:
        raise ValueError(f"{settings.folder}: no video of the {settings.split} split is described at this level")
    reading, told = asked.reading.of(videos), decoders.texts_of(found, videos)
    contents = digest_of([videos, told, [states.tolist() for states in reading.outputs.map_tuples]])
    run = Run.start(settings, "describer", checkpoint=digest(settings.checkpoint), descriptions=contents)
    inputs = reading.inputs(config["kind"])
    model = model.to(environment.device())
    written = {
        name: [as_text(words) for words in decoders.describe(model, inputs, vocabulary, width)]
        for name, width in {"greedy": 1, f"beam {settings.beam}": settings.beam}.items()
    }
    scores = {name: scores_of(some, told, settings.meteor) for name, some in written.items()}
    counts = {"videos": len(videos), "sentences": len(found), "words": len(vocabulary)}
    print(f"{settings.split} split, {config['level']}: " + ", ".join(f"{n} {name}" for name, n in counts.items()))
    if asked.right:
        print(f"right slots of the tuples {asked.right['mean of slots']:.1%}, whole tuples {asked.right['tuple']:.1%}")
    print("\n".join(table_lines(scores)), flush=True)
    run.write_results(data=counts, tuples=asked.right, scores=scores)
    write_predictions(run.file("predictions.json"), videos, written[f"beam {settings.beam}"])


def _of_films(settings: DescriberSettings, config: dict) -> Asked:
    """The films of the split, read by the chain that the decoder was trained behind."""
    beside = settings.checkpoint.with_name(config["chain"])
    found, read_by = chain.load(beside)
    cnn = cnn_of(read_by, beside=beside)
    described = chain.read_toy(
        settings.folder, [config["level"]], cache=settings.cache_folder, strict=settings.strict
    ).fewer(settings.limit, both=True)
    videos = getattr(described, settings.split)
    features = chain.frame_features(replace(described, train=[], test=videos), cnn, settings.cache_folder)
    frames = torch.stack([features[video] for video in videos])
    seen = tuples.unaries(found["classifier"].to(environment.device()), frames)
    outputs = tuples.read_clips(found["crf"], seen, videos, read_by["states"])
    truth = tacos.encode_tuples([described.tuples[video] for video in videos], read_by["states"])
    return Asked(described.corpus, Reading(outputs, frames), tuples.slot_accuracy(outputs, truth))


def _of_tacos(settings: DescriberSettings, config: dict) -> Asked:
    """The videos of the split that crf.csv has tuples of."""
    corpus = tacos.read_corpus(settings.folder, [config["level"]], strict=settings.strict)
    outputs = tacos.read_crf(settings.folder / "crf.csv", corpus.report)
    corpus = corpus.only(outputs.videos, "row in crf.csv")
    side = chain.spread(getattr(corpus, settings.split), settings.limit)
    return Asked(corpus, Reading(outputs.of(side)), {})
