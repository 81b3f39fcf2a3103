import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from lrcn_utils.training.checkpoints import load_checkpoint, save_checkpoint


def test_weights_config_and_record_come_back(tmp_path):
    model = nn.Linear(3, 2)
    save_checkpoint(tmp_path / "a" / "m.safetensors", model, {"hidden": 3}, {"command": "train", "score": 0.5})
    weights, config, record = load_checkpoint(tmp_path / "a" / "m.safetensors")
    assert config == {"hidden": 3}
    assert record == {"command": "train", "score": 0.5}
    assert all(torch.equal(weights[name], tensor) for name, tensor in model.state_dict().items())
    (file,) = (tmp_path / "a").iterdir()
    assert file.name == "m.safetensors" and file.stat().st_mode & 0o444 == 0o444, "one file, for everybody to read"


def test_half_precision_is_of_the_file_alone_and_of_real_numbers_alone(tmp_path):
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    save_checkpoint(tmp_path / "m.safetensors", model, {}, {}, half=True)
    weights = load_checkpoint(tmp_path / "m.safetensors")[0]
    assert {tensor.dtype for tensor in model.parameters()} == {torch.float32}
    assert torch.equal(weights["0.weight"], model[0].weight.half())
    assert weights["1.num_batches_tracked"].dtype == torch.int64


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.safetensors"):
        load_checkpoint(tmp_path / "none.safetensors")


def test_a_file_without_configuration_is_named_with_the_field(tmp_path):
    save_file({"w": torch.ones(1)}, tmp_path / "bare.safetensors")
    with pytest.raises(ValueError, match=r"bare\.safetensors.*'config'"):
        load_checkpoint(tmp_path / "bare.safetensors")


def test_a_checkpoint_of_another_task_is_refused(tmp_path):
    save_checkpoint(tmp_path / "m.safetensors", nn.Linear(1, 1), {"task": "captioning"}, {})
    assert load_checkpoint(tmp_path / "m.safetensors", "captioning")[1] == {"task": "captioning"}
    with pytest.raises(ValueError, match=r"m\.safetensors: a checkpoint of captioning, not of activity"):
        load_checkpoint(tmp_path / "m.safetensors", "activity")
    (tmp_path / "cut.safetensors").write_bytes((tmp_path / "m.safetensors").read_bytes()[:40])
    with pytest.raises(ValueError, match=r"cut\.safetensors: not a whole safetensors file"):
        load_checkpoint(tmp_path / "cut.safetensors")
