"""From files to tensors: films decoded, clips loaded, features extracted, flow estimated, datasets prepared."""

import itertools

import numpy as np
import torch
from torch.utils.data import DataLoader

from benchmarks import material, plain
from benchmarks.row import SECONDS, Missing, Topic, Work
from data_scripts import prepare_ucf101, prepare_videos
from lrcn_utils import environment
from lrcn_utils.data import flow
from lrcn_utils.data.clips import PAPER, TOY, VIEWS, collate_clips
from lrcn_utils.data.toy_kitchen import films, render
from lrcn_utils.data.video import read_video, write_video
from lrcn_utils.models.cnn import toy_hybrid, untrained
from lrcn_utils.training.activity.settings import WHOLE
from lrcn_utils.training.features import cnn_features, extract

TOPIC = Topic()


@TOPIC.row("reading films of 240x320", over="raw PyAV", bar=1.0)
def reading() -> Work:
    root = material.films(4, 60)
    paths = [video.path for video in material.videos(root)]
    return Work(
        {
            "ours": lambda: sum(len(read_video(path)) for path in paths) * torch.ones(1),
            "raw PyAV": lambda: sum(plain.raw_frames(path) for path in paths) * torch.ones(1),
        }
    )


@TOPIC.row("clips of 60x80, cached, by workers", TOY, 64, 60, 80, over="one by one", clock="wall")
@TOPIC.row("clips of 240x320, cached, by workers", PAPER, 16, 240, 320, over="one by one", clock="wall")
def clip_loading(size, count: int, height: int, width: int) -> Work:
    dataset = material.clips(material.films(count, 40, height, width), size, cache=True)

    def load(workers: int) -> None:
        for _ in DataLoader(dataset, 4, collate_fn=collate_clips, num_workers=workers):
            pass

    def frame_by_frame() -> None:
        for video in dataset.videos:
            frames = dataset.read(video)[:16, : size.crop, : size.crop]
            torch.stack([torch.from_numpy(frame.copy()).permute(2, 0, 1).float() / 255 for frame in frames])

    workers = {name: lambda n=n: load(n) for n, name in enumerate(("ours", "1 worker", "2 workers"))}
    return Work(workers | {"one by one": frame_by_frame})


@TOPIC.row("features of whole frames, SqueezeNet", "squeezenet1_1", WHOLE, "whole", "pool", over="CNN alone", bar=1.1)
@TOPIC.row("features of toy films, fc6", "toy", TOY, "centre", "fc6", over="CNN alone")
def features(name: str, size, view: str, layer: str) -> Work:
    """Each time into an empty cache, decoding included; the CNN alone has the frames in memory."""
    cnn = (toy_hybrid(1) if name == "toy" else untrained(name)).to(environment.device()).eval()
    count, frames = (16, 48) if name == "toy" else (2, 16)
    dataset = material.clips(material.films(count, frames, size.height, size.width), size, cache=False)
    held = [np.stack(list(dataset.stream(video))) for video in dataset.videos]

    def extracted() -> torch.Tensor:
        found = extract(dataset, cnn, layer, material.folder(), views=view)
        return torch.from_numpy(np.stack(list(found))).float()

    def alone() -> torch.Tensor:
        seen = [VIEWS[view](one, size.crop, False) for one in held]
        return torch.stack([cnn_features(cnn, one, layer).half() for one in seen]).float()

    @torch.inference_mode()
    def one_image() -> torch.Tensor:
        images = torch.from_numpy(VIEWS[view](held[0], size.crop, False).copy()).permute(0, 1, 4, 2, 3)[0]
        device = environment.device()
        rows = [cnn.features(image[None].to(device) / 255, layer).cpu() for image in images]
        return torch.cat(rows)[None, None].half().float()

    ways = {"ours": extracted, "CNN alone": alone, "one image at a time": one_image}
    return Work(ways, times={"one image at a time": count})


@TOPIC.row("optical flow of 240x320, stored", over="DIS alone")
def optical_flow() -> Work:
    (video,) = material.videos(material.films(1, 24))
    frames, names = read_video(video.path), itertools.count()
    try:
        flow.single_thread()
    except ImportError as error:
        raise Missing(str(error)) from error
    to = material.folder()
    ways = {
        "ours": lambda: flow.make_flow(video.path, to / f"{next(names)}.avi") and None,
        "DIS alone": lambda: plain.dis_flow(frames),
    }
    return Work(ways)


@TOPIC.row("prepare_ucf101, 200 films", prepare_ucf101, over=SECONDS)
@TOPIC.row("prepare_videos, 200 films", prepare_videos, over=SECONDS)
def prepare(script) -> Work:
    """Each time anew; all but ten of the films are copies, which are decoded all the same."""
    root = material.films(200, 20, different=10)
    lists = root / "ucfTrainTestlist"
    lists.mkdir()
    files = sorted((root / "UCF-101").glob("*/*"))
    names = sorted({path.parent.name for path in files})
    numbers = "\n".join(f"{i} {name}" for i, name in enumerate(names, 1))
    (lists / "classInd.txt").write_text(numbers, encoding="utf-8", newline="\n")
    for split, (side, groups) in itertools.product((1, 2, 3), (("train", range(8, 26)), ("test", range(1, 8)))):
        chosen = [f"{path.parent.name}/{path.name}" for path in files if int(path.stem[-6:-4]) in groups]
        (lists / f"{side}list{split:02d}.txt").write_text("\n".join(chosen), encoding="utf-8", newline="\n")
    source = root if script is prepare_ucf101 else root / "UCF-101"

    def run() -> None:
        script.main(["--source", str(source), "--out", str(material.folder() / "out"), "--quiet"])

    return Work({"ours": run})


@TOPIC.row("Toy Kitchen, four films", over=SECONDS)
def kitchen() -> Work:
    """Painted and encoded, as ``make toy`` does with 2,000 of them."""
    to = material.folder()

    def make() -> None:
        for name in ("CutCarrot", "OpenDrawer", "Stir", "PutIn"):
            write_video(to / f"{name}.avi", render.render(films.scene(0, name, 1, 1)), films.FRAME_RATE)

    return Work({"ours": make})
