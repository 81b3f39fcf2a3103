"""How well the classes can be told apart by what is seen of a clip: what no model can exceed but by luck.

*One frame.* A pair's clips are windows at a random moment of a repeated action, so at each position of a clip a frame
has one distribution in both classes, and whoever sees it guesses between two. A motion-only class has its tool
anywhere on an arc, uniformly, at each position: a guess among four. The food is in every frame of the object-only
classes. It makes no difference whether the frame's position in the clip is known.

*All frames of a clip, without their order.* A clip of one class of a pair, played backwards, is a clip of the other
with the same frames: a guess again. Among the motion-only classes Beat is Scrape played backwards, but a set of frames
does tell something of the others: a slow movement leaves other gaps between the tool's places than a quick one. How
much is measured here, on the places themselves.

*All frames in their order.* They tell everything but this: Stir and Whisk are one movement at two paces, and between
the slowest whisking and the quickest stirring there are paces at which it may be either.
"""

from functools import cache

import numpy as np

from lrcn_utils.data.toy_kitchen.activities import MOTION_ONLY, OBJECT_ONLY, REVERSED_PAIRS
from lrcn_utils.data.toy_kitchen.stirring import PERIODS, ring

CLIP = 16  # frames
SHARES = {"reversed pairs": 2 * len(REVERSED_PAIRS), "motion only": len(MOTION_ONLY), "object only": len(OBJECT_ONLY)}


@cache
def ceilings() -> dict[str, dict[str, float]]:
    """{what is seen: {kind of class: the best accuracy, in 0..1}}; the kind "all" is the mean over all classes."""
    one_frame = {"reversed pairs": 1 / 2, "motion only": 1 / len(MOTION_ONLY), "object only": 1.0}
    found = {
        "one frame, position unknown": one_frame,
        "one frame, position known": one_frame,
        "frames without order": one_frame | {"motion only": round(_places_without_order(), 2)},
        "frames in order": {"reversed pairs": 1.0, "motion only": _paces(), "object only": 1.0},
    }
    return {seen: kinds | {"all": _mean(kinds)} for seen, kinds in found.items()}


def _mean(kinds: dict[str, float]) -> float:
    return sum(SHARES[kind] * best for kind, best in kinds.items()) / sum(SHARES.values())


def _paces() -> float:
    """The best accuracy on the motion-only classes for whoever sees the whole movement.

    Where the paces of Stir and Whisk, both uniform on a logarithmic scale, overlap, the likelier class is named.
    """
    (stir, slowest), (quickest, whisk) = np.log(PERIODS["Stir"]), np.log(PERIODS["Whisk"])
    doubtful = (whisk - stir) * min(1 / (slowest - stir), 1 / (whisk - quickest))
    return round(float(1 - doubtful / len(MOTION_ONLY)), 3)


def _places_without_order(draws: int = 2500, neighbours: int = 25) -> float:
    """How often the places of the tool in a clip, without their order, tell which of the motion-only classes it is.

    By the nearest neighbours among clips drawn in the same way, which do as well as can be done when there are many.
    Nothing but the gaps between the places on the arc can tell: where on it a clip begins is random.
    """
    gaps, labels = _gaps(draws, seed=0), np.repeat(np.arange(len(MOTION_ONLY)), draws)
    asked, truth = _gaps(draws // 10, seed=1), np.repeat(np.arange(len(MOTION_ONLY)), draws // 10)
    distances = (asked**2).sum(1)[:, None] + (gaps**2).sum(1) - 2 * asked @ gaps.T
    nearest = labels[np.argpartition(distances, neighbours, axis=1)[:, :neighbours]]
    votes = (nearest[:, :, None] == np.arange(len(MOTION_ONLY))).sum(1)
    return float((votes.argmax(1) == truth).mean())


def _gaps(draws: int, seed: int) -> np.ndarray:
    """Gaps between neighbouring places, seen from the dish's middle, widest first: (classes x draws, CLIP) radians."""
    rows = []
    for number, name in enumerate(MOTION_ONLY):
        for draw in range(draws):
            rng = np.random.default_rng([seed, number, draw])
            x, y = ring(name, np.arange(CLIP), rng).T
            angle = np.sort(np.arctan2(y, x))
            gaps = np.diff(angle, append=angle[0] + 2 * np.pi)
            rows.append(np.roll(gaps, -gaps.argmax()))
    return np.array(rows)
