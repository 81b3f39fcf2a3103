"""The paper's CNNs to the letter, and one interface for all of them."""

import hashlib
import pickle
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.cbook import get_sample_data
from torch import nn
from torch.nn import functional as F

from lrcn_utils.data.image import read_image
from lrcn_utils.models import cnn, from_scratch, layers


def meta(build, *arguments):
    with torch.device("meta"):
        return build(*arguments)


def maps(model):
    """Channels and side of the maps that the tables of the papers print."""
    return {row.name: row.shape[:2] for row in cnn.trace(model) if row.name[:4] in ("conv", "pool")}


def test_caffenet_is_the_reference_model():
    model = meta(cnn.CaffeNet, 1000)
    # 60,965,224 numbers are in the file that the Caffe project ships.
    assert sum(p.numel() for p in model.parameters()) == 60_965_224
    assert maps(model) == {
        "conv1": (96, 55),
        "pool1": (96, 27),
        "conv2": (256, 27),
        "pool2": (256, 13),
        "conv3": (384, 13),
        "conv4": (384, 13),
        "conv5": (256, 13),
        "pool5": (256, 6),
    }


def test_hybrid_is_the_paper_s():
    model = meta(cnn.Hybrid, 101)
    assert maps(model) == {
        "conv1": (96, 111),
        "pool1": (96, 55),
        "conv2": (384, 26),
        "pool2": (384, 13),
        "conv3": (512, 13),
        "conv4": (512, 13),
        "conv5": (384, 13),
        "pool5": (384, 6),
    }
    assert model.fc6.in_features == 384 * 36 and model.feature_size == {"fc6": 4096, "fc7": 4096, "fc8": 101}


@pytest.mark.parametrize("build", [cnn.CaffeNet, cnn.Hybrid, cnn.toy_caffenet, cnn.toy_hybrid])
def test_order_of_layers_is_caffe_s(build):
    model = meta(build, 10)
    names = " ".join(name for name, _ in model.convolutions.named_children())
    assert names == "conv1 relu1 pool1 norm1 conv2 relu2 pool2 norm2 conv3 relu3 conv4 relu4 conv5 relu5 pool5"
    convolutions = [m for m in model.convolutions if isinstance(m, nn.Conv2d)]
    assert [c.groups for c in convolutions] == [1, 2, 1, 2, 2]
    assert all(m.ceil_mode for m in model.convolutions if isinstance(m, nn.MaxPool2d))
    assert all((m.size, m.beta) == (5, 0.75) for m in model.convolutions if isinstance(m, layers.LocalResponseNorm))


def test_the_full_networks_take_pixels_as_caffe_does():
    """0..1 inside the course becomes 0..255 minus the mean, without a division by the spread."""
    model = meta(cnn.LayerTableCNN, 2, cnn.CAFFENET)
    assert model.mean.shape == (1, 3, 1, 1)
    assert [255 * m for m in cnn.IMAGENET_MEAN] == pytest.approx([123.68, 116.779, 103.939])
    assert pytest.approx(1 / 255) == cnn.CAFFE_STD[0]
    assert [255 * m for m in cnn.FLOW_MEAN] == pytest.approx([128] * 3)  # no motion


def test_the_hybrid_starts_as_in_the_paper_s_code():
    model = cnn.Hybrid(9, cnn.TOY_HYBRID, crop=56, hidden=128)
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            assert module.weight.std().item() == pytest.approx(0.01, rel=0.15), name
            assert module.bias.unique().tolist() == pytest.approx([0.0 if name == "fc8" else 0.1]), name


def test_toy_lrn_acts_on_unit_variance_as_caffe_s_does_on_pixels():
    toy, x, spread = cnn.toy_hybrid(5).convolutions.norm1, torch.randn(2, 16, 4, 4), 0.225 * 255
    caffe = layers.LocalResponseNorm(16, size=5, alpha=1e-4)
    assert torch.allclose(toy(x), caffe(x * spread) / spread, atol=1e-5)
    assert not torch.allclose(toy(x), x, atol=0.1)


@pytest.mark.parametrize("build", [cnn.toy_caffenet, cnn.toy_hybrid])
def test_toy_networks_are_small_and_share_the_interface(build):
    model = build(16).eval()
    assert sum(p.numel() for p in model.parameters()) < 700_000
    assert sum(row.multiply_adds for row in cnn.trace(model)) < 7e6
    x = torch.rand(3, 3, 56, 56)
    assert model(x).shape == (3, 16)
    for layer, size in model.feature_size.items():
        features = model.features(x, layer)
        assert features.shape == (3, size)
        assert layer == "fc8" or features.min() == 0  # after the ReLU
    assert torch.equal(model(x), model.features(x, "fc8"))


def test_features_do_not_depend_on_memory_format_or_batch():
    model = cnn.toy_hybrid(5).double().eval()
    x = torch.rand(4, 3, 56, 56).double()
    one = torch.cat([model.features(image[None], "fc6") for image in x])
    many = model.features(x.to(memory_format=torch.channels_last), "fc6")
    assert torch.allclose(one, many, atol=1e-10)
    plain = model.to(memory_format=torch.contiguous_format).features(x, "fc6")
    assert torch.allclose(plain, many, atol=1e-10)


@pytest.mark.parametrize("build", [cnn.CaffeNet, cnn.Hybrid, cnn.toy_caffenet, cnn.toy_hybrid])
def test_weights_lie_with_the_channels_last(build):
    weights = [weight for weight in meta(build, 10).parameters() if weight.dim() == 4]
    assert len(weights) == 5 and all(w.is_contiguous(memory_format=torch.channels_last) for w in weights)


@pytest.mark.parametrize("name", ["alexnet", "vgg16", "squeezenet1_1", "resnet18"])
def test_torchvision_s_weights_lie_with_the_channels_last(name):
    weights = [weight for weight in meta(cnn.untrained, name).parameters() if weight.dim() == 4]
    assert weights and all(w.is_contiguous(memory_format=torch.channels_last) for w in weights)


def test_the_toy_s_first_weights_do_not_depend_on_how_they_lie_in_memory():
    torch.manual_seed(4)
    drawn = cnn.toy_hybrid(5).convolutions.conv2.weight
    torch.manual_seed(4)
    plain = cnn.Hybrid(5, cnn.TOY_HYBRID, crop=56, hidden=256).to(memory_format=torch.contiguous_format)
    cnn.he_init(plain)
    assert torch.equal(drawn, plain.convolutions.conv2.weight)


@pytest.mark.parametrize("ask", [lambda m, x: m(x), lambda m, x: m.features(x, "fc6"), lambda m, x: m.maps(x)])
def test_pixels_up_to_255_are_refused_and_not_taken_for_very_bright_images(ask):
    with pytest.raises(TypeError, match="floats in 0..1, not torch.uint8; divide the pixels by 255"):
        ask(cnn.toy_hybrid(5), torch.zeros(1, 3, 56, 56, dtype=torch.uint8))


def test_fc6_is_the_same_in_training_and_fc7_is_dropped_out():
    model = cnn.toy_hybrid(5).train()
    x = torch.rand(2, 3, 56, 56)
    assert torch.equal(model.features(x, "fc6"), model.features(x, "fc6"))
    assert not torch.equal(model.features(x, "fc7"), model.features(x, "fc7"))


@settings(max_examples=30)
@given(st.integers(0, 2**31), st.integers(1, 12), st.sampled_from([1, 3, 5]), st.floats(1e-4, 1))
def test_quick_lrn_equals_the_library_s(seed, channels, size, alpha):
    torch.manual_seed(seed)
    x = torch.randn(2, channels, 3, 4, requires_grad=True)
    ours = layers.LocalResponseNorm(channels, size, alpha, k=2.0)(x)
    theirs = F.local_response_norm(x, size, alpha, k=2.0)
    assert torch.allclose(ours, theirs, atol=1e-5)
    upstream = torch.randn_like(x)
    gradients = [torch.autograd.grad(y, x, upstream)[0] for y in (ours, theirs)]
    assert torch.allclose(*gradients, atol=1e-5)


def test_many_images_go_through_the_convolutions_in_small_calls_and_give_the_same():
    model = cnn.toy_caffenet(4)
    x, sizes = torch.rand(cnn.IMAGES_AT_ONCE + 5, 3, 56, 56), []
    model.convolutions.register_forward_pre_hook(lambda _, given: sizes.append(len(given[0])))
    found = model.features(x, "fc6")
    assert sizes == [cnn.IMAGES_AT_ONCE, 5]
    whole = F.relu(model.fc6(model.convolutions((x - model.mean) / model.std).flatten(1)))
    torch.testing.assert_close(found, whole)
    upstream, weight = torch.randn_like(whole), model.convolutions.conv1.weight
    gradients = [torch.autograd.grad(y, weight, upstream)[0] for y in (found, whole)]
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-4)
    assert model.features(x[:0], "fc6").shape == (0, 256)


def test_toy_hybrid_computed_by_hand():
    """The whole network once more with the by-hand pieces: nothing hides in it."""
    model = cnn.toy_hybrid(7).double().eval()
    image = torch.rand(2, 3, 56, 56).double()
    x = (image - model.mean) / model.std
    for layer in model.convolutions:
        if isinstance(layer, nn.Conv2d):
            x = from_scratch.conv2d_unfold(
                x, layer.weight, layer.bias, layer.stride[0], layer.padding[0], groups=layer.groups
            )
        elif isinstance(layer, nn.MaxPool2d):
            x = from_scratch.max_pool2d(x, 3, 2, ceil=True)
        elif isinstance(layer, nn.ReLU):
            x = from_scratch.relu(x)
        else:
            x = from_scratch.local_response_norm(x, 5, layer.alpha, layer.beta)
    fc6 = from_scratch.relu(x.flatten(1) @ model.fc6.weight.T + model.fc6.bias)
    assert torch.allclose(fc6, model.features(image, "fc6"), atol=1e-10)


@pytest.mark.parametrize("name", ["alexnet", "vgg16", "squeezenet1_1", "resnet18"])
def test_torchvision_s_networks_share_the_interface(name):
    model = meta(cnn.untrained, name)
    x = torch.empty(2, 3, model.crop, model.crop, device="meta")
    for layer, size in model.feature_size.items():
        assert model.features(x, layer).shape == (2, size)
    assert ("fc6" in model.feature_size) == (name in ("alexnet", "vgg16"))
    assert model(x).shape == (2, 1000) and len(model.categories) == 1000


@pytest.mark.parametrize("name", ["alexnet", "vgg16", "squeezenet1_1", "resnet18"])
def test_torchvision_s_networks_are_fed_as_they_were_trained(name):
    model = meta(cnn.untrained, name)
    as_trained = torchvision.models.get_model_weights(name).DEFAULT.transforms()
    fresh = cnn.Pretrained(name, nn.Identity(), model.categories)  # with numbers, not on the meta device
    assert fresh.mean.flatten().tolist() == pytest.approx(as_trained.mean)
    assert fresh.std.flatten().tolist() == pytest.approx(as_trained.std)
    assert as_trained.crop_size == [model.crop]


def test_what_comes_after_the_layer_is_not_computed():
    network = cnn.untrained("squeezenet1_1")
    calls = []
    network.network.classifier.register_forward_hook(lambda *_: calls.append("classifier"))
    network.features(torch.rand(1, 3, 224, 224), "pool")
    assert calls == []
    network.features(torch.rand(1, 3, 224, 224), "fc8")
    assert calls == ["classifier"]


def test_torchvision_is_loaded_by_those_only_who_use_its_networks():
    code = "import sys, lrcn_utils.models.cnn, lrcn_utils.models.activity; print('torchvision' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


def test_torchvision_may_be_loaded_for_a_network_without_numbers():
    """An old one makes numbers while it is imported, which the device "meta" refuses."""
    code = (
        "import torch; from lrcn_utils.models import cnn\n"
        "with torch.device('meta'): network = cnn.untrained('squeezenet1_1')\n"
        "print(next(network.parameters()).device)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "meta"


def test_fc6_and_fc7_of_alexnet_are_the_two_hidden_layers():
    network = cnn.untrained("alexnet")
    x = torch.rand(1, 3, 224, 224)
    inner = network.network
    flat = inner.avgpool(inner.features((x - network.mean) / network.std)).flatten(1)
    fc6 = F.relu(inner.classifier[1](flat))
    fc7 = F.relu(inner.classifier[4](fc6))
    assert torch.allclose(network.features(x, "fc6"), fc6) and torch.allclose(network.features(x, "fc7"), fc7)


def test_missing_weights_are_said_plainly(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(cnn.WeightsMissing, match="alexnet: alexnet-owt-7be5be79.pth is not in"):
        cnn.pretrained("alexnet")

    def offline(*_, **__):
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    with pytest.raises(cnn.WeightsMissing, match="no route to host.*offline"):
        cnn.pretrained("alexnet", download=True)


class Planted:
    """Unpickling this runs code: it makes a folder."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return Path.mkdir, (self.folder,)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of weights."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    return tmp_path / "checkpoints"


@pytest.mark.parametrize("download", [False, True])
def test_a_planted_or_damaged_file_is_one_clear_line_and_never_run(cache, download):
    torch.save(Planted(cache / "ran"), cache / "alexnet-owt-7be5be79.pth")
    with pytest.raises(cnn.WeightsMissing, match=r"alexnet: .*alexnet-owt-7be5be79.pth is damaged .* delete it"):
        cnn.pretrained("alexnet", download)
    assert not (cache / "ran").exists()


def publish(file, monkeypatch):
    """Have ``file`` stand for torchvision's weights, under a name that holds its true digest."""
    named = file.with_name(f"squeezenet-{hashlib.sha256(file.read_bytes()).hexdigest()[:8]}.pth")
    file.rename(named)
    entry = SimpleNamespace(url=f"https://example.org/{named.name}", meta={"categories": ["cat"] * 1000})
    monkeypatch.setattr(torchvision.models, "get_model_weights", lambda name: SimpleNamespace(DEFAULT=entry))


def test_even_a_file_of_the_right_digest_runs_no_code(cache, monkeypatch):
    torch.save(Planted(cache / "ran"), cache / "weights.pth")
    publish(cache / "weights.pth", monkeypatch)
    with pytest.raises(pickle.UnpicklingError):
        cnn.pretrained("squeezenet1_1")
    assert not (cache / "ran").exists()


def test_the_weights_in_the_cache_are_those_of_the_network(cache, monkeypatch):
    weights = cnn.untrained("squeezenet1_1").network.state_dict()
    torch.save(weights, cache / "weights.pth")
    publish(cache / "weights.pth", monkeypatch)
    loaded = cnn.pretrained("squeezenet1_1").network.state_dict()
    assert all(torch.equal(loaded[name], weight) for name, weight in weights.items())


@pytest.mark.real
def test_squeezenet_from_a_local_file(real_data, monkeypatch):
    home = real_data / "torch_home"
    if not list(home.rglob("squeezenet1_1-*.pth")):
        pytest.skip("no SqueezeNet weights in torch_home/")
    hub = next(p.parent.parent for p in home.rglob("squeezenet1_1-*.pth"))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(hub))
    model = cnn.pretrained("squeezenet1_1")
    photo = read_image(get_sample_data("grace_hopper.jpg", asfileobj=False), (224, 224))  # a portrait in uniform
    best = model(torch.from_numpy(photo).permute(2, 0, 1)[None].float() / 255)[0].topk(4).indices
    assert {model.categories[k] for k in best} >= {"suit", "bow tie", "military uniform"}


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: cnn.toy_hybrid(4).features(torch.rand(1, 3, 56, 56), "fc9"), "layer='fc9'"),
        (lambda: meta(cnn.untrained, "alexnet").features(torch.rand(1), "pool"), "layer='pool'"),
        (lambda: cnn.pretrained("lenet"), "name='lenet'"),
        (lambda: cnn.untrained("lenet"), "name='lenet'"),
        (lambda: layers.LocalResponseNorm(8, size=4), "size=4"),
        (lambda: layers.LocalResponseNorm(0), "channels=0"),
        (lambda: cnn.Hybrid(5, (cnn.ConvLayer(7, 3, groups=2),) * 2, crop=20, hidden=4), "group"),
    ],
)
def test_wrong_arguments_are_named(call, named):
    with pytest.raises(ValueError, match=named):
        call()
