"""A small dataset in the form of UCF-101, made once for each module of tests."""

import shutil

import pytest
from broken_videos import make_dataset


@pytest.fixture(scope="module")
def _made(tmp_path_factory):
    return make_dataset(tmp_path_factory.mktemp("made") / "ucf")


@pytest.fixture
def root(_made, tmp_path):
    return shutil.copytree(_made, tmp_path / "ucf")
