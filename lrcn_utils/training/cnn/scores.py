"""How well the toy CNN names what images show: on kitchens that it has never seen."""

import torch
from torch import nn
from torch.utils.data import Dataset

from lrcn_utils.training.cnn.images import FAMILIES, POINT_LABELS, LabelledImages


@torch.no_grad()
def _outputs(model: nn.Module, dataset: Dataset, batch: int = 128) -> torch.Tensor:
    """Scores of all labels (n, labels) for all images of ``dataset``, on the CPU."""
    device = next(model.parameters()).device
    model.eval()
    kept = []
    for start in range(0, len(dataset), batch):
        images = torch.stack([dataset[i][0] for i in range(start, min(start + batch, len(dataset)))])
        kept.append(model.features(images.to(device, memory_format=torch.channels_last), "fc8").cpu())
    return torch.cat(kept)


def scores(model: nn.Module, dataset: LabelledImages, labels: list[str]) -> dict[str, float]:
    """Share of images whose word is found, for each family; and the mean error of the points in shares of the crop."""
    dataset.train = False
    found = _outputs(model, dataset)
    truth = torch.stack([dataset[i][1] for i in range(len(dataset))])
    result = {}
    for family in FAMILIES:
        columns = [k for k, label in enumerate(labels) if label.startswith(family + " ")]
        told = ~truth[:, columns].isnan().any(1) if columns else torch.zeros(0)
        if told.any():
            right = found[told][:, columns].argmax(1) == truth[told][:, columns].argmax(1)
            result[family] = round(right.float().mean().item(), 4)
    places = [labels.index(label) for label in POINT_LABELS]
    known = ~truth[:, places].isnan()
    if known.any():
        errors = (found[:, places].sigmoid() - truth[:, places]).abs()
        result["point error"] = round(errors[known].mean().item(), 4)
    return result
