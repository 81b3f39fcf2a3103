"""Exercises of lesson 06, video description. Its CRF, with unaries and tables, is that of ``star``."""

from functools import partial
from itertools import combinations, zip_longest

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from lrcn_utils.checks import star
from lrcn_utils.checks.compare import alike, judge, numbers
from lrcn_utils.checks.exercise import exercise, expect


def _listed(found) -> list:
    expect(found is not None, "your function returns nothing; does it end with `return`?")
    return list(found)


@exercise
def parts(answer):
    """(kitchens, one name a clip, count) -> ``count`` lists of positions, no kitchen in two of them."""
    for kitchens in (["g1", "g2", "g3", "g4", "g5"] * 3 + ["g5"], sorted(["g7", "g8", "g9"] * 4)):
        given = [list(part) for part in _listed(answer(list(kitchens), 3))]
        expect(len(given) == 3, f"there should be 3 parts, but yours are {len(given)}.")
        names = [clip for part in given for clip in part if isinstance(clip, str)]
        expect(not names, "the parts hold names; they should hold positions, such as 0 for the first clip.")
        places = sorted(int(clip) for part in given for clip in part)
        expect(len(places) != 2 * len(kitchens), "these are the clips to learn from; give those that are judged.")
        expect(len(set(places)) == len(places), "some clips are in more than one part.")
        expect(places == list(range(len(kitchens))), "some clips are in no part, or some positions are of no clip.")
        seen = [{kitchens[int(clip)] for clip in part} for part in given]
        shared = set().union(*(a & b for a, b in combinations(seen, 2)))
        expect(not shared, f"kitchen {min(shared, default='')} is in two parts: its judge has seen it.")
        expect(all(given), "one part is empty.")
        expect(max(map(len, seen)) - min(map(len, seen)) <= 1, "one part has many more kitchens than another.")


@exercise
def tuple_score(answer):
    """(unaries, tables, y, one state a slot) -> the score of the tuple."""
    unaries, tables = star.star(4, 4, 4, 4)
    y = [2, 0, 3, 1]
    own = sum(u[state] for u, state in zip(unaries, y, strict=True))
    pairs = [table[y[0], state] for table, state in zip(tables, y[1:], strict=True)]
    right = own + sum(pairs)
    mistakes = {
        "the tables join neighbouring slots; each of them joins a slot to the activity.": own
        + sum(table[y[j], y[j + 1]] for j, table in enumerate(tables)),
        "the activity is the first index of a table, and you take it as the second.": own
        + sum(table[state, y[0]] for table, state in zip(tables, y[1:], strict=True)),
        "you multiply; scores are logarithms, so they are added.": torch.stack(
            [u[state] for u, state in zip(unaries, y, strict=True)] + pairs
        ).prod(),
        "the unaries are missing.": sum(pairs),
        "the tables are missing.": own,
        "you give the weight; the score is its logarithm.": right.exp(),
    }
    judge(answer(unaries, tables, y), right, mistakes, "the score is not right.")
    unaries, tables = star.star(5, 3, 6)
    right = star.score(unaries, tables, [4, 2, 5])
    judge(answer(unaries, tables, [4, 2, 5]), right, {}, "with slots of unequal sizes the score is not right.")


@exercise
def log_partition(answer):
    """(unaries, tables) -> log Z, a tensor through which gradients flow."""
    unaries, tables = star.star(4, 4, 4)
    unaries = [u.requires_grad_() for u in unaries]
    first, others = unaries[0], list(zip(unaries[1:], tables, strict=True))
    messages = sum((table + u).logsumexp(1) for u, table in others)
    right = star.log_z(unaries, tables)
    mistakes = {
        "you take the largest of the scores; Z sums over all tuples.": (
            first + sum((table + u).amax(1) for u, table in others)
        ).amax(),
        "you sum over the states of the activity; a message sums over those of the other slot.": (
            first + sum((table + u[:, None]).logsumexp(0) for u, table in others)
        ).logsumexp(0),
        "the unary of the activity is added in every message; it counts once.": (
            len(unaries) * first + messages
        ).logsumexp(0),
        "the unary of the activity is missing.": messages.logsumexp(0),
        "the unaries of the other slots are missing in their messages.": (
            first + sum(table.logsumexp(1) for _, table in others)
        ).logsumexp(0),
        "the tables are missing, so the slots do not speak to one another.": sum(u.logsumexp(0) for u in unaries),
        "you give Z; its logarithm is wanted.": right.exp(),
        "one number is wanted, but yours is one for each activity: sum over them, too.": first + messages,
    }
    found = answer(unaries, tables)
    judge(found, right, mistakes, "log Z is not right.")
    expect(isinstance(found, Tensor) and found.requires_grad, "the gradient is lost on the way: stay with tensors.")
    slopes = (torch.autograd.grad(value, unaries) for value in (found, right))
    expect(all(map(alike, *slopes)), "log Z is right, but its gradient is not.")
    large, tables = star.star(5, 3, 6)
    large = [u + 1000 for u in large]
    expect(numbers(answer(large, tables)) < float("inf"), "exp(1000) is too large for a computer: use logsumexp.")
    judge(answer(large, tables), star.log_z(large, tables), {}, "with slots of unequal sizes log Z is not right.")


@exercise
def best_tuple(answer):
    """(unaries, tables) -> the MAP tuple, a list with one state a slot."""
    cases = [star.star(4, 3, 5) for _ in range(40)]
    kinds: dict[str, list[list[int]]] = {}
    for unaries, tables in cases:
        inside = [table + u for u, table in zip(unaries[1:], tables, strict=True)]
        by_max, by_sum = (
            unaries[0] + sum(out(scores) for scores in inside)
            for out in (lambda s: s.amax(1), lambda s: s.logsumexp(1))
        )
        alone = [int(u.argmax()) for u in unaries]
        slots = [by_sum, *star.marginals(unaries, tables)[1:]]

        def follow(activity, inside=inside):
            return [int(activity), *(int(scores[activity].argmax()) for scores in inside)]

        for name, states in {
            "": follow(by_max.argmax()),
            "each slot takes the best state of its own unary.": alone,
            "each slot takes the best state of its marginal; the tuple must be best as a whole.": [
                int(p.argmax()) for p in slots
            ],
            "the activity is chosen by its unary alone, before the others have spoken.": follow(unaries[0].argmax()),
            "the activity is chosen by sums; the messages should hold the maximum.": follow(by_sum.argmax()),
            "the messages leave out the unaries of the other slots.": follow(
                (unaries[0] + sum(table.amax(1) for table in tables)).argmax()
            ),
            "beside the best activity the other slots look at their tables only; their unaries count, too.": [
                int(by_max.argmax()),
                *(int(table[by_max.argmax()].argmax()) for table in tables),
            ],
            "the other slots take their own best; they should take the best beside the activity.": [
                int(by_max.argmax()),
                *alone[1:],
            ],
            "the other slots take what is best with any activity; look only at the row of the best one.": [
                int(by_max.argmax()),
                *(int(scores.amax(0).argmax()) for scores in inside),
            ],
        }.items():
            kinds.setdefault(name, []).append(states)
    right = kinds.pop("")
    found = [list(map(int, _listed(answer(*case)))) for case in cases]
    expect(all(len(states) == 3 for states in found), "one state is wanted for each slot: three slots, three states.")
    judge(found, right, kinds, "it is not the best tuple.")


@exercise
def marginals(answer):
    """(log_partition, a function of unaries, unaries) -> the marginals, one tensor (states,) a slot."""
    unaries, tables = star.star(4, 3, 5)
    log_z = partial(star.log_z, tables=tables)

    def flat(each) -> Tensor:
        return torch.cat([torch.as_tensor(numbers(one)) for one in _listed(each)])

    right, z = flat(star.marginals(unaries, tables)), log_z(unaries).exp()
    mistakes = {
        "this is the gradient of Z; that of log Z is wanted.": right * z,
        "the sign is wrong: these are negative.": -right,
        "these are the classifiers alone: the tables have not been asked.": flat(u.softmax(0) for u in unaries),
        "a weight divided by Z is not a marginal: it leaves out the other slots.": flat(u.exp() / z for u in unaries),
        "you give the logarithms of the marginals.": right.log(),
    }
    given = [u.clone() for u in unaries]
    judge(flat(answer(log_z, given)), right, mistakes, "the marginals are not right.")
    again = flat(answer(log_z, given))
    expect(not alike(again, 2 * right), "at a second call all is doubled: `.grad` adds to what is there.")
    judge(again, right, {}, "at a second call the marginals are not right.")


@exercise
def vector(answer):
    """(MAP tuples (clips, slots), sizes) -> ones and zeros (clips, sum of the sizes), all slots in one row."""
    sizes, tuples = [3, 5, 2], torch.tensor([[0, 4, 1], [2, 0, 0], [1, 3, 1], [2, 2, 0]])
    rows = [one_hot(tuples[:, slot], size) for slot, size in enumerate(sizes)]
    right, shared = torch.cat(rows, 1), one_hot(tuples, max(sizes))
    mistakes = {
        "these are the numbers of the states; each becomes a row of zeros with a single one.": tuples,
        "the slots lie over one another: state 0 of two slots is the same place. Lay them side by side.": shared.sum(1),
        "all slots are given equal room; each has as many places as it has states.": shared.flatten(1),
        "the row is scaled to the sum 1; each slot has a one of its own.": right / len(sizes),
        "the slots stand in another order.": torch.cat(rows[::-1], 1),
    }
    judge(answer(tuples, list(sizes)), right, mistakes, "the rows are not right.")


@exercise
def layout(answer):
    """(frames, words, "cvpr" or "v4") -> what is seen and heard at each step, pairs; None is nothing."""
    for frames, words in ((["f1", "f2", "f3", "f4"], ["<bos>", "he", "stirs"]), (["f1"], ["<bos>", "go"])):
        read = len(frames)
        late, right, early, at_once = [_laid_out(frames, words, n) for n in (read + 1, read, read - 1, 0)]
        kept = [[(frame or frames[-1], word) for frame, word in pairs] for pairs in (right, early)]
        mistakes = {
            "the two clocks are exchanged.": [early, right],
            "v4 shares a step: the last frame is seen while the first word is heard.": [right, right],
            "CVPR shares no step: the first word is heard after the last frame.": [early, early],
            "<bos> is heard while the first frame is being read; the writing begins later.": [at_once, at_once],
            "there is one step too many between reading and writing.": [late, right],
            "when no frame is left to see, nothing is seen: put None.": kept,
        }
        given = [
            [tuple(pair) for pair in _listed(answer(list(frames), list(words), clock))] for clock in ("cvpr", "v4")
        ]
        for sentence, mistaken in mistakes.items():
            expect(given != mistaken, sentence)
        for clock, pairs, wanted in zip(("cvpr", "v4"), given, (right, early), strict=True):
            about = f"{clock}, {read} frames and {len(words)} words"
            expect(len(pairs) == len(wanted), f"{about}: {len(wanted)} steps are needed, but yours are {len(pairs)}.")
            expect(pairs == wanted, f"{about}: frames and words do not lie side by side as they should.")


def _laid_out(frames: list[str], words: list[str], silent: int) -> list[tuple[str | None, str | None]]:
    """(seen, heard) at each step, where nothing is heard in the first ``silent`` steps."""
    return list(zip_longest(frames, [None] * silent + words))


@exercise
def is_phrase_pair(answer):
    """(links, source span, target span), the ends of a span exclusive -> whether the spans are a phrase pair."""
    links = {(0, 1), (1, 3), (3, 4), (1, 5)}
    spans = [[tuple(span) for span in combinations(range(length + 1), 2)] for length in (4, 7)]
    asked = [(source, target) for source in spans[0] for target in spans[1]]

    def every(rule):
        return [float(rule([(s0 <= s < s1, t0 <= t < t1) for s, t in links])) for (s0, s1), (t0, t1) in asked]

    right = every(lambda ends: (True, True) in ends and all(a == b for a, b in ends))
    longer = [
        float(
            all((a <= s <= b) == (c <= t <= d) for s, t in links) and any(a <= s <= b and c <= t <= d for s, t in links)
        )
        for (a, b), (c, d) in asked
    ]
    full = [
        value and all(any(t == place for _, t in links) for place in range(*target))
        for value, (_, target) in zip(right, asked, strict=True)
    ]
    mistakes = {
        "two spans without any link are no pair: at least one link must join them.": every(
            lambda ends: all(a == b for a, b in ends)
        ),
        "one link is not enough: no link may lead out.": every(lambda ends: (True, True) in ends),
        "a link may lead out of the target span in your version.": every(
            lambda ends: (True, True) in ends and all(b for a, b in ends if a)
        ),
        "a link may lead out of the source span in your version.": every(
            lambda ends: (True, True) in ends and all(a for a, b in ends if b)
        ),
        "the end of a span does not belong to it.": longer,
        "a word without a link may come along.": full,
    }
    judge([bool(answer(set(links), *spans)) for spans in asked], right, mistakes, "some pairs are judged wrongly.")
