"""From frame features to tuples: the visual classifiers behind the CRF's unaries, and the CRF itself.

The unaries that a CRF and the decoders learn from must look like those they will see at test time. A classifier is
surer of the clips it was trained on than of new ones, so the unaries of training clips are cross-fitted: each comes
from a classifier that never saw that clip's group (``out_of_fold``).
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from lrcn_utils import environment
from lrcn_utils.data.tacos import CRFOutputs, folds
from lrcn_utils.models.crf import Edge, TupleCRF
from lrcn_utils.models.description import SlotClassifier
from lrcn_utils.training.loop import follow
from lrcn_utils.training.recipe import Recipe
from lrcn_utils.training.state import State

FOLDS, HIDDEN = 3, 64  # of the classifiers
RECIPE = Recipe(epochs=20, rate=4e-3, weight_decay=1e-2, clip_norm=5.0, batch_size=64)
Unaries = list[Tensor]  # one tensor (clips, states of the slot) a slot, log-probabilities


def train_classifier(
    features: Tensor, tuples: Tensor, states: Sequence[int], *, seed: int = 0, state: State | None = None
) -> SlotClassifier:
    """A visual classifier of all slots, from features (n, frames, dim) and true ``tuples`` (n, slots)."""
    environment.seed_everything(seed)
    model = SlotClassifier(features.shape[2], list(states), HIDDEN).to(environment.device())
    data = TensorDataset(features, tuples)
    follow(RECIPE, model, data, _slots_loss, model.parameters(), seed=seed, state=state, progress=False)
    return model


def _slots_loss(model: SlotClassifier, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Mean over the slots of the cross-entropy, in nats."""
    device = next(model.parameters()).device
    frames, tuples = (tensor.to(device) for tensor in batch)
    losses = [nn.functional.nll_loss(log_p, tuples[:, s]) for s, log_p in enumerate(model(frames))]
    return sum(losses) / len(losses)


@torch.no_grad()
def unaries(classifier: SlotClassifier, features: Tensor) -> Unaries:
    """Log-probabilities of every slot's states for clips of ``features`` (n, frames, dim)."""
    device = next(classifier.parameters()).device
    return [log_p.cpu() for log_p in classifier.eval()(features.to(device))]


def out_of_fold(
    features: Tensor,
    tuples: Tensor,
    videos: Sequence[str],
    states: Sequence[int],
    *,
    seed: int = 0,
    state_of: Callable[[str], State] | None = None,
) -> Unaries:
    """Unaries of training clips, each by a classifier trained on the other groups.

    ``state_of``: gives the ``State`` of the training of each fold, by the fold's name.
    """
    result = [torch.empty(len(videos), k) for k in states]
    for number, held in enumerate(folds(videos, FOLDS), 1):
        rest = sorted(set(range(len(videos))) - set(held))
        if not rest:
            raise ValueError(
                f"{len(videos)} training videos of one group are too few: each fold learns from the others"
            )
        state = state_of(f"fold{number}") if state_of else None
        classifier = train_classifier(features[rest], tuples[rest], states, seed=seed, state=state)
        for whole, part in zip(result, unaries(classifier, features[held]), strict=True):
            whole[held] = part
    return result


def fit_crf(
    unaries: Unaries, tuples: Tensor, edges: Sequence[Edge], *, precision: float = 0.1, steps: int = 300
) -> TupleCRF:
    """Maximum a posteriori: the likelihood, and a Gaussian prior of ``precision`` about independent slots (w 1, P 0).

    The objective is concave, so L-BFGS on all clips finds the one optimum: no seed, no rate, no order of clips. It is
    flat about the optimum, so the search goes on until the loss falls by less than 1e-12, in double precision: in
    single precision it stopped where rounding hides the slope. The CRF is returned in single precision. The more clips,
    the less the prior counts. Its default was chosen on groups 8 to 10 of Toy Kitchen's training side.
    """
    crf = TupleCRF([u.shape[1] for u in unaries], edges).double()
    search = {"max_iter": steps, "tolerance_change": 1e-12, "line_search_fn": "strong_wolfe"}
    optimizer = torch.optim.LBFGS(crf.parameters(), **search)

    def objective() -> Tensor:
        optimizer.zero_grad()
        prior = (crf.unary_weight - 1).square().sum() + sum(table.square().sum() for table in crf.pairwise)
        loss = crf(unaries, tuples) + precision * prior / (2 * len(tuples))
        loss.backward()
        return loss

    optimizer.step(objective)
    return crf.float().requires_grad_(False)


def read_clips(crf: TupleCRF, unaries: Unaries, videos: Sequence[str], states: dict[str, list[str]]) -> CRFOutputs:
    """Both outputs of the CRF for ``videos``: marginals and MAP tuples."""
    return CRFOutputs(list(videos), states, crf.marginals(unaries), crf.map_tuple(unaries))


def independent(unaries: Unaries, videos: Sequence[str], states: dict[str, list[str]]) -> CRFOutputs:
    """The control: the classifiers alone, each slot's best state by itself."""
    best = torch.stack([u.argmax(1) for u in unaries], 1)
    return CRFOutputs(list(videos), states, [u.exp() for u in unaries], best)


def slot_accuracy(outputs: CRFOutputs, truth: Tensor) -> dict[str, float]:
    """Share of right states by slot, their mean ("mean of slots"), and the share of wholly right tuples ("tuple")."""
    right = (outputs.map_tuples == truth).float()
    each = dict(zip(outputs.states, right.mean(0).tolist(), strict=True))
    return {**each, "mean of slots": right.mean().item(), "tuple": right.all(1).float().mean().item()}


def add_noise(unaries: Unaries, strength: float, seed: int = 0) -> Unaries:
    """Unaries with Gaussian noise of standard deviation ``strength`` (nats) on every score, normalised again."""
    generator = torch.Generator().manual_seed(seed)
    return [(u + strength * torch.randn(u.shape, generator=generator)).log_softmax(1) for u in unaries]
