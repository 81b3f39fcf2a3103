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
        self.register_buffer("sizes", torch.tensor(self.states), persistent=False)
        owners = torch.arange(len(self.states)).repeat_interleave(self.sizes)  # the slot of each state
        self.register_buffer("owners", owners, persistent=False)
        self.register_buffer("ends", torch.tensor(self.edges, dtype=torch.long).reshape(-1, 2).T, persistent=False)
        self.register_buffer("first_states", self.sizes.cumsum(0) - self.sizes, persistent=False)
        cells = self.sizes[self.ends].prod(0)  # of each edge's table
        self.register_buffer("first_cells", cells.cumsum(0) - cells, persistent=False)
        self.unary_weight = nn.Parameter(torch.ones(len(self.states)))
        self.pairwise = nn.ParameterList(torch.zeros(self.states[i], self.states[j]) for i, j in self.edges)

    def forward(self, unaries: Sequence[torch.Tensor], tuples: torch.Tensor) -> torch.Tensor:
        """Mean negative log-likelihood, in nats a tuple, of the true ``tuples`` (batch, slots)."""
        weighted = self._weighted(unaries)
        return (self._log_z(weighted) - self._score(weighted, tuples)).mean()

    def score(self, unaries: Sequence[torch.Tensor], tuples: torch.Tensor) -> torch.Tensor:
        """Unnormalised log score (batch,) of ``tuples`` (batch, slots)."""
        return self._score(self._weighted(unaries), tuples)

    def log_partition(self, unaries: Sequence[torch.Tensor]) -> torch.Tensor:
        """log Z (batch,): the log of the summed scores of all tuples."""
        return self._log_z(self._weighted(unaries))

    def marginals(self, unaries: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """p(y_s | clip), one tensor (batch, states[s]) a slot: the gradient of log Z in the unary scores."""
        with torch.enable_grad():
            scores = self._weighted(unaries).detach().requires_grad_()
            (found,) = torch.autograd.grad(self._log_z(scores).sum(), scores)
        return list(found.split(self.states, 1))

    @torch.no_grad()
    def map_tuple(self, unaries: Sequence[torch.Tensor]) -> torch.Tensor:
        """The most probable tuple (batch, slots), by the same elimination with max in the place of the sum.

        Then the slots are filled in the opposite order: what a slot should be depends on slots that have been filled
        by then. So no back-pointers are kept, and between equally good tuples one is chosen whole.
        """
        steps: list[list[Factor]] = []
        self._eliminate(self._weighted(unaries), self._maximise, steps)
        best = torch.zeros(len(unaries[0]), len(self.states), dtype=torch.long, device=unaries[0].device)
        for slot, touched in zip(reversed(self.order), reversed(steps), strict=True):
            best[:, slot] = reduce(add, (self._beside(factor, slot, best) for factor in touched)).argmax(1)
        return best

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

    def _weighted(self, unaries: Sequence[torch.Tensor]) -> torch.Tensor:
        """The weighted unaries of all slots side by side: (batch, sum of states)."""
        shapes = tuple(u.shape[1] for u in unaries)
        if shapes != self.states:
            raise ValueError(f"unaries have {shapes} states a slot, the CRF has {self.states}")
        side_by_side = torch.cat(list(unaries), 1)
        weights = self.unary_weight.index_select(0, self.owners)
        # An impossible state stays out of the product: the gradient of the weight would be -inf times 0.
        impossible = side_by_side == -torch.inf
        return (weights * side_by_side.masked_fill(impossible, 0)).masked_fill(impossible, -torch.inf)

    def _score(self, weighted: torch.Tensor, tuples: torch.Tensor) -> torch.Tensor:
        own = weighted.gather(1, tuples + self.first_states).sum(1)
        if not self.edges:
            return own
        # All tables in one row, so that one look-up, with one gradient, serves all edges.
        tables = torch.cat([table.flatten() for table in self.pairwise])
        i, j = self.ends
        cells = self.first_cells + tuples[:, i] * self.sizes[j] + tuples[:, j]
        return own + tables.gather(0, cells.flatten()).view_as(cells).sum(1)

    def _factors(self, weighted: torch.Tensor) -> list[Factor]:
        edges = zip(self.edges, self.pairwise, strict=True)
        return [
            *(((slot,), unary) for slot, unary in enumerate(weighted.split(self.states, 1))),
            *((edge, table[None]) for edge, table in edges),
        ]

    def _spread(self, factor: Factor, scope: Sequence[int]) -> torch.Tensor:
        """The factor's table with one axis for each slot of ``scope``, of size 1 where the factor does not have it."""
        own, table = factor
        return table.reshape(table.shape[0], *(self.states[slot] if slot in own else 1 for slot in scope))

    def _log_z(self, weighted: torch.Tensor) -> torch.Tensor:
        return self._eliminate(weighted, self._sum_out)

    def _eliminate(self, weighted, sum_out: Callable, steps: list[list[Factor]] | None = None) -> torch.Tensor:
        """Sum (or maximise) the slots out one by one: (batch,). ``steps`` receives the factors that each slot was in.

        ``sum_out(touched, scope, slot)`` gives the table of ``scope`` without ``slot``, from the factors with ``slot``.
        """
        factors = self._factors(weighted)
        for slot in self.order:
            touched = [factor for factor in factors if slot in factor[0]]
            scope = sorted({other for own, _ in touched for other in own})
            factors = [factor for factor in factors if slot not in factor[0]]
            factors.append((tuple(other for other in scope if other != slot), sum_out(touched, scope, slot)))
            if steps is not None:
                steps.append(touched)
        total = reduce(add, (table for _, table in factors))
        if not math.isfinite(total.sum().item()):
            clip = int(total.isfinite().logical_not().nonzero()[0])
            raise ValueError(f"unaries: clip {clip} has no possible tuple, or a log-probability that is not a number")
        return total

    def _sum_out(self, touched: list[Factor], scope: list[int], slot: int) -> torch.Tensor:
        pairs = [(own, table) for own, table in touched if own != (slot,)]
        if len(pairs) == 1 and len(scope) == 2 and len(pairs[0][1]) == 1:  # a leaf, and the table of its only edge
            message = reduce(add, (table for own, table in touched if own == (slot,)))
            table = pairs[0][1][0]
            return log_sum_product(message, table if slot == scope[0] else table.T)
        return self._joined(touched, scope).logsumexp(scope.index(slot) + 1)

    def _maximise(self, touched: list[Factor], scope: list[int], slot: int) -> torch.Tensor:
        return self._joined(touched, scope).amax(scope.index(slot) + 1)

    def _joined(self, factors: list[Factor], scope: Sequence[int]) -> torch.Tensor:
        return reduce(add, (self._spread(factor, scope) for factor in factors))

    def _beside(self, factor: Factor, slot: int, states: torch.Tensor) -> torch.Tensor:
        """The factor's scores (batch, states) of ``slot``, all its other slots being as ``states`` (batch, slots)."""
        own, table = factor
        clips = torch.arange(len(states), device=states.device)[:, None] % len(table)
        every = torch.arange(self.states[slot], device=states.device)
        return table[clips, *(every if other == slot else states[:, other, None] for other in own)]


def log_sum_product(message: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
    """log sum_i exp(message_i + table_ij) for each j: (batch, j), from ``message`` (batch, i) and ``table`` (i, j).

    By a matrix product of exponentials, from which the largest of each row and column has been taken beforehand. Where
    a sum is so small all the same that its terms may have left the range of the numbers, it is taken the plain way.
    """
    with torch.no_grad():
        row, column = message.amax(1, keepdim=True), table.amax(0)
        of_message, of_table = (message - row).exp_(), (table - column).exp_()
        sums = of_message @ of_table
        numbers = torch.finfo(sums.dtype)
        exact = sums.min().item() > numbers.tiny / numbers.eps**2  # not so either where a number is not a number
    if not exact:
        return (message[:, :, None] + table).logsumexp(1)
    return _LogSumProduct.apply(message, table, of_message, of_table, sums, row + column)


class _LogSumProduct(torch.autograd.Function):
    """What ``log_sum_product`` has found, with its gradient: how much each state i has to do with each j, summed up."""

    @staticmethod
    def forward(ctx, message, table, of_message, of_table, sums, shift):
        ctx.save_for_backward(of_message, of_table, sums)
        return sums.log().add_(shift)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient):
        of_message, of_table, sums = ctx.saved_tensors
        share = gradient / sums
        return (share @ of_table.T).mul_(of_message), (of_message.T @ share).mul_(of_table), None, None, None, None
