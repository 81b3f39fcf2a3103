"""Where the course runs: the device, the folders of data, the seeds. Every notebook asks here, and nowhere else."""

import ctypes
import os
import platform
import random
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

PACKAGE = Path(__file__).resolve().parent
CHECKPOINTS = PACKAGE / "checkpoints"


def device() -> "torch.device":
    """The GPU if there is one, else the CPU.

    A GPU then computes in float32 as the CPU does: by default cuDNN rounds to 10 bits (TF32) what goes into
    convolutions and recurrent layers, and what lessons find equal to 1e-4 would no longer be.
    """
    import torch  # here, because a command that says its options needs none of it

    if not torch.cuda.is_available():
        return torch.device("cpu")
    torch.backends.cudnn.allow_tf32 = False
    return torch.device("cuda")


def gpu_name() -> str | None:
    """What the GPU is called, or None where there is none: times mean nothing without it."""
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else None


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and PyTorch (CPU and GPU)."""
    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def keep_freed_memory() -> bool:
    """Let the process keep memory that is freed, up to 1 GB a block; whether the system has such a setting (glibc).

    Each call of a network takes the same blocks again. glibc gives large ones back to the system, which clears every
    page before it hands it out anew: a third of a step, and half of the time of large pictures. So the commands, which
    have a process to themselves, keep them.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mmap_threshold, trim_threshold = -3, -1  # their numbers in malloc.h
    libc = ctypes.CDLL(None)
    return all([libc.mallopt(name, 2**30) for name in (mmap_threshold, trim_threshold)])


def data_root() -> Path:
    """The folder of all datasets: ``$LRCN_DATA``, else ``data/`` of the clone, else ``~/.cache/lrcn``."""
    if named := os.environ.get("LRCN_DATA"):
        return Path(named).expanduser()
    clone = PACKAGE.parent
    if (clone / "pyproject.toml").exists():
        return clone / "data"
    return Path.home() / ".cache" / "lrcn"


def cache_folder(root: Path) -> Path:
    """Where what is derived from the dataset in ``root`` is kept: beside it, or in ``data_root`` if it is read-only."""
    return (root if os.access(root, os.W_OK) else data_root()) / "cache"


def toy_kitchen() -> Path:
    """The folder of the default Toy Kitchen; made first (about two minutes) where it is missing.

    Raises ValueError where it was made by an older version of the course.
    """
    from lrcn_utils.data.toy_kitchen import check_world, make

    root = data_root() / "toy_kitchen"
    if (root / "card.json").exists():
        check_world(root)
    else:
        make(root)
    return root


def versions() -> dict[str, str]:
    """Versions of Python and of the course's main libraries; "missing" where one is not installed."""
    found = {"python": platform.python_version()}
    for name in ("torch", "torchvision", "numpy", "matplotlib", "ipywidgets", "av", "lrcn-utils"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "missing"
    return found
