"""Exercises of lesson 05, retrieval and evaluation."""

from collections import Counter

import numpy as np
import torch

from lrcn_utils.checks.compare import judge, numbers
from lrcn_utils.checks.exercise import exercise, expect
from lrcn_utils.data.vocabulary import EOS
from lrcn_utils.metrics import captions, retrieval


@exercise
def sentence_log_p(answer):
    """(log_probs (words + 1, vocabulary), words, their numbers) -> log p of the sentence in nats, without its end."""
    for words in ([4, 7, 4, 9, 5], [6]):
        log_probs = torch.randn(len(words) + 1, 12).log_softmax(dim=1)
        each = log_probs[range(len(words)), words]
        mistakes = {
            "the end mark is scored as well; the released code leaves it out.": each.sum() + log_probs[-1, EOS],
            "the rows are shifted: row 0 belongs to the first word.": log_probs[range(1, len(words) + 1), words].sum(),
            "you take the mean over the words; log p of a sentence is their sum.": each.mean(),
            "you multiply the log probabilities; logarithms are added.": each.prod(),
            "you give the probability; its logarithm is wanted.": each.sum().exp(),
            "you take the most probable word of each row; the word that really comes is wanted.": log_probs[:-1]
            .amax(dim=1)
            .sum(),
        }
        judge(answer(log_probs, words), each.sum(), mistakes, f"log p of a sentence of {len(words)} is not right.")


@exercise
def recall_and_median(answer):
    """(ranks, a list, k) -> (R@k in per cent, median rank)."""
    for places, k in (([7, 1, 40, 5, 2], 5), ([9, 3, 1, 10, 30, 4], 10)):
        recall, median = 100 * retrieval.recall_at(np.array(places), k), retrieval.median_rank(np.array(places))
        below, count = 100 * np.mean(np.array(places) < k), sum(place <= k for place in places)
        mistakes = {
            "rank K itself is among the first K, but you leave it out.": (below, median),
            "R@K is a share between 0 and 1; per cent are wanted.": (recall / 100, median),
            "R@K is the number of queries; their share is wanted.": (count, median),
            "the second number is the mean rank; the median is wanted.": (recall, np.mean(places)),
            "the ranks must be sorted before the one in the middle is taken.": (recall, places[len(places) // 2]),
            "with an even number of ranks the median is the mean of the two in the middle.": (
                recall,
                sorted(places)[len(places) // 2],
            ),
            "the two numbers are exchanged.": (median, recall),
        }
        judge(answer(places, k), (recall, median), mistakes, f"for the ranks {places} and K = {k} it is not right.")


@exercise
def rank(answer):
    """(scores (items,), true (items,), booleans) -> the rank of the best placed true item; ties go against it."""
    cases = {
        "without ties": ([0.1, 0.9, 0.5, 0.7, 0.2], [2]),
        "with ties": ([0.5, 0.9, 0.5, 0.5, 0.2], [0]),
        "with several true items": ([0.1, 0.9, 0.5, 0.7, 0.2, 0.45, 0.4], [2, 3, 6]),
        "with two true items that are equal": ([0.6, 0.9, 0.6, 0.1], [0, 2]),
    }
    for name, (scores, places) in cases.items():
        scores, true = np.array(scores), np.isin(np.arange(len(scores)), places)
        best, wrong = scores[true].max(), scores[~true]
        right = int(retrieval.ranks(scores[None], true[None])[0])
        each = [1 + (wrong >= score).sum() for score in scores[true]]
        mistakes = {
            "the best rank is 1, but you count from 0.": right - 1,
            "a high score is good, but you put the low ones first.": 1 + (wrong <= best).sum(),
            "a wrong item with the same score stands before the true one; you put it behind.": 1 + (wrong > best).sum(),
            "you take the mean over the true items; the best placed one counts.": np.mean(each),
            "you take the last of the true items; the best placed one counts.": max(each),
            "true items stand in one another's way; only wrong items count.": (scores >= best).sum(),
            "the true item itself is counted as a wrong one.": 1 + (scores >= best).sum(),
        }
        judge(answer(scores, true), right, mistakes, f"{name} the rank is not right.")


@exercise
def normalised(answer):
    """log p (images, captions) -> the same, less the log of each caption's mean probability."""
    rng = np.random.default_rng(0)
    for log_p in (rng.normal(-6, 2, size=(3, 5)), rng.normal(-2000, 5, size=(4, 3))):
        right = retrieval.normalise(log_p)
        whole = np.exp(log_p - log_p.max())
        mistakes = {
            "you take the mean of the logarithms; the mean of the probabilities is wanted.": log_p - log_p.mean(axis=0),
            "the mean runs over the captions of an image; it should run over the images.": log_p
            - log_p.max()
            - np.log(whole.mean(axis=1, keepdims=True)),
            "you take one mean of the whole matrix; each caption has its own.": log_p
            - log_p.max()
            - np.log(whole.mean()),
            "you take the sum of the probabilities; their mean is wanted.": right - np.log(len(log_p)),
            "the usual log p is added; it should be subtracted.": 2 * log_p - right,
            "the largest log p is subtracted before exp, but not added again after the logarithm.": right
            + log_p.max(axis=0),
            "you give the usual log p itself; subtract it from the matrix.": (log_p - right)[0],
        }
        with np.errstate(divide="ignore", invalid="ignore"):
            found = numbers(answer(log_p.copy()))
        expect(
            np.isfinite(found).all(),
            "exp(-2000) is 0 for a computer. Subtract the largest log p of each caption first, and add it at the end.",
        )
        judge(found, right, mistakes, "the numbers are not right.")


@exercise
def interval(answer):
    """(gaps (pictures,), draws (times, pictures), indices) -> (low, high) of the middle 95 % of the mean gaps."""
    rng = np.random.default_rng(0)
    for pictures in (30, 12):
        gaps, draws = rng.exponential(5, size=pictures) - 2, rng.integers(pictures, size=(400, pictures))
        means = gaps[draws].mean(axis=1)
        middle, spread = gaps.mean(), means.std()
        mistakes = {
            "these are percentiles of the single gaps; those of the mean gaps are wanted.": np.percentile(
                gaps, [2.5, 97.5]
            ),
            "first take the mean of each draw; these are percentiles of all drawn gaps.": np.percentile(
                gaps[draws], [2.5, 97.5]
            ),
            "np.percentile counts in per cent: 2.5 and 97.5.": np.percentile(means, [0.025, 0.975]),
            "you take the middle 90 %: 2.5 % are cut off at each end, not 5 %.": np.percentile(means, [5, 95]),
            "you take a standard deviation of the gaps; that says how pictures differ, not how the mean does.": (
                middle - gaps.std(),
                middle + gaps.std(),
            ),
            "one standard deviation of the means holds about two thirds of them.": (middle - spread, middle + spread),
            "two standard deviations fit a bell; the percentiles fit any shape.": (
                middle - 2 * spread,
                middle + 2 * spread,
            ),
            "the mean runs over the draws; it should run over the pictures of a draw.": np.percentile(
                gaps[draws].mean(axis=0), [2.5, 97.5]
            ),
            "low and high are exchanged.": np.percentile(means, [97.5, 2.5]),
        }
        judge(answer(gaps, draws), np.percentile(means, [2.5, 97.5]), mistakes, "the bounds are not right.")


@exercise
def words_granted(answer):
    """(candidate, references), lists of words -> how many words of the candidate BLEU grants."""
    texts = [words.split() for words in ("a cat", "the cat and the dog", "the cat sat")]
    for candidate in (["the", "the", "the", "the", "cat", "sat", "sat", "and", "dog", "a"], ["a", "bird"], []):
        said, counts = Counter(candidate), [Counter(text) for text in texts]
        right = captions.clipped_matches(candidate, texts, 1)[0]
        summed = sum(counts, Counter())
        mistakes = {
            "a repeated word is granted each time; clip it by the reference.": sum(w in summed for w in candidate),
            "you add up the references; the one that has most of a word decides.": (said & summed).total(),
            "a word that the reference repeats may be granted more than once; a set loses that.": len(
                set(candidate) & set(summed)
            ),
            "only the first reference is used.": (said & counts[0]).total(),
            "you take the best reference as a whole; the best one is looked up for each word.": max(
                (said & count).total() for count in counts
            ),
            "a word need not stand in all references; one is enough.": (
                counts[0] & counts[1] & counts[2] & said
            ).total(),
            "you give a share; the number of words is wanted.": right / max(len(candidate), 1),
        }
        judge(answer(candidate, texts), right, mistakes, f"for {' '.join(candidate) or 'no word'!r} it is not right.")


@exercise
def corpus_bleu(answer):
    """(matches, guesses (sentences, n), written, wanted (sentences,)) -> BLEU-n of all sentences together."""
    matches = np.array([[3, 1, 1], [4, 3, 1], [6, 5, 4], [5, 3, 2]])  # four sentences, n-grams of three lengths
    guesses = np.array([[5, 4, 3], [4, 3, 2], [7, 6, 5], [6, 5, 4]])
    written = guesses[:, 0]
    for wanted in (written + np.array([3, 0, 1, 0]), written - np.array([1, 0, 2, 1])):
        brevity = min(1, np.exp(1 - wanted.sum() / written.sum()))
        shares = matches.sum(axis=0) / guesses.sum(axis=0)
        each = np.minimum(1, np.exp(1 - wanted / written)) * np.prod(matches / guesses, axis=1) ** (1 / 3)
        mean = np.prod(shares) ** (1 / 3)
        right = brevity * mean
        mistakes = {
            "you take the mean of the sentences' BLEU; add their counts up first.": each.mean(),
            "the precisions are averaged over the sentences; add the counts up first.": brevity
            * np.prod((matches / guesses).mean(axis=0)) ** (1 / 3),
            "the precisions are added; their geometric mean multiplies them and takes a root.": brevity * shares.mean(),
            "the root of the product is missing.": brevity * np.prod(shares),
            "the root goes by the number of sentences; it should go by the number of precisions.": brevity
            * np.prod(shares) ** (1 / len(matches)),
            "the brevity penalty is missing.": mean,
            "written and wanted are exchanged in the penalty.": min(1, np.exp(1 - written.sum() / wanted.sum())) * mean,
            "a text that is long enough gets the factor 1, not a reward.": np.exp(1 - wanted.sum() / written.sum())
            * mean,
            "the penalty is taken for each sentence; it belongs to all of them together.": mean
            * np.minimum(1, np.exp(1 - wanted / written)).mean(),
        }
        short = "short" if brevity < 1 else "long"
        judge(answer(matches, guesses, written, wanted), right, mistakes, f"for {short} sentences it is not right.")


@exercise
def averaged_ranks(answer):
    """Ranks that one rater gave, a list -> the ranks in which ties share the mean of their places."""
    for given in ([1, 1, 2, 4, 4, 4], [3, 1, 2], [5, 2, 2, 9], [1, 1, 1]):
        ranks = np.array(given)
        better, equal = (ranks < ranks[:, None]).sum(axis=1), (ranks == ranks[:, None]).sum(axis=1)
        mistakes = {
            "tied captions all get the best of their places; they share the mean.": better + 1,
            "tied captions all get the last of their places; they share the mean.": better + equal,
            "tied captions get different places, as if there were an order.": 1
            + np.argsort(np.argsort(ranks, kind="stable")),
            "the places of the tied ones are not used up: after two firsts comes the third place.": 1
            + np.searchsorted(np.unique(ranks), ranks),
            "the ranks are returned as they were given.": ranks,
            "places begin at 1, but yours begin at 0.": better + (equal - 1) / 2,
            "the best caption has rank 1, but yours comes last.": len(ranks) + 1 - (better + (equal + 1) / 2),
        }
        judge(answer(list(given)), better + (equal + 1) / 2, mistakes, f"for {given} the ranks are not right.")
