"""The CRF against enumeration, finite differences and pytorch-crf."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lrcn_utils.models.crf import (
    TupleCRF,
    chow_liu,
    complete_graph,
    elimination_order,
    log_sum_product,
    mutual_information,
)

MILLION = 10**6


def random_crf(states, edges, seed, batch=2):
    """A CRF with random tables and random unaries, in double precision."""
    generator = torch.Generator().manual_seed(seed)
    crf = TupleCRF(states, edges).double()
    with torch.no_grad():
        crf.unary_weight.copy_(torch.rand(len(states), generator=generator) + 0.5)
        for table in crf.pairwise:
            table.copy_(torch.randn(table.shape, generator=generator))
    unaries = [torch.randn(batch, k, generator=generator, dtype=torch.float64) for k in states]
    return crf, unaries


def enumerate_tuples(crf, unaries):
    """Scores of every tuple, written out: (batch, tuples), and the tuples (tuples, slots)."""
    grid = torch.cartesian_prod(*[torch.arange(k) for k in crf.states]).reshape(-1, len(crf.states))
    scores = sum(w * u[:, grid[:, s]] for s, (w, u) in enumerate(zip(crf.unary_weight, unaries, strict=True)))
    for (i, j), table in zip(crf.edges, crf.pairwise, strict=True):
        scores = scores + table[grid[:, i], grid[:, j]]
    return scores, grid


def check_against_enumeration(crf, unaries):
    with torch.no_grad():
        scores, grid = enumerate_tuples(crf, unaries)
        log_z = scores.logsumexp(1)
        torch.testing.assert_close(crf.log_partition(unaries), log_z, atol=1e-6, rtol=0)
        probabilities = (scores - log_z[:, None]).exp()
        for slot, marginal in enumerate(crf.marginals(unaries)):
            expected = torch.zeros_like(marginal).index_add_(1, grid[:, slot], probabilities)
            torch.testing.assert_close(marginal, expected, atol=1e-6, rtol=0)
        assert torch.equal(crf.map_tuple(unaries), grid[scores.argmax(1)])


@st.composite
def graphs(draw, most=400):
    """Any number of slots from 1 to 6, any sizes (1 included), any set of edges, up to ``most`` tuples."""
    slots = draw(st.integers(1, 6))
    states, room = [], most
    for _ in range(slots):
        states.append(draw(st.integers(1, max(1, min(room, 24)))))
        room //= states[-1]
    pairs = complete_graph(slots)
    edges = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    return states, sorted(edges), draw(st.integers(0, 10_000))


@settings(max_examples=60)
@given(graphs())
def test_any_graph_equals_enumeration(graph):
    check_against_enumeration(*random_crf(*graph))


@settings(max_examples=60)
@given(graphs(), st.floats(-1, 2))
def test_impossible_states_stay_impossible_and_gradients_finite(graph, weight):
    """Unaries of log 0, whatever their slot's weight: results by enumeration, and no gradient that is not a number."""
    crf, unaries = random_crf(*graph)
    generator = torch.Generator().manual_seed(graph[2])
    kept = [torch.rand(u.shape, generator=generator, dtype=u.dtype) < 0.6 for u in unaries]
    for mask in kept:
        mask[:, 0] = True
    unaries = [u.masked_fill(~mask, -torch.inf) for u, mask in zip(unaries, kept, strict=True)]
    with torch.no_grad():
        crf.unary_weight[0] = weight
    finite = [u.masked_fill(~mask, 0) for u, mask in zip(unaries, kept, strict=True)]
    scores, grid = enumerate_tuples(crf, finite)
    possible = torch.stack([mask[:, grid[:, s]] for s, mask in enumerate(kept)]).all(0)
    scores = scores.masked_fill(~possible, -torch.inf).detach()
    log_z = scores.logsumexp(1)
    torch.testing.assert_close(crf.log_partition(unaries), log_z)
    torch.testing.assert_close(crf.joint(unaries).flatten(1), scores - log_z[:, None])
    for slot, marginal in enumerate(crf.marginals(unaries)):
        expected = torch.zeros_like(marginal).index_add_(1, grid[:, slot], (scores - log_z[:, None]).exp())
        torch.testing.assert_close(marginal, expected)
    best = crf.map_tuple(unaries)
    torch.testing.assert_close(crf.score(unaries, best), scores.max(1).values)

    leaves = [u.requires_grad_() for u in unaries]
    for tuples in (best, grid[scores.argmin(1)]):  # the second may be impossible: then its loss is inf
        loss = crf(leaves, tuples)
        torch.testing.assert_close(loss, -(scores.gather(1, tuples_index(grid, tuples)) - log_z[:, None]).mean())
        for gradient in torch.autograd.grad(loss, [*leaves, *crf.parameters()]):
            assert gradient.isfinite().all()


def tuples_index(grid, tuples):
    """The row of ``grid`` that holds each of ``tuples``: (batch, 1)."""
    return (grid[None] == tuples[:, None]).all(2).float().argmax(1, keepdim=True)


@pytest.mark.parametrize("edges", [[(i, i + 1) for i in range(99)], [(0, i) for i in range(1, 100)], []])
def test_a_hundred_slots_equal_a_sum_along_the_tree(edges):
    """Message passing in a loop over the edges, from the last one: each child goes into its parent."""
    crf, unaries = random_crf([3] * 100, edges, seed=5)
    with torch.no_grad():
        messages = [w * u for w, u in zip(crf.unary_weight, unaries, strict=True)]
        for (parent, child), table in reversed(list(zip(crf.edges, crf.pairwise, strict=True))):
            messages[parent] = messages[parent] + (table + messages[child][:, None]).logsumexp(2)
        roots = [0] if edges else range(100)
        torch.testing.assert_close(crf.log_partition(unaries), sum(messages[root].logsumexp(1) for root in roots))
        marginals = crf.marginals(unaries)
        torch.testing.assert_close(torch.stack(marginals).sum(2), torch.ones(100, 2, dtype=torch.float64))
    assert crf.map_tuple(unaries).shape == (2, 100)


@pytest.mark.parametrize("bad", [-torch.inf, torch.nan, torch.inf])
def test_a_clip_without_a_possible_tuple_is_named(bad):
    crf, unaries = random_crf((3, 2), [(0, 1)], seed=0)
    unaries[1][1] = bad
    for call in (crf.log_partition, crf.marginals, crf.map_tuple):
        with pytest.raises(ValueError, match="clip 1 has no possible tuple"):
            call(unaries)


@settings(max_examples=60)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_the_slot_with_the_smallest_table_is_always_summed_out_next(states, random):
    edges = [edge for edge in complete_graph(len(states)) if random.random() < 0.4]
    scopes, left = [*({slot} for slot in range(len(states))), *map(set, edges)], set(range(len(states)))

    def scope(slot):
        return set().union(*(scope for scope in scopes if slot in scope))

    def size(slot):
        return math.prod(states[other] for other in scope(slot))

    for slot in elimination_order(states, edges):
        assert size(slot) == min(map(size, left))
        scopes, merged = [scope for scope in scopes if slot not in scope], scope(slot) - {slot}
        scopes.append(merged)
        left.remove(slot)
    assert not left


LARGE = [
    ((16, 16, 16, 16, 15), complete_graph(5)),
    ((16, 16, 16, 16, 15), [(0, 1), (0, 2), (0, 3), (0, 4)]),
    ((50, 40, 20, 5, 5), [(0, 1), (1, 2), (2, 3), (3, 4), (0, 4)]),
    ((1000, 1000), [(0, 1)]),
    ((100, 100, 100), [(0, 1), (1, 2)]),
    ((10,) * 6, [(i, i + 1) for i in range(5)]),
    ((4,) * 9, [(0, j) for j in range(1, 9)] + [(7, 8)]),
    ((MILLION,), []),
]


@pytest.mark.parametrize(("states", "edges"), LARGE)
def test_large_shapes_equal_enumeration(states, edges):
    assert torch.Size(states).numel() <= MILLION
    check_against_enumeration(*random_crf(states, edges, seed=len(states), batch=1))


def test_score_and_joint_agree_with_enumeration():
    crf, unaries = random_crf((3, 4, 2), [(0, 1), (0, 2)], seed=3)
    scores, grid = enumerate_tuples(crf, unaries)
    for column, one in enumerate(grid):
        torch.testing.assert_close(crf.score(unaries, one.expand(2, -1)), scores[:, column])
    log_probs = scores - scores.logsumexp(1, keepdim=True)
    torch.testing.assert_close(crf.joint(unaries).flatten(1), log_probs)
    with pytest.raises(ValueError, match="too many"):
        TupleCRF((2000, 2000), []).joint([torch.zeros(1, 2000), torch.zeros(1, 2000)])


def test_gradients_by_finite_differences():
    crf, unaries = random_crf((3, 2, 4, 2), [(0, 1), (0, 2), (1, 3), (2, 3)], seed=7)
    truth = torch.tensor([[0, 1, 3, 0], [2, 0, 1, 1]])
    unaries = [u.requires_grad_() for u in unaries]
    assert torch.autograd.gradcheck(lambda *u: crf(u, truth), unaries)
    crf(unaries, truth).backward()
    step = 1e-6
    for parameter in crf.parameters():
        flat, gradient = parameter.data.view(-1), parameter.grad.view(-1)
        for k in range(len(flat)):
            flat[k] += step
            up = crf(unaries, truth).item()
            flat[k] -= 2 * step
            down = crf(unaries, truth).item()
            flat[k] += step
            assert gradient[k].item() == pytest.approx((up - down) / (2 * step), abs=1e-7)


def plain_log_sum_product(message, table):
    return (message[:, :, None] + table).logsumexp(1)


@st.composite
def scores_far_apart(draw):
    """A message (2, i) and a table (i, j) of numbers that may lie further apart than ``exp`` can tell, or be -inf."""
    i, j = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    number = st.one_of(st.floats(-3, 3), st.floats(-300, 300), st.floats(-1e6, 1e6), st.just(-math.inf))
    rows = [draw(st.lists(number, min_size=size, max_size=size)) for size in (2 * i, i * j)]
    dtype = draw(st.sampled_from([torch.float32, torch.float64]))
    message, table = torch.tensor(rows[0], dtype=dtype).view(2, i), torch.tensor(rows[1], dtype=dtype).view(i, j)
    # Each sum has one state at least that is possible: the gradient of the log of nothing is not a number.
    message[:, 0], table[0] = message[:, 0].nan_to_num(neginf=-5), table[0].nan_to_num(neginf=-7)
    return message, table


@settings(max_examples=300)
@given(scores_far_apart())
def test_sums_by_a_matrix_product_are_exact_however_far_apart_the_scores_are(scores):
    """Values and gradients are the plain way's, within what rounding the largest of the scores already costs."""
    scores = [part.requires_grad_() for part in scores]
    found, expected = log_sum_product(*scores), plain_log_sum_product(*scores)
    largest = max(float(part.detach().nan_to_num(neginf=0).abs().max()) for part in scores)
    rounding = 8 * (1 + largest) * torch.finfo(found.dtype).eps
    torch.testing.assert_close(found, expected, rtol=0, atol=rounding)
    weights = torch.linspace(0.5, 2, found.numel(), dtype=found.dtype).view_as(found)
    gradients = [torch.autograd.grad(values, scores, weights) for values in (found, expected)]
    for ours, plain in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, plain, rtol=10 * rounding, atol=10 * rounding)


@pytest.mark.parametrize("depth", [0, 100, 1000])
def test_the_sum_has_the_right_gradient(depth):
    """Finite differences; at a depth of 1,000 the largest of the message meets the smallest of the table."""
    generator = torch.Generator().manual_seed(0)
    message, table = (torch.randn(3, 4, generator=generator, dtype=torch.float64) for _ in range(2))
    table = table.T[:, :3].clone()
    message[0, 0], table[0, 1] = message[0, 0] + depth, table[0, 1] - depth
    inputs = (message.requires_grad_(), table.requires_grad_())
    assert torch.autograd.gradcheck(log_sum_product, inputs)


def test_equals_pytorch_crf_on_a_chain_with_tied_transitions():
    torchcrf = pytest.importorskip("torchcrf")
    slots, k = 5, 6
    crf, unaries = random_crf((k,) * slots, [(i, i + 1) for i in range(slots - 1)], seed=1, batch=3)
    theirs = torchcrf.CRF(k, batch_first=True).double()
    with torch.no_grad():
        crf.unary_weight.fill_(1)
        theirs.start_transitions.zero_()
        theirs.end_transitions.zero_()
        for table in crf.pairwise:
            table.copy_(theirs.transitions)
    emissions, mask = torch.stack(unaries, 1), torch.ones(3, slots, dtype=torch.bool)
    truth = torch.randint(k, (3, slots), generator=torch.Generator().manual_seed(2))
    theirs_nll = -theirs(emissions, truth, mask=mask, reduction="mean")
    torch.testing.assert_close(crf(unaries, truth), theirs_nll)
    assert crf.map_tuple(unaries).tolist() == theirs.decode(emissions, mask=mask)


def test_marginals_are_distributions_and_work_without_gradients():
    crf, unaries = random_crf((5, 3, 4), [(0, 1), (0, 2)], seed=4)
    with torch.no_grad():
        marginals = crf.marginals(unaries)
    for marginal in marginals:
        assert not marginal.requires_grad
        torch.testing.assert_close(marginal.sum(1), torch.ones(2, dtype=torch.float64))


def test_equally_good_tuples_are_never_mixed():
    crf = TupleCRF((2, 2), [(0, 1)]).double()
    with torch.no_grad():
        crf.pairwise[0].copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
    best = crf.map_tuple([torch.zeros(1, 2, dtype=torch.float64)] * 2)
    assert best.tolist() in ([[0, 0]], [[1, 1]])


def test_chow_liu_finds_the_tree_that_made_the_data():
    generator = torch.Generator().manual_seed(0)
    n, states = 4000, (4, 4, 4, 4)
    columns = [torch.randint(4, (n,), generator=generator)]
    for parent in (0, 1, 0):  # the tree 1-0, 2-1, 3-0, each child a noisy copy of its parent
        noise = torch.rand(n, generator=generator) < 0.3
        other = torch.randint(4, (n,), generator=generator)
        columns.append(torch.where(noise, other, columns[parent]))
    assert chow_liu(torch.stack(columns, 1), states) == [(0, 1), (0, 3), (1, 2)]


def test_mutual_information_of_copies_and_of_independent_columns():
    a = torch.tensor([0, 0, 1, 1])
    assert mutual_information(a, a) == pytest.approx(torch.tensor(2.0).log().item())
    assert mutual_information(a, torch.tensor([0, 1, 0, 1])) == pytest.approx(0)


def test_wrong_edges_and_wrong_unaries_are_named():
    for edges in ([(1, 0)], [(0, 0)], [(0, 3)]):
        with pytest.raises(ValueError, match="edge"):
            TupleCRF((2, 2), edges)
    with pytest.raises(ValueError, match="twice"):
        TupleCRF((2, 2), [(0, 1), (0, 1)])
    with pytest.raises(ValueError, match="states a slot"):
        TupleCRF((2, 3), []).log_partition([torch.zeros(1, 2), torch.zeros(1, 2)])


def test_complete_graph_has_every_pair():
    assert complete_graph(5) == list(itertools.combinations(range(5), 2))
