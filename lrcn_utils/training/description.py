"""Describe videos: the CRF's tuples into sentences by (a), (b), (c) and SMT, or end to end (paper, Section 6).

``--data toy`` runs the whole experiment on Toy Kitchen. ``--data tacos`` trains on the real sentences of
TACoS Multi-Level: a language model of each level, and the decoders where the folder holds a crf.csv.
"""

import argparse
import json
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from lrcn_utils import environment
from lrcn_utils.data import tacos
from lrcn_utils.data.report import Report
from lrcn_utils.data.tacos import CRFOutputs, Description, TacosCorpus
from lrcn_utils.data.vocabulary import Vocabulary, tokenise
from lrcn_utils.metrics.captions import bleu
from lrcn_utils.models.crf import chow_liu
from lrcn_utils.models.smt import Translator, align, source_words
from lrcn_utils.training import description_crf as crf
from lrcn_utils.training import description_decoders as decoders
from lrcn_utils.training import description_shipped
from lrcn_utils.training import description_smt as smt
from lrcn_utils.training.checkpoints import save_checkpoint
from lrcn_utils.training.description_language import perplexities

Words = list[str]
NAMES = {
    "majority": "the majority sentence",
    "bigram": "sentences drawn from a bigram model",
    "smt": "SMT (NLTK), CRF max",
    "smt-prob": "SMT (NLTK), CRF prob",
    "a": "(a) encoder-decoder, CRF max",
    "a-reversed": "(a) the same, last word first",
    "b": "(b) LSTM decoder, CRF max",
    "c": "(c) LSTM decoder, CRF prob",
    "end": "end to end, no CRF",
}
LEAST_BATCHES = 400
VALIDATION = ("g08", "g09", "g10")  # groups of the training side on which Toy Kitchen's choices are made


@dataclass(frozen=True)
class Task:
    """Sentences, and a tuple of words for each video of ``train`` and ``test``; ``states``: the words of each slot."""

    corpus: TacosCorpus
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

    def fewer(self, limit: int) -> "Task":
        """The same with at most ``limit`` training videos, evenly spread."""
        kept = [self.train[i * len(self.train) // limit] for i in range(min(limit, len(self.train)))]
        return replace(self, train=kept)

    def truth(self, videos: Sequence[str]) -> Tensor:
        """The true tuples of ``videos`` as state numbers, long (videos, slots)."""
        return tacos.encode_tuples([self.tuples[video] for video in videos], self.states)

    def paths(self, videos: Sequence[str]) -> list[Path]:
        """The video files, which lie beside the descriptions in the layout of UCF-101."""
        root = self.corpus.root.parent / "UCF-101"
        return [root / video.split("_")[1] / f"{video}.avi" for video in videos]


def read_toy(root: Path | str, levels: Sequence[str] = tacos.LEVELS, *, strict: bool = False) -> Task:
    """The descriptions and tuples of a Toy Kitchen. Videos without a whole tuple are reported and left out."""
    corpus = tacos.read_corpus(Path(root) / "descriptions", levels, strict=strict)
    tuples = tacos.read_tuples(corpus.root / "tuples.csv", corpus.report)
    corpus = corpus.only(tuples, "tuple in tuples.csv")
    return Task(corpus, tuples, tacos.slot_states(tuples.values()), corpus.train, corpus.test)


@dataclass(frozen=True)
class Reading:
    """What was seen of some videos: frame features (videos, frames, dim) where there are videos, and the CRF's word."""

    outputs: CRFOutputs
    frames: Tensor | None = None

    def inputs(self, kind: str) -> Tensor:
        """The input of decoder ``kind``, a row a video."""
        return self.frames if kind == "end" else decoders.decoder_inputs(kind, self.outputs)

    def of(self, videos: Sequence[str]) -> "Reading":
        """What was seen of ``videos`` alone, in their order."""
        rows = [self.outputs.videos.index(video) for video in videos]
        return Reading(self.outputs.of(videos), None if self.frames is None else self.frames[rows])


def read_videos(task: Task, features: dict[str, Tensor], *, seed: int = 0):
    """The chain from frames to tuples: cross-fitted unaries, CRF on Chow and Liu's tree, both sides read.

    ``features``: frame features (frames, dim) of every video. Returns the test classifier and the CRF as modules
    "classifier" and "crf", and a ``Reading`` of the training and of the test videos.
    """
    train, test = (torch.stack([features[video] for video in side]) for side in (task.train, task.test))
    truth = task.truth(task.train)
    seen = crf.out_of_fold(train, truth, task.train, task.sizes, seed=seed)
    field = crf.fit_crf(seen, truth, chow_liu(truth, task.sizes))
    classifier = crf.train_classifier(train, truth, task.sizes, seed=seed)
    new = crf.unaries(classifier, test)
    return (
        nn.ModuleDict({"classifier": classifier, "crf": field}),
        Reading(crf.read_clips(field, seen, task.train, task.states), train),
        Reading(crf.read_clips(field, new, task.test, task.states), test),
    )


def write_sentences(
    kinds: Sequence[str], train: Reading, test: Reading, learn: list[Description], *, seed: int = 0, **options
) -> Iterator[tuple[str, list[Words], object]]:
    """Learn each of ``kinds`` from descriptions of training videos; yield what it says of the test videos, and itself.

    ``options`` go to ``train_decoder``.
    """
    vocabulary, phrases = Vocabulary.build([d.text for d in learn], min_count=2), None
    for kind in kinds:
        if kind == "majority":
            yield kind, [decoders.majority_sentence(learn)] * len(test.outputs.videos), None
        elif kind == "bigram":
            writer, nothing = decoders.BigramWriter(learn, vocabulary), torch.zeros(len(test.outputs.videos), 1)
            yield kind, decoders.drawn(writer, nothing, vocabulary, seed=seed), writer
        elif kind in TRANSLATE:
            phrases = phrases or tuned_translator(train.outputs, learn)
            yield kind, TRANSLATE[kind](phrases, test.outputs), phrases
        else:
            model = learn_decoder(kind, train, learn, vocabulary, seed=seed, **options)
            yield kind, decoders.describe(model, test.inputs(kind), vocabulary), (model, vocabulary)


TRANSLATE = {"smt": smt.translate_map, "smt-prob": smt.translate_probabilities}


def learn_decoder(kind: str, train: Reading, learn: list[Description], vocabulary: Vocabulary, *, seed=0, **options):
    """A trained decoder of ``kind``; ``options`` go to ``train_decoder``."""
    environment.seed_everything(seed)
    model = decoders.build(kind, input_size(kind, train), len(vocabulary))
    pairs = decoders.Pairs(train.inputs(kind), train.outputs.videos, learn, vocabulary)
    # Few sentences need more passes: no decoder learns from fewer than so many batches.
    epochs = max(
        options.pop("epochs", decoders.EPOCHS), math.ceil(LEAST_BATCHES / math.ceil(len(pairs) / decoders.BATCH))
    )
    decoders.train_decoder(model, pairs, epochs=epochs, seed=seed, **{"progress": False, **options})
    return model


def input_size(kind: str, reading: Reading) -> int:
    """What ``decoders.build`` needs to know of the input."""
    if kind.startswith("a"):
        return len(decoders.source_vocabulary(reading.outputs.states))
    return reading.inputs(kind).shape[-1]


def tuned_translator(outputs: CRFOutputs, learn: list[Description]) -> Translator:
    """The phrase-based baseline: weights tuned on validation groups, phrases then taken from all of ``learn``.

    While tuning, no phrase and no language comes from the validation clips; the word alignment is made once, on all.
    The weight of the CRF's probabilities is tuned last; it plays no part where the source is the MAP tuple.
    """
    groups = {video: tacos.group(video) for video in outputs.videos}
    validation = set(VALIDATION) & set(groups.values()) or set(sorted(set(groups.values()))[::5])
    held = outputs.of([video for video in outputs.videos if groups[video] in validation][::2])
    its = decoders.references([d for d in learn if d.video in set(held.videos)], held.videos)
    tuples, sentences, slots = translation_pairs(outputs, learn)
    points = align([(source_words(t, slots), tuple(words)) for t, words in zip(tuples, sentences, strict=True)])
    kept = [i for i, description in enumerate(learn) if groups[description.video] not in validation]
    some, said, known = ([part[i] for i in kept] for part in (tuples, sentences, points))
    first = smt.train_translator(some, said, slots, alignments=known)
    best = smt.tune(first, lambda candidate: smt.translate_map(candidate, held), its)
    evidence = {"evidence": (0.5, 2.0)}
    best = smt.tune(best, lambda candidate: smt.translate_probabilities(candidate, held), its, choices=evidence)
    whole = smt.train_translator(tuples, sentences, slots, alignments=points)
    return smt.with_recorded(whole, smt.weights_of(best))


def translator(outputs: CRFOutputs, learn: Sequence[Description]) -> Translator:
    """A translator with default weights, from the MAP tuples of ``outputs`` and what was said of these videos."""
    return smt.train_translator(*translation_pairs(outputs, learn))


def translation_pairs(outputs: CRFOutputs, learn: Sequence[Description]):
    """(the MAP tuple's words, the sentence's words) of each description, as two lists; the names of the slots."""
    tuples = {
        v: tacos.decode_tuple(row, outputs.states) for v, row in zip(outputs.videos, outputs.map_tuples, strict=True)
    }
    return [tuples[d.video] for d in learn], [tokenise(d.text) for d in learn], list(outputs.states)


def score(sentences: list[Words], references: list[list[Words]]) -> dict[str, float]:
    """BLEU-1 to BLEU-4 in per cent."""
    return {f"BLEU-{n}": 100 * value for n, value in enumerate(bleu(sentences, references), 1)}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m lrcn_utils.training description``, and of its part ``ship``."""
    add = parser.add_argument
    add("--data", choices=["toy", "tacos"], default="toy")
    add("--root", type=Path, help="folder of the data (default: toy_kitchen or tacos in the data folder)")
    add("--levels", nargs="+", default=list(tacos.LEVELS), metavar="LEVEL", help=", ".join(tacos.LEVELS))
    add("--models", nargs="+", choices=list(NAMES), default=list(NAMES))
    add("--seed", type=int, default=0)
    add("--seeds", type=int, default=1, help="how many seeds, from --seed on; classifiers and decoders both change")
    add("--epochs", type=int, default=decoders.EPOCHS)
    add("--sizes", nargs="+", type=int, metavar="N", help="toy: learn from N training videos, evenly spread")
    add("--limit", type=int, help="tacos: learn the language from so many sentences of a level, evenly spread")
    add("--strict", action="store_true", help="stop at the first file, level or tuple that is not right")
    add("--out", type=Path, default=Path("runs/description"), help="folder of results.json and crf.csv")
    parts = parser.add_subparsers(dest="part", metavar="{ship}", title="instead of training")
    shipped = parts.add_parser("ship", help="for maintainers: make the shipped checkpoints of finished runs")
    shipped.add_argument("--out", type=Path, default=Path("runs/description"), help="folder of full, levels and sizes")


def run(args: argparse.Namespace) -> None:
    """Run the experiment or train on TACoS; print a table a level and write ``results.json``."""
    if args.part == "ship":
        description_shipped.ship(args.out)
        return
    results = toy(args) if args.data == "toy" else real(args)
    args.out.mkdir(parents=True, exist_ok=True)
    part = args.out / "results.json.part"
    part.write_text(json.dumps(results, indent=1), encoding="utf-8")
    os.replace(part, args.out / "results.json")


def toy(args: argparse.Namespace) -> dict:
    """{number of training videos: {level: {model: one score a seed}}}; accuracies of the CRF's tuples under "tuples".

    Under "alone" stand those of the classifiers without the CRF.
    """
    root = args.root or environment.toy_kitchen()
    task = read_toy(root, args.levels, strict=args.strict)
    announce(task.report)
    features = toy_features(task, root)
    results: dict = {}
    for size in args.sizes or [len(task.train)]:
        part = task.fewer(size)
        found = results.setdefault(str(len(part.train)), {"tuples": [], "alone": []})
        right = part.truth(part.test)
        for seed in range(args.seed, args.seed + args.seeds):
            chain, train, test = read_videos(part, features, seed=seed)
            accuracy = crf.slot_accuracy(test.outputs, right)
            found["tuples"].append(accuracy)
            own = crf.independent(crf.unaries(chain["classifier"], test.frames), part.test, part.states)
            found["alone"].append(crf.slot_accuracy(own, right))
            print(f"{len(part.train)} videos, seed {seed}: right slots {accuracy['mean of slots']:.1%}", flush=True)
            keep_chain(args, part, seed, chain, train, test, accuracy)
            compare(part.corpus, train, test, args, seed, found)
    return results


def keep_chain(
    args, task: Task, seed: int, chain: nn.ModuleDict, train: Reading, test: Reading, accuracy: dict
) -> None:
    """Save the classifier and the CRF of a seed, and the CRF's word on all videos, in ``--out``."""
    args.out.mkdir(parents=True, exist_ok=True)
    tacos.write_crf(args.out / "crf.csv", train.outputs.joined(test.outputs))
    config = {"states": task.states, "edges": chain["crf"].edges, "feature_size": train.frames.shape[2]}
    config["hidden"] = chain["classifier"].lstm.hidden_size
    record = {"command": command(args), "seed": seed, "test": accuracy}
    save_checkpoint(args.out / f"crf_seed{seed}.safetensors", chain, config, record)


def toy_features(task: Task, root: Path) -> dict[str, Tensor]:
    """Frame features (frames, dim) of every video by the shipped toy CNN, computed once and kept in the data folder."""
    from lrcn_utils.training.cnn import load as load_cnn

    videos = task.train + task.test
    cnn = load_cnn().to(environment.device())
    features = crf.cached_features(cnn, task.paths(videos), Path(root) / "cache" / "description")
    return dict(zip(videos, features, strict=True))


def command(args: argparse.Namespace) -> str:
    """The command line that gives these results again, without the folders of this machine."""
    given = {name: value for name, value in vars(args).items() if name not in ("root", "out", "strict", "part")}
    words = {name: " ".join(map(str, v)) if isinstance(v, list) else v for name, v in given.items() if v is not None}
    return "python -m lrcn_utils.training description " + " ".join(f"--{name} {value}" for name, value in words.items())


def real(args: argparse.Namespace) -> dict:
    """Perplexities by level and, where there is a crf.csv, {level: {model: one score a seed}}."""
    root = args.root or environment.data_root() / "tacos"
    corpus = tacos.read_corpus(root, args.levels, strict=args.strict)
    results: dict = {"perplexity": {}}
    outputs = None
    if (root / "crf.csv").exists():
        outputs = tacos.read_crf(root / "crf.csv", corpus.report)
        corpus = corpus.only(outputs.videos, "row in crf.csv")
    announce(corpus.report)
    for level in corpus.levels:
        scores = perplexities(corpus, level, epochs=args.epochs, limit=args.limit, seed=args.seed)[0]
        results["perplexity"][level] = scores
        print(f"{level}: perplexity " + ", ".join(f"{name} {value:.1f}" for name, value in scores.items()), flush=True)
    if outputs is None:
        print(f"{root / 'crf.csv'} is not there: no tuples, so only the language was trained")
        return results
    models = [name for name in args.models if name != "end"]  # no frames here
    train, test = (Reading(outputs.of(side)) for side in (corpus.train, corpus.test))
    for seed in range(args.seed, args.seed + args.seeds):
        compare(corpus, train, test, argparse.Namespace(**vars(args) | {"models": models}), seed, results)
    return results


def compare(corpus: TacosCorpus, train: Reading, test: Reading, args, seed: int, results: dict) -> None:
    """Learn and score every model at every level, and add the scores to ``results``."""
    for level in corpus.levels:
        learn, written = (corpus.of(level, side.outputs.videos) for side in (train, test))
        asked = test.of(list(dict.fromkeys(d.video for d in written)))  # a video may lack a level
        its = decoders.references(written, asked.outputs.videos)
        said = write_sentences(args.models, train, asked, learn, seed=seed, epochs=args.epochs)
        for kind, sentences, model in said:
            scores = score(sentences, its)
            if kind in decoders.KINDS:
                keep(args, level, kind, seed, scores, *model)
            if kind == "smt":
                scores["weights"] = smt.weights_of(model)
            results.setdefault(level, {}).setdefault(kind, []).append(scores)
            print(f"{level:15} seed {seed} BLEU-4 {scores['BLEU-4']:5.1f}  {NAMES[kind]}", flush=True)


def keep(args: argparse.Namespace, level: str, kind: str, seed: int, scores: dict, model, vocabulary) -> None:
    """Save a decoder in ``--out``."""
    record = {"command": command(args), "seed": seed, "test": scores}
    config = {"kind": kind, "level": level, "sizes": decoders.sizes(model)}
    decoders.save(args.out / f"{level}_{kind}_seed{seed}.safetensors", model, vocabulary, config, record)


def announce(report: Report) -> None:
    """Print what was left out, a line each."""
    for line in report.lines:
        print(f"left out: {line}")
