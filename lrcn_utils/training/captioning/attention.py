"""The command ``captioning attention``: LRCN-2f beside a captioner that looks at another place for each word.

The CNN is the course's pre-trained one and stays as it is, and all models have one size. All but the first see its
last convolution only: the mean of the map, the map laid out flat as fc6 reads it, and the map with attention over its
places. So what attention gains is told apart from what a map is worth.
"""

import json
from dataclasses import asdict, dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from lrcn_utils import environment
from lrcn_utils.data.cache import digest
from lrcn_utils.data.captions import CaptionSet
from lrcn_utils.data.text import read_json
from lrcn_utils.data.vocabulary import Vocabulary
from lrcn_utils.decoding import beam_search
from lrcn_utils.metrics.captions import caption_scores
from lrcn_utils.models.attention import WEIGHTS
from lrcn_utils.paper import Table
from lrcn_utils.training.captioning import models, shipped
from lrcn_utils.training.captioning.images import read_images
from lrcn_utils.training.captioning.learning import learn
from lrcn_utils.training.captioning.looking import where_it_looks
from lrcn_utils.training.captioning.models import Seen
from lrcn_utils.training.captioning.parts import MODELS, AttentionSettings
from lrcn_utils.training.captioning.told import FACTS, right
from lrcn_utils.training.checkpoints import save_checkpoint
from lrcn_utils.training.features import extract_images
from lrcn_utils.training.run import Run
from lrcn_utils.training.sentences import Pairs, best_words, decode, nats_per_word, references

ATTENTION = "attention over the map"
COLUMNS = {"nats a word": ".3f", "BLEU-1": ".3f", "BLEU-4": ".3f", "CIDEr-D": ".2f"} | dict.fromkeys(FACTS, ".1%")


SHIPPED = AttentionSettings(only=ATTENTION, seeds=3)


@dataclass(frozen=True)
class Found:
    """One model of one seed, or a control of it. ``looks``: what ``where_it_looks`` found, empty for others."""

    name: str
    seed: int
    parameters: int
    scores: dict[str, float]
    looks: dict[str, dict[str, float]] = field(default_factory=dict)


class Stills(NamedTuple):
    """What all models are trained and scored with. ``truth``: the records of the scored images' ground truth."""

    train: CaptionSet
    scored: CaptionSet
    truth: list[dict]
    vocabulary: Vocabulary
    cnn: dict


def compare(settings: AttentionSettings) -> None:
    """Train every model for every seed, score it, attention with its controls too, and print the table."""
    train, scored = (read_images(settings, split) for split in ("train", settings.on))
    records = read_json(settings.folder / "ground_truth" / "stills.json")
    vocabulary = Vocabulary.build(text for _, text in train.pairs())
    cnn = models.open_cnn("hybrid-toy")
    stills = Stills(
        train,
        scored,
        [records[path.name] for path in scored.images],
        vocabulary,
        models.cnn_config("hybrid-toy", cnn),
    )
    chosen = [settings.only] if settings.only else list(MODELS)
    recipes = {name: asdict(settings.recipe(name)) for name in chosen}
    captions = {split: digest(_annotations(settings, split)) for split in ("train", settings.on)}
    facts = {"recipes": recipes, "captions": captions, "cnn": stills.cnn["weights"]}
    run, found = Run.start(settings, "captioning attention", **facts), []
    for name in chosen:
        seen = [_features(settings, cnn, MODELS[name][0], images) for images in (train, scored)]
        for seed in settings.all_seeds:
            some = run.once(f"{name}, seed {seed}", _one, run, settings, name, seed, stills, *seen)
            print(f"{name}, seed {seed}: {some[0]['scores']['nats a word']:.3f} nats a word", flush=True)
            found += [Found(**one) for one in some]
    counts = {"train": len(train), settings.on: len(scored), "words": len(vocabulary)}
    run.write_results(data=counts, found=[vars(one) for one in found])
    print(table(found))


def _annotations(settings: AttentionSettings, split: str) -> Path:
    return settings.folder / "stills" / "annotations" / f"captions_{split}.json"


def _features(settings: AttentionSettings, cnn: nn.Module, layer: str, images: CaptionSet) -> Tensor:
    return extract_images(images, Seen(cnn), layer, settings.cache_folder, strict=True)[1]


def _one(run: Run, settings, name: str, seed: int, stills: Stills, seen: Tensor, scored: Tensor) -> list[dict]:
    """Train one model on ``seen`` and score it on ``scored``: first the ``Found`` of the model, then its controls'."""
    environment.seed_everything(seed)
    words, layer = len(stills.vocabulary), MODELS[name][0]
    sizes = {**_widest(name, words, seen.shape[-1], settings.parameters), "dropout": settings.dropout}
    model = models.build(words, **sizes).standardise(seen.flatten(0, -2)).to(environment.device())
    part = f"{layer}_seed{seed}"
    pairs = Pairs(seen, stills.train.pairs(), stills.vocabulary)
    options = {"seed": seed, "state": run.state(part), "workers": settings.workers}
    history = learn(model, pairs, settings.recipe(name), **options)
    found = [Found(name, seed, _count(model), _scores(model, scored, stills))]
    config = models.config_of(sizes, stills.vocabulary, stills.cnn, layer)
    run.keep(part, model, config, {"seed": seed, "loss": history.loss, "scores": found[0].scores})
    if name == ATTENTION:
        boxes = [one["boxes"] for one in stills.truth]
        found[0].looks.update(where_it_looks(model, scored, stills.scored, boxes, stills.vocabulary))
        for model.weights in WEIGHTS[1:]:
            control = f"{name}, {model.weights} weights"
            found.append(Found(control, seed, _count(model), _scores(model, scored, stills)))
    return [vars(one) for one in found]


def _scores(model: nn.Module, features: Tensor, stills: Stills) -> dict[str, float]:
    """Loss, caption metrics with a beam of 3, and the share of captions that tell each fact rightly."""
    loss = nats_per_word(model, Pairs(features, stills.scored.pairs(), stills.vocabulary))
    captions = best_words(decode(model, features, beam_search, 3), stills.vocabulary)
    by_metrics = caption_scores(captions, references(stills.scored.captions))
    return {"nats a word": loss, **by_metrics, **right(captions, [one["facts"] for one in stills.truth])}


def _count(model: nn.Module) -> int:
    """Parameters of a model."""
    return sum(p.numel() for p in model.parameters())


def _widest(name: str, vocab_size: int, image_size: int, parameters: int) -> dict:
    """The sizes for ``models.build`` of the widest model of that name with at most ``parameters`` parameters.

    Raises ValueError where even two units are more.
    """

    def sizes(hidden: int) -> dict:
        variant = "attention" if name == ATTENTION else "2f"
        return {"image_size": image_size, "variant": variant, "hidden": hidden, "embedding": hidden // 2}

    hidden = 0
    with torch.device("meta"):
        while _count(models.build(vocab_size, **sizes(hidden + 2))) <= parameters:
            hidden += 2
    if not hidden:
        raise ValueError(f"{parameters} parameters are too few for {name}")
    return sizes(hidden)


def table(found: list[Found]) -> Table:
    """Each model, and attention's controls, with mean and standard deviation over the seeds."""
    rows = []
    for name in dict.fromkeys(one.name for one in found):
        same = [one for one in found if one.name == name]
        cells = [_spread([one.scores[column] for one in same], form) for column, form in COLUMNS.items()]
        rows.append((name, [f"{same[0].parameters:,}", *cells]))
    seeds = len({one.seed for one in found})
    return Table(["parameters", *COLUMNS], [(f"captioners of one size, {seeds} seed{'s' * (seeds > 1)}", rows)])


def looks_table(found: list[Found]) -> Table:
    """Where attention looks when it names a thing: the share of its weight on the thing, and of the controls'."""
    looks = [one.looks for one in found if one.looks]
    rows = []
    for kind in [name for name in looks[0]["own"] if not name.endswith("chance")]:
        cells = [_spread([of[whose][kind] for of in looks], ".1%") for whose in WEIGHTS]
        rows.append((kind, cells))
    return Table([f"{whose} weights" for whose in WEIGHTS], [("share of the weight on the thing that is named", rows)])


def _spread(values: list[float], form: str) -> str:
    """Mean, and where there are several values their standard deviation: "0.412 ± 0.003", "81.2 ± 0.4 %"."""
    percent, form = form.endswith("%"), form.rstrip("%") + "f" * form.endswith("%")
    values = np.array(values) * (100 if percent else 1)
    shown = format(values.mean(), form) + (f" ± {format(values.std(ddof=1), form)}" if len(values) > 1 else "")
    return shown + " %" * percent


def recorded() -> list[Found]:
    """What the course measured with ``--seeds 3`` on Toy Kitchen's test images, on two cores."""
    file = resources.files("lrcn_utils").joinpath("results/captioning_attention.json")
    return [Found(**one) for one in json.loads(file.read_text(encoding="utf-8"))["found"]]


def ship(out: Path | str) -> None:
    """Train the captioner with attention below ``out`` if it is missing, and copy it to the package."""
    folder = Path(out) / "attention"
    compare(replace(SHIPPED, out=folder, resume=(folder / "run.json").exists()))
    model, _, config, record = models.load(folder / "map_seed0.safetensors")
    save_checkpoint(shipped.path("attention"), model, config, record, half=True)
