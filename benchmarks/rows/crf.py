"""The conditional random field of lesson 06 as a chain, beside the package pytorch-crf."""

import torch

from benchmarks.row import Missing, Topic, Work
from lrcn_utils import environment
from lrcn_utils.models.crf import TupleCRF

BATCH, PEER = 32, "pytorch-crf"
TOPIC = Topic(over=PEER, process="CRF")


def _both(slots: int, states: int):
    """The same chain twice, (ours, theirs), and random scores for both: ours a tensor a slot, theirs one tensor."""
    try:
        from torchcrf import CRF
    except ImportError as error:
        raise Missing("pytorch-crf is not installed") from error
    device = environment.device()
    ours = TupleCRF([states] * slots, [(slot, slot + 1) for slot in range(slots - 1)]).to(device)
    theirs = CRF(states, batch_first=True).to(device)
    with torch.no_grad():  # they share one table among all pairs, we learn one a pair
        theirs.start_transitions.zero_(), theirs.end_transitions.zero_()
        for table in ours.pairwise:
            table.copy_(theirs.transitions)
    scores = torch.randn(BATCH, slots, states).to(device)
    return ours, theirs, scores


@TOPIC.row("CRF training step, 5 slots x 16 states", 5, 16, bar=1.0)
@TOPIC.row("CRF training step, 5 slots x 64 states", 5, 64, bar=1.0)
@TOPIC.row("CRF training step, 5 slots x 256 states", 5, 256, bar=0.2)
@TOPIC.row("CRF training step, 20 slots x 16 states", 20, 16, bar=1.0)
def step(slots: int, states: int) -> Work:
    ours, theirs, scores = _both(slots, states)
    tuples = torch.randint(states, (BATCH, slots)).to(scores.device)
    unaries = scores.unbind(1)

    def own() -> torch.Tensor:
        ours.zero_grad(set_to_none=True)
        loss = ours(unaries, tuples)
        loss.backward()
        return loss.detach()

    def other() -> torch.Tensor:
        theirs.zero_grad(set_to_none=True)
        loss = -theirs(scores, tuples, reduction="mean")
        loss.backward()
        return loss.detach()

    return Work({"ours": own, PEER: other})


@TOPIC.row("CRF log Z, 20 slots x 16 states", 20, 16, bar=1.0)
@TOPIC.row("CRF log Z, 5 slots x 256 states", 5, 256, bar=0.2)
def log_partition(slots: int, states: int) -> Work:
    ours, theirs, scores = _both(slots, states)
    unaries, mask = scores.unbind(1), torch.ones(slots, BATCH, dtype=torch.bool, device=scores.device)
    turned = scores.transpose(0, 1).contiguous()
    ways = {
        "ours": torch.no_grad()(lambda: ours.log_partition(unaries)),
        PEER: torch.no_grad()(lambda: theirs._compute_normalizer(turned, mask)),
    }
    return Work(ways)


@TOPIC.row("CRF MAP, 5 slots x 16 states", 5, 16, bar=1.0)
@TOPIC.row("CRF MAP, 5 slots x 256 states", 5, 256, bar=1.0)
def best_tuple(slots: int, states: int) -> Work:
    ours, theirs, scores = _both(slots, states)
    unaries = scores.unbind(1)
    ways = {"ours": lambda: ours.map_tuple(unaries).tolist(), PEER: lambda: theirs.decode(scores)}
    return Work(ways)
