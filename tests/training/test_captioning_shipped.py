"""The captioners that the course ships: small, complete, and as good as their headers say."""

import pytest

from lrcn_utils import environment
from lrcn_utils.data.vocabulary import Vocabulary
from lrcn_utils.training import captioning, cnn

NAMES = ["1u", "2u", "2f", "4f", "rnn_2f", "mrnn", "no_image", "2f_finetuned"]


@pytest.fixture(scope="module")
def stills():
    """The val stills, and their features by the frozen and by the fine-tuned CNN."""
    root = environment.data_root() / "toy_kitchen"
    if not (root / "card.json").exists():
        pytest.skip("the default Toy Kitchen is not made; run `make toy`")
    found, frozen = captioning.extract(cnn.load(), captioning.read("toy", root, "val"), "fc8")
    tuned = cnn.load(environment.CHECKPOINTS / "cnn_captioning_toy.safetensors")
    train = captioning.read("toy", root, "train")
    return found, frozen, captioning.extract(tuned, found, "fc8")[1], train


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_captioner_reaches_its_recorded_score(name, stills):
    val, frozen, tuned, train = stills
    model, vocabulary, config, record = captioning.shipped(name)
    features = (tuned if "finetuned" in name else frozen)[:, : config["sizes"]["image_size"]]
    assert captioning.evaluate(model, features, val, vocabulary) == pytest.approx(record["val_loss"], abs=0.02)
    assert vocabulary.words == Vocabulary.build(caption for _, caption in train.pairs()).words
    assert record["command"].startswith("python -m lrcn_utils.training captioning --data toy") and "seed" in record


@pytest.mark.parametrize("name", [f"captioning_{name}_toy" for name in NAMES] + ["cnn_captioning_toy"])
def test_a_shipped_checkpoint_is_small(name):
    assert (environment.CHECKPOINTS / f"{name}.safetensors").stat().st_size < 3_000_000
