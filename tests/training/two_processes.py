"""A training to be launched: python two_processes.py OUT BATCH_SIZE ACCUMULATE DROPOUT [KILL_AT [RANK]], alone or by
torchrun.

It writes the losses and the weights to OUT; with KILL_AT, process RANK kills itself at that step, as kill -9 would.
"""

import json
import os
import signal
import sys
from pathlib import Path

import torch
from torch import nn

from lrcn_utils.data.vocabulary import Vocabulary
from lrcn_utils.decoding import beam_search
from lrcn_utils.models.captioning import Captioner
from lrcn_utils.training import loop, sentences
from lrcn_utils.training.processes import processes
from lrcn_utils.training.sentences import Pairs, batch_loss, collate, decode
from lrcn_utils.training.state import State

WORDS = ["a", "red", "green", "square", "on", "of", "two", "the", "big"]


def main(out: str, batch_size: int, accumulate: int, dropout: float, kill_at: int = -1, rank: int = 0) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    # 37 sentences of 1 to 9 words: batches hold unequal numbers of words, and the last step has too few sentences.
    said = [(i % 5, " ".join(WORDS[(i * k) % len(WORDS)] for k in range(1, 2 + i % 9))) for i in range(37)]
    model = Captioner(4 + len(WORDS), 5, hidden=12, embedding=6, dropout=dropout)
    pairs = Pairs(torch.rand(5, 5), said, Vocabulary(WORDS))
    steps = 0

    def loss(model: nn.Module, batch):
        nonlocal steps
        if steps == kill_at and processes().rank == rank:
            os.kill(os.getpid(), signal.SIGKILL)
        steps += 1
        return batch_loss(model, batch)

    state = State(Path(out).with_suffix(".state"), resume=True, every=0)
    optimizer = torch.optim.SGD(model.parameters(), 0.5, momentum=0.9)  # Adam would forgive gradients of a wrong size
    settings = {
        "epochs": 4,
        "batch_size": batch_size,
        "accumulate": accumulate,
        "clip_norm": 1.0,
        "collate": collate,
        "progress": False,
    }
    history = loop.fit(model, pairs, loss, optimizer, state=state, **settings)
    gathered = processes().gather(list(processes().share(range(5))))
    decoded = []

    def decoder(*inputs, **options):
        decoded.append(len(inputs[1]))
        return beam_search(*inputs, **options)

    written = [beams[0].words for beams in decode(model, pairs.inputs, decoder, 3, size=2, max_length=9)]
    sentences.AT_ONCE, losses = 10, []
    sentences.batch_loss = lambda model, batch: losses.append(len(batch[1])) or batch_loss(model, batch)
    asked = {"nats": sentences.nats_per_word(model, pairs), "written": written}
    asked |= {"decoded": processes().gather(decoded), "scored": processes().gather(losses)}
    if processes().first:
        weights = {name: tensor.flatten().tolist() for name, tensor in model.state_dict().items()}
        found = {"processes": processes().count, "loss": history.loss, "weights": weights, "gathered": gathered}
        found |= asked
        Path(out).write_text(json.dumps(found))
    processes().wait()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), *map(int, sys.argv[5:]))
