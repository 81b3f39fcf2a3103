"""How a captioner learns, whatever it sees."""

from torch import nn

from lrcn_utils.models.captioning import ImageCaptioner
from lrcn_utils.training.caffe import parameter_groups
from lrcn_utils.training.loop import History, follow
from lrcn_utils.training.recipe import Recipe
from lrcn_utils.training.sentences import Pairs, batch_loss, collate


def learn(model: nn.Module, pairs: Pairs, recipe: Recipe, **options) -> History:
    """Train on all ``pairs``; a CNN in the model learns at a tenth of the rate. ``options`` go to ``loop.fit``."""
    if isinstance(model, ImageCaptioner) and not recipe.caffe:
        speeds = [(model.captioner, 1), (model.cnn, 10)]
        groups = [{"params": part.parameters(), "lr": recipe.rate / slower} for part, slower in speeds]
    else:
        groups = parameter_groups(model, recipe, {"cnn.": 0.1})
    return follow(recipe, model, pairs, batch_loss, groups, collate=collate, **options)
