"""Pictures of many files through a CNN, in calls of one size; the next files are read while the CNN computes."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from lrcn_utils.data.read_ahead import Part, read_ahead
from lrcn_utils.data.report import Report
from lrcn_utils.training.processes import processes

T = TypeVar("T")
# Pictures to the CNN in one call on a CPU, whatever their size: fewer take up to 1.5 times as long, more gain nothing.
PICTURES_AT_ONCE = 16
PIXELS_ON_GPU = 5_000_000  # a GPU wants as many as make its launches cheap
MOST_READERS = 8


class _Piece(NamedTuple):
    """What one call holds of an item. ``end``: whether its last picture is among them, or the error that ends it."""

    item: object
    pictures: int
    end: bool | Exception


def look(cnn: nn.Module, pictures: Tensor, layer: str) -> Tensor:
    """Features (n, d) of uint8 pictures (n, height, width, 3), all on the device of ``cnn``."""
    # A view with the channels last, as they lie in memory, is twice as fast for SqueezeNet on a CPU.
    return cnn.features(pictures.permute(0, 3, 1, 2) / 255, layer)


def at_once(device: torch.device, height: int, width: int) -> int:
    """How many pictures of this size go to the CNN in one call."""
    return max(1, PIXELS_ON_GPU // (height * width)) if device.type == "cuda" else PICTURES_AT_ONCE


def features_of_each(
    items: Iterable[T], read: Callable[[T], Iterator[np.ndarray]], cnn: nn.Module, layer: str, report: Report
) -> Iterator[tuple[T, Tensor]]:
    """(item, features (n, d) on the CPU) of each item, in order.

    ``read``: yields the item's pictures, uint8 (some, height, width, 3), of one size for all items. An item of which it
    raises a ValueError is added to ``report`` and left out. All calls have one size, and the last is filled up with
    black, so an item's features are the same bits whichever others there are.
    """
    device, found = next(cnn.parameters()).device, []
    readers = min(MOST_READERS, processes().cores) if device.type == "cuda" else 2
    calls = _calls(read_ahead(items, read, readers=readers), device)
    call = next(calls, None)
    while call:
        pictures, pieces = call
        features = look(cnn, pictures, layer) if pictures is not None else torch.empty(0)
        call = next(calls, None)  # on a GPU the next pictures are gathered and on their way while it computes
        counts = [piece.pictures for piece in pieces]
        for piece, some in zip(pieces, features[: sum(counts)].cpu().split(counts), strict=True):
            found.append(some)
            if isinstance(piece.end, Exception):
                if not isinstance(piece.end, ValueError):
                    raise piece.end
                report.add(piece.end)
            elif piece.end:
                yield piece.item, torch.cat(found)
            if piece.end:
                found = []


def _calls(parts: Iterable[Part], device: torch.device) -> Iterator[tuple[Tensor | None, list[_Piece]]]:
    """The pictures of each call, on ``device``, and whose they are; None where an error is all there is."""
    pictures, pieces, filled = None, [], 0
    for item, content, last in parts:
        if isinstance(content, Exception):
            pieces.append(_Piece(item, 0, content))
            continue
        while len(content):
            if pictures is None:
                size = at_once(device, *content.shape[1:3])
                # From page-locked memory a GPU fetches by itself, while Python goes on.
                pictures = torch.empty(size, *content.shape[1:], dtype=torch.uint8, pin_memory=device.type == "cuda")
            some, content = content[: len(pictures) - filled], content[len(pictures) - filled :]
            pictures[filled : filled + len(some)] = torch.from_numpy(some)
            filled += len(some)
            pieces.append(_Piece(item, len(some), last and not len(content)))
            if filled == len(pictures):
                yield pictures.to(device, non_blocking=True), pieces
                pictures, pieces, filled = None, [], 0
    if filled:
        pictures[filled:] = 0
        pictures = pictures.to(device, non_blocking=True)
    if pieces:
        yield pictures, pieces
