"""What ``python -m lrcn_utils.extract`` makes: features and flow of a whole dataset, divided over all processes."""

import json
import time
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import torch
from torch import nn
from tqdm import tqdm

from lrcn_utils import environment
from lrcn_utils.data import atomic, clips, flow, split_lists
from lrcn_utils.data.cache import ArrayCache, digest
from lrcn_utils.data.captions import CaptionSet
from lrcn_utils.data.command import estimate
from lrcn_utils.data.image import ImageError
from lrcn_utils.data.report import Report
from lrcn_utils.data.text import read_json
from lrcn_utils.data.ucf101 import ClipDataset, flow_path
from lrcn_utils.data.video import VideoError
from lrcn_utils.models import cnn as cnns
from lrcn_utils.training.activity.videos import choose_videos, counts
from lrcn_utils.training.calls import at_once, look
from lrcn_utils.training.captioning import models
from lrcn_utils.training.captioning.images import features_of, read_images
from lrcn_utils.training.extraction.parts import ActivityFeatures, CaptioningFeatures, FlowSettings
from lrcn_utils.training.features import extract, feature_cache, image_cache
from lrcn_utils.training.processes import processes

# Of flow images of 240x320, as measured on UCF-101 on one core: seconds and bytes for each of the 186 of a video.
FLOW_SECONDS, FLOW_BYTES, FLOW_IMAGES = 1 / 73, 5_300, 186
Entry = dict[str, str]


def _activity(settings: ActivityFeatures) -> None:
    with processes().first_one_first():  # it finds the index of the videos, or makes it for all
        index = choose_videos(settings, settings.classes)
    print("\n".join([*index.report.lines, counts(index)]))
    videos, report = index.train + index.test, Report(settings.strict)
    dataset = ClipDataset(videos, settings.frames, train=False, input=settings.input, cache=False)
    cnn = cnns.pretrained(settings.cnn, download=True).to(environment.device())
    how = (dataset, cnn, settings.layer, settings.cache_folder)
    kept, views = feature_cache(*how, views=settings.views), clips.NUMBER_OF_VIEWS[settings.views]
    if processes().first:
        todo = [dataset.length(video) * views for video in videos if dataset.path(video) not in kept]
        print(_features_plan("videos", len(videos), todo, cnn, settings.layer, settings.frames[:2], 2), flush=True)
    if settings.dry_run:
        return
    extract(*how, views=settings.views, report=report, progress=True)
    files = [dataset.path(video) for video in processes().share(videos)]
    unusable = index.report.problems if processes().first else []
    _finish(kept.folder, _entries(files, kept) | _failures([*unusable, *report.problems]))


def _captioning(settings: CaptioningFeatures) -> None:
    with processes().first_one_first():
        sets = _image_sets(settings)
    network = models.open_cnn(settings.cnn)
    kept = image_cache(network, settings.feature, settings.cache_folder)
    if processes().first:
        files = {file for images in sets for file in images.images}
        todo = [1] * sum(file not in kept for file in files)
        size = (network.crop, network.crop)
        print(_features_plan("images", len(files), todo, network, settings.feature, size, 4), flush=True)
    if settings.dry_run:
        return
    entries = {}
    for images in sets:
        features_of(settings, network, settings.feature, images, settings.workers)
        entries |= _entries(processes().share(images.images), kept) | _failures(images.report.problems)
    _finish(kept.folder, entries)


def _image_sets(settings: CaptioningFeatures) -> list[CaptionSet]:
    """The images that are trained on and validated, and those of the test where there are any."""
    found = [read_images(settings, split) for split in ("train", "val")]
    try:
        return [*found, read_images(settings, "test")]
    except (FileNotFoundError, ValueError) as error:
        print(f"without the images of the test: {error}")
        return found


def _features_plan(
    what: str, count: int, todo: list[int], cnn: nn.Module, layer: str, size: tuple[int, int], number: int
) -> str:
    """How much there is to do, in a line. ``todo``: pictures of each file; ``number``: bytes of each number kept."""
    if not todo:
        return f"{count} {what}: the features of all of them are there"
    device = next(cnn.parameters()).device
    pictures = torch.zeros(at_once(device, *size), *size, 3, dtype=torch.uint8, device=device)
    with torch.inference_mode():
        for _ in range(2):  # the first time the network is still being set up
            began = time.perf_counter()
            features = look(cnn.eval(), pictures, layer).cpu()
    seconds = (time.perf_counter() - began) / len(pictures) * sum(todo)
    line = estimate(count, len(todo), what, seconds, number * features[0].numel() * sum(todo), processes().count)
    return f"{line} (by one call of the CNN, measured now; reading not counted)"


def _flow(settings: FlowSettings) -> None:
    report = Report(settings.strict)
    videos = split_lists.at_most(settings.limit, split_lists.on_disk(settings.root, report, settings.classes).values())
    if not videos:
        folder = settings.root / "UCF-101"
        raise FileNotFoundError(f"{folder}: there are no videos of the form <Class>/{split_lists.FORM}.avi in it")
    print(*report.lines, sep="\n", end="\n" if len(report) else "")
    flow.single_thread()  # of OpenCV, as every worker is a thread; OpenCV and FFmpeg work without Python's lock
    folder, workers = settings.root / "flow", settings.workers or min(processes().cores, 8)
    todo = sum(not flow_path(video).exists() for video in videos)
    cost = FLOW_IMAGES * todo * FLOW_SECONDS, FLOW_IMAGES * todo * FLOW_BYTES
    print(estimate(len(videos), todo, "videos", *cost, workers * processes().count), end=" ")
    print("(if they are like UCF-101's: 186 frames of 240x320, 73 a second on a core)", flush=True)
    if settings.dry_run:
        return
    with processes().first_one_first():
        for left_over in folder.glob("*/*.part") if processes().first else ():  # of a run that was killed
            left_over.unlink()

    entries, counts = {}, []

    def make(video: Path) -> None:
        counts.append(flow.make_flow(video, flow_path(video), settings.size))
        entries[video.name] = {"from": digest(video), "file": f"{video.parent.name}/{flow_path(video).name}"}

    own = processes().share(videos)
    with ThreadPoolExecutor(workers) as pool:
        try:
            made = [pool.submit(make, video) for video in own]
            for one in tqdm(made, "flow", disable=settings.quiet or not processes().first):
                _await(one, report)
        finally:
            pool.shutdown(cancel_futures=True)  # else an interrupt would wait for all videos
    counts = processes().gather(counts)
    new = sum(count > 0 for count in counts)
    print(f"{len(videos)} videos: {len(counts) - new} were done, {new} made now ({sum(counts)} flow images)")
    _finish(folder, entries | _failures(report.problems))


def _await(made: Future, report: Report) -> None:
    try:
        made.result()
    except VideoError as error:
        report.add(error)


def _entries(files: Iterable[Path], kept: ArrayCache) -> dict[str, Entry]:
    """What was made of each file: {its name: {"from": its digest, "file": the array}}."""
    return {file.name: {"from": digest(file), "file": kept.path(file).name} for file in files if file in kept}


def _failures(problems: Iterable[str | ValueError]) -> dict[str, Entry]:
    """What could not be read: {its name: {"error": what is wrong}}."""
    errors = (str(problem).partition(": ") for problem in problems if isinstance(problem, VideoError | ImageError))
    return {name: {"error": why} for name, _, why in errors}


def _finish(folder: Path, own: dict[str, Entry]) -> None:
    """Merge what all processes have made and what earlier runs made into ``folder``/index.json, and say how many."""
    new = dict(processes().gather(list(own.items())))
    if not processes().first:
        return
    index = folder / "index.json"
    before = read_json(index) if index.exists() else {}
    atomic.write_text(index, json.dumps(dict(sorted((before | new).items())), indent=0))
    failed = {name: entry["error"] for name, entry in new.items() if "error" in entry}
    print(f"{len(new) - len(failed)} are there, {len(failed)} could not be read; which is which: {index}")
    for name, why in failed.items():
        print(f"  {name}: {why}")


COMMANDS = {"activity": _activity, "captioning": _captioning, "flow": _flow}
