"""The arithmetic that a network needs, counted by hand: additions and multiplications of its matrix products.

By hand, since PyTorch's counter (``torch.utils.flop_counter``) does not see oneDNN's LSTM, counts the weight gradient
of a grouped convolution once for each group, and would count a clumsy way to do the same as more work. What is no
matrix product (pooling, normalisation, sigmoids, softmax, the update of the weights) counts as nothing: a floor is to
be below what is possible.
"""

from torch import nn

from lrcn_utils.models.cnn import trace


def of_images(cnn: nn.Module, layer: str, images: int, *, train: bool = False) -> float:
    """A CNN up to ``layer``, for so many images of its own size.

    Training costs thrice: each product has two gradients, except that of the pixels, which nobody needs.
    """
    rows = [row for row in trace(cnn) if row.multiply_adds]
    names = [row.name for row in rows]
    counts = [2 * row.multiply_adds for row in rows[: names.index(layer) + 1]]
    return images * (3 * sum(counts) - counts[0] if train else sum(counts))


def of_steps(layers: nn.Module, steps: int, *, train: bool = False) -> float:
    """Linear and recurrent layers, for so many steps: each weight is multiplied and added once; training thrice."""
    weights = sum(parameter.numel() for parameter in layers.parameters() if parameter.dim() == 2)
    embedded = sum(part.weight.numel() for part in layers.modules() if isinstance(part, nn.Embedding))
    return (6 if train else 2) * steps * (weights - embedded)


def of_captioner(captioner: nn.Module, images: int, words: int, *, train: bool = False) -> float:
    """A ``Captioner`` that says so many words for so many images: the image's product is needed once an image."""
    layer = captioner.layers[captioner.image_layer]
    image = len(captioner.image_mean) * layer.weight_ih_l0.shape[0]
    each = 6 if train else 2
    return of_steps(captioner, words, train=train) - each * image * (words - images)
