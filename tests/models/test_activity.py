"""SingleFrame and LRCN on random tensors, against slow and obvious versions."""

import pytest
import torch
from torch import nn

from lrcn_utils.models.activity import LRCN, SingleFrame, real_steps, step_loss, step_loss_sum

CLASSES = 5


class TinyCNN(nn.Module):
    """The interface of a CNN of the course, in two linear layers."""

    feature_size = {"fc6": 7, "fc7": 6}

    def __init__(self):
        super().__init__()
        self.fc6, self.fc7 = nn.Linear(3 * 4 * 4, 7), nn.Linear(7, 6)

    def features(self, frames, layer):
        fc6 = self.fc6(frames.flatten(1)).relu()
        return fc6 if layer == "fc6" else self.fc7(fc6).relu()


def models():
    torch.manual_seed(0)
    built = (
        SingleFrame(TinyCNN(), CLASSES),
        LRCN(TinyCNN(), CLASSES, "fc6", 8),
        LRCN(TinyCNN(), CLASSES, "fc7", 8),
    )
    return [model.eval() for model in built]


def clips(batch, time):
    return torch.rand(batch, time, 3, 4, 4, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("model", models(), ids=["single-frame", "fc6", "fc7"])
@pytest.mark.parametrize("time", [1, 15, 16, 17])
def test_logits_at_every_step(model, time):
    assert model(clips(2, time)).shape == (2, time, CLASSES)


def test_single_frame_sees_each_frame_alone():
    model = models()[0]
    video = clips(2, 5)
    alone = torch.stack([model(video[:, t : t + 1])[:, 0] for t in range(5)], dim=1)
    torch.testing.assert_close(model(video), alone)


@pytest.mark.parametrize("model", models(), ids=["single-frame", "fc6", "fc7"])
def test_pixels_are_taken_as_they_lie_in_a_file(model):
    pixels = torch.randint(256, (2, 5, 3, 4, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(2))
    lengths = torch.tensor([5, 3])
    torch.testing.assert_close(model(pixels, lengths), model(pixels / 255, lengths))


@pytest.mark.parametrize("layer", ["fc6", "fc7"])
def test_lrcn_is_the_equations_of_section_2(layer):
    model = LRCN(TinyCNN(), CLASSES, layer, 8).eval()
    video = clips(2, 5)
    h, c = torch.zeros(2, 8), torch.zeros(2, 8)
    expected = []
    for t in range(5):
        x = model.cnn.features(video[:, t], layer)
        lstm = model.lstm
        gates = x @ lstm.weight_ih_l0.T + lstm.bias_ih_l0 + h @ lstm.weight_hh_l0.T + lstm.bias_hh_l0
        i, f, g, o = gates.chunk(4, dim=1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        expected.append(model.classifier(h))
    torch.testing.assert_close(model(video), torch.stack(expected, dim=1))


@pytest.mark.parametrize("model", models(), ids=["single-frame", "fc6", "fc7"])
def test_a_padded_batch_scores_as_each_clip_alone(model):
    lengths = torch.tensor([1, 9, 16])
    batch = clips(3, 16)
    logits = model(batch, lengths)
    for i, length in enumerate(lengths):
        torch.testing.assert_close(logits[i, :length], model(batch[i : i + 1, :length])[0])
        assert (logits[i, length:] == 0).all()


def test_padding_never_reaches_the_cnn():
    model, batch = models()[1], clips(2, 4)
    batch[0, 2:] = float("nan")
    assert model(batch, torch.tensor([2, 4])).isfinite().all()


def test_order_matters_to_lrcn_only():
    single, lrcn, _ = models()
    video = clips(1, 8)
    torch.testing.assert_close(single(video).mean(1), single(video.flip(1)).mean(1))
    assert not torch.allclose(lrcn(video).mean(1), lrcn(video.flip(1)).mean(1))


def test_loss_at_every_step_and_not_on_padding():
    logits = torch.randn(3, 6, CLASSES)
    labels, lengths = torch.tensor([0, 3, 4]), torch.tensor([6, 1, 4])
    terms = [-logits[i, t].log_softmax(0)[labels[i]] for i in range(3) for t in range(6) if t < lengths[i]]
    torch.testing.assert_close(step_loss(logits, labels, lengths), torch.stack(terms).mean())
    assert step_loss(logits, labels) == step_loss(logits, labels, torch.tensor([6, 6, 6]))
    total, steps = step_loss_sum(logits, labels, lengths)
    torch.testing.assert_close(total, torch.stack(terms).sum())
    assert steps == 11


def test_real_steps():
    assert real_steps(torch.tensor([0, 2, 3]), 3).tolist() == [[False] * 3, [True, True, False], [True] * 3]


@pytest.mark.parametrize("build", [SingleFrame, LRCN])
def test_normalised_features_have_one_loudness(build):
    model = build(TinyCNN(), CLASSES, normalise=True).eval()
    features = torch.rand(2, 5, model.cnn.feature_size[model.feature]) + 0.1
    loudness = torch.rand(2, 5, 1) + 0.5
    torch.testing.assert_close(model.classify(features * loudness), model.classify(features), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(model.classify(features), model.read(features / features.square().mean(-1, True).sqrt()))
    model.normalise = False
    assert not torch.allclose(model.classify(features * loudness), model.classify(features), atol=1e-3)


def test_dropout_acts_in_training_only():
    model = LRCN(TinyCNN(), CLASSES, feature_dropout=0.9)
    video = clips(1, 4)
    model.train()
    assert not torch.equal(model(video), model(video))
    model.eval()
    assert torch.equal(model(video), model(video))


@pytest.mark.parametrize("model", models(), ids=["single-frame", "fc6", "fc7"])
def test_features_score_as_their_frames(model):
    batch, lengths = clips(3, 6), torch.tensor([6, 2, 5])
    features = model.frame_features(batch.flatten(0, 1)).unflatten(0, (3, 6))
    torch.testing.assert_close(model(features), model(batch))
    torch.testing.assert_close(model(features, lengths), model(batch, lengths))


def test_unknown_feature_is_named():
    with pytest.raises(ValueError, match="'fc8': this CNN has fc6, fc7"):
        LRCN(TinyCNN(), CLASSES, "fc8")


def test_ten_thousand_frames():
    model = models()[1]
    with torch.no_grad():
        assert model(clips(1, 10_000)).shape == (1, 10_000, CLASSES)
