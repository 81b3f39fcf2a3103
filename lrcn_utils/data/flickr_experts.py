"""Flickr8k's expert judgements: how well people found that a caption describes an image (Hodosh et al., 2013).

The file ``ExpertAnnotations.txt`` has one image and caption pair a line, five fields between tabs: the image's
file name, the caption's id (the file name of the image it was written for, "#" and 0..4), and three experts' scores.
"""

import re
import warnings
from dataclasses import dataclass
from pathlib import Path

from lrcn_utils.data.text import read_lines

SCALE = {
    1: "does not describe the image",
    2: "describes minor aspects of it",
    3: "almost describes it, with minor mistakes",
    4: "describes it",
}


@dataclass(frozen=True)
class ExpertJudgement:
    """Three experts' scores, 1 to 4 (see ``SCALE``), of one caption beside one image."""

    image: str
    caption_id: str
    scores: tuple[int, int, int]

    @property
    def own_caption(self) -> bool:
        """Whether the caption was written for this very image."""
        return self.caption_id.rpartition("#")[0] == self.image

    @property
    def mean(self) -> float:
        return sum(self.scores) / 3


def read_expert_annotations(path: Path | str, strict: bool = False) -> list[ExpertJudgement]:
    """All judgements of ``ExpertAnnotations.txt``, in the file's order.

    Lines that do not fit are left out with one warning that names the first of them; with ``strict`` they raise
    ValueError. Raises FileNotFoundError when there is no such file.
    """
    path = Path(path)
    judgements, bad = [], []
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            continue
        try:
            judgements.append(_judgement(line))
        except ValueError as why:
            bad.append(f"{path.name}, line {number}: {why}")
            if strict:
                raise ValueError(bad[0]) from None
    if bad:
        warnings.warn(f"{bad[0]} ({len(bad)} lines left out)", stacklevel=2)
    return judgements


def _judgement(line: str) -> ExpertJudgement:
    fields = line.split("\t")
    if len(fields) != 5:
        raise ValueError(f"{len(fields)} fields between tabs, want 5: image, caption id, three scores")
    image, caption_id, *scores = (field.strip() for field in fields)
    if not re.fullmatch(r".+#[0-4]", caption_id):
        raise ValueError(f"caption id {caption_id!r} does not end in #0 to #4")
    if not all(re.fullmatch("[1-4]", score) for score in scores):
        raise ValueError(f"scores {scores}, want three of 1 to 4")
    return ExpertJudgement(image, caption_id, tuple(map(int, scores)))
