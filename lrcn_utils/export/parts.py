"""The parts that each trained model is exported in, and what the one who calls them must know besides.

``Model.config`` is all that ``lrcn_utils.inference.exported`` needs to go from a file to an answer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from lrcn_utils.data.clips import TOY
from lrcn_utils.data.vocabulary import EOS, NEVER_SAID, Vocabulary
from lrcn_utils.decoding import Without, reorder
from lrcn_utils.inference.activity import ActivityModel
from lrcn_utils.inference.description import Describer
from lrcn_utils.models.crf import TupleCRF
from lrcn_utils.models.description import EncoderDecoder
from lrcn_utils.training.captioning import models as captioners
from lrcn_utils.training.checkpoints import load_checkpoint
from lrcn_utils.training.description.decoders import LONGEST as LONGEST_DESCRIPTION
from lrcn_utils.training.description.decoders import source_vocabulary, tuple_words
from lrcn_utils.training.features import warp_size
from lrcn_utils.training.sentences import LONGEST as LONGEST_CAPTION

TASKS = ("activity", "captioning", "description")
# The sizes that are free, by name, and the smallest that each may have.
SIZES = {"images": 1, "beams": 1, "clips": 1, "time": 1, "frames": 3}


class Input(NamedTuple):
    """An input: its sizes, by name where they are free; its kind, "float32", "int64" or "bool"; whole numbers of an
    int64 lie in 0..``below``-1."""

    shape: tuple[str | int, ...]
    kind: str = "float32"
    below: int = 0

    def example(self, sizes: dict[str, int], generator: torch.Generator) -> Tensor:
        """Random numbers, a float's in -1..1."""
        shape = [sizes[size] if isinstance(size, str) else size for size in self.shape]
        if self.kind == "int64":
            return torch.randint(self.below, shape, generator=generator)
        found = torch.rand(shape, generator=generator) * 2 - 1
        return found < -0.5 if self.kind == "bool" else found


class Part(nn.Module):
    """``function(*inputs) -> outputs``, one tensor or a tuple of them, which computes with ``modules``."""

    def __init__(
        self,
        name: str,
        function: Callable,
        modules: Sequence[nn.Module],
        inputs: dict[str, Input],
        outputs: Sequence[str],
    ):
        super().__init__()
        self.name, self.function, self.computing = name, function, nn.ModuleList(modules)
        self.inputs, self.outputs = inputs, list(outputs)

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        found = self.function(*inputs)
        return (found,) if isinstance(found, Tensor) else tuple(found)

    def example(self, sizes: dict[str, int], seed: int = 0) -> tuple[Tensor, ...]:
        """Random inputs of the named ``sizes``."""
        generator = torch.Generator().manual_seed(seed)
        return tuple(one.example(sizes, generator) for one in self.inputs.values())


@dataclass(frozen=True)
class Model:
    """A trained model in parts. ``config``: JSON-able, what else is needed to go from a file to an answer."""

    task: str
    parts: list[Part]
    config: dict


def open_model(path: Path) -> Model:
    """The model of a checkpoint in parts, on the CPU.

    Raises FileNotFoundError, or ValueError for a checkpoint that cannot be exported.
    """
    task = load_checkpoint(path)[1].get("task")
    if task not in TASKS:
        raise ValueError(f"{path}: a checkpoint of {task or 'another kind'}; give one of {', '.join(TASKS)}")
    opened = {"activity": _activity, "captioning": _captioning, "description": _description}[task]
    return Model(task, *opened(path))


def _activity(path: Path) -> tuple[list[Part], dict]:
    model = ActivityModel.load(path)
    network, frames = model.network.cpu(), model.frames
    size = frames[:2] if model.view.startswith("whole") else (frames.crop, frames.crop)
    cnn = _cnn(network.cnn, network.feature, size)
    clips = Input(("clips", "time", network.cnn.feature_size[network.feature]))
    parts = [
        cnn,
        Part("clip", lambda x: network.classify(x).softmax(-1), [network], {"features": clips}, ["probabilities"]),
    ]
    return parts, {"classes": model.classes, "input": model.input, "frames": list(frames), "views": model.view}


def _captioning(path: Path) -> tuple[list[Part], dict]:
    model, vocabulary, config, _ = captioners.load(path)
    if not config["sizes"]["image_size"]:
        raise ValueError(f"{path}: the control without an image has no picture to caption; export another captioner")
    network = captioners.cnn_of(config, beside=path).cpu()
    cnn = _cnn(network, config["feature"], (network.crop, network.crop))
    with torch.no_grad():
        features = cnn(*cnn.example({"images": 1}))[0]
    image = Input(("images", *features.shape[1:]))
    parts = [cnn, *_decoder(model, {"features": image}, len(vocabulary))]
    seen = {"warp": warp_size(network), "crop": network.crop}
    return parts, {"vocabulary": vocabulary.words, "longest": LONGEST_CAPTION, **seen}


def _description(path: Path) -> tuple[list[Part], dict]:
    model = Describer.load(path)
    kind, chain, states = model.kind, model.config, model.config["states"]
    classifier, crf = model.chain["classifier"].cpu(), model.chain["crf"].cpu()
    frames = Input(("clips", "time", chain["feature_size"]))
    decoder, slots = model.decoder.cpu(), sum(map(len, states.values()))
    read = {
        "a": Input((1, "time"), "int64", len(source_vocabulary(states))),  # one tuple, so that nothing is padded
        "b": Input(("clips", slots)),
        "c": Input(("clips", slots)),
        "end": Input(("clips", "frames", chain["feature_size"])),
    }[kind.removesuffix("-reversed")]
    parts = [
        _cnn(model.cnn.cpu(), chain["layer"], (TOY.crop, TOY.crop)),
        Part("tuple", lambda x: _tuple(crf, classifier(x)), [classifier, crf], {"features": frames}, TUPLE),
        *_decoder(_OneTuple(decoder) if kind.startswith("a") else decoder, {"inputs": read}, len(model.vocabulary)),
    ]
    config = {"kind": kind, "states": states, "frames": chain["frames"], "size": list(TOY)}
    if kind.startswith("a"):
        config["sources"] = _sources(source_vocabulary(states), states)
    return parts, {"vocabulary": model.vocabulary.words, "longest": LONGEST_DESCRIPTION, **config}


def _cnn(cnn: nn.Module, layer: str, size: tuple[int, int]) -> Part:
    """From images (images, 3, height, width) in 0..1 to their features."""
    images = Input(("images", 3, *size))
    return Part("cnn", lambda x: cnn.features(x, layer), [cnn.eval()], {"images": images}, ["features"])


TUPLE = ("marginals", "tuple")


def _tuple(crf: TupleCRF, unaries: list[Tensor]) -> tuple[Tensor, Tensor]:
    """The CRF by enumeration: marginals side by side (clips, states of all slots), the MAP tuple (clips, slots).

    Its own inference takes gradients, which cannot be exported. Raises ValueError for more tuples than one table can
    hold.
    """
    joint, slots = crf.joint(unaries), range(1, len(crf.states) + 1)
    marginals = [_summed(joint.exp(), [other for other in slots if other != slot]) for slot in slots]
    best, numbers = joint.flatten(1).argmax(1), []
    for states in reversed(crf.states):
        numbers.insert(0, best % states)
        best = best // states
    return torch.cat(marginals, 1), torch.stack(numbers, 1)


def _summed(table: Tensor, axes: Sequence[int]) -> Tensor:
    """Sums over ``axes``, shared out so that each row has the sum 1.

    One axis after another, and shared out again, because ONNX Runtime adds up a table's thousands of numbers in turn,
    and an error of 1e-4 comes together.
    """
    for axis in reversed(axes):
        table = table.sum(axis)
    return table / table.sum(1, keepdim=True)


def _sources(vocabulary: Vocabulary, states: dict[str, list[str]]) -> dict[str, list[list[int]]]:
    """For each slot and state the numbers of its words, as the encoder of (a) reads them."""
    return {
        slot: [[vocabulary.ids[part] for part in tuple_words([word])] for word in words]
        for slot, words in states.items()
    }


def _decoder(model: nn.Module, inputs: dict[str, Input], words: int) -> list[Part]:
    """ "start", from what is described to a state, and "step", one step of beam search.

    The tensors of a state are (images, ...) after the start. In a step each has the beams too, (images, beams, ...).
    """
    (read,) = inputs.values()
    with torch.no_grad():
        like = model.start(read.example(dict.fromkeys(SIZES, 2), torch.Generator()))
    rows = read.shape[0] if isinstance(read.shape[0], str) else "images"
    names = [f"state{number}" for number in range(len(_flat(like)))]
    beams = (rows, "beams")
    told = {"words": Input(beams, "int64", words), "total": Input(beams), "finished": Input(beams, "bool")}
    memory = {name: Input((*beams, *part.shape[1:])) for name, part in zip(names, _flat(like), strict=True)}

    def step(before: Tensor, total: Tensor, finished: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        return _search(Without(model, NEVER_SAID), before, total, finished, _like(like, iter(state)))

    chosen = ["new_words", "parents", "new_total", "new_finished", "log_probs"]
    return [
        Part("start", lambda x: _flat(model.start(x)), [model], inputs, names),
        Part("step", step, [model], told | memory, chosen + [f"new_{name}" for name in names]),
    ]


def _search(model, words: Tensor, total: Tensor, finished: Tensor, state) -> tuple[Tensor, ...]:
    """One step of beam search. ``words``, ``total``, ``finished``, and the state's tensors: (images, beams, ...).

    Gives the words that were added, the beam that each was added to, the totals, which beams have ended, the log
    probabilities (images, beams, vocabulary) that were chosen from, and the state of the beams that were chosen.
    With one beam it is the model's plain step, whose next word another decoder may choose.
    """
    images, beams = words.shape
    log_probs, state = model.step(words.flatten(), _map(state, lambda part: part.flatten(0, 1)))
    log_probs = log_probs.unflatten(0, (images, beams))
    # A finished beam stays as it is: eos follows it, and adds nothing to its total.
    extended = log_probs.masked_fill(finished[..., None], -torch.inf)
    extended[..., EOS].masked_fill_(finished, 0.0)
    # ONNX's TopK puts the lower index first among equals, as beam search wants it.
    new_total, index = (total[..., None] + extended).flatten(1).topk(beams, dim=1)
    parents, added = index // log_probs.shape[2], index % log_probs.shape[2]
    rows = (parents + beams * torch.arange(images)[:, None]).flatten()
    after = _flat(_map(reorder(state, rows), lambda part: part.unflatten(0, (images, beams))))
    return added, parents, new_total, added == EOS, log_probs, *after


class _OneTuple(nn.Module):
    """Decoder (a) for one tuple at a time: nothing is padded, so nothing need be packed, which cannot be exported."""

    def __init__(self, decoder: EncoderDecoder):
        super().__init__()
        self.decoder = decoder

    def start(self, source: Tensor):
        _, state = self.decoder.encoder(self.decoder.source(source))
        return tuple(part.transpose(0, 1) for part in state)

    def step(self, words: Tensor, state):
        return self.decoder.step(words, state)


def _flat(state) -> list[Tensor]:
    return [state] if isinstance(state, Tensor) else [tensor for part in state for tensor in _flat(part)]


def _like(state, tensors):
    """``tensors`` in the form of ``state``."""
    return next(tensors) if isinstance(state, Tensor) else tuple(_like(part, tensors) for part in state)


def _map(state, function: Callable[[Tensor], Tensor]):
    return function(state) if isinstance(state, Tensor) else tuple(_map(part, function) for part in state)
