"""A conditional random field over the slots of a tuple, such as <activity, tool, object, source, target>.

The paper takes its tuples from the CRF of earlier work (v4 Sec. 6) and uses both of its outputs: the most probable
tuple (MAP) for decoders (a) and (b), the marginal distributions for decoder (c).

Which graph? Five slots joined all to all can still be summed exactly, because there are only five, but the sum runs
over every tuple: 16 states a slot are a million of them, and the table grows with each new slot. On a tree the same
sum costs one small table an edge, however many slots there are. So any graph may be given, inference is exact
variable elimination on tensors in every case (on a tree it never builds a table larger than one edge), and
``chow_liu`` finds the tree that keeps the most of what the slots tell about one another.
"""

import itertools
from collections.abc import Callable, Sequence

import torch
from torch import nn

Edge = tuple[int, int]
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


class TupleCRF(nn.Module):
    """log p(tuple | clip) = sum_s w_s u_s(y_s) + sum_(i,j) P_ij(y_i, y_j) - log Z(clip).

    ``states``: number of states of each slot; ``edges``: pairs of slots with a learned table, at most one a pair.
    The unaries u_s, one tensor (batch, states[s]) a slot, come from outside: the log-probabilities of visual
    classifiers. Learned are one weight a slot (w, starts at 1: how far to trust that classifier) and one table an
    edge (P, starts at 0: the slots are independent). Raises ValueError for an edge that is not a pair of two slots.
    """

    def __init__(self, states: Sequence[int], edges: Sequence[Edge]):
        super().__init__()
        self.states, self.edges = tuple(states), tuple(edges)
        for i, j in self.edges:
            if not 0 <= i < j < len(self.states):
                raise ValueError(f"edge {(i, j)}: give two slots i < j among 0..{len(self.states) - 1}")
        if len(set(self.edges)) < len(self.edges):
            raise ValueError(f"edges {self.edges}: an edge stands twice")
        self.unary_weight = nn.Parameter(torch.ones(len(self.states)))
        self.pairwise = nn.ParameterList(torch.zeros(self.states[i], self.states[j]) for i, j in self.edges)

    def forward(self, unaries: Sequence[torch.Tensor], tuples: torch.Tensor) -> torch.Tensor:
        """Mean negative log-likelihood, in nats a tuple, of the true ``tuples`` (batch, slots)."""
        return (self.log_partition(unaries) - self.score(unaries, tuples)).mean()

    def score(self, unaries: Sequence[torch.Tensor], tuples: torch.Tensor) -> torch.Tensor:
        """Unnormalised log score (batch,) of ``tuples`` (batch, slots)."""
        own = sum(u.gather(1, tuples[:, s : s + 1])[:, 0] for s, u in enumerate(self._weighted(unaries)))
        return own + sum(
            table[tuples[:, i], tuples[:, j]] for (i, j), table in zip(self.edges, self.pairwise, strict=True)
        )

    def log_partition(self, unaries: Sequence[torch.Tensor]) -> torch.Tensor:
        """log Z (batch,): the log of the summed scores of all tuples."""
        return self._eliminate(self._weighted(unaries), lambda table, slot: table.logsumexp(slot, keepdim=True))

    def marginals(self, unaries: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """p(y_s | clip), one tensor (batch, states[s]) a slot: the gradient of log Z in the unary scores."""
        return self._gradient(unaries, lambda table, slot: table.logsumexp(slot, keepdim=True))

    def map_tuple(self, unaries: Sequence[torch.Tensor]) -> torch.Tensor:
        """The most probable tuple (batch, slots), by the same elimination with max in the place of the sum.

        The gradient of the best score is 1 at the states that reach it and 0 elsewhere, so no back-pointers
        are kept. Between equally good tuples one is chosen whole.
        """
        best = self._gradient(unaries, lambda table, slot: table.max(slot, keepdim=True).values)
        return torch.stack([one_hot.argmax(1) for one_hot in best], 1)

    def joint(self, unaries: Sequence[torch.Tensor]) -> torch.Tensor:
        """log p of every tuple, (batch, states[0], states[1], ...): enumeration, for small models.

        Raises ValueError above 2**20 tuples.
        """
        size = torch.Size(self.states).numel()
        if size > ENUMERABLE:
            raise ValueError(f"{size} tuples are too many for one table (limit {ENUMERABLE})")
        total = sum(table for _, table in self._factors(self._weighted(unaries)))
        total = total.expand(-1, *self.states)
        return total - total.flatten(1).logsumexp(1).reshape(-1, *[1] * len(self.states))

    def n_best(self, unaries: Sequence[torch.Tensor], n: int) -> tuple[torch.Tensor, torch.Tensor]:
        """The ``n`` most probable tuples (batch, n, slots) and their log-probabilities (batch, n), best first."""
        joint = self.joint(unaries).flatten(1)
        log_probs, flat = joint.topk(min(n, joint.shape[1]), dim=1)
        return torch.stack(torch.unravel_index(flat, self.states), -1), log_probs

    def _weighted(self, unaries: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        shapes = tuple(u.shape[1] for u in unaries)
        if shapes != self.states:
            raise ValueError(f"unaries have {shapes} states a slot, the CRF has {self.states}")
        return [weight * unary for weight, unary in zip(self.unary_weight, unaries, strict=True)]

    def _factors(self, unaries: Sequence[torch.Tensor]) -> list[tuple[set[int], torch.Tensor]]:
        """Each factor as (its slots, a table with one axis for the batch and one a slot; size 1 where absent)."""
        factors = []
        for slot, unary in enumerate(unaries):
            axes = [1] * len(self.states)
            axes[slot] = self.states[slot]
            factors.append(({slot}, unary.reshape(-1, *axes)))
        for (i, j), table in zip(self.edges, self.pairwise, strict=True):
            axes = [1] * len(self.states)
            axes[i], axes[j] = table.shape
            factors.append(({i, j}, table.reshape(1, *axes)))
        return factors

    def _eliminate(self, unaries, reduce: Callable[[torch.Tensor, int], torch.Tensor]) -> torch.Tensor:
        """Sum (or maximise) the slots out one by one, the cheapest table first; on a tree those are the leaves."""
        factors, left = self._factors(unaries), set(range(len(self.states)))
        while left:
            slot = min(left, key=lambda s: (self._table_size(factors, s), s))
            touched = [factor for factor in factors if slot in factor[0]]
            table = sum(factor[1] for factor in touched)
            scope = set().union(*(factor[0] for factor in touched)) - {slot}
            factors = [factor for factor in factors if slot not in factor[0]]
            factors.append((scope, reduce(table, slot + 1)))
            left.remove(slot)
        return sum(table for _, table in factors).reshape(-1)

    def _table_size(self, factors, slot: int) -> int:
        scope = set().union(*(factor[0] for factor in factors if slot in factor[0]))
        return torch.Size([self.states[s] for s in scope]).numel()

    def _gradient(self, unaries, reduce) -> list[torch.Tensor]:
        with torch.enable_grad():
            scores = [unary.detach().requires_grad_() for unary in self._weighted(unaries)]
            return list(torch.autograd.grad(self._eliminate(scores, reduce).sum(), scores))
