"""Captioners: training, decoding and retrieval, beside word by word, image by image and pair by pair.

Captions are as long as COCO's: 7 to 15 words, drawn from 9,000. In decoding no sentence ends before 20 words, so that
every way says as many words as every other.
"""

import torch

from benchmarks import flops, plain
from benchmarks.row import Missing, Topic, Work
from lrcn_utils import environment
from lrcn_utils.data.vocabulary import BOS, EOS, pad_batch
from lrcn_utils.decoding import beam_search, greedy, sample
from lrcn_utils.metrics import captions
from lrcn_utils.models.captioning import Captioner, loss_per_word
from lrcn_utils.training.captioning.retrieval import score_matrix

TOPIC = Topic()
VOCABULARY, IMAGES, WORDS, IMAGE_SIZE = 9000, 32, 20, 1000


def _captioner(variant: str, hidden: int) -> Captioner:
    return Captioner(VOCABULARY, IMAGE_SIZE, variant, hidden=hidden, embedding=hidden).to(environment.device())


def _captions(count: int, seed: int = 0) -> list[list[int]]:
    draw = torch.Generator().manual_seed(seed)
    lengths = torch.randint(7, 16, (count,), generator=draw).tolist()
    return [torch.randint(4, VOCABULARY, (length,), generator=draw).tolist() for length in lengths]


@TOPIC.row("captioner 2f 1000, train", "2f", 1000, bar=1.3)
@TOPIC.row("captioner 4f 1000, train", "4f", 1000, bar=1.3)
@TOPIC.row("captioner 1u 512, train", "1u", 512, bar=1.5)
def train(variant: str, hidden: int) -> Work:
    captioner, device = _captioner(variant, hidden), environment.device()
    before, words = (part.to(device) for part in pad_batch(_captions(IMAGES)))
    image = torch.rand(IMAGES, IMAGE_SIZE).to(device)
    optimizer = torch.optim.SGD(captioner.parameters(), lr=0.0)

    def step(forward) -> torch.Tensor:
        optimizer.zero_grad(set_to_none=True)
        loss = loss_per_word(forward(image, before), words)
        loss.backward()
        optimizer.step()
        return loss.detach()

    ways = {
        "ours": lambda: step(captioner),
        "word by word": lambda: step(lambda *given: plain.word_by_word(captioner, *given)),
    }
    return Work(ways, flops.of_captioner(captioner, IMAGES, int((words != 0).sum()), train=True))


def endless(variant: str, hidden: int) -> tuple[Captioner, torch.Tensor]:
    captioner = _captioner(variant, hidden).eval()
    with torch.no_grad():
        captioner.output.weight *= 10  # else words are so nearly equal that rounding decides between beams
        captioner.output.bias[EOS] = -1e4
    return captioner, torch.rand(IMAGES, IMAGE_SIZE).to(environment.device())


def _words(hypotheses) -> list:
    return [[beam.words for beam in beams] for beams in hypotheses]


@TOPIC.row("greedy, 1u 512", "1u", 512, 0, bar=1.6)
@TOPIC.row("greedy, 2f 1000", "2f", 1000, 0)
@TOPIC.row("beam 3, 1u 512", "1u", 512, 3, bar=1.6)
@TOPIC.row("beam 5, 1u 512", "1u", 512, 5, bar=1.6)
@TOPIC.row("beam 3, 2f 1000", "2f", 1000, 3, bar=1.3)
@TOPIC.row("beam 5, 2f 1000", "2f", 1000, 5, bar=1.3)
def decode(variant: str, hidden: int, width: int) -> Work:
    captioner, images = endless(variant, hidden)
    search, settings = (beam_search, (width,)) if width else (greedy, ())
    some = IMAGES // 16
    ways = {
        "ours": lambda: _words(search(captioner, images, *settings, bos=BOS, eos=EOS, max_length=WORDS)),
        "one image at a time": lambda: _words(
            plain.one_at_a_time(search, captioner, images[:some], *settings, max_length=WORDS)
        ),
    }
    said = IMAGES * (1 + max(width, 1) * (WORDS - 1))
    return Work(ways, flops.of_captioner(captioner, IMAGES, said), times={"one image at a time": IMAGES / some})


@TOPIC.row("sampling 20 x 8 images, 1u 512", bar=1.6)
def draw() -> Work:
    captioner, images = endless("1u", 512)
    images, n = images[:8], 20
    options = {"bos": BOS, "eos": EOS, "max_length": WORDS}
    ways = {
        "ours": lambda: _drawn(sample(captioner, images, n, **options, generator=torch.Generator().manual_seed(0))),
        "one sentence at a time": lambda: _drawn(sample(captioner, images[:1], 1, **options)),
    }
    return Work(ways, flops.of_captioner(captioner, 8, 8 * n * WORDS), times={"one sentence at a time": 8 * n})


def _drawn(hypotheses) -> None:
    """What is drawn differs from way to way, so it is not compared."""


@TOPIC.row("retrieval 2f 1000, 4 images x 60 captions", over="every pair")
def retrieve() -> Work:
    captioner = _captioner("2f", 1000).eval()
    images, captions = torch.rand(4, IMAGE_SIZE).to(environment.device()), _captions(60)
    ways = {
        "ours": lambda: torch.from_numpy(score_matrix(captioner, images, captions)).to(images.device),
        "every pair": torch.no_grad()(lambda: plain.every_pair(captioner, images[:1], captions)),
    }
    return Work(ways, times={"every pair": 4})


@TOPIC.row("BLEU, 1,000 captions", 0, over="COCO code")
@TOPIC.row("ROUGE-L, 1,000 captions", 1, over="COCO code")
@TOPIC.row("CIDEr-D, 1,000 captions", 2, over="COCO code")
def metric(number: int) -> Work:
    try:
        from pycocoevalcap.bleu.bleu import Bleu
        from pycocoevalcap.cider.cider import Cider
        from pycocoevalcap.rouge.rouge import Rouge
    except ImportError as error:
        raise Missing("pycocoevalcap is not installed") from error
    candidates = texts(1000, seed=0)
    references = [list(five) for five in zip(*(texts(1000, seed) for seed in range(1, 6)), strict=True)]
    ours = (captions.bleu, captions.rouge_l, captions.cider_d)[number]
    theirs = (Bleu(4), Rouge(), Cider())[number]
    joined = {i: [" ".join(words)] for i, words in enumerate(candidates)}
    told = {i: [" ".join(words) for words in five] for i, five in enumerate(references)}
    options = {"verbose": 0} if number == 0 else {}
    ways = {
        "ours": lambda: torch.tensor(ours(candidates, references), dtype=torch.float32),
        "COCO code": lambda: torch.tensor(theirs.compute_score(told, joined, **options)[0], dtype=torch.float32),
    }
    return Work(ways)


def texts(count: int, seed: int) -> list[list[str]]:
    """Captions of common words, so that some n-grams are shared."""
    draw = torch.Generator().manual_seed(seed)
    lengths = torch.randint(7, 16, (count,), generator=draw).tolist()
    return [[f"w{int(w)}" for w in torch.randint(60, (n,), generator=draw)] for n in lengths]
