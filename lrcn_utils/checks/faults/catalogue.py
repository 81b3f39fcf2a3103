"""The faults by name: which piece is broken, what is seen of it as one number, and who gets which one."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from lrcn_utils.checks.faults import captioner, measures, pieces, recogniser, stage


@dataclass(frozen=True)
class Fault:
    """A planted fault. ``symptom(seed, broken)`` is a number, and ``number`` says which; ``pieces``: mended, broken.

    ``recipe``: the recipe that holds the broken piece, for a fault of the recogniser or the captioner.
    """

    name: str
    number: str
    pieces: tuple[Callable, Callable]
    symptom: Callable[[int, bool], float]
    recipe: recogniser.Recipe | captioner.Recipe | None = None

    def run(self, broken: bool, seed: int = 0) -> recogniser.Run | captioner.Run:
        """A trained network with the fault, or without. Raises ValueError for a fault without a recipe."""
        if self.recipe is None:
            raise ValueError(f"{self.name}: this fault has no network of its own")
        bench = captioner if isinstance(self.recipe, captioner.Recipe) else recogniser
        return bench.train(self.recipe if broken else bench.Recipe(), seed)

    def both(self, seeds=range(3)) -> dict[str, list[float]]:
        """The symptom of the broken and of the mended version, one number a seed."""
        return {name: [self.symptom(seed, name == "broken") for seed in seeds] for name in ("broken", "mended")}

    def code(self) -> str:
        """The source of the broken and of the mended piece."""
        mended, broken = map(inspect.getsource, self.pieces)
        return f"# broken\n{broken}\n# mended\n{mended}"


def _fault(name: str, number: str, bench, part: str, broken: Callable, measure: Callable) -> Fault:
    """A fault of the piece ``part`` of a recipe of ``bench``; the symptom is ``measure(run, seed)`` of a run."""
    healthy = bench.Recipe()
    faulty = replace(healthy, **{part: broken})

    def symptom(seed: int, broken: bool) -> float:
        return measure(bench.train(faulty if broken else healthy, seed), seed)

    return Fault(name, number, (getattr(healthy, part), broken), symptom, faulty)


def _measured(name: str, number: str, pieces: tuple[Callable, Callable], measure: Callable) -> Fault:
    """A fault without a recipe: ``measure(seed, piece)`` is its symptom; ``pieces``: mended, broken."""
    return Fault(name, number, pieces, lambda seed, broken: measure(seed, pieces[broken]))


def by_first_frame(run: recogniser.Run, seed: int = 0) -> float:
    """Accuracy of a rule that looks at frame 0 alone: the label of the training clip that begins most like this one."""
    seen, asked = (stage.look(side.frames[:, 0]) for side in (run.train, run.test))
    nearest = torch.cdist(asked, seen).argmin(1)
    return float((run.train.labels[nearest] == run.test.labels).float().mean())


def with_a_sister(run: recogniser.Run, seed: int = 0) -> float:
    """Share of the test clips whose film has clips in training, too."""
    return float(np.isin(run.test.groups, run.train.groups).mean())


def on_test(run: recogniser.Run, seed: int = 0) -> float:
    """Accuracy on the test clips."""
    return run.accuracy()


def backdrop_change(run: recogniser.Run, seed: int = 0) -> float:
    """Mean over the clips of the median change, in grey levels, of a pixel from a frame to the next."""
    change = np.abs(np.diff(run.test.frames.astype(int), axis=1)).mean(-1)
    return float(np.median(change.reshape(len(change), -1), axis=1).mean())


def overfitted(run: recogniser.Run, seed: int = 0) -> float:
    """The loss at the end of a training on eight clips."""
    return recogniser.overfit(run.recipe, seed).losses[-1]


def growth_of_gradient(run: recogniser.Run, seed: int = 0) -> float:
    """Length of the gradient in the last ten steps as a multiple of that of the first step, in powers of ten."""
    return float(np.log10(np.mean(run.norms[-10:]) / run.norms[0]))


def between_two_runs(run: recogniser.Run, seed: int = 0) -> float:
    """Mean difference of the probabilities of two predictions for the same clips."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return float((run.probabilities() - run.probabilities()).abs().mean())


def by_order(run: recogniser.Run, seed: int = 0) -> float:
    """Mean difference of the probabilities when the same clips are tested in another order."""
    order = torch.randperm(len(run.test.labels), generator=torch.Generator().manual_seed(seed))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        first = run.probabilities()
        torch.manual_seed(seed)
        return float((first - run.probabilities(order=order)).abs().mean())


def colours_named(run: captioner.Run, seed: int = 0) -> float:
    """Share of the test captions with the right colour."""
    return run.colours_named()


def word_for_word(run: captioner.Run, seed: int = 0) -> float:
    """Share of the test captions that are right word for word."""
    return run.right()


def understated(run: captioner.Run, seed: int = 0) -> float:
    """Nats a word, counted by hand, as a multiple of what the loss says of the same captions."""
    return run.nats_by_hand() / run.nats_reported()


_CAPTIONS = "share of right captions"
_CLIPS = (measures.unaries_of_held_out_clips, measures.unaries_of_own_clips)
ALL = [
    _fault("first frame", "accuracy by frame 0", recogniser, "start", pieces.starts_with_the_action, by_first_frame),
    _fault("groups", "test clips with a sister", recogniser, "split", pieces.clips_at_random, with_a_sister),
    _fault("labels", "accuracy on the test clips", recogniser, "pair", pieces.labels_shifted_by_one, on_test),
    _fault("crop", "change of the backdrop", recogniser, "crop", pieces.a_crop_for_each_frame, backdrop_change),
    _fault("softmax", "loss after overfitting", recogniser, "loss", pieces.softmax_twice, overfitted),
    _fault(
        "gradient",
        "powers of ten of the gradient",
        recogniser,
        "backward",
        pieces.gradient_added_up,
        growth_of_gradient,
    ),
    _fault("state", "change by the order", recogniser, "first_state", pieces.state_of_the_last_batch, by_order),
    _fault("dropout", "change between two runs", recogniser, "test_mode", pieces.with_dropout, between_two_runs),
    _fault("channels", "share of right colours", captioner, "channels", pieces.as_bgr, colours_named),
    _fault("shift", _CAPTIONS, captioner, "batch", pieces.not_shifted, word_for_word),
    _fault("padding", "loss by hand / loss", captioner, "loss", pieces.padding_counted, understated),
    _fault("vocabulary", _CAPTIONS, captioner, "words", pieces.words_counted_anew, word_for_word),
    _measured("flow", "p of the truth", (pieces.flow_negated, pieces.flow_only_flipped), measures.left_from_right),
    _measured("BLEU", "BLEU-4", (pieces.bleu_of_the_corpus, pieces.bleu_averaged), measures.bleu_4),
    _measured("CRF", "nats a tuple on new clips", _CLIPS, measures.nats_on_new_clips),
]
FAULTS = {fault.name: fault for fault in ALL}
