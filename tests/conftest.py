"""Fixtures shared by all tests: the three places where data may be."""

import os
from pathlib import Path

import hypothesis
import pytest
import torch

from lrcn_utils import environment

REPOSITORY = Path(__file__).resolve().parents[1]
hypothesis.settings.register_profile("course", deadline=None)  # by default 0.2 s an example, too few on a busy machine
hypothesis.settings.load_profile("course")


@pytest.fixture(autouse=True)
def _seed():
    environment.seed_everything(0)


@pytest.fixture(autouse=True)
def _threads():
    """One, unless the environment says otherwise: tests run side by side. Before each, as some tests change it."""
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", 1)))


@pytest.fixture(scope="session")
def tiny_kitchen(tmp_path_factory) -> Path:
    """A tiny Toy Kitchen, made once a session."""
    from lrcn_utils.data import toy_kitchen

    root = tmp_path_factory.mktemp("kitchen") / "toy_kitchen"
    toy_kitchen.make(root, size="tiny", progress=False)
    return root


@pytest.fixture(scope="session")
def toy_kitchen() -> Path:
    """The default Toy Kitchen; the test is skipped where it was not made."""
    root = environment.data_root() / "toy_kitchen"
    if not (root / "card.json").exists():
        pytest.skip("the default Toy Kitchen is not made; run `make toy`")
    return root


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The slices of real datasets, read-only; the test is skipped where they are absent."""
    root = Path(os.environ.get("LRCN_REAL_DATA", REPOSITORY.parent / "shared" / "data"))
    if not root.is_dir():
        pytest.skip("no real data here; set LRCN_REAL_DATA to a folder with ucf101/, flickr8k/ ...")
    return root
