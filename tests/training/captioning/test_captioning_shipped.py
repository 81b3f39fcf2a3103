"""The captioners that the course ships: small, complete, and as good as their headers say."""

import pytest

from lrcn_utils import environment
from lrcn_utils.data.coco import read_coco
from lrcn_utils.data.vocabulary import Vocabulary
from lrcn_utils.training.captioning import models, shipped
from lrcn_utils.training.checkpoints import load_checkpoint
from lrcn_utils.training.features import extract_images
from lrcn_utils.training.sentences import Pairs, nats_per_word
from lrcn_utils.training.settings import command as command_of


@pytest.fixture(scope="module")
def toy():
    root = environment.data_root() / "toy_kitchen"
    if not (root / "card.json").exists():
        pytest.skip("the default Toy Kitchen is not made; run `make toy`")
    return root


def stills(toy, split):
    return read_coco(toy / "stills" / "annotations" / f"captions_{split}.json", toy / "stills" / "images")


@pytest.mark.parametrize("name", shipped.SETTINGS)
def test_a_shipped_captioner_reaches_its_recorded_score_with_the_cnn_that_it_names(name, toy):
    model, vocabulary, config, record = shipped.shipped(name)
    cnn = models.cnn_of(config, beside=shipped.path(name))
    val, features = extract_images(stills(toy, "val"), cnn, config["feature"], toy / "cache")
    features = features[:, : config["sizes"]["image_size"]]
    loss = nats_per_word(model, Pairs(features, val.pairs(), vocabulary))
    assert loss == pytest.approx(record["scores"]["val_loss"], abs=1e-3)
    train = stills(toy, "train")
    assert vocabulary.words == Vocabulary.build(caption for _, caption in train.pairs()).words


@pytest.mark.parametrize("name", shipped.SETTINGS)
def test_a_shipped_captioner_says_what_made_it(name):
    _, config, record = load_checkpoint(shipped.path(name))
    assert config["task"] == "captioning" and record["seed"] == 0
    assert record["command"] == command_of(shipped.SETTINGS[name], "captioning")


@pytest.mark.parametrize(
    "file", [shipped.path(name).name for name in shipped.SETTINGS] + ["cnn_captioning_toy.safetensors"]
)
def test_a_shipped_checkpoint_is_small(file):
    assert (environment.CHECKPOINTS / file).stat().st_size < 3_000_000


def test_another_cnn_than_the_one_that_was_trained_with_is_refused(tmp_path):
    config = shipped.shipped("2f_finetuned").config
    with pytest.raises(FileNotFoundError, match="cnn_captioning_toy"):
        models.cnn_of(config, beside=tmp_path / "captioner.safetensors")
    config["cnn"]["file"] = None
    with pytest.raises(ValueError, match="was trained with another hybrid-toy"):
        models.cnn_of(config, beside=shipped.path("2f_finetuned"))
