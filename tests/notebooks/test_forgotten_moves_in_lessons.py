"""A move that a lesson forgets is seen on the GPU, real or pretend, and nowhere else: tried once for each lesson.

Only the statements that move something run here, on small networks; ``test_lessons_on_device.py`` runs whole lessons.
"""

import ast
import re
import time
from pathlib import Path
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
import torch
from first_cell import NOTEBOOKS
from pretend_gpu import gpu
from tiny_cnn import TinyCNN
from torch import nn

from lrcn_utils.data import clips
from lrcn_utils.data.vocabulary import BOS, PAD
from lrcn_utils.models.activity import LRCN
from lrcn_utils.models.captioning import Captioner

MOVES = re.compile(r"\.to\(device|device=device|\.cpu\(\)")
STAYS = "too small to gain from a GPU"  # what a lesson says that moves nothing


def code_of(path) -> list[str]:
    cells = nbformat.read(path, as_version=4).cells
    return [cell.source for cell in cells if cell.cell_type == "code" and "%pip" not in cell.source]


class Lesson:
    """The code of a lesson, of which single statements run; ``move``: a piece of their text that is left out."""

    def __init__(self, number: str, device, move: str | None = None):
        (path,) = NOTEBOOKS.glob(f"{number}_*.ipynb")
        self.statements = [statement for cell in code_of(path) for statement in ast.parse(cell).body]
        self.device, self.names = device, {"torch": torch, "device": device}
        self.move = move

    def run(self, name: str, **names):
        """The value of ``name`` after the first statement that gives it one; ``names``: what this statement needs."""
        source = ast.unparse(next(one for one in self.statements if name in given_by(one)))
        self.names |= names
        exec(source.replace(self.move, "") if self.move else source, self.names)
        return self.names[name]


def given_by(statement: ast.stmt) -> set[str]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    return {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def recogniser(device):
    return LRCN(TinyCNN(), 3, hidden=4).to(device).eval()


def captioner(device):
    return Captioner(9, 5, hidden=4, embedding=4).to(device).eval()


def probabilities_of_a_film(lesson):
    found = lesson.run("probabilities", model=recogniser(lesson.device), x=torch.rand(5, 3, 4, 4))
    return np.asarray(found)  # as they are drawn


def accuracy_of_a_cnn(lesson):
    dataset = Labelled((image, None) for image in torch.rand(4, 3, 2, 2))
    dataset.labels = torch.tensor([0, 1, 1, 0])
    lesson.run("predict")
    return lesson.run("accuracy")(nn.Sequential(nn.Flatten(), nn.Linear(12, 2)).to(lesson.device), dataset)


class Labelled(list):
    """Pairs, and the labels of all of them."""


def score_of_a_video(lesson):
    score = lesson.run("slow_score", test_clip_starts=clips.test_clip_starts)
    return np.asarray(score(recogniser(lesson.device), torch.rand(20, 3, 4, 4)))  # as it is compared


def loss_of_a_batch(lesson):
    batch = torch.rand(2, 5), torch.tensor([[BOS, 4], [BOS, 5]]), torch.tensor([[4, 6], [5, PAD]])
    lesson.run("masked_loss", PAD=PAD)
    return lesson.run("batch_loss")(captioner(lesson.device), batch)


def log_p_of_a_caption(lesson):
    image = torch.rand(5).to(lesson.device)
    return lesson.run("word_log_probs", BOS=BOS)(captioner(lesson.device), image, [4, 5])


# Lesson 06 moves networks alone: the package's functions move what a network reads to where it is, here they do not.
def features_of_films(lesson):
    images = torch.rand(1, 3).to(lesson.device)
    chain = SimpleNamespace(frame_features=lambda task, cnn, cache: cnn(images))
    return lesson.run("features", chain=chain, load_cnn=lambda: nn.Linear(3, 2), task=None, toy=Path())


def sentence_of_a_decoder(lesson):
    decoders = SimpleNamespace(load=lambda path: [nn.Linear(3, 2), None])
    decoder = lesson.run("decoder", decoders=decoders, shipped=SimpleNamespace(path=str), RETRAIN=False)
    return decoder("c")[0](torch.rand(1, 3).to(lesson.device))


def time_of_a_step(lesson):
    layers = nn.Sequential(nn.Conv2d(3, 2, 3)).to(lesson.device)
    return lesson.run("seconds_for", layers=layers, size=4, clock=time.perf_counter)(2)


CASES = [
    ("00", probabilities_of_a_film, ".to(device)"),
    ("00", probabilities_of_a_film, ".cpu()"),
    ("01", accuracy_of_a_cnn, ".to(device)"),
    ("01", accuracy_of_a_cnn, ".cpu()"),
    ("03", score_of_a_video, ".to(device)"),
    ("03", score_of_a_video, ".cpu()"),
    ("04", loss_of_a_batch, ".to(device)"),
    ("05", log_p_of_a_caption, ", device=device"),
    ("06", features_of_films, ".to(device)"),
    ("06", sentence_of_a_decoder, ".to(device)"),
    ("08", time_of_a_step, ", device=device"),
]


@pytest.mark.parametrize(("number", "use", "move"), CASES)
def test_a_move_left_out_of_a_lesson_is_seen_on_the_gpu_alone(number, use, move):
    with gpu() as device:
        use(Lesson(number, device))
    use(Lesson(number, "cpu", move))
    with gpu() as device, pytest.raises((RuntimeError, TypeError), match="device"):
        use(Lesson(number, device, move))


def test_every_lesson_that_moves_something_is_tried_and_the_others_say_why_not():
    code = {path.stem[:2]: "\n".join(code_of(path)) for path in NOTEBOOKS.glob("*.ipynb")}
    moving = {number for number, source in code.items() if MOVES.search(source)}
    assert moving == {number for number, *_ in CASES}
    assert all(STAYS in source for number, source in code.items() if number not in moving)
