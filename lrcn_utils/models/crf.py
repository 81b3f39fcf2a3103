"""A conditional random field over the slots of a tuple, such as <activity, tool, object, source, target>.

The paper takes its tuples from the CRF of earlier work (v4 Sec. 6) and uses both of its outputs: the most probable
tuple (MAP) for decoders (a) and (b), the marginal distributions for decoder (c).

Which graph? Five slots joined all to all can still be summed exactly, because there are only five, but the sum runs
over every tuple: 16 states a slot are a million of them, and the table grows with each new slot. On a tree the same
sum costs one small table an edge, however many slots there are. So any graph may be given, inference is exact
variable elimination in every case (on a tree it never builds a table larger than one edge), and
``chow_liu`` finds the tree that keeps the most of what the slots tell about one another.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from functools import reduce
from operator import add

import torch
from torch import nn

Edge = tuple[int, int]
Factor = tuple[tuple[int, ...], torch.Tensor]  # its slots in rising order, a table (batch or 1, one axis a slot)
ENUMERABLE = 2**20  # states of the whole tuple up to which ``joint`` agrees to build the full table


def complete_graph(slots: int) -> list[Edge]:
    """Every pair of ``slots`` variables."""
    return list(itertools.combinations(range(slots), 2))


def chow_liu(tuples: torch.Tensor, states: Sequence[int]) -> list[Edge]:
    """The tree of maximal mutual information among the columns of ``tuples`` (n, slots) (Chow and Liu, 1968).

    Returns slots - 1 edges (i, j) with i < j. Equal weights are decided by the order of the pairs.
    """
    weights = {(i, j): mutual_information(tuples[:, i], tuples[:, j]) for i, j in complete_graph(len(states))}
    group = list(range(len(states)))  # Kruskal: join the heaviest pairs first, never two slots already joined
    tree = []
    for i, j in sorted(weights, key=lambda edge: -weights[edge]):
        if group[i] != group[j]:
            tree.append((i, j))
            group = [group[i] if g == group[j] else g for g in group]
    return sorted(tree)


def mutual_information(a: torch.Tensor, b: torch.Tensor) -> float:
    """Mutual information in nats between two columns of labels, each (n,), from their counts."""
    table = torch.zeros(int(a.max()) + 1, int(b.max()) + 1, dtype=torch.float64)
    table.index_put_((a, b), torch.ones(len(a), dtype=torch.float64), accumulate=True)
    joint = table / len(a)
    independent = joint.sum(1, keepdim=True) * joint.sum(0, keepdim=True)
    return float(torch.special.xlogy(joint, joint / independent.clamp_min(1e-300)).sum())


def elimination_order(states: Sequence[int], edges: Sequence[Edge]) -> list[int]:
    """The slots in the order in which they are best summed out: always the one with the smallest table next.

    Summing a slot out joins all its neighbours to one another. On a tree the leaves come first.
    """
    neighbours = {slot: set() for slot in range(len(states))}
    for i, j in edges:
        neighbours[i].add(j)
        neighbours[j].add(i)
    order = []
    while neighbours:
        slot = min(neighbours, key=lambda s: (math.prod(states[k] for k in {s, *neighbours[s]}), s))
        order.append(slot)
        joined = neighbours.pop(slot)
        for other in joined:
            neighbours[other] = (neighbours[other] | joined) - {slot, other}
    return order


class TupleCRF(nn.Module):
    """log p(tuple | clip) = sum_s w_s u_s(y_s) + sum_(i,j) P_ij(y_i, y_j) - log Z(clip).

    ``states``: number of states of each slot; ``edges``: pairs of slots with a learned table, at most one a pair.
    The unaries u_s, one tensor (batch, states[s]) a slot, come from outside: the log-probabilities of visual
    classifiers. Learned are one weight a slot (w, starts at 1: how far to trust that classifier) and one table an
    edge (P, starts at 0: the slots are independent). Raises ValueError for an edge that is not a pair of two slots.

    A state whose unary is -inf is impossible, whatever its slot's weight, and a true tuple that holds one has the
    loss inf. What sums or maximises over all tuples raises ValueError when a clip has no possible tuple.
    """

    def __init__(self, states: Sequence[int], edges: Sequence[Edge]):
        super().__init__()
        self.states, self.edges = tuple(states), tuple(edges)
        for i, j in self.edges:
            if not 0 <= i < j < len(self.states):
                raise ValueError(f"edge {(i, j)}: give two slots i < j among 0..{len(self.states) - 1}")
        if len(set(self.edges)) < len(self.edges):
            raise ValueError(f"edges {self.edges}: an edge stands twice")
        self.order = elimination_order(self.states, self.edges)
        slot_of = torch.arange(len(self.states)).repeat_interleave(torch.tensor(self.states))
        self.register_buffer("slot_of", slot_of, persistent=False)  # of each state, all slots side by side
        self.unary_weight = nn.Parameter(torch.ones(len(self.states)))
        self.pairwise = nn.ParameterList(torch.zeros(self.states[i], self.states[j]) for i, j in self.edges)

    def forward(self, unaries: Sequence[torch.Tensor], tuples: torch.Tensor) -> torch.Tensor:
        """Mean negative log-likelihood, in nats a tuple, of the true ``tuples`` (batch, slots)."""
        weighted = self._weighted(unaries)
        return (self._eliminate(weighted, torch.logsumexp) - self._score(weighted, tuples)).mean()

    def score(self, unaries: Sequence[torch.Tensor], tuples: torch.Tensor) -> torch.Tensor:
        """Unnormalised log score (batch,) of ``tuples`` (batch, slots)."""
        return self._score(self._weighted(unaries), tuples)

    def log_partition(self, unaries: Sequence[torch.Tensor]) -> torch.Tensor:
        """log Z (batch,): the log of the summed scores of all tuples."""
        return self._eliminate(self._weighted(unaries), torch.logsumexp)

    def marginals(self, unaries: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """p(y_s | clip), one tensor (batch, states[s]) a slot: the gradient of log Z in the unary scores."""
        return self._gradient(unaries, torch.logsumexp)

    def map_tuple(self, unaries: Sequence[torch.Tensor]) -> torch.Tensor:
        """The most probable tuple (batch, slots), by the same elimination with max in the place of the sum.

        The gradient of the best score is 1 at the states that reach it and 0 elsewhere, so no back-pointers
        are kept. Between equally good tuples one is chosen whole.
        """
        best = self._gradient(unaries, lambda table, axis: table.max(axis).values)
        return torch.stack([one_hot.argmax(1) for one_hot in best], 1)

    def joint(self, unaries: Sequence[torch.Tensor]) -> torch.Tensor:
        """log p of every tuple, (batch, states[0], states[1], ...): enumeration, for small models.

        Raises ValueError above 2**20 tuples.
        """
        size = torch.Size(self.states).numel()
        if size > ENUMERABLE:
            raise ValueError(f"{size} tuples are too many for one table (limit {ENUMERABLE})")
        slots = range(len(self.states))
        total = reduce(add, (self._spread(factor, slots) for factor in self._factors(self._weighted(unaries))))
        return total - total.flatten(1).logsumexp(1).reshape(-1, *[1] * len(self.states))

    def _weighted(self, unaries: Sequence[torch.Tensor]) -> Sequence[torch.Tensor]:
        shapes = tuple(u.shape[1] for u in unaries)
        if shapes != self.states:
            raise ValueError(f"unaries have {shapes} states a slot, the CRF has {self.states}")
        side_by_side = torch.cat(list(unaries), 1)
        weights = self.unary_weight[self.slot_of]
        # An impossible state stays out of the product: the gradient of the weight would be -inf times 0.
        impossible = side_by_side == -torch.inf
        weighted = (weights * side_by_side.masked_fill(impossible, 0)).masked_fill(impossible, -torch.inf)
        return weighted.split(self.states, 1)

    def _score(self, weighted: Sequence[torch.Tensor], tuples: torch.Tensor) -> torch.Tensor:
        y = tuples.unbind(1)
        own = (unary.gather(1, state[:, None])[:, 0] for unary, state in zip(weighted, y, strict=True))
        pairs = (table[y[i], y[j]] for (i, j), table in zip(self.edges, self.pairwise, strict=True))
        return reduce(add, [*own, *pairs])

    def _factors(self, unaries: Sequence[torch.Tensor]) -> list[Factor]:
        edges = zip(self.edges, self.pairwise, strict=True)
        return [
            *(((slot,), unary) for slot, unary in enumerate(unaries)),
            *((edge, table[None]) for edge, table in edges),
        ]

    def _spread(self, factor: Factor, scope: Sequence[int]) -> torch.Tensor:
        """The factor's table with one axis for each slot of ``scope``, of size 1 where the factor does not have it."""
        own, table = factor
        return table.reshape(table.shape[0], *(self.states[slot] if slot in own else 1 for slot in scope))

    def _eliminate(self, unaries, sum_out: Callable[[torch.Tensor, int], torch.Tensor]) -> torch.Tensor:
        """Sum (or maximise) the slots out one by one: (batch,)."""
        factors = self._factors(unaries)
        for slot in self.order:
            touched = [factor for factor in factors if slot in factor[0]]
            scope = sorted({other for own, _ in touched for other in own})
            table = reduce(add, (self._spread(factor, scope) for factor in touched))
            left = tuple(other for other in scope if other != slot)
            factors = [factor for factor in factors if slot not in factor[0]]
            factors.append((left, sum_out(table, scope.index(slot) + 1)))
        total = reduce(add, (table for _, table in factors))
        if not total.isfinite().all():
            clip = int(total.isfinite().logical_not().nonzero()[0])
            raise ValueError(f"unaries: clip {clip} has no possible tuple, or a log-probability that is not a number")
        return total

    def _gradient(self, unaries, sum_out) -> list[torch.Tensor]:
        with torch.enable_grad():
            scores = [unary.detach().requires_grad_() for unary in self._weighted(unaries)]
            return list(torch.autograd.grad(self._eliminate(scores, sum_out).sum(), scores))
