"""What the shipped activity models must reach on Toy Kitchen's test groups, for three seeds.

Training all these models takes an hour, so it is not done here. Seed 0 of every model is shipped and is scored
again from its weights. Of seeds 1 and 2 the scores of every test video are shipped, and the bands are
computed from them.
"""

import numpy as np
import pytest

from lrcn_utils.data.toy_kitchen import MOTION_ONLY, OBJECT_ONLY, REVERSED_PAIRS, single_frame_ceiling
from lrcn_utils.data.ucf101 import ClipDataset, read_index
from lrcn_utils.environment import CHECKPOINTS
from lrcn_utils.metrics import activity as metrics
from lrcn_utils.training.activity.models import load
from lrcn_utils.training.activity.scores import ORDERS, fuse, score, score_features, video_features
from lrcn_utils.training.activity.shipped import NAMES, _pack, recorded
from lrcn_utils.training.checkpoints import load_checkpoint

SHIPPED = [(model, stream) for model in NAMES for stream in ("rgb", "flow")]
RUNS = recorded()
SEEDS = range(len(RUNS["lrcn-fc6", "rgb"]))
CLASSES = RUNS["lrcn-fc6", "rgb"][0].classes


def on(scores, names):
    """Accuracy on the videos of the classes ``names``, all sixteen classes being allowed as answers."""
    chosen = np.isin(scores.labels, [CLASSES.index(name) for name in names])
    return metrics.accuracy(scores.probabilities[chosen], scores.labels[chosen])


def pair_accuracy(scores):
    pairs = [tuple(CLASSES.index(name) for name in pair) for pair in REVERSED_PAIRS]
    return metrics.pair_accuracy(scores.probabilities, scores.labels, pairs)


def test_every_model_is_recorded_for_three_seeds():
    assert {key: len(seeds) for key, seeds in RUNS.items()} == dict.fromkeys(SHIPPED, 3)


@pytest.mark.parametrize("seed", SEEDS)
def test_lrcn_beats_the_single_frame_which_stays_below_its_ceiling(seed):
    single, lrcn = RUNS["single-frame", "rgb"][seed], RUNS["lrcn-fc6", "rgb"][seed]
    assert lrcn.accuracy >= single.accuracy + 0.15
    assert single.accuracy <= single_frame_ceiling() + 0.03


@pytest.mark.parametrize("seed", SEEDS)
def test_lrcn_tells_which_way_the_film_runs(seed):
    """A single frame cannot leave chance; LRCN reaches 95 % on RGB, on flow and on both."""
    rgb, flow = RUNS["lrcn-fc6", "rgb"][seed], RUNS["lrcn-fc6", "flow"][seed]
    for stream in (rgb, flow, fuse(rgb, flow, 1 / 2)):
        assert pair_accuracy(stream) >= 0.95
    assert 0.4 <= pair_accuracy(RUNS["single-frame", "rgb"][seed]) <= 0.6


@pytest.mark.parametrize("seed", SEEDS)
def test_fusion_is_no_worse_than_the_best_stream_and_reaches_90(seed):
    rgb, flow = RUNS["lrcn-fc6", "rgb"][seed], RUNS["lrcn-fc6", "flow"][seed]
    best = max(fuse(rgb, flow, weight).accuracy for weight in (1 / 2, 1 / 3))
    assert best >= max(rgb.accuracy, flow.accuracy) and best >= 0.9


@pytest.mark.parametrize("seed", SEEDS)
def test_flow_wins_by_motion_and_rgb_by_objects(seed):
    rgb, flow = RUNS["lrcn-fc6", "rgb"][seed], RUNS["lrcn-fc6", "flow"][seed]
    assert on(flow, MOTION_ONLY) > on(rgb, MOTION_ONLY)
    assert on(rgb, OBJECT_ONLY) > on(flow, OBJECT_ONLY)


def test_packing_keeps_every_seed(tmp_path):
    _pack(RUNS, tmp_path / "scores.safetensors")
    again = recorded(tmp_path / "scores.safetensors")
    for key, seeds in RUNS.items():
        for one, other in zip(seeds, again[key], strict=True):
            np.testing.assert_array_equal(one.probabilities, other.probabilities)
            assert one.names == other.names


@pytest.mark.parametrize(("model", "stream"), SHIPPED)
def test_checkpoints_are_small_and_say_how_they_were_made(model, stream):
    file = CHECKPOINTS / f"activity_{NAMES[model]}_{stream}.safetensors"
    assert file.stat().st_size < 3e6
    _, config, record = load_checkpoint(file)
    assert config["input"] == stream and config["classes"] == CLASSES
    assert record["command"].startswith("python -m lrcn_utils.training activity") and record["seed"] == 0
    assert record["accuracy"] == pytest.approx(RUNS[model, stream][0].accuracy, abs=0.004)


@pytest.fixture(scope="module")
def index():
    from lrcn_utils import environment

    root = environment.data_root() / "toy_kitchen"
    if not (root / "card.json").exists():
        pytest.skip("the default Toy Kitchen is not made; run `make toy`")
    return read_index(root)


@pytest.mark.slow
@pytest.mark.parametrize(("model", "stream"), SHIPPED)
def test_each_checkpoint_scores_what_is_recorded_with_it(index, model, stream):
    if stream == "flow" and not index.test[0].flow_path.exists():
        pytest.skip("Toy Kitchen has no flow yet; run `make toy`")
    network, classes = load(f"{NAMES[model]}_{stream}")
    found = score(network, ClipDataset(index.test, train=False, input=stream), classes)
    then = RUNS[model, stream][0]
    assert found.names == then.names
    assert found.accuracy == pytest.approx(then.accuracy, abs=0.01)
    np.testing.assert_allclose(found.probabilities.mean(0), then.probabilities.mean(0), atol=0.01)


@pytest.mark.slow
def test_the_shipped_lrcn_beats_the_single_frame_and_needs_the_order(index):
    model, _ = load("lrcn_rgb")
    tests = ClipDataset(index.test, train=False)
    features = [video_features(model, tests, video) for video in tests.videos]
    labels = [video.label for video in tests.videos]
    found = {order: metrics.accuracy(score_features(model, features, order), labels) for order in ORDERS}
    assert found["as filmed"] >= RUNS["single-frame", "rgb"][0].accuracy + 0.15
    assert found["shuffled"] <= found["as filmed"] - 0.10
