"""How time and memory grow with the size of the work: an exponent of 1 is in proportion.

Ten times the clips may cost 10.5 times the time, an exponent of 1.021, and no more memory.
"""

from functools import partial
from unittest import mock

import numpy as np
import torch

from benchmarks import material
from benchmarks.row import GROWTH, SECONDS, Topic, Work
from benchmarks.rows import captioning
from lrcn_utils import environment
from lrcn_utils.data import video_index
from lrcn_utils.data.clips import TOY, collate_clips
from lrcn_utils.data.ucf101 import read_index
from lrcn_utils.data.video import VideoInfo
from lrcn_utils.data.vocabulary import BOS, EOS
from lrcn_utils.decoding import beam_search
from lrcn_utils.metrics import captions
from lrcn_utils.models.activity import LRCN, step_loss_sum
from lrcn_utils.models.cnn import toy_hybrid
from lrcn_utils.training.features import extract
from lrcn_utils.training.loop import fit

TOPIC = Topic()
LINEAR, TEN_TIMES, NO_MORE = 1.05, 1.0212, 1.05


def _growing(of, sizes) -> Work:
    """A way for each size; ``of(size)`` gives the call."""
    return Work({f"{size:,}": of(size) for size in sizes}, sizes={f"{size:,}": size for size in sizes})


@TOPIC.row("growth: training, 20 to 200 clips", over=GROWTH, bar=TEN_TIMES, memory_bar=NO_MORE)
def training() -> Work:
    root = material.films(200, 20, 60, 80)
    model = LRCN(toy_hybrid(1), 16).to(environment.device())
    device = environment.device()

    def loss(model, batch):
        return step_loss_sum(model(batch.clips.to(device)), batch.labels.to(device))

    def epoch(count: int):
        clips = material.clips(root, TOY, cache=True, count=count)
        options = {"epochs": 1, "batch_size": 4, "collate": collate_clips, "progress": False}
        optimizer = torch.optim.AdamW(model.parameters(), 0.0)
        return lambda: fit(model, clips, loss, optimizer, **options)

    return _growing(epoch, (20, 200))


@TOPIC.row("growth: features, 20 to 200 films", over=GROWTH, bar=TEN_TIMES, memory_bar=NO_MORE)
def extraction() -> Work:
    root, cnn = material.films(200, 20, 60, 80), toy_hybrid(1).to(environment.device())

    def extracted(count: int):
        clips = material.clips(root, TOY, cache=False, count=count)
        return lambda: extract(clips, cnn, "fc6", material.folder())

    return _growing(extracted, (20, 200))


@TOPIC.row("growth: features, a film of 64 to 640 frames", over=GROWTH, bar=LINEAR, memory_bar=NO_MORE)
def long_film() -> Work:
    cnn = toy_hybrid(1).to(environment.device())

    def extracted(frames: int):
        clips = material.clips(material.films(1, frames, 60, 80), TOY, cache=False)
        return lambda: extract(clips, cnn, "fc6", material.folder())

    return _growing(extracted, (64, 640))


@TOPIC.row("growth: LRCN step, clips of 16 to 64 frames", over=GROWTH, bar=LINEAR)
def frames() -> Work:
    model = LRCN(toy_hybrid(1), 16).to(environment.device())

    def step(count: int):
        clips = torch.rand(4, count, 3, 56, 56).to(environment.device())
        return lambda: model(clips).sum().backward()

    return _growing(step, (16, 64))


@TOPIC.row("growth: beam search, width 2 to 8 to 32", over=GROWTH, bar=LINEAR)
def beam() -> Work:
    captioner, images = captioning.endless("1u", 256)
    search = partial(beam_search, captioner, images[:4], bos=BOS, eos=EOS, max_length=captioning.WORDS)
    return _growing(lambda width: lambda: search(width), (2, 8, 32))


@TOPIC.row("growth: decoding, 16 to 160 pictures", over=GROWTH, bar=LINEAR)
def pictures() -> Work:
    captioner, images = captioning.endless("1u", 256)
    images = images.repeat(5, 1)
    search = partial(beam_search, captioner, width=3, bos=BOS, eos=EOS, max_length=captioning.WORDS)
    return _growing(lambda count: lambda: search(images[:count]), (16, 160))


@TOPIC.row("growth: CIDEr-D, 300 to 3,000 captions", over=GROWTH, bar=LINEAR)
def metric() -> Work:
    said = captioning.texts(3000, seed=0)
    references = [list(two) for two in zip(*(captioning.texts(3000, seed) for seed in (1, 2)), strict=True)]
    return _growing(lambda count: lambda: captions.cider_d(said[:count], references[:count]), (300, 3000))


@TOPIC.row("13,320 videos indexed", over=SECONDS, bar=0.5)
def index() -> Work:
    """The films have been decoded before: their names, the lists and what is remembered are read."""
    root = material.folder()
    for number in range(13_320):
        path = material.film_path(root, number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    with mock.patch.object(video_index, "check_video", return_value=VideoInfo(180, 240, 320, 25.0)):
        assert len(read_index(root, test_groups=range(1, 8)).train) > 9000
    return Work({"ours": lambda: np.size(read_index(root, test_groups=range(1, 8)).train) and None})
