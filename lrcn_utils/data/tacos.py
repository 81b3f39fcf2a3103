"""Video description in the layout of TACoS Multi-Level (Rohrbach et al., 2014), which Toy Kitchen shares.

    root/{detailed,short,singlesentence}/<video>/<describer>.txt    one sentence a line, three levels of detail
    root/experimentalSetup/{sequencesTrainValDishes,sequencesTest}.txt
    root/tuples.csv                                                 Toy Kitchen: the true tuple of each video
    root/crf.csv                                                    outputs of a CRF, for those who hold them

``tuples.csv`` has the columns video,activity,tool,object,source,target: a word each, "none" where there is nothing.
``crf.csv`` has the columns video,slot,state,probability,map and one row for each state of each slot of each video:
``probability`` is the marginal of that state (0..1, they sum to 1 over a slot), ``map`` is 1 for the state of the
most probable tuple, else 0.
The real download holds the sentences only; its tuples and CRF outputs were never published with it.
"""

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lrcn_utils.data import atomic
from lrcn_utils.data.report import Report
from lrcn_utils.data.text import read_csv, read_lines

if TYPE_CHECKING:
    import torch

LEVELS = ("detailed", "short", "singlesentence")
SLOTS = ("activity", "tool", "object", "source", "target")
NOTHING = "none"
_GROUP = re.compile(r"(?:_|^)([gs]\d+)(?:_|-)")


@dataclass(frozen=True)
class Description:
    """What one describer wrote about one video at one level of detail, a string a sentence."""

    video: str
    describer: str
    level: str
    sentences: tuple[str, ...]

    @property
    def text(self) -> str:
        """All sentences in a row, a full stop between two."""
        return " . ".join(sentence.rstrip(" .") for sentence in self.sentences)


@dataclass(frozen=True)
class TacosCorpus:
    """The descriptions that could be read. ``train``, ``test``: the videos of each side (no video is on both)."""

    root: Path
    descriptions: list[Description] = field(repr=False)
    train: list[str] = field(repr=False)
    test: list[str] = field(repr=False)
    report: Report = field(repr=False)

    @property
    def levels(self) -> list[str]:
        """The levels of which there are descriptions."""
        found = {description.level for description in self.descriptions}
        return [level for level in LEVELS if level in found]

    def of(self, level: str, videos: Iterable[str]) -> list[Description]:
        """The descriptions of ``videos`` at ``level``, in the order of ``videos``."""
        place = {video: number for number, video in enumerate(videos)}
        found = [d for d in self.descriptions if d.level == level and d.video in place]
        return sorted(found, key=lambda d: place[d.video])

    def only(self, videos: Iterable[str], what: str) -> "TacosCorpus":
        """The corpus of ``videos`` alone; each other video with descriptions is reported as one without ``what``."""
        known, missing = set(videos), Counter()
        missing.update(d.video for d in self.descriptions if d.video not in known)
        for video, count in missing.items():
            self.report.add(f"{video}: no {what}; its {count} descriptions are left out")
        kept = [d for d in self.descriptions if d.video in known]
        described = {d.video for d in kept}
        sides = ([v for v in side if v in described] for side in (self.train, self.test))
        return TacosCorpus(self.root, kept, *sides, self.report)


def read_corpus(root: Path | str, levels: Sequence[str] = LEVELS, *, strict: bool = False) -> TacosCorpus:
    """All descriptions of ``levels`` below ``root``.

    Empty files, unknown levels and videos of the split without descriptions are left out and stand in ``report``,
    a line each; ``strict`` raises the first. Raises FileNotFoundError where there is no such dataset, ValueError when
    a video is in both lists of the split.
    """
    root, report = Path(root), Report(strict)
    sides = {
        name: _read_list(root / "experimentalSetup" / f"sequences{name}.txt") for name in ("TrainValDishes", "Test")
    }
    if both := sorted(set(sides["TrainValDishes"]) & set(sides["Test"])):
        raise ValueError(f"{root / 'experimentalSetup'}: {both[0]} is in both lists ({len(both)} such videos)")
    descriptions = []
    for level in levels:
        if level not in LEVELS:
            report.add(f"level {level!r} is unknown and left out; the levels are {', '.join(LEVELS)}")
        elif not (root / level).is_dir():
            report.add(f"{root / level}: no such folder; level {level} is left out")
        else:
            descriptions += _read_level(root, level, [*sides["TrainValDishes"], *sides["Test"]], report)
    return TacosCorpus(root, descriptions, sides["TrainValDishes"], sides["Test"], report)


def group(video: str) -> str:
    """The person and kitchen of a video: "g07" of v_Stir_g07_c02, "s13" of s13-d21; the whole name of any other."""
    found = _GROUP.search(video)
    return found[1] if found else video


def folds(videos: Sequence[str], count: int) -> list[list[int]]:
    """Positions in ``videos`` cut into ``count`` parts of whole groups: group number i goes to part i mod count."""
    numbers = {name: i for i, name in enumerate(sorted({group(video) for video in videos}))}
    parts = [[] for _ in range(count)]
    for position, video in enumerate(videos):
        parts[numbers[group(video)] % count].append(position)
    return parts


def read_tuples(path: Path | str, report: Report | None = None) -> dict[str, tuple[str, ...]]:
    """{video: its words in the order of ``SLOTS``}. A row with an empty slot is left out and reported."""
    path, report = Path(path), Report() if report is None else report
    tuples = {}
    for number, row in read_csv(path, ("video", *SLOTS)):
        missing = [slot for slot in SLOTS if not row[slot].strip()]
        if row["video"] in tuples:
            report.add(f"{path.name}, line {number}: {row['video']} stands twice; its first tuple is used")
        elif missing:
            report.add(
                f"{path.name}, line {number}: {row['video']}: slot {', '.join(missing)} is empty and the tuple is"
                f" left out; write the word, or {NOTHING!r}"
            )
        else:
            tuples[row["video"]] = tuple(row[slot].strip() for slot in SLOTS)
    return tuples


def slot_states(tuples: Iterable[tuple[str, ...]]) -> dict[str, list[str]]:
    """The words that each slot takes in ``tuples``, sorted: the states of the CRF's variables."""
    columns = zip(*tuples, strict=True)
    return {slot: sorted(set(words)) for slot, words in zip(SLOTS, columns, strict=True)}


def encode_tuples(tuples: Iterable[tuple[str, ...]], states: dict[str, list[str]]) -> "torch.Tensor":
    """Words to state numbers, long (n, slots). Raises ValueError for a word that is no state of its slot."""
    import torch  # here, because who prepares the sentences needs none of it

    rows = []
    for words in tuples:
        for slot, word in zip(states, words, strict=True):
            if word not in states[slot]:
                raise ValueError(f"{word!r} is no state of slot {slot}; its states are {', '.join(states[slot])}")
        rows.append([states[slot].index(word) for slot, word in zip(states, words, strict=True)])
    return torch.tensor(rows, dtype=torch.long).reshape(-1, len(states))


def decode_tuple(row: Iterable[int], states: dict[str, list[str]]) -> tuple[str, ...]:
    """State numbers (slots,) to words."""
    return tuple(states[slot][int(number)] for slot, number in zip(states, row, strict=True))


@dataclass(frozen=True)
class CRFOutputs:
    """What a CRF says about some videos. ``marginals``: a float tensor (videos, states of the slot) a slot.

    ``states``: the words of each slot; ``map_tuples``: long (videos, slots), numbers of states.
    """

    videos: list[str]
    states: dict[str, list[str]]
    marginals: "list[torch.Tensor]"
    map_tuples: "torch.Tensor"

    def of(self, videos: Iterable[str]) -> "CRFOutputs":
        """The same for ``videos`` alone, in their order. Raises KeyError for one that is not here."""
        place, videos = {video: i for i, video in enumerate(self.videos)}, list(videos)
        rows = [place[video] for video in videos]
        return CRFOutputs(videos, self.states, [m[rows] for m in self.marginals], self.map_tuples[rows])

    def joined(self, other: "CRFOutputs") -> "CRFOutputs":
        """These videos and then those of ``other``, which has the same states."""
        import torch

        marginals = [torch.cat(pair) for pair in zip(self.marginals, other.marginals, strict=True)]
        map_tuples = torch.cat([self.map_tuples, other.map_tuples])
        return CRFOutputs(self.videos + other.videos, self.states, marginals, map_tuples)


def write_crf(path: Path | str, outputs: CRFOutputs) -> None:
    """Write ``crf.csv``, whole or not at all."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("video", "slot", "state", "probability", "map"))
    for v, video in enumerate(outputs.videos):
        for s, (slot, words) in enumerate(outputs.states.items()):
            best = int(outputs.map_tuples[v, s])
            for k, word in enumerate(words):
                writer.writerow((video, slot, word, f"{float(outputs.marginals[s][v, k]):.6f}", int(k == best)))
    atomic.write_text(path, text.getvalue())


def read_crf(path: Path | str, report: Report | None = None) -> CRFOutputs:
    """Read ``crf.csv``. The states of a slot are all that occur in it, sorted; a state without a row has probability 0.

    A video is left out and reported when a slot has no rows, not one MAP state, or probabilities that do not sum
    to 1 within 0.01. Raises ValueError by line for a cell that is no probability or a slot that does not exist.
    """
    import torch

    path, report = Path(path), Report() if report is None else report
    table: dict[str, dict[str, dict[str, tuple[float, int]]]] = {}
    for number, row in read_csv(path, ("video", "slot", "state", "probability", "map")):
        if row["slot"] not in SLOTS:
            raise ValueError(f"{path.name}, line {number}: slot {row['slot']!r} is none of {', '.join(SLOTS)}")
        try:
            probability = float(row["probability"])
        except ValueError:
            probability = math.nan
        if not 0 <= probability <= 1:
            raise ValueError(f"{path.name}, line {number}: probability {row['probability']!r} is not from 0 to 1")
        cells = table.setdefault(row["video"], {}).setdefault(row["slot"], {})
        before = cells.get(row["state"], (0.0, 0))  # a row that stands twice makes the sum too large
        cells[row["state"]] = before[0] + probability, before[1] + (row["map"].strip() == "1")
    states = {slot: sorted({state for video in table.values() for state in video.get(slot, {})}) for slot in SLOTS}
    videos = [video for video, slots in table.items() if _whole(path, video, slots, report)]
    marginals = [
        torch.tensor([table[video][slot].get(word, (0.0,))[0] for video in videos for word in words]).reshape(
            len(videos), len(words)
        )
        for slot, words in states.items()
    ]
    best = [[next(w for w, cell in table[v][slot].items() if cell[1]) for slot in SLOTS] for v in videos]
    return CRFOutputs(videos, states, marginals, encode_tuples(best, states))


def _whole(path: Path, video: str, slots: dict, report: Report) -> bool:
    for slot in SLOTS:
        cells = slots.get(slot, {}).values()
        total = sum(probability for probability, _ in cells)
        if not cells:
            report.add(f"{path.name}: {video}: slot {slot} has no rows; the video is left out")
        elif abs(total - 1) > 0.01:
            report.add(f"{path.name}: {video}: the probabilities of {slot} sum to {total:.3f}; the video is left out")
        elif sum(best for _, best in cells) != 1:
            report.add(f"{path.name}: {video}: slot {slot} needs one row with map 1; the video is left out")
        else:
            continue
        return False
    return True


def _read_list(path: Path) -> list[str]:
    if not path.exists():
        raise FileNotFoundError(
            f"{path}: no such list; give the download of the corpus to data_scripts/prepare_tacos.py --source"
        )
    return list(dict.fromkeys(line.strip() for line in read_lines(path) if line.strip()))


def _read_level(root: Path, level: str, videos: list[str], report: Report) -> list[Description]:
    descriptions = []
    for video in videos:
        files = sorted((root / level / video).glob("*.txt"), key=lambda file: (len(file.stem), file.stem))
        if not files:
            report.add(f"{level}/{video}: no descriptions", "no descriptions")
        for file in files:
            sentences = tuple(line.strip() for line in read_lines(file) if line.strip())
            if sentences:
                descriptions.append(Description(video, file.stem, level, sentences))
            else:
                report.add(f"{level}/{video}/{file.name}: the file is empty", "the file is empty", "left out")
    return descriptions
