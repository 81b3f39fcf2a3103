"""The command of video description: from films to tuples to sentences, or the real sentences of TACoS Multi-Level."""

from dataclasses import asdict, dataclass
from functools import cached_property, partial

from torch import Tensor, nn

from lrcn_utils.data import tacos
from lrcn_utils.data.cache import digest, digest_of
from lrcn_utils.data.report import Report
from lrcn_utils.data.tacos import Description, TacosCorpus
from lrcn_utils.data.vocabulary import Vocabulary
from lrcn_utils.metrics.captions import bleu
from lrcn_utils.training.captioning.models import cnn_config, open_cnn
from lrcn_utils.training.description import chain, decoders, shipped, translator, tuples
from lrcn_utils.training.description.chain import DescribedVideos, Reading
from lrcn_utils.training.description.language import perplexities
from lrcn_utils.training.description.settings import NAMES, DescriptionSettings
from lrcn_utils.training.loop import History
from lrcn_utils.training.run import Run
from lrcn_utils.training.sentences import references

Words = list[str]


def _run(settings: DescriptionSettings) -> None:
    """Run the experiment, or train on TACoS; print the scores as they come."""
    if settings.tacos:
        _train_on_tacos(settings)
    else:
        _train_on_videos(settings)


COMMANDS = {"": _run, "ship": lambda settings: shipped.ship(settings.out)}


@dataclass
class Writers:
    """All that learns to write from descriptions ``learn`` of the videos of ``train``."""

    train: Reading
    learn: list[Description]
    seed: int = 0

    @cached_property
    def vocabulary(self) -> Vocabulary:
        return Vocabulary.build([description.text for description in self.learn], min_count=2)

    @cached_property
    def translator(self):
        return translator.tuned_translator(self.train.outputs, self.learn)

    def decoder(self, kind: str, **options) -> tuple[nn.Module, History]:
        """A trained decoder of ``kind`` and its history; ``options`` go to ``decoders.learn``."""
        inputs, videos = self.train.inputs(kind), self.train.outputs.videos
        size = decoders.input_size_of(kind, inputs, self.train.outputs.states)
        sentences = decoders.sentences_of(self.learn, videos)
        return decoders.learn(kind, inputs, sentences, size, self.vocabulary, seed=self.seed, **options)

    def write(self, kind: str, asked: Reading) -> list[Words]:
        """What the controls and the phrase-based baseline say of the videos of ``asked``."""
        if kind == "majority":
            return [decoders.majority_sentence(self.learn)] * len(asked.outputs.videos)
        if kind == "bigram":
            model = decoders.bigram(self.learn, self.vocabulary)
            return decoders.drawn(model, len(asked.outputs.videos), self.vocabulary, seed=self.seed)
        translate = {"smt": translator.translate_map, "smt-prob": translator.translate_probabilities}[kind]
        return translate(self.translator, asked.outputs)


def score(sentences: list[Words], told: list[list[Words]]) -> dict[str, float]:
    """BLEU-1 to BLEU-4 in per cent."""
    return {f"BLEU-{n}": 100 * value for n, value in enumerate(bleu(sentences, told), 1)}


def _train_on_videos(settings: DescriptionSettings) -> None:
    """Films to tuples to sentences, for every number of training videos and every seed.

    Results: {number of training videos: {level: {model: one score a seed}}}; the accuracies of the CRF's tuples stand
    under "tuples", those of the classifiers without the CRF under "alone".
    """
    root, cache = settings.folder, settings.cache_folder
    described = chain.read_toy(root, settings.levels, cache=cache, strict=settings.strict)
    described = described.fewer(settings.limit, both=True)
    _announce(described.report)
    cnn = open_cnn("hybrid-toy")
    this = Run.start(settings, "description", **_identity(described, cnn))
    features = chain.frame_features(described, cnn, cache)
    results: dict = {}
    for size in settings.sizes or [len(described.train)]:
        part = described.fewer(size)
        found = results.setdefault(str(len(part.train)), {})
        for seed in settings.all_seeds:
            one = OneSeed(this, settings, seed, f"_{size}videos" if settings.sizes else "")
            _add(found, one.read_and_write(part, features, cnn))
    counts = {"train": len(described.train), "test": len(described.test)}
    this.write_results(data=counts, seeds=list(settings.all_seeds), scores=results)


def _train_on_tacos(settings: DescriptionSettings) -> None:
    """Language models of the real sentences and, where there is a crf.csv, all that writes from tuples."""
    root = settings.folder
    corpus = tacos.read_corpus(root, settings.levels, strict=settings.strict)
    outputs, crf_file = None, root / "crf.csv"
    if crf_file.exists():
        outputs = tacos.read_crf(crf_file, corpus.report)
        corpus = corpus.only(outputs.videos, "row in crf.csv")
    _announce(corpus.report)
    if not corpus.train or not corpus.test:
        raise ValueError(f"{root}: no training video, or no test video, has descriptions")
    contents = {"descriptions": _written(corpus), "crf.csv": outputs and digest(crf_file)}
    this = Run.start(settings, "description", **contents, split=digest_of([corpus.train, corpus.test]))
    results: dict = {}
    for seed in settings.all_seeds:
        one = OneSeed(this, settings, seed)
        _add(results, {"perplexity": {level: one.perplexity(corpus, level) for level in corpus.levels}})
        if outputs is not None:
            _add(results, one.compare(corpus, *(Reading(outputs.of(side)) for side in (corpus.train, corpus.test))))
    if outputs is None:
        print(f"{crf_file} is not there: no tuples, so only the language was trained")
    counts = {"train": len(corpus.train), "test": len(corpus.test)}
    this.write_results(data=counts, seeds=list(settings.all_seeds), scores=results)


def _identity(described: DescribedVideos, cnn: nn.Module) -> dict:
    """What the settings do not say of a run: its videos, tuples and sentences by contents, and its CNN."""
    sides = [
        [[name, described.tuples[name], digest(described.videos[name].path)] for name in side]
        for side in (described.train, described.test)
    ]
    weights = cnn_config("", cnn)["weights"]
    return {
        "videos and tuples": digest_of(sides),
        "descriptions": _written(described.corpus),
        "cnn weights": weights,
        "classifiers": [chain.FRAMES, tuples.FOLDS, asdict(tuples.RECIPE), tuples.HIDDEN],
    }


def _written(corpus: TacosCorpus) -> str:
    """All descriptions by contents."""
    return digest_of([[d.video, d.level, d.describer, d.sentences] for d in corpus.descriptions])


def _add(results: dict, found: dict) -> None:
    """Append the scores of one seed to those of the seeds before: {level: {model: [scores]}}, or {name: [scores]}."""
    for name, scores in found.items():
        if name in ("tuples", "alone"):
            results.setdefault(name, []).append(scores)
        else:
            for model, one in scores.items():
                results.setdefault(name, {}).setdefault(model, []).append(one)


@dataclass(frozen=True)
class OneSeed:
    """All that is trained with one seed. ``suffix``: of the names of its parts, where it learns from fewer videos."""

    run: Run
    settings: DescriptionSettings
    seed: int
    suffix: str = ""

    def how(self, part: str) -> dict:
        """The recipe and how the training ``part`` is run."""
        return {"recipe": self.settings.recipe, "workers": self.settings.workers, "state": self.run.state(part)}

    def part(self, name: str) -> str:
        return f"{name}{self.suffix}_seed{self.seed}"

    def read_and_write(self, described: DescribedVideos, features: dict[str, Tensor], cnn: nn.Module) -> dict:
        """Read the videos, keep classifier and CRF, then train and score all that writes."""
        name = self.part("crf")
        state_of = partial(self.run.state, name)
        found, train, test = chain.read_videos(described, features, seed=self.seed, state_of=state_of)
        right = described.truth(described.test)
        outputs = tuples.independent(tuples.unaries(found["classifier"], test.frames), described.test, described.states)
        accuracy, alone = (tuples.slot_accuracy(read, right) for read in (test.outputs, outputs))
        print(
            f"{len(described.train)} videos, seed {self.seed}: right slots {accuracy['mean of slots']:.1%}", flush=True
        )
        config = chain.config_of(described, found, cnn_config("hybrid-toy", cnn))
        file = self.run.keep(name, found, config, {"seed": self.seed, "test": accuracy})
        tacos.write_crf(self.run.file(f"{name}.csv"), train.outputs.joined(test.outputs))
        return {"tuples": accuracy, "alone": alone} | self.compare(described.corpus, train, test, file.name)

    def compare(self, corpus: TacosCorpus, train: Reading, test: Reading, chain_file: str | None = None) -> dict:
        """{level: {model: scores}}: every model learned and scored at every level; a resumed run does what is left."""
        results: dict = {}
        for level in corpus.levels:
            learn, told = (corpus.of(level, side.outputs.videos) for side in (train, test))
            asked = test.of(list(dict.fromkeys(d.video for d in told)))  # a video may lack a level
            right = references(decoders.texts_of(told, asked.outputs.videos))
            writers = Writers(train, learn, self.seed)
            for kind in self.settings.model:
                if kind == "end" and train.frames is None:
                    continue  # there are no frames to learn from
                part = self.part(f"{level}_{kind}")
                scores = self.run.once(part, self.write_and_score, part, level, kind, writers, asked, right, chain_file)
                results.setdefault(level, {})[kind] = scores
                print(f"{level:15} seed {self.seed} BLEU-4 {scores['BLEU-4']:5.1f}  {NAMES[kind]}", flush=True)
        return results

    def write_and_score(self, part: str, level: str, kind: str, writers: Writers, asked: Reading, right, chain_file):
        """The scores of one model at one level; a trained decoder is kept."""
        if kind not in decoders.KINDS:
            scores = score(writers.write(kind, asked), right)
            return scores | ({"weights": translator.weights_of(writers.translator)} if kind == "smt" else {})
        sizes = {"sizes": self.settings.decoder_sizes, "least_batches": self.settings.least_batches}
        model, history = writers.decoder(kind, **sizes, **self.how(part))
        scores = score(decoders.describe(model, asked.inputs(kind), writers.vocabulary), right)
        config = decoders.config_of(kind, level, model, writers.vocabulary, chain_file)
        self.run.keep(part, model, config, {"seed": self.seed, "epochs": len(history.loss), "test": scores})
        return scores

    def perplexity(self, corpus: TacosCorpus, level: str) -> dict[str, float]:
        """Perplexities of the language of ``level``; its LSTM is kept."""
        part = self.part(f"{level}_language")
        scores = self.run.once(part, self.learn_language, part, corpus, level)
        print(f"{level}: perplexity " + ", ".join(f"{name} {value:.1f}" for name, value in scores.items()), flush=True)
        return scores

    def learn_language(self, part: str, corpus: TacosCorpus, level: str) -> dict[str, float]:
        options = {"limit": self.settings.sentences, "seed": self.seed}
        scores, model, vocabulary = perplexities(corpus, level, **options, **self.how(part))
        config = {"kind": "language", "level": level, "vocabulary": vocabulary.words}
        self.run.keep(part, model, config, {"seed": self.seed, "perplexity": scores})
        return scores


def _announce(report: Report) -> None:
    """Print what was left out, a line each."""
    for line in report.lines:
        print(line)
