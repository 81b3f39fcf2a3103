"""The lines of docs/full_scale.md, run as they stand there on the slices of the real data."""

import importlib.util
import re
import shlex
from pathlib import Path

import pytest

from lrcn_utils import evaluate, extract
from lrcn_utils.training.__main__ import main as training

pytestmark = [pytest.mark.real, pytest.mark.slow]
REPOSITORY = Path(__file__).parents[1]
MODULES = {"lrcn_utils.extract": extract.main, "lrcn_utils.training": training, "lrcn_utils.evaluate": evaluate.main}


def lines(heading: str) -> list[list[str]]:
    """The words of each command below a heading."""
    text = (REPOSITORY / "docs" / "full_scale.md").read_text(encoding="utf-8")
    block = re.search(rf"^## {heading}.*?^```\n(.*?)^```", text, re.MULTILINE | re.DOTALL)[1]
    return [shlex.split(line) for line in block.splitlines()]


def run(words: list[str]) -> None:
    assert words[0] == "python"
    if words[1] == "-m":
        MODULES[words[2]](words[3:])
        return
    spec = importlib.util.spec_from_file_location(Path(words[1]).stem, REPOSITORY / words[1])
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main(words[2:])


@pytest.fixture(autouse=True)
def _elsewhere(real_data, tmp_path, monkeypatch):
    """Data and runs go to a folder of the test, and the weights come from the slices."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LRCN_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("TORCH_HOME", str(real_data / "torch_home"))


def test_ucf101_from_the_films_to_the_table(real_data, tmp_path, capsys):
    """Two classes, of each a clip that is trained on and one that is tested in split 2: split 1 needs groups 1 to 7."""
    source, whole = tmp_path / "copy", real_data / "ucf101"
    for name in ("PushUps", "BabyCrawling"):
        (source / "UCF-101" / name).mkdir(parents=True)
        for clip in ("g08_c01", "g15_c01"):
            file = f"{name}/v_{name}_{clip}.avi"
            (source / "UCF-101" / file).symlink_to(whole / "UCF-101" / file)
    (source / "ucfTrainTestlist").symlink_to(whole / "ucfTrainTestlist")
    for words in lines("UCF-101"):
        if "prepare" in words[1]:
            run(["--source" if word == "--fetch" else word for word in words] + [str(source)])
        elif "fuse" in words or words[3] == "flow":
            run(words)
        else:
            run([*words, "--split", "2", *(["--epochs", "1"] if words[2] == "lrcn_utils.training" else [])])
    said = capsys.readouterr().out
    assert "4 videos: 0 were done, 4 made now" in said and "4 are there, 0 could not be read" in said
    assert "| single-frame |" in said and "| lrcn-pool |" in said and "1/3,2/3" in said
    assert len(list(tmp_path.glob("data/ucf101/cache/features-*/*.npy"))) == 8, "extracted once, and read four times"


def test_flickr8k_from_the_images_to_the_page(real_data, tmp_path, capsys):
    for words in lines("Flickr8k"):
        words = ["val" if word == "test" else word for word in words]  # the slice has no images of the test
        if "prepare" in words[1]:
            words = ["--source" if word == "--fetch" else word for word in words] + [str(real_data / "flickr8k")]
        run([*words, "--limit", "12", *(["--epochs", "1"] if words[2] == "lrcn_utils.training" else [])])
    said = capsys.readouterr().out
    assert "train: 12 images, 60 captions" in said and "24 are there, 0 could not be read" in said
    assert "CIDEr-D" in said and "R@1" in said and "<img" in (tmp_path / "captions.html").read_text(encoding="utf-8")


def test_tacos_from_the_archive_to_the_language(real_data, tmp_path, capsys):
    prepare, train = lines("TACoS")
    run([*prepare[:-1], str(real_data / "tacos_ml.tar.gz")])
    run([*train, "--sentences", "40", "--levels", "singlesentence", "--epochs", "1"])
    said = capsys.readouterr().out
    assert "singlesentence: perplexity unigram" in said and "only the language was trained" in said
