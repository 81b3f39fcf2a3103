"""Human judgement of captions: mean ranks with bootstrap intervals, agreement of raters, agreement with metrics.

Paper: CVPR Table 4, v4 Table 8: people ranked the captions of six methods, 1 (best) to 6, for each image, by
correctness, grammar and relevance, ties allowed.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

CRITERIA = ("correctness", "grammar", "relevance")


@dataclass(frozen=True)
class Rating:
    """One answer: the rank, 1 (best) and up, that a rater gave to one method's caption of one image."""

    rater: str
    image: str
    method: str
    criterion: str
    rank: int


@dataclass(frozen=True)
class Interval:
    """A mean and the bounds of its 95 % interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.2f} [{self.low:.2f}, {self.high:.2f}]"


def mean_ranks(ratings: Iterable[Rating], resamples: int = 2000, seed: int = 0) -> dict[str, dict[str, Interval]]:
    """{method: {criterion: mean rank and its 95 % bootstrap interval}}, methods in the order they first occur.

    Each image counts once, however many raters judged it. The bootstrap draws images, not single answers:
    answers about the same image go together, and treating them as independent would make the interval too narrow.
    """
    answers = defaultdict(lambda: defaultdict(list))
    for rating in ratings:
        answers[rating.method, rating.criterion][rating.image].append(rating.rank)
    table = defaultdict(dict)
    for (method, criterion), by_image in answers.items():
        image_means = np.array([np.mean(by_image[image]) for image in sorted(by_image)])
        # A fresh generator each time: methods rated on the same images are compared on the same draws.
        draws = np.random.default_rng(seed).integers(len(image_means), size=(resamples, len(image_means)))
        low, high = np.percentile(image_means[draws].mean(axis=1), [2.5, 97.5])
        table[method][criterion] = Interval(float(image_means.mean()), float(low), float(high))
    return dict(table)


def kendalls_w(ranks: Sequence[Sequence[float]]) -> float:
    """Kendall's coefficient of concordance W of (raters, items), 0 (no agreement) to 1 (the same order).

    Ties are corrected for. Only the order in each row counts, so 1, 1, 4 and 1, 1, 3 are the same.
    Not a number (nan) when every rater ties everything. Needs SciPy (extra ``metrics``).
    Raises ValueError for fewer than 2 raters or items.
    """
    from scipy.stats import rankdata

    given = np.asarray(ranks, dtype=float)
    if given.ndim != 2 or min(given.shape) < 2:
        raise ValueError(f"ranks: W needs at least 2 raters and 2 items, got shape {given.shape}")
    raters, items = given.shape
    places = rankdata(given, axis=1)  # equal values share the mean of their places: 1, 2.5, 2.5, 4
    sums = places.sum(axis=0)
    spread = ((sums - sums.mean()) ** 2).sum()
    ties = sum((n**3 - n) for row in places for n in np.unique(row, return_counts=True)[1])
    most = raters**2 * (items**3 - items) - raters * ties
    return float(12 * spread / most) if most else float("nan")


def agreement(ratings: Iterable[Rating]) -> dict[str, float]:
    """{criterion: Kendall's W, the mean over all images that at least two raters ranked in full}.

    Images where every rater ties every method say nothing and are left out; nan where no image is left.
    """
    given = defaultdict(lambda: defaultdict(dict))
    methods = set()
    for rating in ratings:
        given[rating.criterion, rating.image][rating.rater][rating.method] = rating.rank
        methods.add(rating.method)
    order = sorted(methods)
    found = defaultdict(list)
    for (criterion, _), by_rater in given.items():
        full = [[ranks[m] for m in order] for ranks in by_rater.values() if len(ranks) == len(order)]
        found[criterion].append(kendalls_w(full) if len(full) > 1 and len(order) > 1 else np.nan)
    known = {criterion: [w for w in ws if not np.isnan(w)] for criterion, ws in found.items()}
    return {criterion: float(np.mean(ws)) if ws else float("nan") for criterion, ws in known.items()}


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> dict[str, float]:
    """Spearman's rho and Kendall's tau-b of two lists of numbers, each -1..1; nan where one list is constant.

    tau-b counts the pairs that both lists put in the same order, less those they put in opposite order; ties
    in either list are set aside. Needs SciPy (extra ``metrics``). Raises ValueError when the lengths differ.
    """
    from scipy.stats import kendalltau, spearmanr

    if len(first) != len(second):
        raise ValueError(f"the lists have {len(first)} and {len(second)} numbers")
    if len(set(first)) < 2 or len(set(second)) < 2:
        return {"Spearman": float("nan"), "Kendall": float("nan")}
    return {
        "Spearman": float(spearmanr(first, second).statistic),
        "Kendall": float(kendalltau(first, second).statistic),
    }
