"""A step of each training of ``--preset paper``, on made data of the paper's sizes: CPU seconds, or a GPU's."""

from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from benchmarks.row import SECONDS, Topic, Work
from lrcn_utils import environment
from lrcn_utils.data.forms import PAPER
from lrcn_utils.data.vocabulary import Vocabulary
from lrcn_utils.models.captioning import Captioner, ImageCaptioner
from lrcn_utils.models.cnn import untrained
from lrcn_utils.training.activity.models import build, start_as_caffe, train
from lrcn_utils.training.activity.settings import ActivitySettings
from lrcn_utils.training.captioning.learning import learn
from lrcn_utils.training.captioning.settings import CaptioningSettings
from lrcn_utils.training.description import decoders
from lrcn_utils.training.description.settings import DescriptionSettings
from lrcn_utils.training.recipe import Recipe
from lrcn_utils.training.sentences import Pairs

TOPIC = Topic(over=SECONDS, least=3, usual=False)
CLASSES = [f"class {number}" for number in range(101)]
WORDS = [f"word{number}" for number in range(8_800)]  # as many as COCO's captions have five times or more
STATES = 200  # of all slots of a tuple


def _one_step(recipe: Recipe) -> Recipe:
    return replace(recipe, epochs=1, iterations=None)


def _captions(count: int, words: list[str] = WORDS) -> list[tuple[int, str]]:
    draw = torch.Generator().manual_seed(0)
    lengths = torch.randint(7, 16, (count,), generator=draw).tolist()
    return [
        (row, " ".join(words[i] for i in torch.randint(len(words), (length,), generator=draw).tolist()))
        for row, length in enumerate(lengths)
    ]


@TOPIC.row("preset activity, single frame on RGB, a step of 128 frames", "single-frame")
@TOPIC.row("preset activity, LRCN on RGB, a step of 24 clips", "lrcn")
def activity(name: str) -> Work:
    settings = ActivitySettings(data="ucf101", root=Path(), model=name, preset="paper")
    recipe = _one_step(settings.recipe)
    model = build(settings.config(CLASSES), pretrained=False).to(environment.device())
    start_as_caffe(model)
    shape = (recipe.clip_length, 3, PAPER.crop, PAPER.crop)
    clips = [(torch.randint(256, shape, dtype=torch.uint8), number % 101) for number in range(recipe.batch_size)]
    return Work({"ours": lambda: train(model, clips, recipe, progress=False) and None})


def _captioner(settings: CaptioningSettings) -> nn.Module:
    sizes = {"hidden": settings.hidden, "embedding": settings.embedding}
    return Captioner(4 + len(WORDS), 1000, settings.model, **sizes)


@TOPIC.row("preset captioning, 2f, a step of 100 captions", False)
@TOPIC.row("preset captioning, 2f and AlexNet together, a step of 100 captions", True)
def captioning(pixels: bool) -> Work:
    settings = CaptioningSettings(data="coco", root=Path(), preset="paper")
    recipe, device = _one_step(settings.fine_tuning if pixels else settings.recipe), environment.device()
    model, crop, seen = _captioner(settings).to(device), None, torch.rand(recipe.batch_size, 1000)
    if pixels:
        network = untrained("alexnet").to(device)
        model, crop = ImageCaptioner(network, model, settings.feature), network.crop
        seen = torch.randint(256, (recipe.batch_size, 3, 256, 256), dtype=torch.uint8)
    pairs = Pairs(seen, _captions(recipe.batch_size), Vocabulary(WORDS), crop=crop)
    return Work({"ours": lambda: learn(model, pairs, recipe, seed=0, progress=False) and None})


@TOPIC.row("preset description, decoder (c), a step of 32 sentences")
def description() -> Work:
    settings = DescriptionSettings(data="tacos", root=Path(), preset="paper")
    recipe = _one_step(settings.recipe)
    told = _captions(recipe.batch_size, WORDS[:2_500])
    options = {"recipe": recipe, "sizes": settings.decoder_sizes, "least_batches": 0}
    inputs, vocabulary = torch.rand(len(told), STATES), Vocabulary(WORDS[:2_500])
    return Work({"ours": lambda: decoders.learn("c", inputs, told, STATES, vocabulary, **options) and None})
