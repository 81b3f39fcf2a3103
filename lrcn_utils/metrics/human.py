"""Human judgement of captions: mean ranks with bootstrap intervals, agreement of raters, agreement with metrics.

Paper: CVPR Table 4, v4 Table 8: people ranked the captions of six methods, 1 (best) to 6, for each image, by
correctness, grammar and relevance, ties allowed.

Raters write ties in different ways (1, 1, 3 or 1, 1, 2), and only ranks written in one way can be averaged. So before
any mean, the ranks of one rater for one image are made again from their order, and tied methods share the mean of
their places (1.5, 1.5, 3). The ranks of n methods then sum to n (n + 1) / 2: 21 for the six of the paper's table.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

CRITERIA = ("correctness", "grammar", "relevance")


@dataclass(frozen=True)
class Rating:
    """One answer: the rank, 1 (best) and up, that a rater gave to one method's caption of one image.

    As given it is a whole number; after ``averaged_ties`` it may be a half.
    """

    rater: str
    image: str
    method: str
    criterion: str
    rank: float


@dataclass(frozen=True)
class Interval:
    """A mean and the bounds of its 95 % interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.2f} [{self.low:.2f}, {self.high:.2f}]"


def averaged_ties(ratings: Iterable[Rating]) -> list[Rating]:
    """The same answers with ranks that can be averaged: tied methods share the mean of their places.

    Ranks are made again within each rater, image and criterion, from their order alone: 1, 1, 3 and 2, 2, 5 both
    become 1.5, 1.5, 3. A ranking that lacks a method is left out, for its best of three would pass for a best of six.
    Needs SciPy (extra ``metrics``).
    """
    from scipy.stats import rankdata

    averaged = []
    for (rater, image, criterion), given in _rankings(ratings).items():
        places = rankdata(list(given.values()))
        averaged += [Rating(rater, image, m, criterion, float(p)) for m, p in zip(given, places, strict=True)]
    return averaged


def _rankings(ratings: Iterable[Rating]) -> dict[tuple[str, str, str], dict[str, float]]:
    """{(rater, image, criterion): {method: rank}}: the rankings that have every method that occurs anywhere."""
    given, methods = defaultdict(dict), {}
    for rating in ratings:
        given[rating.rater, rating.image, rating.criterion][rating.method] = rating.rank
        methods[rating.method] = None
    full = {key: ranks for key, ranks in given.items() if len(ranks) == len(methods)}
    return {key: {method: ranks[method] for method in methods} for key, ranks in full.items()}


def mean_ranks(ratings: Iterable[Rating], resamples: int = 2000, seed: int = 0) -> dict[str, dict[str, Interval]]:
    """{method: {criterion: mean rank and its 95 % bootstrap interval}}, methods in the order they first occur.

    Ranks are first made comparable by ``averaged_ties``, so the means of n methods sum to n (n + 1) / 2. Rankings
    that lack a method do not count; without any full ranking the dictionary is empty.

    Each image counts once, however many raters judged it. The bootstrap draws images, not single answers:
    answers about the same image go together, and treating them as independent would make the interval too narrow.
    """
    answers = defaultdict(lambda: defaultdict(list))
    for rating in averaged_ties(ratings):
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
    ratings = list(ratings)
    rows = defaultdict(list)
    for (_, image, criterion), ranks in _rankings(ratings).items():
        rows[criterion, image].append(list(ranks.values()))
    found = {rating.criterion: [] for rating in ratings}
    for (criterion, _), given in rows.items():
        if len(given) > 1 and len(given[0]) > 1:
            found[criterion].append(kendalls_w(given))
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
