"""Readers, vocabulary, index and metrics at the size of the paper's datasets, on made data: seconds and memory.

    python benchmarks/coco_size.py

COCO's val2014 has 40,504 images and 202,654 captions, and UCF-101 has 13,320 clips. Nothing is downloaded: captions are
drawn from made words, and images and films are empty files.
"""

import random
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lrcn_utils.data import video_index
from lrcn_utils.data.coco import read_coco, write_coco
from lrcn_utils.data.ucf101 import read_index
from lrcn_utils.data.video import VideoInfo
from lrcn_utils.data.vocabulary import Vocabulary
from lrcn_utils.metrics.captions import caption_scores
from lrcn_utils.metrics.retrieval import both_directions

IMAGES, CAPTIONS, VIDEOS, TEST_IMAGES = 40_504, 202_654, 13_320, 5_000


class Row(NamedTuple):
    """What was done to how many items: CPU seconds, and the process's peak memory so far in megabytes."""

    work: str
    items: int
    seconds: float
    megabytes: float


def rows() -> Iterator[Row]:
    """Measure one row after another."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _captions(Path(folder))
        yield from _videos(Path(folder))


def _captions(root: Path) -> Iterator[Row]:
    rng = random.Random(0)
    words = [f"w{number}x" for number in range(25_000)]
    shares = [1 / (rank + 3) for rank in range(len(words))]  # as words are: few are frequent
    pool = rng.choices(words, shares, k=1_000_000)
    names = [f"{number:012}.jpg" for number in range(IMAGES)]
    captions = [[] for _ in names]
    for number in range(CAPTIONS):
        start = rng.randrange(len(pool) - 20)
        captions[number % IMAGES].append(" ".join(pool[start : start + rng.randint(8, 13)]))
    images = root / "images"
    images.mkdir()
    for name in names:
        (images / name).touch()
    file = root / "captions.json"
    write_coco(file, [str(number) for number in range(IMAGES)], names, captions)
    found = yield from _measured("read_coco, of captions", CAPTIONS, lambda: read_coco(file, images))
    pairs = found.pairs()
    texts = [text for _, text in pairs]
    vocabulary = yield from _measured("Vocabulary.build", CAPTIONS, lambda: Vocabulary.build(texts))
    yield from _measured("Vocabulary.encode", CAPTIONS, lambda: [vocabulary.encode(text) for text in texts])
    wanted = [[text.split() for text in some] for some in captions[:TEST_IMAGES]]
    written = [some[-1][:10] for some in wanted]
    yield from _measured("BLEU, ROUGE-L and CIDEr-D, of images", TEST_IMAGES, lambda: caption_scores(written, wanted))
    scores = np.random.default_rng(0).normal(size=(1000, 5000)).astype(np.float32)
    owners = np.repeat(np.arange(1000), 5)
    yield from _measured("R@K and Medr, of captions", 5000, lambda: both_directions(scores, owners))


def _videos(root: Path) -> Iterator[Row]:
    root = root / "ucf101"
    names = [
        f"Class{n % 101:03}/v_Class{n % 101:03}_g{n // 101 % 25 + 1:02}_c{n // 2525 + 1:02}" for n in range(VIDEOS)
    ]
    for name in names:
        file = root / "UCF-101" / f"{name}.avi"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    lists = root / "ucfTrainTestlist"
    lists.mkdir()
    for side, groups in (("train", range(8, 26)), ("test", range(1, 8))):
        chosen = [f"{name}.avi\n" for name in names if int(name[-6:-4]) in groups]
        (lists / f"{side}list01.txt").write_text("".join(chosen), encoding="utf-8", newline="\n")
    numbered = "".join(f"{n + 1} Class{n:03}\n" for n in range(101))
    (lists / "classInd.txt").write_text(numbered, encoding="utf-8", newline="\n")
    check, video_index.check_video = video_index.check_video, lambda path: VideoInfo(186, 240, 320, 25.0)
    try:
        yield from _measured("the first read_index (films not decoded)", VIDEOS, lambda: read_index(root))
    finally:
        video_index.check_video = check
    yield from _measured("read_index, of videos that are known", VIDEOS, lambda: read_index(root))


def _measured(work: str, items: int, function: Callable):
    began = time.process_time()
    found = function()
    seconds = time.process_time() - began
    yield Row(work, items, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return found


if __name__ == "__main__":
    for row in rows():
        print(f"{row.work:42} {row.items:8}  {row.seconds:7.2f} CPU-s  peak {row.megabytes:5.0f} MB", flush=True)
