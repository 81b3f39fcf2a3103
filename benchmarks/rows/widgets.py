"""Each widget's actions: what a student waits for after moving a control. The figure is the slowest of them."""

from itertools import cycle

import numpy as np
import torch

from benchmarks import material
from benchmarks.row import SECONDS, Topic, Work
from lrcn_utils import environment
from lrcn_utils.data.ucf101 import read_index
from lrcn_utils.data.video import read_video
from lrcn_utils.data.vocabulary import Vocabulary
from lrcn_utils.inference.captioning import Captions
from lrcn_utils.inference.description import Descriptions
from lrcn_utils.models.crf import TupleCRF, chow_liu
from lrcn_utils.models.lstm import LanguageModel
from lrcn_utils.training.activity.models import load
from lrcn_utils.training.captioning.shipped import path as captioner_file
from lrcn_utils.training.cnn.models import load as load_cnn
from lrcn_utils.training.description import chain, decoders, shipped

TOPIC = Topic(over=SECONDS, process="widgets", lesson=True)


def _move(control, *values):
    """A call that gives the control its next value, round and round."""
    following = cycle(values)
    return lambda: setattr(control, "value", next(following))


@TOPIC.row("widget: feature maps")
def feature_maps() -> Work:
    from lrcn_utils.widgets.features import FeatureExplorer

    view = FeatureExplorer(load_cnn().cpu(), torch.rand(57, 3, 56, 56))
    return Work(
        {
            "another layer": _move(view.layer, *view.layer.options[::-1]),
            "another image": _move(view.image, 1, 2),
            "another channel": _move(view.channel, 1, 2),
        }
    )


@TOPIC.row("widget: gates")
def gates() -> Work:
    from lrcn_utils.widgets.gates import GateExplorer

    sentences = ["a red cup on a plate beside two carrots", "two carrots on a cutting board"]
    vocabulary = Vocabulary.build(sentences, min_count=1)
    view = GateExplorer(LanguageModel(len(vocabulary), 32, 64), vocabulary, sentences)
    return Work(
        {
            "another sentence": _move(view.text, *sentences),
            "another unit": _move(view.unit, 1, 2),
            "the longest memory": view.longest.click,
        }
    )


@TOPIC.row("widget: predictions of a film")
def predictions() -> Work:
    from lrcn_utils.widgets.activity import PredictionExplorer

    index = read_index(material.toy_kitchen(), limit=1, classes=["CutCarrot", "Stir"], cache=material.folder())
    names = {"single frame": "single_frame", "LRCN": "lrcn"}
    models = {
        name: {stream: load(f"{short}_{stream}")[0].to(environment.device()) for stream in ("rgb", "flow")}
        for name, short in names.items()
    }
    view = PredictionExplorer(models, index.test, load("lrcn_rgb")[1])
    return Work(
        {
            "another film": _move(view.video, *(video for _, video in view.video.options)),
            "both streams": _move(view.input, *(stream for _, stream in view.input.options)),
            "another frame": _move(view.frame, 1, 2),
        }
    )


@TOPIC.row("widget: captions of a picture")
def caption_explorer() -> Work:
    from lrcn_utils.widgets.captioning import CaptionExplorer

    view = CaptionExplorer(_captions())
    view.decoder.value = "beam search"
    return Work(
        {
            "a wider beam": _move(view.width, view.width.max, view.width.min),
            "another picture": _move(view.choice, *(picture for _, picture in view.choice.options)),
            "another step": _move(view.step, 1, 2),
        }
    )


@TOPIC.row("widget: beam tree")
def beam_tree() -> Work:
    from lrcn_utils.widgets.captioning import BeamTree

    view = BeamTree(_captions())
    return Work({"a wider beam": _move(view.width, view.width.max, view.width.min)})


def _captions() -> Captions:
    loaded = Captions.load(captioner_file("2f"))
    files = sorted((material.toy_kitchen() / "stills").rglob("*.jpg"))[:4]
    loaded.pictures += [loaded.open_file(file) for file in files]
    return loaded


@TOPIC.row("widget: retrieval")
def retrieval() -> Work:
    from lrcn_utils.widgets.retrieval import TO_CAPTIONS, TO_IMAGES, Gallery, RetrievalGallery

    rng, images = np.random.default_rng(0), 180
    owners = np.repeat(np.arange(images), 5)
    pictures = rng.integers(0, 255, (images, 128, 128, 3), dtype=np.uint8)
    scores = rng.normal(size=(images, len(owners))) - 10
    view = RetrievalGallery(Gallery(scores, owners, [f"caption {n}" for n in owners], pictures))
    return Work({"the other way": _move(view.way, TO_CAPTIONS, TO_IMAGES), "another query": _move(view.query, 1, 2)})


@TOPIC.row("widget: rating")
def rating() -> Work:
    from lrcn_utils.widgets.rating import Item, RatingPanel

    picture = np.random.default_rng(0).integers(0, 255, (128, 128, 3), dtype=np.uint8)
    methods = {f"method {i}": f"a caption of method {i}" for i in range(6)}
    view = RatingPanel([Item(f"item {i}", picture, methods) for i in range(10)], material.folder())
    view.begin("somebody")
    numbers = cycle((0, 1))
    return Work({"another item": lambda: view.show(next(numbers))})


@TOPIC.row("widget: descriptions of a film")
def descriptions() -> Work:
    from lrcn_utils.widgets.description import DescriptionExplorer

    task = chain.read_toy(material.toy_kitchen(), cache=material.folder())
    names = task.test[:4]
    unaries = [torch.randn(len(names), size).log_softmax(1) for size in task.sizes]
    models = {kind: decoders.load(shipped.path(kind))[:2] for kind in ("b", "c")}
    field = TupleCRF(task.sizes, chow_liu(task.truth(task.train), task.sizes)).requires_grad_(False)
    logic = Descriptions(
        crf=field,
        states=task.states,
        videos=names,
        unaries=unaries,
        decoders=models,
        translator=None,
        frames=torch.zeros(len(names), chain.FRAMES, 256),
        tuples=task.tuples,
        names={},
        open_video=lambda name: read_video(task.videos[name].path),
        references={},
    )
    view = DescriptionExplorer(logic)
    slot, box = next(iter(view.slots.items()))

    another = _move(box, *box.options[1:3])

    def edit() -> None:
        logic._written.clear()  # what was written once is kept
        another()

    return Work({"another film": _move(view.video, *names), "another word": edit})
