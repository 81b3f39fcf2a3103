"""How good captions are: the scores of a captioner on one split of a dataset, and of a file of predictions.

Both are scored as the COCO server scores: raw sentences are split by ``coco_words``, captions and references alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from lrcn_utils import environment
from lrcn_utils.data.cache import digest, digest_of
from lrcn_utils.data.caption_files import read_captions
from lrcn_utils.data.captions import CaptionSet
from lrcn_utils.data.coco import read_predictions, write_predictions
from lrcn_utils.data.report import Report
from lrcn_utils.data.vocabulary import as_text
from lrcn_utils.decoding import beam_search, greedy
from lrcn_utils.metrics.captions import caption_scores, cider_d_each, coco_words, meteor
from lrcn_utils.metrics.retrieval import both_directions, normalise
from lrcn_utils.training.captioning import models
from lrcn_utils.training.captioning.images import features_of, read_images
from lrcn_utils.training.captioning.parts import CaptionerSettings, PredictionsSettings
from lrcn_utils.training.captioning.retrieval import score_matrix
from lrcn_utils.training.run import Run
from lrcn_utils.training.sentences import Pairs, best_words, decode, nats_per_word, unknown_share


@dataclass(frozen=True)
class Captioned:
    """Images with what a captioner wrote about each, by decoder, and the CIDEr-D of the beam's caption."""

    images: CaptionSet
    written: dict[str, list[str]]
    cider_d: list[float]


def evaluate_captioner(settings: CaptionerSettings) -> Captioned:
    """Print the scores; write them to the run's results.json and the captions of the beam to its predictions.json.

    Raises FileNotFoundError or ValueError for a checkpoint or a split that cannot be used.
    """
    model, vocabulary, config, _ = models.load(settings.checkpoint)
    model, network = model.to(environment.device()), models.cnn_of(config, beside=settings.checkpoint)
    images = read_images(settings, settings.split)
    shown = digest_of([[*map(digest, images.images)], images.ids, images.captions])
    run = Run.start(settings, "captioner", checkpoint=digest(settings.checkpoint), images=shown)
    images, features = features_of(settings, network, config["feature"], images)
    features = features[..., : config["sizes"]["image_size"]]
    loss = _loss(model, Pairs(features, images.pairs(), vocabulary))
    written = {
        name: [as_text(words) for words in best_words(decode(model, features, *decoder), vocabulary)]
        for name, decoder in {"greedy": (greedy,), f"beam {settings.beam}": (beam_search, settings.beam)}.items()
    }
    scores = {name: scores_of(some, images.captions, settings.meteor) for name, some in written.items()}
    counts = {"images": len(images), "captions": len(images.pairs()), "words": len(vocabulary)}
    print(f"{settings.split} split: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
    print("\n".join([*_loss_lines(loss), *table_lines(scores)]), flush=True)
    found = {"loss": loss, "scores": scores}
    if settings.retrieval:
        found["retrieval"] = _retrieval(model, features, images, vocabulary)
        print("\n".join(f"{name:28}{value:8.1f}" for name, value in found["retrieval"].items()))
    run.write_results(data=counts, **found)
    best = written[f"beam {settings.beam}"]
    write_predictions(run.file("predictions.json"), images.ids, best)
    return Captioned(images, written, cider_d_each(*_split(best, images.captions)))


def evaluate_predictions(settings: PredictionsSettings) -> None:
    """Print the scores of the predictions. Raises ValueError, naming the file, where the two do not fit together."""
    said = read_predictions(settings.predictions)
    report = Report(False, ValueError)
    wanted: dict[str, list[str]] = {}
    for _, key, words in read_captions(settings.references, report).captions:
        wanted.setdefault(key, []).append(str(words))
    for line in report.lines:
        print(line)
    if missing := [key for key in said if key not in wanted]:
        there, file = settings.references.name, settings.predictions.name
        raise ValueError(f"{file}: image {missing[0]} has no caption in {there}; is it of another split?")
    if others := len(wanted) - len(said):
        print(f"{settings.predictions.name}: {others} of {len(wanted)} images have no prediction and do not count")
    captions = [wanted[key] for key in said]
    print(f"{len(said)} images")
    print("\n".join(table_lines({"": scores_of(list(said.values()), captions, settings.meteor)})))


def scores_of(
    written: Sequence[str], references: Sequence[Sequence[str]], with_meteor: bool = False
) -> dict[str, float]:
    """The scores of one sentence an image against its references, all raw text, by the names of the paper's tables."""
    words = _split(written, references)
    found = caption_scores(*words)
    if with_meteor and (value := meteor(*words)) is not None:
        found["METEOR"] = value
    return found


def table_lines(scores: dict[str, dict[str, float]]) -> list[str]:
    """Lines of a table: a row for each name of ``scores``, a column for each score."""
    columns = list(dict.fromkeys(name for row in scores.values() for name in row))
    lines = [f"{'':10}" + "".join(f"{name:>9}" for name in columns)]
    return lines + [f"{name:10}" + "".join(f"{row[c]:9.3f}" for c in columns) for name, row in scores.items()]


def _split(written: Sequence[str], references: Sequence[Sequence[str]]) -> tuple[list, list]:
    return [coco_words(one) for one in written], [[coco_words(one) for one in some] for some in references]


def _loss(model, pairs: Pairs) -> dict[str, float]:
    found = {"nats a word": nats_per_word(model, pairs), "words not in the vocabulary": unknown_share(pairs)}
    return found | {"nats a known word": nats_per_word(model, pairs, unknown=False)}


def _loss_lines(loss: dict[str, float]) -> list[str]:
    lines = [f"{loss['nats a word']:.3f} nats a word"]
    known = loss["nats a known word"]
    if share := loss["words not in the vocabulary"]:
        lines.append(f"{share:.1%} of the words are not in the vocabulary; without them {known:.3f}")
    return lines


def _retrieval(model, features: Tensor, images: CaptionSet, vocabulary) -> dict[str, float]:
    captions = [vocabulary.encode(caption) for _, caption in images.pairs()]
    log_probs = score_matrix(model, features.to(environment.device()), captions)
    return both_directions(normalise(log_probs), [owner for owner, _ in images.pairs()])
