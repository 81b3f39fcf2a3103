"""LRCN for activity recognition: steps of training and of inference, beside a loop over the frames."""

import torch
from torch import nn

from benchmarks import flops, plain
from benchmarks.row import Topic, Work
from lrcn_utils import environment
from lrcn_utils.models.activity import LRCN, step_loss
from lrcn_utils.models.cnn import CaffeNet, Hybrid, toy_hybrid

TOPIC = Topic()
FRAMES, CLASSES = 16, 101


def _toy() -> nn.Module:
    return toy_hybrid(1)


def _train(model: LRCN, forward, clips: torch.Tensor, labels: torch.Tensor):
    """A step of training; with a rate of 0, so that the weights stay the same for all ways."""
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.0)

    def step() -> torch.Tensor:
        optimizer.zero_grad(set_to_none=True)
        loss = step_loss(forward(clips), labels)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


def _infer(forward, clips: torch.Tensor):
    return torch.inference_mode()(lambda: forward(clips))


@TOPIC.row("hybrid 227 + LSTM 256, one clip, train", Hybrid, 256, 1, True, bar=1.15)
@TOPIC.row("hybrid 227 + LSTM 256, one clip, infer", Hybrid, 256, 1, False, bar=1.2)
@TOPIC.row("AlexNet fc6 227 + LSTM 1024, one clip, train", CaffeNet, 1024, 1, True, bar=1.25)
@TOPIC.row("AlexNet fc6 227 + LSTM 1024, one clip, infer", CaffeNet, 1024, 1, False, bar=1.1)
@TOPIC.row("toy LRCN, 16 clips, train", _toy, 256, 16, True, bar=1.6)
@TOPIC.row("toy LRCN, 16 clips, infer", _toy, 256, 16, False, bar=1.5)
@TOPIC.row("toy LRCN, 4 clips, train", _toy, 256, 4, True, bar=1.6)
@TOPIC.row("toy LRCN, 4 clips, infer", _toy, 256, 4, False, bar=1.5)
def lrcn(cnn, hidden: int, clips: int, train: bool) -> Work:
    device = environment.device()
    model = LRCN(cnn(), CLASSES, hidden=hidden, dropout=0.0).to(device).train(train)
    model.cnn.fc7, model.cnn.fc8 = nn.Identity(), nn.Identity()  # not used, so no weights to keep
    side = model.cnn.crop
    images = torch.rand(clips, FRAMES, 3, side, side).to(device)
    labels = torch.randint(CLASSES, (clips,)).to(device)
    needed = flops.of_images(model.cnn, "fc6", clips * FRAMES, train=train)
    needed += flops.of_steps(model.lstm, clips * FRAMES, train=train)
    needed += flops.of_steps(model.classifier, clips * FRAMES, train=train)
    forwards = {"ours": model, "frame loop": lambda images: plain.frame_by_frame(model, images)}
    if train:
        return Work({name: _train(model, forward, images, labels) for name, forward in forwards.items()}, needed)
    return Work({name: _infer(forward, images) for name, forward in forwards.items()}, needed)
