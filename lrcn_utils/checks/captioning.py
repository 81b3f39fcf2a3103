"""Exercises of lesson 04, image captioning."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from lrcn_utils.checks.compare import alike, judge, judge_gradient, numbers
from lrcn_utils.checks.exercise import Wrong, exercise, expect
from lrcn_utils.data.vocabulary import BOS, EOS, PAD, pad_batch
from lrcn_utils.models.captioning import Captioner, loss_per_word


@exercise
def batch(answer):
    """captions, lists of word numbers -> (inputs, targets), both (captions, longest + 1)."""
    for captions in ([[4, 5], [6, 7, 8, 9]], [[7]], [[], [5, 4]]):
        both = answer([list(words) for words in captions])
        expect(isinstance(both, tuple | list) and len(both) == 2, "two tensors are wanted: inputs, targets.")
        longest = max(map(len, captions))

        def rows(*parts, fill=PAD, captions=captions, longest=longest):
            """Each caption between the marks of ``parts`` (None stands for the caption), filled up."""
            whole = [[n for p in parts for n in (words if p is None else [p])] for words in captions]
            return [row + [fill] * (longest + len(parts) - 1 - len(row)) for row in whole]

        inputs, targets = pad_batch(captions)
        wrong_inputs = {
            "the input ends with <eos>, after which nothing has to be said.": rows(BOS, None, EOS),
            "the input does not begin with <bos>.": rows(None, EOS),
        }
        wrong_targets = {
            "the target is the word that is just read; shift it by one.": rows(BOS, None),
            "the target does not end with <eos>, so the model never learns to stop.": rows(None, PAD),
            "the target begins with <bos>, which nobody has to say.": rows(BOS, None, EOS),
            "short targets are filled up with <eos>; <pad> is wanted.": rows(None, EOS, fill=EOS),
        }
        judge(both[0], inputs, wrong_inputs, f"the input of {captions} is not right.")
        judge(both[1], targets, wrong_targets, f"the target of {captions} is not right.")
        expect(all(getattr(one, "dtype", None) == torch.long for one in both), "tensors of whole numbers are wanted.")


@exercise
def static_input(answer):
    """(image (batch, numbers), lstm) -> what the image adds to the sums of the gates, (batch, 4 * hidden)."""
    lstm, image = nn.LSTM(6 + 4, 6, batch_first=True), torch.randn(3, 4)
    for parameter in lstm.parameters():
        nn.init.normal_(parameter)
    weight, biases = lstm.weight_ih_l0, lstm.bias_ih_l0 + lstm.bias_hh_l0
    right = image @ weight[:, 6:].T
    mistakes = {
        "these are the weights for h; the image's columns stand behind them.": image @ weight[:, :4].T,
        "you use weights for h of the last step; the image has its own columns.": image @ lstm.weight_hh_l0[:, :4].T,
        "a bias is added, which the LSTM adds anyway: it would count twice.": right + lstm.bias_ih_l0,
        "the biases are added, which the LSTM adds anyway: they would count twice.": right + biases,
        "only the input gate gets the image; all four gates should.": right[:, :6],
    }
    judge(answer(image, lstm), right, mistakes, "this is not what the image adds to the sums of the gates.")


@exercise
def loss(answer):
    """(logits (captions, steps, vocabulary), targets (captions, steps)) -> nats a word, a tensor without dimensions."""
    for targets in (torch.tensor([[4, 5, 6, 7, EOS], [5, EOS, PAD, PAD, PAD]]), torch.tensor([[4, 6, EOS]])):
        logits = (3 * torch.randn(*targets.shape, 9)).requires_grad_()
        each = functional.cross_entropy(logits.transpose(1, 2), targets, reduction="none")
        real, no_eos = targets != PAD, (targets != PAD) & (targets != EOS)
        of_captions = (each * real).sum(dim=1) / real.sum(dim=1)
        mistakes = {
            "the loss counts padding.": each.mean(),
            "the sum of the real words is divided by the number of all places.": (each * real).mean(),
            "<eos> is left out, but the model must learn when to stop.": each[no_eos].mean(),
            "you take the mean of the captions' means, so a word of a short caption counts more.": of_captions.mean(),
            "the softmax is taken twice: cross_entropy wants logits.": loss_per_word(logits.softmax(dim=2), targets),
            "the sum is not divided by the number of words.": each[real].sum(),
            "the sign is wrong: the loss is minus the log of p.": -each[real].mean(),
        }
        found, right = answer(logits, targets), loss_per_word(logits, targets)
        judge(found, right, mistakes, "the loss is not the mean of -ln p over the real words.")
        judge_gradient(found, right, logits)


@exercise
def another_image(answer):
    """features (images, numbers) -> the same features, each in the place of another image."""
    for images in (5, 2, 8, 3):
        features = torch.randn(images, 6)
        mistakes = {
            "a feature of zeros is no other image; the captioner takes it for a picture.": torch.zeros(images, 6),
            "every image keeps its own feature.": features,
            "the numbers inside the features are moved; whole features should change places.": features.roll(1, 1),
        }
        found = answer(features.clone())
        for sentence, result in mistakes.items():
            expect(not alike(found, result), sentence)
        found, given = numbers(found), numbers(features)
        expect(found.shape == given.shape, f"the shape should be {given.shape}, but is {found.shape}.")
        own = (found == given).all(axis=1)
        if own.any():
            turned = f"turned round, the image in the middle of {images} keeps its own feature."
            left = f"image {own.argmax()} of {images} keeps its own feature; a random order can do that."
            raise Wrong(turned if np.array_equal(found, given[::-1]) else left)
        same = np.array_equal(found[np.lexsort(found.T)], given[np.lexsort(given.T)])
        expect(same, "a feature is given to several images, or is lost; each should be there once.")


@exercise
def beam_step(answer):
    """(totals (k,), finished (k,), log_probs (k, V), eos) -> the k best candidates: totals, parents, words."""
    for finished in ([False, False, False], [False, True, False], [True, False, False], [True, True, False]):
        for _ in range(3):
            _judge_step(answer, -torch.rand(3).sort().values, torch.tensor(finished))
    _judge_step(answer, torch.tensor([0.0, -torch.inf, -torch.inf]), torch.tensor([False] * 3))  # the first step


def _judge_step(answer, totals, finished):
    log_probs = torch.randn(3, 5).log_softmax(dim=1)
    dropped = log_probs.masked_fill(finished[:, None], -torch.inf)
    waits = torch.where(finished[:, None] & (torch.arange(5) == EOS), 0.0, dropped)
    free = log_probs.masked_fill(finished[:, None], 0.0)

    def best(scores, largest=True):
        values, index = scores.flatten().topk(3, largest=largest)
        return torch.stack([values, index // 5, index % 5])

    so_far = totals[:, None]
    sums = so_far + waits
    right, flat = best(sums), best(sums)
    flat[2] += 5 * flat[1]
    mistakes = {
        "a finished sentence is extended; it should wait.": best(so_far + log_probs),
        "a finished sentence is dropped; it should keep its place.": best(so_far + dropped),
        "a finished sentence stands there several times; it is one candidate.": best(so_far + free),
        "each beam keeps its own best word; the best of all candidates should stay.": torch.stack(
            [sums.amax(dim=1), torch.arange(3), sums.argmax(dim=1)]
        ),
        "you add p; add log p.": best(so_far + waits.exp()),
        "the totals so far are left out.": best(waits),
        "the worst candidates stay.": best(sums, largest=False),
        "parents and words have changed places.": right[[0, 2, 1]],
        "a word is its place in the whole table; take what is left over by V.": flat,
    }
    found = answer(totals.clone(), finished.clone(), log_probs.clone(), EOS)
    expect(isinstance(found, tuple | list) and len(found) == 3, "three results are wanted: totals, parents, words.")
    found = np.stack([numbers(one) for one in found])
    by_total = {sentence: _sorted(numbers(result)) for sentence, result in mistakes.items()}
    judge(_sorted(found), right, by_total, "these are not the best of all candidates.")
    expect(alike(found, right), "the right candidates stay, but the best should come first.")


def _sorted(columns: np.ndarray) -> np.ndarray:
    return columns[:, np.argsort(-columns[0], kind="stable")]


@exercise
def sharpen(answer):
    """(p (..., words), T) -> p to the power T, divided by its sum; the same shape."""
    table = torch.rand(3, 5)
    table[0, 1] = 0
    table /= table.sum(dim=1, keepdim=True)
    for p in (table[1], table):
        for T in (2.0, 0.5, 1.0):
            power, root = p**T, p ** (1 / T)
            mistakes = {
                "this is the power 1 / T; T is an inverse temperature.": root / root.sum(dim=-1, keepdim=True),
                "the powers are not divided by their sum.": power,
                "the powers are divided by the sum of the whole table; each row has its own.": power / power.sum(),
                "p is multiplied by T; raise it to the power T.": T * p,
                "nothing is changed; raise p to the power T.": p,
                "this is the softmax of T p; the softmax wants T log p.": (T * p).softmax(dim=-1),
            }
            right = (T * p.log()).softmax(dim=-1)
            judge(answer(p.clone(), T), right, mistakes, f"at T = {T} these are not the sharpened probabilities.")
    large = numbers(answer(torch.tensor([0.5, 0.3, 0.2]), 1000.0))
    expect(np.isfinite(large).all(), "at T = 1000 your result is 0 / 0, for p to the power T is too small a number.")
    judge(large, torch.tensor([1.0, 0, 0]), {}, "at T = 1000 the most probable word should get everything.")


@exercise
def four_factored(answer):
    """(embedded (captions, steps, e), image (captions, v), four LSTMs, output) -> logits of LRCN-4f."""
    words, image, output = torch.randn(2, 5, 3), torch.randn(2, 4), nn.Linear(6, 8)
    lstms = [_lstm(6, seed) for seed in range(4)]

    def stack(*image_layers, layers=4, image_first=False):
        x, v = words, image[:, None].expand(-1, 5, -1)
        for i, lstm in enumerate(lstms[:layers]):
            if i in image_layers:
                x = torch.cat([v, x] if image_first else [x, v], dim=2)
            x = lstm(x)[0]
        return output(x)

    right = stack(1)
    mistakes = {
        "the image enters the first LSTM; in the factored models it joins at the second.": stack(0),
        "the image enters all four LSTMs; it joins at the second only.": stack(0, 1, 2, 3),
        "the image enters the last LSTM; it joins at the second.": stack(3),
        "the softmax reads the second LSTM; the fourth LSTM's outputs are its inputs.": stack(1, layers=2),
        "image and h have changed places: the LSTM reads [h; v].": stack(1, image_first=True),
        "the image is never used.": stack(),
        "only the last step has logits; every step needs them.": right[:, -1],
        "these are probabilities; logits are wanted.": right.softmax(dim=2),
    }
    judge(answer(words, image, lstms, output), right, mistakes, "these are not the logits of LRCN-4f.")
    package = Captioner(9, 4, "4f", hidden=6, embedding=3).eval()
    chosen = torch.randint(9, (2, 5))
    ours = answer(package.embedding(chosen), image, package.layers, package.output)
    judge(ours, package(image, chosen), {}, "it is right with other LSTMs, but not with those of the package.")


def _lstm(hidden: int, seed: int):
    """Stands in for an LSTM and takes inputs of any size, so that an image at the wrong layer is no error of shapes."""

    def lstm(x, state=None):
        shape = tuple(getattr(x, "shape", ()))
        gets = shape or f"a {type(x).__name__}: an LSTM returns outputs and state"
        expect(len(shape) == 3, f"an LSTM reads (captions, steps, numbers), but gets {gets}.")
        weight = torch.randn(shape[2], hidden, generator=torch.Generator().manual_seed(100 * seed + shape[2]))
        return torch.tanh(x.cumsum(dim=1) @ weight / 3), (x[:, -1], x[:, -1])

    return lstm


@exercise
def interval(answer):
    """(ours (images,), theirs (images,), draws (repeats, images)) -> (low, high) of the mean difference."""
    luck = np.random.default_rng(0)
    theirs, draws = luck.normal(5, 2, 40), luck.integers(0, 40, (500, 40))
    difference = luck.gamma(1, 0.5, 40)
    ours, means = theirs + difference, difference[draws].mean(axis=1)

    def middle(values, low=0.025):
        return np.quantile(values, (low, 1 - low))

    of_ours, of_theirs = middle(ours[draws].mean(axis=1)), middle(theirs[draws].mean(axis=1))
    sd, normal = means.std() * np.array([-1, 1]), means.mean()
    mistakes = {
        "the middle 90 % lie between these; 95 % leave 2.5 % on each side.": middle(means, 0.05),
        "the intervals of the two are subtracted; take the difference in each draw first.": of_ours - of_theirs,
        "this is the interval of single images; it is wanted of the mean of a draw.": middle(difference),
        "the mean is taken over the draws; take it over the images of each draw.": middle(difference[draws].mean(0)),
        "only ours is drawn; both are judged on the same images.": of_ours - theirs.mean(),
        "this is one standard deviation to each side, about 68 %.": normal + sd,
        "this is 1.96 standard deviations to each side; take the quantiles.": normal + 1.96 * sd,
        "this is theirs minus ours.": -middle(means)[::-1],
    }
    judge(answer(ours, theirs, draws), middle(means), mistakes, "this is not the middle 95 % of the draws.", 1e-6)
