"""Who gets which fault: a run with a hidden fault, the same instruments for everybody, and an accusation."""

import hashlib

import numpy as np

from lrcn_utils.checks.faults import captioner, catalogue, recogniser

DRAWN = [fault.name for fault in catalogue.ALL if fault.recipe is not None]


class Suspect:
    """A trained network with one fault. ``run`` is what was trained, ``healthy`` the same without the fault."""

    def __init__(self, fault: catalogue.Fault):
        self._fault = fault
        self.run, self.healthy = fault.run(True), fault.run(False)

    def examine(self) -> dict[str, tuple[float, float]]:
        """What each instrument says of this network and of a healthy one: {instrument: (here, healthy)}."""
        here, healthy = examine(self.run), examine(self.healthy)
        return {instrument: (here[instrument], healthy[instrument]) for instrument in here}

    def accuse(self, name: str) -> str:
        """Is it the fault ``name``? Raises ValueError for a name that is not among ``DRAWN``."""
        if name not in DRAWN:
            raise ValueError(f"no fault is called {name!r}; choose from {', '.join(DRAWN)}")
        if name == self._fault.name:
            return f"Found: {name}. Its mended version is as healthy as the other one."
        return f"Not {name}. Which instrument differs most from the healthy network, and what could move it?"


def drawn(seed: int, name: str) -> str:
    """The name of the fault of the student ``name`` in the class ``seed``: the same one whenever both are the same."""
    digest = hashlib.sha256(f"{seed} {name.strip().casefold()}".encode()).digest()
    return DRAWN[int.from_bytes(digest[:8], "big") % len(DRAWN)]


def draw(seed: int, name: str) -> Suspect:
    """The suspect of the student ``name`` in the class ``seed``, trained with the fault that is ``drawn``."""
    return Suspect(catalogue.FAULTS[drawn(seed, name)])


def examine(run: recogniser.Run | captioner.Run) -> dict[str, float]:
    """What each instrument says of a trained recogniser or captioner: {instrument: number}."""
    if isinstance(run, captioner.Run):
        said = run.captions()
        return {
            "loss of the first step": run.losses[0],
            "loss of the last step": run.losses[-1],
            "the same by hand, per real word": run.nats_by_hand(),
            "right captions": run.right(),
            "places without a word": captioner.share_of_padding(run),
            "right colours": run.colours_named(),
            "captions that say a word twice running": captioner.stammering(said),
            "words of the list that moved": captioner.moved_words(run),
        }
    return {
        "loss of the first step": run.losses[0],
        "loss after overfitting 8 clips": catalogue.overfitted(run),
        "gradient's growth, powers of ten": catalogue.growth_of_gradient(run),
        "accuracy, training clips": run.accuracy(run.train.frames, run.train.labels),
        "accuracy, test clips": run.accuracy(),
        "accuracy, by frame 0 alone": catalogue.by_first_frame(run),
        "groups on both sides": len(np.intersect1d(run.train.groups, run.test.groups)),
        "change of the backdrop": catalogue.backdrop_change(run),
        "change between two runs": catalogue.between_two_runs(run),
        "change by the order": catalogue.by_order(run),
    }
