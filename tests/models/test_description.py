"""The decoders of video description: one step at a time equals the whole sentence, and what each can see."""

import pytest
import torch

from lrcn_utils.decoding import beam_search, greedy
from lrcn_utils.models.description import (
    EncoderDecoder,
    EndToEnd,
    SlotClassifier,
    TupleDecoder,
    one_hot_tuple,
    tuple_vector,
)

VOCAB, STATES = 11, [3, 4]
BOS, EOS = 1, 2


def model_and_inputs(kind, batch=3):
    torch.manual_seed(0)
    if kind == "tuple":
        return TupleDecoder(sum(STATES), VOCAB, 6, 8), torch.rand(batch, sum(STATES))
    if kind == "words":
        source = torch.tensor([[4, 5, 6, 7], [5, 0, 0, 0], [6, 7, 0, 0]])
        return EncoderDecoder(9, VOCAB, 6, 8), source[:batch]
    return EndToEnd(5, VOCAB, 6, 8, clock=kind), torch.rand(batch, 4, 5)


KINDS = ["tuple", "words", "cvpr", "v4"]


@pytest.mark.parametrize("kind", KINDS)
def test_stepping_equals_the_whole_sentence(kind):
    model, inputs = model_and_inputs(kind)
    words = torch.tensor([[BOS, 4, 5, 6, 3], [BOS, 7, 7, 8, 9], [BOS, 10, 4, 9, 5]])
    whole = model(inputs, words).log_softmax(2)
    assert whole.shape == (3, 5, VOCAB)
    state = model.start(inputs)
    for t in range(words.shape[1]):
        log_probs, state = model.step(words[:, t], state)
        torch.testing.assert_close(log_probs, whole[:, t])


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_does_not_depend_on_its_batch(kind):
    model, inputs = model_and_inputs(kind)
    words = torch.tensor([[BOS, 4, 5]]).expand(3, -1)
    alone = torch.cat([model(inputs[i : i + 1], words[:1]) for i in range(3)])
    torch.testing.assert_close(model(inputs, words), alone)


def test_padding_of_the_source_changes_nothing():
    """A padded row of the encoder's input gives what the same words give without their padding."""
    model, source = model_and_inputs("words")
    words = torch.tensor([[BOS, 4, 5]])
    for row, length in zip(source, (4, 1, 2), strict=True):
        padded, trimmed = row[None], row[None, :length]
        torch.testing.assert_close(model(padded, words), model(trimmed, words))
        for a, b in zip(model.start(padded), model.start(trimmed), strict=True):
            torch.testing.assert_close(a, b)


@pytest.mark.parametrize("kind", KINDS)
def test_greedy_and_beams_decode(kind):
    model, inputs = model_and_inputs(kind)
    one = greedy(model, inputs, bos=BOS, eos=EOS, max_length=6)
    beam = beam_search(model, inputs, 3, bos=BOS, eos=EOS, max_length=6)
    assert [len(hypotheses) for hypotheses in one] == [1, 1, 1]
    assert all(b[0].log_prob >= g[0].log_prob - 1e-5 for b, g in zip(beam, one, strict=True) if len(b) == 3)


@pytest.mark.parametrize("kind", KINDS)
def test_the_input_matters_from_the_first_word_on(kind):
    model, inputs = model_and_inputs(kind)
    words = torch.tensor([[BOS, 4]])
    first, second = model(inputs[:1], words), model(inputs[1:2], words)
    assert (first[:, 0] - second[:, 0]).abs().max() > 1e-4


@pytest.mark.parametrize("clock", ["cvpr", "v4"])
def test_clocks_count_their_steps(clock):
    """T + T' steps in CVPR, T + T' - 1 in v4: seen in how far the first LSTM layer runs."""
    model, frames = model_and_inputs(clock)
    steps = []
    model.decoder.lstm.register_forward_hook(lambda module, args, output: steps.append(args[0].shape[1]))
    model(frames, torch.tensor([[BOS, 4, 5]]).expand(3, -1))  # T' = 3: two words and the end
    assert sum(steps) == {"cvpr": 4 + 3, "v4": 4 + 3 - 1}[clock]


def test_v4_clock_speaks_on_the_last_frame_even_if_it_is_the_only_one():
    model, frames = model_and_inputs("v4")
    logits = model(frames[:, :1], torch.tensor([[BOS]]).expand(3, -1))
    assert logits.shape == (3, 1, VOCAB)
    assert (logits[0] - logits[1]).abs().max() > 1e-4


def test_unknown_clock_is_named():
    with pytest.raises(ValueError, match="clock 'late'"):
        EndToEnd(5, VOCAB, 6, 8, clock="late")


def test_order_of_frames_and_of_source_words_matters():
    model, frames = model_and_inputs("v4")
    words = torch.tensor([[BOS, 4]]).expand(3, -1)
    assert not torch.allclose(model(frames, words), model(frames.flip(1), words), atol=1e-5)
    reader, source = model_and_inputs("words")
    assert not torch.allclose(reader(source[:1], words[:1]), reader(source[:1].flip(1), words[:1]), atol=1e-5)


def test_slot_classifier_gives_distributions_and_uses_time():
    torch.manual_seed(0)
    model = SlotClassifier(5, STATES, hidden=6).eval()
    frames = torch.rand(2, 4, 5)
    parts = model(frames)
    assert [part.shape for part in parts] == [(2, 3), (2, 4)]
    torch.testing.assert_close(parts[0].exp().sum(1), torch.ones(2))
    assert not torch.allclose(parts[0], model(frames.flip(1))[0], atol=1e-6)


def test_one_hot_is_the_certain_case_of_the_distributions():
    tuples = torch.tensor([[2, 0], [1, 3]])
    certain = [torch.eye(3)[tuples[:, 0]], torch.eye(4)[tuples[:, 1]]]
    assert torch.equal(one_hot_tuple(tuples, STATES), tuple_vector(certain))
