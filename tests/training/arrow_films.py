"""Small films whose arrow of time is known: made here frame by frame, and stored with or without loss."""

import numpy as np
import torch
from torch.nn import functional

from lrcn_utils.data.video import write_video

SIZE = 60, 80
LOSSLESS = {"codec": "ffv1"}  # every frame is a key frame


def lossy(quality=10, gop=12):
    always = str(quality)
    return {"codec": "mpeg4", "options": {"g": str(gop), "qmin": always, "qmax": always, "sc_threshold": "1000000000"}}


def dots(heights, across, radius=7):
    """A white dot on grey at each of ``heights`` (shares of the frame's), ``across`` (share of its width)."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    for height in heights:
        near = (rows - height * SIZE[0]) ** 2 + (columns - across * SIZE[1]) ** 2 < radius**2
        yield np.repeat(np.where(near, 255, 90).astype(np.uint8)[..., None], 3, axis=2)


def falling(rng, frames):
    """A dot that falls again and again, each time from the top: forwards it goes down, backwards up."""
    steps = np.arange(frames) + rng.integers(12)
    return dots((steps % 12) / 12, rng.uniform(0.2, 0.8))


def swinging(rng, frames):
    """A dot that goes up and down evenly: backwards it does the same."""
    steps = np.arange(frames) / 12 + rng.uniform()
    return dots(0.5 + 0.4 * np.cos(2 * np.pi * steps), rng.uniform(0.2, 0.8))


def swaying(rng, frames):
    """A blurred picture that sways from side to side evenly: backwards it does the same."""
    coarse = torch.from_numpy(rng.uniform(0, 255, (1, 3, 9, 14)))
    picture = functional.interpolate(coarse, (SIZE[0], SIZE[1] + 24), mode="bilinear", align_corners=True)
    picture = picture[0].permute(1, 2, 0).byte().numpy()
    steps = np.arange(frames) / rng.uniform(20, 40) + rng.uniform()
    for shift in 12 + 10 * np.cos(2 * np.pi * steps):
        yield picture[:, int(shift) : int(shift) + SIZE[1]]


def make_films(folder, kind, *, groups=9, frames=61, storing=LOSSLESS):
    """``groups`` films of ``kind`` in ``folder``/<kind's name>, each a group by its name."""
    name = kind.__name__.capitalize()
    for group in range(1, groups + 1):
        rng = np.random.default_rng(group)
        file = folder / name / f"v_{name}_g{group:02d}_c01.avi"
        write_video(file, list(kind(rng, frames)), **storing)
    return folder
