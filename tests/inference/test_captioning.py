"""A captioner sees a file of one's own as it saw those that it learned from, and says what its decoders find."""

import numpy as np
import pytest
import torch
from PIL import Image
from small_captioner import small_captioner

from lrcn_utils.data.captions import CaptionSet
from lrcn_utils.data.image import ImageError
from lrcn_utils.data.vocabulary import Vocabulary
from lrcn_utils.decoding import beam_search
from lrcn_utils.inference.captioning import Captions, Picture, Settings
from lrcn_utils.training.captioning import models, shipped
from lrcn_utils.training.features import extract_images
from lrcn_utils.training.sentences import best_words, decode

VOCABULARY = Vocabulary(["a", "two", "red", "green", "apple", "apples", "on", "plate", "board", "and"])
DRAWN = np.random.default_rng(0).integers(0, 256, (8, 11, 3), np.uint8).repeat(20, 0).repeat(20, 1)


@pytest.fixture
def captions():
    model = small_captioner(len(VOCABULARY))
    picture = Picture("image", np.zeros((20, 30, 3), np.uint8), torch.randn(1, 3))
    return Captions(model, VOCABULARY, [picture])


def files(folder):
    """One picture in several forms: as it is, on its side with a note in its EXIF block, and grey with 16 bits."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(DRAWN).save(folder / "upright.png")
    Image.fromarray(np.rot90(DRAWN)).save(folder / "phone.png", exif=exif)
    Image.fromarray(DRAWN[..., 0].astype(np.uint16) * 257).save(folder / "grey.png")
    Image.fromarray(DRAWN[:50, :60]).save(folder / "small.jpg")
    return [folder / name for name in ("upright.png", "phone.png", "grey.png", "small.jpg")]


@pytest.mark.parametrize("name", ["2f", "2f_finetuned"])
def test_a_file_gets_the_feature_and_the_caption_of_training(tmp_path, name):
    paths, captions = files(tmp_path), Captions.load(shipped.path(name))
    model, vocabulary, config, _ = shipped.shipped(name)
    cnn = models.cnn_of(config, beside=shipped.path(name))
    images = CaptionSet([path.name for path in paths], paths, [["a"]] * len(paths))
    _, features = extract_images(images, cnn, config["feature"], tmp_path / "cache")
    expected = best_words(decode(model, features, beam_search, 3), vocabulary)
    for path, feature, words in zip(paths, features, expected, strict=True):
        picture, uploaded = captions.open_file(path), captions.open(path.name, path.read_bytes())
        torch.testing.assert_close(picture.feature, feature[None], atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(uploaded.feature, picture.feature, atol=0, rtol=0)
        assert captions.words(captions.sentences(picture, Settings())[0])[:-1] == words
    assert expected[0] == expected[1], "a telephone's picture is turned upright"


def test_a_file_that_is_no_image_is_named(tmp_path):
    captions = Captions.load(shipped.path("2f"))
    (tmp_path / "x.png").write_bytes(b"nothing")
    for open_ in (lambda: captions.open("x.png", b"nothing"), lambda: captions.open_file(tmp_path / "x.png")):
        with pytest.raises(ImageError, match=r"^x\.png: "):
            open_()


def test_a_captioner_without_its_cnn_is_refused(tmp_path):
    lonely = tmp_path / "lonely.safetensors"
    lonely.write_bytes(shipped.path("2f_finetuned").read_bytes())
    with pytest.raises(FileNotFoundError, match=r"cnn_captioning_toy\.safetensors"):
        Captions.load(lonely)


def test_sampled_sentences_are_distinct_and_best_first(captions):
    found = captions.sentences(captions.pictures[0], Settings("sampling", n=100, t=1.0))
    assert len({h.words for h in found}) == len(found) <= 10
    assert [h.log_prob for h in found] == sorted((h.log_prob for h in found), reverse=True)


def test_the_steps_of_a_sentence_sum_to_its_log_probability(captions):
    picture = captions.pictures[0]
    best = captions.sentences(picture, Settings())[0]
    words, top, probabilities = captions.steps(picture, best)
    assert np.log(probabilities).sum() == pytest.approx(best.log_prob, abs=1e-4) or len(best.words) == 20
    assert (np.diff(top, axis=1) <= 0).all() and len(words) == len(best.words) + 1


def test_the_last_beams_are_the_sentences(captions):
    picture = captions.pictures[0]
    last = captions.beams(picture, 3)[-1].log_probs[0].tolist()
    assert last == [found.log_prob for found in captions.sentences(picture, Settings("beam search", width=3))]
