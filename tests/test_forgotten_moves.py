"""A move that a helper of a lesson forgets is seen on the GPU, real or pretend, and nowhere else."""

import inspect

import numpy as np
import pytest
import torch
from pretend_gpu import gpu
from tiny_cnn import TinyCNN

from lrcn_utils import decoding
from lrcn_utils.data.vocabulary import BOS, EOS, Vocabulary
from lrcn_utils.models.activity import LRCN
from lrcn_utils.models.captioning import Captioner
from lrcn_utils.models.cnn import toy_hybrid
from lrcn_utils.models.description import SlotClassifier
from lrcn_utils.models.lstm import LanguageModel
from lrcn_utils.training import features, sentences
from lrcn_utils.training.activity import scores
from lrcn_utils.training.captioning import retrieval
from lrcn_utils.training.description import tuples
from lrcn_utils.widgets import features as feature_maps
from lrcn_utils.widgets import gates

WORDS = Vocabulary.build(["a red cup on a plate"], min_count=1)


def maps_of_a_cnn(device):
    return feature_maps.FeatureMaps(toy_hybrid(5).to(device), torch.rand(2, 3, 56, 56))


def gates_of_a_sentence(device):
    return gates.Gates(LanguageModel(len(WORDS), 5, 7).to(device), WORDS).read("a red cup")


def features_of_frames(device):
    return features.cnn_features(TinyCNN().to(device), np.zeros((2, 4, 4, 3), np.uint8), "fc6").numpy()


def scores_of_clips(device):
    return scores.step_probabilities(LRCN(TinyCNN(), 3, hidden=4).to(device), torch.rand(2, 5, 6))


def captions_of_images(device):
    return sentences.decode(
        Captioner(len(WORDS), 5, hidden=4, embedding=4).to(device), torch.rand(2, 5), decoding.greedy
    )


def drawn_captions(device):
    model, images = Captioner(len(WORDS), 5, hidden=4, embedding=4).to(device).eval(), torch.rand(2, 5).to(device)
    return decoding.sample(model, images, 2, bos=BOS, eos=EOS, generator=torch.Generator())


def captions_beside_images(device):
    model, images = Captioner(len(WORDS), 5, hidden=4, embedding=4).to(device).eval(), torch.rand(2, 5).to(device)
    return retrieval.score_matrix(model, images, [[4, 5], [6]])


def slots_of_videos(device):
    found = tuples.unaries(SlotClassifier(6, [2, 3], 4).to(device), torch.rand(2, 3, 6))
    return [log_p.numpy() for log_p in found]


@pytest.mark.parametrize(
    ("helper", "room", "name", "move", "left"),
    [
        (maps_of_a_cnn, feature_maps, "FeatureMaps", "x.cpu()", "x"),
        (maps_of_a_cnn, feature_maps, "FeatureMaps", ".weight.cpu()", ".weight"),
        (maps_of_a_cnn, feature_maps, "FeatureMaps", "images.to(model.mean.device)", "images"),
        (gates_of_a_sentence, gates, "Gates", "values.cpu()", "values"),
        (gates_of_a_sentence, gates, "Gates", ", device=device", ""),
        (features_of_frames, features, "cnn_features", ".cpu()", ""),
        (features_of_frames, features, "cnn_features", ".to(device)", ""),
        (scores_of_clips, scores, "step_probabilities", ".cpu()", ""),
        (scores_of_clips, scores, "step_probabilities", ".to(device)", ""),
        (captions_of_images, sentences, "decode", ".to(device_of(model))", ""),
        (drawn_captions, decoding, "sample", ".to(device)", ""),
        (captions_beside_images, retrieval, "score_matrix", ".cpu()", ""),
        (captions_beside_images, retrieval, "score_matrix", ".to(images.device)", ""),
        (slots_of_videos, tuples, "unaries", ".cpu()", ""),
        (slots_of_videos, tuples, "unaries", ".to(device)", ""),
    ],
)
def test_a_move_left_out_is_seen_on_the_gpu_alone(helper, room, name, move, left, monkeypatch):
    with gpu() as device:
        helper(device)
    source = inspect.getsource(getattr(room, name))
    assert move in source
    names = dict(vars(room))
    exec(source.replace(move, left), names)
    monkeypatch.setattr(room, name, names[name])
    helper("cpu")
    with gpu() as device, pytest.raises((RuntimeError, TypeError), match="device"):
        helper(device)
