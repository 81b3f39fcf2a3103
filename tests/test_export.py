"""An exported model says what the model says, without PyTorch, and is refused where it would not."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lrcn_utils.data.cache import digest
from lrcn_utils.data.ucf101 import read_index
from lrcn_utils.environment import CHECKPOINTS
from lrcn_utils.export import __main__ as command
from lrcn_utils.export import files, folder, recurrent
from lrcn_utils.export.parts import _cnn, _tuple, open_model
from lrcn_utils.inference import exported
from lrcn_utils.inference.activity import ActivityModel
from lrcn_utils.inference.captioning import Captions
from lrcn_utils.inference.description import Describer
from lrcn_utils.inference.film import Film
from lrcn_utils.models import cnn as cnns
from lrcn_utils.models.crf import TupleCRF

pytest.importorskip("onnxruntime", reason="the extra export is not installed")
pytest.importorskip("onnxscript", reason="the extra export is not installed")
SHIPPED = {
    "activity": CHECKPOINTS / "activity_lrcn_rgb.safetensors",
    "captioning": CHECKPOINTS / "captioning_2f_toy.safetensors",
    "description": CHECKPOINTS / "description_toy_c.safetensors",
}
OTHERS = (
    "activity_single_frame_flow",
    "captioning_attention_toy",
    "captioning_mrnn_toy",
    "captioning_rnn_2f_toy",
    "captioning_1u_toy",
    "captioning_4f_toy",
    "captioning_2f_finetuned_toy",
    "description_toy_a",
    "description_toy_a-reversed",
    "description_toy_b",
    "description_toy_end",
)
WITH_TORCH = "from lrcn_utils.predict import main; main()"
NO_TORCH = """
import importlib.abc, sys
class Refuse(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.split(".")[0] in ("torch", "torchvision", "safetensors", "onnx", "onnxscript"):
            raise ImportError(f"{name} is refused")
sys.meta_path.insert(0, Refuse())
from lrcn_utils.predict import main
try:
    main(sys.argv[1:])
finally:
    assert "torch" not in sys.modules
"""


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """The folder of each task's exported model."""
    root = tmp_path_factory.mktemp("exports")
    for task, checkpoint in SHIPPED.items():
        folder.export(checkpoint, root / task, "onnx")
    return root


@pytest.fixture(scope="module")
def videos(tiny_kitchen):
    return read_index(tiny_kitchen, test_groups=[1]).test[:4]


@pytest.fixture(scope="module")
def images(tiny_kitchen):
    return sorted((tiny_kitchen / "stills" / "images").rglob("*.jpg"))[:12]


def test_predict_runs_an_exported_folder_where_torch_cannot_be_imported(exports, videos, images):
    for task, file in (("activity", videos[0].path), ("captioning", images[0]), ("description", videos[0].path)):
        answers = []
        for code, model in ((NO_TORCH, exports / task), (WITH_TORCH, SHIPPED[task])):
            words = [sys.executable, "-c", code, str(file), "--model", str(model), "--json"]
            done = subprocess.run(words, capture_output=True, text=True, cwd=Path(__file__).parents[1])
            assert done.returncode == 0, done.stderr
            answers.append(json.loads(done.stdout)[0])
        same(*answers)


def same(found, expected):
    """The same words, and numbers to what their four digits allow."""
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        for name, value in expected.items():
            same(found[name], value)
    elif isinstance(expected, list):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            same(one, other)
    else:
        assert found == (pytest.approx(expected, abs=2e-4) if isinstance(expected, float) else expected)


@pytest.mark.parametrize("width", [1, 3, 5])
def test_captions_are_those_of_pytorch(exports, images, width):
    mine, theirs = exported.Captioner(exports / "captioning"), Captions.load(SHIPPED["captioning"])
    for image in images:
        found, expected = mine.caption(image, width), theirs.caption(image, width)
        assert found.words == expected.words and found.log_prob == pytest.approx(expected.log_prob, abs=1e-4)


@pytest.mark.parametrize("width", [1, 3])
def test_descriptions_are_those_of_pytorch(exports, videos, width):
    mine, theirs = exported.Describer(exports / "description"), Describer.load(SHIPPED["description"])
    for video in videos:
        film = Film(video.name, video.path)
        found, expected = mine.describe(film, width), theirs.describe(film, width)
        assert (found.frames, found.words) == (expected.frames, expected.words)
        assert found.sentence.words == expected.sentence.words
        assert found.sentence.log_prob == pytest.approx(expected.sentence.log_prob, abs=1e-4)


def test_probabilities_are_those_of_pytorch(exports, videos):
    mine, theirs = exported.Activity(exports / "activity"), ActivityModel.load(SHIPPED["activity"])
    assert mine.classes == theirs.classes
    for video in videos:
        found, expected = (model.watch(Film(video.name, video.path)) for model in (mine, theirs))
        assert list(found.clips) == list(expected.clips)
        np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=1e-5)


def test_the_card_says_what_was_exported_and_how_it_was_checked(exports):
    card = exported.read_card(exports / "captioning")
    assert card["checkpoint"] == {"file": SHIPPED["captioning"].name, "digest": digest(SHIPPED["captioning"])}
    assert card["versions"]["torch"] and card["versions"]["onnxruntime"] and card["opset"] >= 18
    apart = {name: part["largest_difference"] for name, part in card["parts"].items()}
    assert list(apart) == ["cnn", "start", "step"] and 0 < max(apart.values()) == card["largest_difference"] < 1e-4
    assert card["parts"]["step"]["inputs"]["words"] == {"shape": ["images", "beams"], "type": "int64"}


def test_a_file_that_computes_something_else_is_refused_and_nothing_is_kept(tmp_path, monkeypatch):
    """The gates in another order than ONNX has them: it runs, and is wrong."""
    monkeypatch.setattr(recurrent, "ONNX_ORDER", "ifgo")
    with pytest.raises(ValueError, match=r"clip.onnx differs from PyTorch by .*, more than 1e-04; nothing is kept"):
        folder.export(SHIPPED["activity"], tmp_path / "wrong", "onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_network_of_torchvision_is_exported_up_to_its_layer(tmp_path):
    """Outside of an export it stops there."""
    part = _cnn(cnns.untrained("squeezenet1_1"), "pool", (64, 64))
    files.write(part, tmp_path / "cnn.onnx")
    assert files.difference(part, tmp_path / "cnn.onnx") < 1e-5
    assert (tmp_path / "cnn.onnx").stat().st_size < 3.2e6, "the classifier, 2 MB of the network's 5, is left out"


@pytest.mark.parametrize(
    ("found", "expected", "apart"),
    [
        ([1.0, 2.0], [1.0, 2.5], 0.2),  # of the largest number
        ([0.1, 0.2], [0.1, 0.25], 0.05),
        ([-np.inf, 0.0], [-np.inf, 0.0], 0),
        ([-np.inf, 0.0], [-5.0, 0.0], np.inf),
        ([np.nan], [0.0], np.inf),
        ([[1.0]], [1.0], np.inf),
    ],
)
def test_differences_are_seen(found, expected, apart):
    assert files._largest([np.array(found)], [torch.tensor(expected, dtype=torch.float64)]) == pytest.approx(apart)


@settings(max_examples=30)
@given(st.integers(1, 4), st.integers(1, 9), st.integers(1, 2), st.booleans())
def test_the_operator_is_pytorchs_lstm(batch, time, layers, begun):
    torch.manual_seed(batch)
    lstm = nn.LSTM(3, 5, layers, batch_first=True)
    x = torch.randn(batch, time, 3)
    state = (torch.randn(layers, batch, 5), torch.randn(layers, batch, 5)) if begun else None
    with torch.no_grad():
        with recurrent.at_any_length(lstm, recurrent.as_operator):
            y, (h, c) = lstm(x, state)
        y_, (h_, c_) = lstm(x, state)
    for one, other in ((y, y_), (h, h_), (c, c_)):
        torch.testing.assert_close(one, other)


@settings(max_examples=30)
@given(st.lists(st.integers(1, 4), min_size=2, max_size=4), st.integers(0, 99))
def test_the_crf_by_enumeration_is_the_crf(states, seed):
    generator = torch.Generator().manual_seed(seed)
    crf = TupleCRF(states, [(i, i + 1) for i in range(len(states) - 1)]).requires_grad_(False)
    for parameter in crf.parameters():
        parameter.copy_(torch.randn(parameter.shape, generator=generator))
    unaries = [torch.randn(3, k, generator=generator).log_softmax(1) for k in states]
    marginals, best = _tuple(crf, unaries)
    torch.testing.assert_close(marginals, torch.cat(crf.marginals(unaries), 1))
    assert torch.equal(best, crf.map_tuple(unaries))


@pytest.mark.parametrize(
    ("checkpoint", "why"),
    [
        ("cnn_hybrid_toy", "a checkpoint of cnn; give one of activity, captioning, description"),
        ("description_toy_crf", "not a decoder"),
        ("none", "no such checkpoint"),
    ],
)
def test_a_checkpoint_that_cannot_be_exported_is_one_line(tmp_path, checkpoint, why):
    with pytest.raises(SystemExit, match=why):
        command.main([str(CHECKPOINTS / f"{checkpoint}.safetensors"), "--out", str(tmp_path / "out")])
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(SystemExit, match="there is something in it; choose another --out"):
        command.main([str(SHIPPED["activity"]), "--out", str(tmp_path)])
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_folder_that_cannot_be_run_is_one_line(exports, tmp_path):
    with pytest.raises(ValueError, match=r"there is no export.json in it"):
        exported.read_card(tmp_path)
    card = json.loads((exports / "activity" / "export.json").read_text(encoding="utf-8"))
    (tmp_path / "export.json").write_text(json.dumps(card | {"format": "pt2"}), encoding="utf-8")
    with pytest.raises(ValueError, match="exported as pt2; to be used here, export it with --format onnx"):
        exported.read_card(tmp_path)
    (tmp_path / "export.json").write_text(json.dumps(card), encoding="utf-8")
    (tmp_path / "cnn.onnx").write_bytes((exports / "activity" / "cnn.onnx").read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"cnn.onnx: cannot be opened by ONNX Runtime"):
        exported.Activity(tmp_path)


def test_the_control_without_an_image_is_refused(tmp_path):
    with pytest.raises(ValueError, match="captioning_no_image_toy.* has no picture to caption"):
        folder.export(CHECKPOINTS / "captioning_no_image_toy.safetensors", tmp_path / "out", "onnx")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_every_shipped_model_can_be_exported(tmp_path, name, images, videos):
    checkpoint = CHECKPOINTS / f"{name}.safetensors"
    folder.export(checkpoint, tmp_path / "out", "onnx")
    if name.startswith("captioning"):
        mine, theirs = exported.Captioner(tmp_path / "out"), Captions.load(checkpoint)
        pairs = [(mine.caption(image, 3), theirs.caption(image, 3)) for image in images]
    elif name.startswith("description"):
        mine, theirs = exported.Describer(tmp_path / "out"), Describer.load(checkpoint)
        films = [Film(video.name, video.path) for video in videos]
        pairs = [(mine.describe(film, 3).sentence, theirs.describe(film, 3).sentence) for film in films]
    else:
        mine, theirs = exported.Activity(tmp_path / "out"), ActivityModel.load(checkpoint)
        film = Film(videos[0].name, videos[0].path)
        np.testing.assert_allclose(mine.watch(film).probabilities, theirs.watch(film).probabilities, atol=1e-5)
        pairs = []
    for found, expected in pairs:
        assert found.words == expected.words and found.log_prob == pytest.approx(expected.log_prob, abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("task", SHIPPED)
def test_pt2_computes_the_same(tmp_path, task):
    if torch.__version__.startswith("2.6.") and task != "captioning":
        with pytest.raises(ImportError, match=r"PyTorch 2.6.* cannot export a loop; try --format onnx"):
            folder.export(SHIPPED[task], tmp_path / "out", "pt2")
        return
    folder.export(SHIPPED[task], tmp_path / "out", "pt2")
    card = json.loads((tmp_path / "out" / "export.json").read_text(encoding="utf-8"))
    assert card["largest_difference"] < 1e-4 and card["opset"] is None
    part = open_model(SHIPPED[task]).parts[1]
    program = torch.export.load(tmp_path / "out" / f"{part.name}.pt2").module()
    inputs = part.example({"images": 2, "beams": 1, "clips": 7, "time": 33, "frames": 9})
    with torch.no_grad():
        for found, expected in zip(program(*inputs), part(*inputs), strict=True):
            torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
