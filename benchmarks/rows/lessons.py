"""What students wait for in the lessons: an epoch of each training, and the slowest cells of each notebook."""

from dataclasses import replace
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import TensorDataset

from benchmarks import flops, material, plain
from benchmarks.notebook import slowest_cells
from benchmarks.row import SECONDS, Topic, Work
from lrcn_utils import environment
from lrcn_utils.checks.faults import recogniser
from lrcn_utils.data.clips import TOY, collate_clips
from lrcn_utils.data.vocabulary import Vocabulary
from lrcn_utils.models import heads
from lrcn_utils.models.activity import LRCN, step_loss_sum
from lrcn_utils.models.captioning import Captioner
from lrcn_utils.models.cnn import toy_caffenet, toy_hybrid
from lrcn_utils.models.lstm import LanguageModel
from lrcn_utils.training.activity.heads import HeadsSettings
from lrcn_utils.training.activity.models import train
from lrcn_utils.training.activity.settings import RECIPES
from lrcn_utils.training.captioning.learning import learn
from lrcn_utils.training.description import decoders
from lrcn_utils.training.features import FeatureClips
from lrcn_utils.training.loop import fit
from lrcn_utils.training.recipe import Recipe
from lrcn_utils.training.sentences import Pairs, batch_loss, collate

TOPIC = Topic(lesson=True)
PLAIN = "plain loop"
LESSONS = range(8)
WORDS = [f"word{i}" for i in range(150)]


def _sentences(count: int) -> list[str]:
    draw = torch.Generator().manual_seed(0)
    lengths = torch.randint(6, 13, (count,), generator=draw).tolist()
    return [
        " ".join(WORDS[i] for i in torch.randint(len(WORDS), (length,), generator=draw).tolist()) for length in lengths
    ]


@TOPIC.row("lesson 01, an epoch: toy CNN, 600 images")
def images() -> Work:
    count, device = 600, environment.device()
    cnn = toy_caffenet(9).to(device)
    dataset = TensorDataset(torch.rand(count, 3, 56, 56), torch.randint(9, (count,)))

    def loss(model: nn.Module, batch) -> torch.Tensor:
        pixels, labels = batch
        return F.cross_entropy(model(pixels.to(device, memory_format=torch.channels_last)), labels.to(device))

    optimizer = partial(torch.optim.AdamW, list(cnn.parameters()), lr=0.0)
    options = {"epochs": 1, "batch_size": 32, "progress": False}
    ways = {
        "ours": lambda: fit(cnn, dataset, loss, optimizer(), **options) and None,
        PLAIN: lambda: plain.epoch(cnn, dataset, loss, optimizer(), batch_size=32),
    }
    return Work(ways, flops.of_images(cnn, "fc8", count, train=True))


@TOPIC.row("lesson 02, an epoch: LSTM of 64 units, 2,000 sentences")
def language() -> Work:
    texts = _sentences(2000)
    vocabulary = Vocabulary.build(texts)
    pairs = Pairs(None, enumerate(texts), vocabulary)
    model = LanguageModel(len(vocabulary), 32, 64).to(environment.device())
    steps = sum(len(words) + 1 for _, words in pairs.pairs)
    return Work(_written(model, pairs, 64), flops.of_steps(model, steps, train=True))


def _written(model: nn.Module, pairs: Pairs, size: int) -> dict:
    optimizer = partial(torch.optim.Adam, list(model.parameters()), 0.0)
    options = {"epochs": 1, "batch_size": size, "clip_norm": 5.0, "collate": collate, "progress": False}
    return {
        "ours": lambda: fit(model, pairs, batch_loss, optimizer(), **options) and None,
        PLAIN: lambda: plain.epoch(model, pairs, batch_loss, optimizer(), batch_size=size, collate=collate),
    }


def _clip_loss(model: nn.Module, batch) -> tuple[torch.Tensor, torch.Tensor]:
    device = environment.device()
    return step_loss_sum(model(batch.clips.to(device)), batch.labels.to(device))


@TOPIC.row("lesson 03, an epoch: toy LRCN, 64 clips")
def end_to_end() -> Work:
    recipe = replace(RECIPES["lrcn", "rgb"], epochs=1, rate=0.0)
    dataset = material.clips(material.films(64, 30, 60, 80), TOY, cache=True)
    model = LRCN(toy_hybrid(1), 16).to(environment.device())
    model.cnn.convolutions.conv1.requires_grad_(False)
    optimizer = partial(torch.optim.AdamW, [p for p in model.parameters() if p.requires_grad], 0.0)
    loop = partial(plain.epoch, model, dataset, _clip_loss, batch_size=recipe.batch_size, collate=collate_clips)
    ways = {"ours": lambda: train(model, dataset, recipe, progress=False) and None, PLAIN: lambda: loop(optimizer())}
    needed = flops.of_images(model.cnn, "fc6", 64 * 16, train=True) + flops.of_steps(model.lstm, 64 * 16, train=True)
    return Work(ways, needed)


@TOPIC.row("activity head on cached features, an epoch of 400 films", over=PLAIN, bar=0.5, lesson=False)
def head() -> Work:
    """The plain loop opens the file of a film anew for each of its clips."""
    settings = HeadsSettings(epochs=1)
    cached = material.features(400)
    device = environment.device()
    model = heads.build("LSTM", toy_hybrid(1), 16, settings.parameters).to(device)
    model.cnn.requires_grad_(False)
    learned = [p for p in model.parameters() if p.requires_grad]
    recipe = settings.recipe("LSTM")
    kept = FeatureClips(cached)
    loop = partial(plain.epoch, model, plain.StoredFeatures(cached), _clip_loss, batch_size=16, collate=collate_clips)
    ways = {
        "ours": lambda: train(model, kept, recipe, progress=False) and None,
        PLAIN: lambda: loop(torch.optim.AdamW(learned, 1e-3)),
    }
    return Work(ways, flops.of_steps(model.over_time, 16 * len(kept), train=True))


@TOPIC.row("lesson 04, an epoch: captioner 2f of 192 units, 1,000 captions")
def captions() -> Work:
    texts = _sentences(1000)
    vocabulary = Vocabulary.build(texts)
    model = Captioner(len(vocabulary), 256, "2f", hidden=192, embedding=96).to(environment.device())
    pairs = Pairs(torch.rand(500, 256), [(i // 2, text) for i, text in enumerate(texts)], vocabulary)
    recipe = Recipe(epochs=1, rate=0.0, batch_size=50)
    loop = partial(plain.epoch, model, pairs, batch_loss, batch_size=recipe.batch_size, collate=collate)
    ways = {
        "ours": lambda: learn(model, pairs, recipe, seed=0, progress=False) and None,
        PLAIN: lambda: loop(torch.optim.AdamW(model.parameters(), 0.0)),
    }
    steps = sum(len(words) + 1 for _, words in pairs.pairs)
    return Work(ways, flops.of_captioner(model, len(texts), steps, train=True))


@TOPIC.row("lesson 06, an epoch: decoder (c), 1,000 descriptions", over=PLAIN)
def descriptions() -> Work:
    texts = _sentences(1000)
    vocabulary = Vocabulary.build(texts)
    vectors, told = torch.rand(500, 60), [(i // 2, text) for i, text in enumerate(texts)]
    options = {"recipe": replace(decoders.DEFAULT, epochs=1, rate=0.0), "least_batches": 0}
    model, _ = decoders.learn("c", vectors, told, 60, vocabulary, **options)
    pairs, size = Pairs(vectors, told, vocabulary, longest=decoders.LONGEST), options["recipe"].batch_size
    loop = partial(plain.epoch, model, pairs, batch_loss, batch_size=size, collate=collate)
    ways = {
        "ours": lambda: decoders.learn("c", vectors, told, 60, vocabulary, **options) and None,
        PLAIN: lambda: loop(torch.optim.Adam(model.parameters(), 0.0)),
    }
    return Work(ways)


@TOPIC.row("lesson 07, a whole training on the stage", over=SECONDS)
def stage() -> Work:
    return Work({"ours": lambda: recogniser.train.__wrapped__(recogniser.Recipe()) and None})


def _notebook(number: int) -> Work:
    return Work({}, measured=slowest_cells(f"{number:02d}"))


for _number in LESSONS:
    TOPIC.add(f"notebook {_number:02d}, slowest cells", _notebook, _number, over=SECONDS, usual=False)
