"""Mean ranks and their intervals, agreement between raters, and agreement of metrics with people."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrcn_utils.metrics.human import Rating, agreement, averaged_ties, kendalls_w, mean_ranks, rank_correlation


def some_ratings(images=30, raters=3, noise=0.8, seed=0):
    rng = np.random.default_rng(seed)
    return [
        Rating(f"r{rater}", f"i{image}", method, "grammar", int(np.clip(round(good + noise * rng.normal()), 1, 6)))
        for image in range(images)
        for rater in range(raters)
        for method, good in (("best", 1.5), ("middle", 3.5), ("worst", 5.5))
    ]


answers_of = st.dictionaries(
    st.tuples(st.sampled_from("abc"), st.sampled_from("ijkl")),  # rater, image
    st.lists(st.integers(1, 6), min_size=6, max_size=6),  # the ranks of six methods
    min_size=1,
)


def ratings_of(answers):
    return [
        Rating(rater, image, f"m{method}", "grammar", rank)
        for (rater, image), ranks in answers.items()
        for method, rank in enumerate(ranks)
    ]


@given(answers_of)
def test_ranks_with_averaged_ties_sum_to_21_and_keep_the_raters_order(answers):
    averaged = averaged_ties(ratings_of(answers))
    for (rater, image), given_ranks in answers.items():
        places = [r.rank for r in averaged if (r.rater, r.image) == (rater, image)]
        assert sum(places) == 6 * 7 / 2
        for a, x in zip(given_ranks, places, strict=True):
            for b, y in zip(given_ranks, places, strict=True):
                assert (a < b) == (x < y) and (a == b) == (x == y)


@given(answers_of)
def test_mean_ranks_sum_to_21_however_ties_are_written(answers):
    table = mean_ranks(ratings_of(answers), resamples=5)
    assert sum(by_criterion["grammar"].mean for by_criterion in table.values()) == pytest.approx(21)
    # 1, 1, 3 and 1, 1, 2 say the same.
    dense = {key: [1 + len({b for b in ranks if b < a}) for a in ranks] for key, ranks in answers.items()}
    assert mean_ranks(ratings_of(dense), resamples=5) == table


def test_ties_share_the_mean_of_their_places():
    averaged = averaged_ties([Rating("r", "i", m, "grammar", rank) for m, rank in zip("abc", (1, 1, 3), strict=True)])
    assert [r.rank for r in averaged] == [1.5, 1.5, 3]


def test_a_ranking_that_lacks_a_method_is_left_out():
    full = [Rating("r", "i", m, "grammar", rank) for m, rank in zip("abc", (3, 2, 1), strict=True)]
    partial = [Rating("r", "j", "a", "grammar", 1), Rating("s", "i", "b", "grammar", 1)]
    assert averaged_ties(full + partial) == averaged_ties(full)
    assert mean_ranks(full + partial) == mean_ranks(full)
    assert mean_ranks([*partial]) == {}


def test_the_interval_holds_the_mean_and_orders_the_methods():
    table = mean_ranks(some_ratings())
    found = {method: by_criterion["grammar"] for method, by_criterion in table.items()}
    assert list(found) == ["best", "middle", "worst"]
    assert all(i.low < i.mean < i.high for i in found.values())
    assert found["best"].high < found["middle"].low and found["middle"].high < found["worst"].low
    assert mean_ranks(some_ratings()) == table


def test_the_interval_covers_the_true_mean_about_as_often_as_it_says():
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(200):
        ranks = np.array([rng.permutation(6) + 1 for _ in range(40)])  # the true mean of each method is 3.5
        ratings = [Rating("r", str(i), f"m{m}", "grammar", int(ranks[i, m])) for i in range(40) for m in range(6)]
        interval = mean_ranks(ratings, resamples=300)["m0"]["grammar"]
        hits += interval.low <= 3.5 <= interval.high
    assert 0.88 <= hits / 200 <= 0.99


def test_more_raters_of_the_same_images_do_not_make_the_interval_narrower_for_nothing():
    one = [Rating("a", str(i), m, "grammar", 1 + (i + k) % 6 % 4) for i in range(30) for k, m in enumerate("mnopqr")]
    copies = [Rating(rater, r.image, r.method, r.criterion, r.rank) for rater in "abcde" for r in one]
    assert mean_ranks(one) == mean_ranks(copies)


@settings(max_examples=100)
@given(st.integers(2, 5), st.integers(3, 6), st.randoms(use_true_random=False))
def test_w_follows_from_friedmans_chi_square(raters, items, rng):
    stats = pytest.importorskip("scipy.stats")
    ranks = [[rng.randint(1, 6) for _ in range(items)] for _ in range(raters)]
    w = kendalls_w(ranks)
    if math.isnan(w):
        assert all(len(set(row)) == 1 for row in ranks)
    else:
        chi_square = stats.friedmanchisquare(*np.array(ranks).T).statistic
        assert w == pytest.approx(chi_square / (raters * (items - 1)))
        assert -1e-9 <= w <= 1 + 1e-9


def test_w_is_one_for_the_same_order_and_zero_for_opposite_ones():
    assert kendalls_w([[1, 2, 3, 3], [2, 4, 6, 6]]) == pytest.approx(1.0)
    assert kendalls_w([[1, 2, 3], [3, 2, 1]]) == pytest.approx(0.0)
    with pytest.raises(ValueError, match="2 raters"):
        kendalls_w([[1, 2, 3]])


def test_agreement_is_high_for_like_raters_and_low_for_noise():
    assert agreement(some_ratings(noise=0.1))["grammar"] > 0.95
    assert agreement(some_ratings(noise=50))["grammar"] < 0.6
    alone = [r for r in some_ratings() if r.rater == "r0"]
    assert math.isnan(agreement(alone)["grammar"])


def test_a_half_finished_image_does_not_count_for_agreement():
    ratings = some_ratings(images=5)
    unfinished = [Rating("r9", "i0", "best", "grammar", 6)]
    assert agreement(ratings + unfinished) == agreement(ratings)


def test_rank_correlation():
    pytest.importorskip("scipy")
    assert rank_correlation([1, 2, 3, 4], [10, 20, 30, 99]) == pytest.approx({"Spearman": 1, "Kendall": 1})
    assert rank_correlation([1, 2, 3], [3, 2, 1])["Kendall"] == pytest.approx(-1)
    assert math.isnan(rank_correlation([1, 1], [1, 2])["Spearman"])
    with pytest.raises(ValueError, match="2 and 3"):
        rank_correlation([1, 2], [1, 2, 3])
