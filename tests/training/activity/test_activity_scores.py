"""Scoring against a slow, obvious version; fusions and the table."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tiny_cnn import TinyCNN

from lrcn_utils.models.activity import LRCN, SingleFrame
from lrcn_utils.training.activity import scores as activity_scores
from lrcn_utils.training.activity import table as activity_table
from lrcn_utils.training.activity.scores import Scores
from lrcn_utils.training.processes import Alone


class Frames:
    """What scoring needs of a dataset: frames in memory."""

    frames, input = SimpleNamespace(crop=4), "rgb"

    def __init__(self, *lengths):
        rng = np.random.default_rng(0)
        self.videos = [
            SimpleNamespace(name=f"v{i}", label=i % 3, data=rng.integers(0, 256, (n, 6, 8, 3), dtype=np.uint8))
            for i, n in enumerate(lengths)
        ]

    def length(self, video):
        return len(video.data)

    def read(self, video, start=0, stop=None):
        return video.data[start:stop]


def slow_score(model, video, length=16, stride=8):
    """Section 4, a clip and a frame at a time."""
    n = len(video)
    starts = [s for s in range(0, n, stride) if s + length <= n] or [0]
    if starts[-1] + length < n:
        starts.append(n - length)
    clips = []
    for start in starts:
        frames = video[start : start + length, 1:5, 2:6]
        clip = torch.tensor(frames / 255, dtype=torch.float32).permute(0, 3, 1, 2)
        with torch.no_grad():
            logits = model(clip[None])[0]
        probabilities = [torch.softmax(step, 0) for step in logits]
        clips.append(sum(probabilities) / len(probabilities))
    return (sum(clips) / len(clips)).numpy()


@pytest.mark.parametrize("build", [SingleFrame, LRCN])
def test_scores_are_those_of_the_slow_version(build):
    model = build(TinyCNN(), 3).eval()
    dataset = Frames(1, 2, 15, 16, 17, 24, 25, 44)
    scores = activity_scores.score(model, dataset, ["a", "b", "c"])
    for row, video in zip(scores.probabilities, dataset.videos, strict=True):
        np.testing.assert_allclose(row, slow_score(model, video.data), atol=1e-6)
    assert scores.names[2] == "v2" and scores.labels.tolist() == [0, 1, 2, 0, 1, 2, 0, 1]


def test_more_videos_than_are_scored_at_once_are_all_scored():
    model, dataset = LRCN(TinyCNN(), 3).eval(), Frames(*[16] * (activity_scores.VIDEOS_AT_ONCE + 1))
    scores = activity_scores.score(model, dataset, ["a", "b", "c"])
    assert len(scores.probabilities) == len(scores.names) == activity_scores.VIDEOS_AT_ONCE + 1
    features = [activity_scores.video_features(model, dataset, video) for video in dataset.videos]
    assert len(activity_scores.score_features(model, features)) == activity_scores.VIDEOS_AT_ONCE + 1


class Half(Alone):
    """One of two processes; ``of_the_other`` is what the other one gathers."""

    count = 2

    def __init__(self, rank, of_the_other):
        self.rank, self.of_the_other = rank, of_the_other

    def gather(self, items):
        return items + self.of_the_other


@pytest.mark.parametrize("lengths", [(17, 20, 16, 9, 30), (17,)])
@pytest.mark.parametrize("rank", [0, 1])
def test_each_process_scores_its_share_and_has_the_scores_of_all(monkeypatch, lengths, rank):
    model, dataset, read = LRCN(TinyCNN(), 3).eval(), Frames(*lengths), []
    alone = activity_scores.score(model, dataset, ["a", "b", "c"])
    of_the_other = [(number, row) for number, row in enumerate(alone.probabilities) if number % 2 != rank]
    monkeypatch.setattr(activity_scores, "processes", lambda: Half(rank, of_the_other))
    dataset.length = lambda video: read.append(video.name) or len(video.data)
    found = activity_scores.score(model, dataset, ["a", "b", "c"])
    assert read == [video.name for video in dataset.videos[rank::2]]
    assert found.names == alone.names
    np.testing.assert_allclose(found.probabilities, alone.probabilities, atol=1e-6)


def test_ten_thousand_frames_are_read_in_parts():
    model, dataset = LRCN(TinyCNN(), 3).eval(), Frames(10_000, 700)
    longest = []
    dataset.read = lambda video, start, stop: longest.append(stop - start) or video.data[start:stop]
    scores = activity_scores.score(model, dataset, ["a", "b", "c"])
    np.testing.assert_allclose(scores.probabilities.sum(1), 1, atol=1e-5)
    assert max(longest) <= activity_scores.FRAMES_AT_ONCE
    np.testing.assert_allclose(scores.probabilities[1], slow_score(model, dataset.videos[1].data), atol=1e-5)


def test_ten_crops_average_five_places_and_their_mirrors():
    model, dataset = SingleFrame(TinyCNN(), 3).eval(), Frames(20)
    video = dataset.videos[0].data
    rows = []
    for image in (video, video[:, :, ::-1]):
        for top, left in ((0, 0), (0, 4), (2, 0), (2, 4), (1, 2)):
            padded = np.zeros_like(video)
            padded[:, 1:5, 2:6] = image[:, top : top + 4, left : left + 4]
            rows.append(slow_score(model, padded))
    scores = activity_scores.score(model, dataset, ["a", "b", "c"], crops="ten")
    np.testing.assert_allclose(scores.probabilities[0], np.mean(rows, axis=0), atol=1e-6)


def test_orders_do_what_they_say():
    clips = torch.arange(12.0).view(2, 6, 1)
    done = {name: order(clips)[0, :, 0].tolist() for name, order in activity_scores.ORDERS.items()}
    assert sorted(done["shuffled"]) == done["as filmed"] == [0, 1, 2, 3, 4, 5]
    assert done["reversed"] == [5, 4, 3, 2, 1, 0]
    assert done["first frame frozen"] == [0] * 6
    assert done["every second frame"] == [0, 2, 4]


def test_order_is_nothing_to_the_single_frame_and_shuffling_repeats():
    features = [torch.rand(1, 30, 6) for _ in range(3)]
    single, lrcn = SingleFrame(TinyCNN(), 3).eval(), LRCN(TinyCNN(), 3).eval()
    for order in ("shuffled", "reversed"):
        as_filmed = activity_scores.score_features(single, features)
        np.testing.assert_allclose(activity_scores.score_features(single, features, order), as_filmed, atol=1e-6)
        assert not np.allclose(
            activity_scores.score_features(lrcn, features, order), activity_scores.score_features(lrcn, features)
        )
    again = [activity_scores.score_features(lrcn, features, "shuffled", seed=3) for _ in range(2)]
    np.testing.assert_array_equal(*again)


def scores(*rows, names=None):
    return Scores(names or [f"v{i}" for i in range(len(rows))], np.array([0, 1, 0]), ["a", "b"], np.array(rows))


RGB = scores([0.9, 0.1], [0.6, 0.4], [0.2, 0.8])
FLOW = scores([0.4, 0.6], [0.3, 0.7], [0.6, 0.4])


def test_in_the_thirds_flow_counts_twice():
    labels = np.array([1, 1, 0])
    rgb, flow = (
        Scores(["v0", "v1", "v2"], labels, ["a", "b"], np.array(p)) for p in ([[0.9, 0.1]] * 3, [[0.2, 0.8]] * 3)
    )
    found = activity_table.accuracies({("lrcn-fc6", "rgb"): [rgb], ("lrcn-fc6", "flow"): [flow]})["lrcn-fc6"]
    assert found["RGB+flow weighted 1/2,1/2"] == pytest.approx(100 / 3)  # (.55, .45): class a
    assert found["RGB+flow weighted 1/3,2/3"] == pytest.approx(200 / 3)  # (.43, .57): class b


def test_scores_survive_the_disk(tmp_path):
    RGB.save(tmp_path / "s.npz")
    back = Scores.load(tmp_path / "s.npz")
    assert back.names == RGB.names and back.classes == RGB.classes
    np.testing.assert_allclose(back.probabilities, RGB.probabilities)
    np.savez(tmp_path / "other.npz", names=["v0"])
    with pytest.raises(ValueError, match=r"other.npz: no field classes, labels, probabilities"):
        Scores.load(tmp_path / "other.npz")
    (tmp_path / "text.npz").write_text("no scores")
    for name in ("text.npz", "gone.npz"):
        with pytest.raises(ValueError, match=f"{name}: there are no saved scores"):
            Scores.load(tmp_path / name)


def test_only_the_same_videos_are_fused():
    with pytest.raises(ValueError, match="not of the same videos"):
        activity_scores.fuse(RGB, scores([1, 0], [1, 0], [1, 0], names=["v0", "v1", "v9"]), 0.5)


def test_table_has_both_fusions_the_spread_and_the_majority():
    runs = {("lrcn-fc6", "rgb"): [RGB, RGB], ("lrcn-fc6", "flow"): [FLOW, RGB]}
    found = activity_table.accuracies(runs)["lrcn-fc6"]
    assert found["RGB"].tolist() == pytest.approx([100 / 3] * 2)
    assert found["flow"].tolist() == pytest.approx([200 / 3, 100 / 3])
    # By hand: the halves give (.65, .45, .4) for class a, the thirds (.57, .4, .47).
    assert found["RGB+flow weighted 1/2,1/2"][0] == pytest.approx(200 / 3)
    text = str(activity_table.table(runs, [0, 0, 1]))
    assert "50.0 ± 23.6" in text and "66.7" in text and "2 seeds" in text
    fewer = activity_table.table(runs | {("lrcn-fc7", "rgb"): [RGB]}, [0, 0, 1])
    assert "| lrcn-fc7 (1 seed) | 33.3 |" in str(fewer) and "| lrcn-fc6 | 33.3" in str(fewer)
    assert "| scores | 33.3 | 66.7 |" in str(activity_table.fused(RGB, FLOW))


def test_ten_crops_of_flow_negate_the_horizontal_flow_of_the_mirrors():
    """Crops 5 to 9 show the film in a mirror, where what moved to the right moves to the left: 255 - x."""
    model, dataset = SingleFrame(TinyCNN(), 3).eval(), Frames(20)
    dataset.input = "flow"
    found = activity_scores.video_features(model, dataset, dataset.videos[0], "ten")
    for number, (top, left) in enumerate(((0, 0), (0, 4), (2, 0), (2, 4), (1, 2))):
        crop = dataset.videos[0].data[:, top : top + 4, left : left + 4]
        for view, seen in (
            (number, crop),
            (number + 5, np.stack([255 - crop[..., 0], *np.moveaxis(crop, -1, 0)[1:]], -1)[:, :, ::-1]),
        ):
            images = torch.tensor(seen / 255, dtype=torch.float32).permute(0, 3, 1, 2)
            torch.testing.assert_close(found[view], model.cnn.features(images, "fc7").detach(), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("build", [SingleFrame, LRCN])
def test_a_model_in_training_mode_is_scored_without_dropout(build):
    model, dataset = build(TinyCNN(), 3).train(), Frames(20, 9)
    first, second = (activity_scores.score(model.train(), dataset, ["a", "b", "c"]).probabilities for _ in range(2))
    np.testing.assert_array_equal(first, second)
    features = [activity_scores.video_features(model.eval(), dataset, video) for video in dataset.videos]
    again = [activity_scores.score_features(model.train(), features) for _ in range(2)]
    np.testing.assert_array_equal(*again)
    np.testing.assert_allclose(again[0], first, atol=1e-6)
