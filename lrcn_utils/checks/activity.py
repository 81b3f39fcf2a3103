"""Exercises of lesson 03, activity recognition."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from lrcn_utils.checks.compare import judge, judge_gradient, numbers
from lrcn_utils.checks.exercise import Wrong, exercise, expect
from lrcn_utils.data import flow
from lrcn_utils.data.clips import test_clip_starts
from lrcn_utils.models import activity


@exercise
def ceiling(answer):
    """p (classes, frames), rows of sum 1 -> the best accuracy that a model of one frame can have, a number in 0..1."""
    uneven = torch.rand(5, 7).square() * torch.tensor([1, 1, 1, 4, 1, 1, 0.1]) + 0.01
    for p in (uneven, torch.tensor([[0.8, 0.2], [0.3, 0.7]]), torch.full((2, 2), 0.5), torch.eye(3)):
        p = p / p.sum(dim=1, keepdim=True)
        frame, of_frame = p.mean(dim=0), p / p.sum(dim=0)  # P(frame), and P(class | frame)
        mistakes = {
            "the sum must still be divided by the number of classes.": p.amax(dim=0).sum(),
            "you take the largest number of each class; the model sees a frame and chooses a class.": p.amax(1).mean(),
            "you take the mean over the frames as if all were equally frequent.": of_frame.amax(dim=0).mean(),
            "your model draws a class at random; the best one names the most probable.": (frame * of_frame**2).sum(),
            "your model guesses evenly among the classes that can show the frame.": (frame / (p > 0).sum(dim=0)).sum(),
        }
        judge(
            answer(p),
            p.amax(dim=0).sum() / len(p),
            mistakes,
            f"for {len(p)} classes and {p.shape[1]} frames it is not the best.",
        )


@exercise
def clip_starts(answer):
    """n_frames -> the first frames of its test clips, a list of numbers."""
    for frames in (44, 40, 30, 17, 16, 15, 1):
        starts, last = numbers(answer(frames)).astype(int).tolist(), max(frames - 16, 0)
        about = f"a video of {frames} frames"
        expect(len(starts) > 0, f"{about} has no clip at all; a short video is one short clip.")
        expect(min(starts) >= 0, f"{about} has a clip from frame {min(starts)}, before the video begins.")
        expect(len(set(starts)) == len(starts), f"{about} has one clip twice.")
        expect(max(starts) <= last, f"{about} has a clip from frame {max(starts)}, which runs past the end.")
        expect(max(starts) == last, f"{about} loses its last frames: no clip ends on the last one.")
        expect(starts == test_clip_starts(frames), f"{about} should have a clip from every 8th frame, in order.")


@exercise
def lrcn(answer):
    """(clips (batch, time, 3, h, w), cnn, lstm, classifier) -> logits (batch, time, classes)."""
    cnn, clips = _CountingCNN(), torch.rand(3, 4, 3, 2, 2)
    lstm, classifier = nn.LSTM(6, 5, batch_first=True), nn.Linear(5, 7)

    def rest(features):
        return classifier(lstm(features)[0])

    features = cnn(clips.flatten(0, 1)).detach()
    by_clip, mixed = features.view(3, 4, 6), features.view(4, 3, 6).transpose(0, 1)
    right = rest(by_clip)
    mistakes = {
        "the LSTM's state is carried from one clip into the next.": rest(features[None]).view(3, 4, 7),
        "frames of different clips are mixed: behind the CNN they lie clip by clip.": rest(mixed),
        "the LSTM runs over the clips; it should run over time.": rest(by_clip.transpose(0, 1)).transpose(0, 1),
        "only the last step is classified; every step has logits of its own.": right[:, -1],
        "these are probabilities; logits are wanted.": right.softmax(dim=-1),
    }
    cnn.calls = 0
    logits = answer(clips, cnn, lstm, classifier)
    judge(logits, right, mistakes, "the logits are not those of CNN, LSTM and classifier one after another.")
    expect(cnn.calls == 1, f"the logits are right, but the CNN is called {cnn.calls} times; once is enough.")
    expect(logits.requires_grad, "the logits carry no gradient.")
    logits.sum().backward()
    expect(cnn.linear.weight.grad is not None, "no gradient reaches the CNN, so it could not be trained.")


class _CountingCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear, self.calls = nn.Linear(12, 6), 0

    def forward(self, frames):
        self.calls += 1
        expect(frames.dim() == 4, f"the CNN takes frames (n, 3, height, width), but gets {tuple(frames.shape)}.")
        return self.linear(frames.flatten(1))


@exercise
def step_loss(answer):
    """(logits (batch, time, classes), labels (batch,), lengths (batch,)) -> nats a real step."""
    for lengths in (torch.tensor([5, 5, 5]), torch.tensor([5, 2, 3])):
        logits, labels = (3 * torch.randn(3, 5, 4)).requires_grad_(), torch.tensor([2, 0, 3])
        each = functional.cross_entropy(logits.transpose(1, 2), labels[:, None].expand(3, 5), reduction="none")
        real = torch.arange(5) < lengths[:, None]
        of_clips = (each * real).sum(dim=1) / lengths
        twice = activity.step_loss(logits.softmax(dim=-1), labels, lengths)
        mistakes = {
            "only the last step counts; the loss is taken at every step.": each[range(3), lengths - 1].mean(),
            "only the last place counts, which may be padding; the loss is taken at every step.": each[:, -1].mean(),
            "the loss counts padding.": each.mean(),
            "the sum of the real steps is divided by the number of all places.": (each * real).mean(),
            "you take the mean of the clips' means; every real step should count the same.": of_clips.mean(),
            "the softmax is taken twice: cross_entropy wants logits.": twice,
            "the sum is not divided by the number of steps.": each[real].sum(),
        }
        loss, right = answer(logits, labels, lengths), activity.step_loss(logits, labels, lengths)
        judge(loss, right, mistakes, "the loss is not the mean of -log p(label) over the real steps.")
        judge_gradient(loss, right, logits)


@exercise
def video_score(answer):
    """logits, a list of (steps, classes), one a clip -> the probabilities of the video (classes,)."""
    clips = [4 * torch.randn(steps, 5) for steps in (16, 16, 3)]
    of_steps = [clip.softmax(dim=1) for clip in clips]
    of_clips = torch.stack([p.mean(dim=0) for p in of_steps])
    right = of_clips.mean(dim=0)
    of_logits = torch.stack([clip.mean(dim=0) for clip in clips])
    over_time = torch.stack([clip.softmax(dim=0).mean(dim=0) for clip in clips])
    mistakes = {
        "you average logits; the softmax comes first.": of_logits.mean(dim=0).softmax(dim=0),
        "you take the softmax after averaging over the steps; it comes first.": of_logits.softmax(dim=1).mean(dim=0),
        "you average over the steps of all clips at once, so a short clip counts less.": torch.cat(of_steps).mean(0),
        "the softmax runs over the steps instead of the classes.": over_time.mean(dim=0),
        "you count votes of the clips instead of averaging.": torch.eye(5)[of_clips.argmax(dim=1)].mean(dim=0),
        "only the last step of each clip counts.": torch.stack([p[-1] for p in of_steps]).mean(dim=0),
        "the clips' probabilities are added, not averaged.": of_clips.sum(dim=0),
        "you return the number of the class; its probabilities are wanted.": right.argmax(),
    }
    judge(answer(clips), right, mistakes, "these are not the averaged probabilities of steps, and then of clips.")


@exercise
def frame_0_kept(answer):
    """clip (time, numbers) -> the same frames, the first in its place and the others in a random order."""
    clip = torch.arange(16.0)[:, None] + torch.rand(3)
    given = clip.clone()
    orders = [_order(answer(given), clip) for _ in range(8)]
    expect(torch.equal(given, clip), "your function changes the clip that it was given; make a new one.")
    for order in orders:
        expect(len(set(order)) == len(order) == 16, "a frame comes twice or is lost; each should be there once.")
        expect(order != list(range(16)), "nothing is shuffled.")
        expect(order != list(range(15, -1, -1)), "the clip is played backwards; that is another control.")
    if any(order[0] != 0 for order in orders):
        kept = all(order[-1] == 15 for order in orders)
        raise Wrong("the last frame is kept instead of the first." if kept else "the first frame is shuffled, too.")
    expect(any(order != orders[0] for order in orders), "the order is always the same, so it is not random.")
    expect(any(order[-1] != 15 for order in orders), "the last frame stays in its place; only the first should.")
    expect(_order(answer(clip[:1]), clip) == [0], "a clip of one frame should stay as it is.")


def _order(found, clip) -> list[int]:
    """Which frame of ``clip`` stands at each place of ``found``."""
    found, clip = numbers(found), numbers(clip)
    expect(found.shape[1:] == clip.shape[1:], f"a clip has the shape {clip.shape}, but yours has {found.shape}.")
    places = [np.flatnonzero((clip == frame).all(axis=1)) for frame in found]
    expect(all(len(place) for place in places), "the numbers inside a frame have changed; only the order should.")
    return [int(place[0]) for place in places]


@exercise
def flow_image(answer):
    """flow (height, width, 2), pixels -> its image, uint8 (height, width, 3)."""
    motion = np.random.default_rng(0).normal(0, 5, (6, 8, 2)).astype(np.float32)
    motion[0, 0] = 0
    grey = 16 * motion + 128

    def image(x_and_y, magnitude):
        return np.concatenate([x_and_y, magnitude], axis=-1)

    def length(of):
        return np.linalg.norm(of, axis=-1, keepdims=True)

    centred = image(grey, 16 * length(motion) + 128)
    mistakes = {
        "large motion wraps round from 255 to 0: clip before you make bytes.": centred.astype(int) % 256,
        "the values are not clipped to 0..255.": centred,
        "the centre of 128 is missing.": (centred - 128).clip(0, 255),
        "the magnitude is not centred at 128, as x and y are.": image(grey, 16 * length(motion)).clip(0, 255),
        "the scale of 16 is missing.": ((centred - 128) / 16 + 128).clip(0, 255),
        "the magnitude is missing.": grey.clip(0, 255),
        "the magnitude is that of the grey levels, not that of the flow.": image(grey, length(grey)).clip(0, 255),
        "x and y have changed places.": image(grey[..., ::-1], centred[..., 2:]).clip(0, 255),
    }
    found = answer(motion.copy())
    judge(found, flow.flow_image(motion), mistakes, "the image is off by more than one grey level.", tolerance=1)
    dtype = getattr(found, "dtype", type(found).__name__)
    expect(dtype == np.uint8, f"the values are right, but an image has bytes (uint8), not {dtype}.")


@exercise
def mirror_flow(answer):
    """A flow image, uint8 (height, width, 3) -> the flow image of the mirrored video."""
    image = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    image[0, 0] = 0
    given, turned = image.copy(), 255 - image
    x, y = (np.arange(3) == channel for channel in (0, 1))
    upside_down = np.where(y, turned, image)[::-1]
    mistakes = {
        "the picture is mirrored, but its motion still goes the old way.": image[:, ::-1],
        "the motion is turned round, but the picture is not mirrored.": np.where(x, turned, image),
        "the picture is turned upside down; a mirror exchanges left and right.": upside_down,
        "y is turned round; a mirror turns x.": np.where(y, turned, image)[:, ::-1],
        "x and y are turned round; a mirror leaves y as it is.": np.where(x | y, turned, image)[:, ::-1],
        "the magnitude is turned round, too, but a length has no direction.": turned[:, ::-1],
        "a 0 in x stays 0, for a byte has no 256; it should become 255.": np.where(x, -image, image)[:, ::-1],
        "x becomes negative; its centre is 128 and not 0.": np.where(x, -image.astype(int), image)[:, ::-1],
    }
    found = answer(given)
    expect(np.array_equal(given, image), "your function changes the image that it was given; work on a copy.")
    right = flow.mirror_flow_image(image)  # 256 - x, clipped, is one grey level off and right as well
    judge(found, right, mistakes, "this is not the flow of the mirrored video.", tolerance=1)
