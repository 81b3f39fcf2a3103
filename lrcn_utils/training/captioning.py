"""Train and evaluate image captioners (LRCN 1u, 2u, 2f, 4f) on Toy Kitchen, Flickr8k, Flickr30k or COCO 2014."""

import argparse
import hashlib
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from lrcn_utils import environment
from lrcn_utils.data.captions import CaptionSet, PixelFiles, image_batches, load_images
from lrcn_utils.data.coco import read_coco
from lrcn_utils.data.flickr import read_flickr
from lrcn_utils.data.vocabulary import BOS, EOS, Vocabulary, pad_batch, tokenise
from lrcn_utils.decoding import Hypothesis, beam_search
from lrcn_utils.metrics.captions import bleu
from lrcn_utils.models import cnn as cnns
from lrcn_utils.models.captioning import CELLS, MRNN, VARIANTS, Captioner, ImageCaptioner, loss_per_word
from lrcn_utils.training.checkpoints import load_checkpoint, save_checkpoint
from lrcn_utils.training.loop import History, fit

# Learning to caption


class CaptionPairs(Dataset):
    """One item a caption: (the image's row of ``images``, the caption's word numbers).

    ``images`` are features (n, d), or pixels (n, 3, height, width) uint8 for a network that begins with a CNN; of
    pixels one random crop of ``crop`` is taken. Never mirrored: that would make "left of" false.
    """

    def __init__(
        self, images: Tensor | PixelFiles, caption_set: CaptionSet, vocabulary: Vocabulary, crop: int | None = None
    ):
        self.images, self.crop, self.seed_and_epoch = images, crop, (0, 0)
        self.pairs = [(i, vocabulary.encode(caption)) for i, caption in caption_set.pairs()]

    def __len__(self) -> int:
        return len(self.pairs)

    def set_epoch(self, seed: int, epoch: int) -> None:
        """Crops are a function of (seed, epoch, item)."""
        self.seed_and_epoch = (seed, epoch)

    def __getitem__(self, item: int) -> tuple[Tensor, list[int]]:
        i, words = self.pairs[item]
        if self.crop is None:
            return self.images[i], words
        random = np.random.default_rng((*self.seed_and_epoch, item))
        pixels = self.images[i]
        top, left = (int(random.integers(side - self.crop + 1)) for side in pixels.shape[1:])
        return pixels[:, top : top + self.crop, left : left + self.crop] / 255, words


def collate(items: Sequence[tuple[Tensor, list[int]]]) -> tuple[Tensor, Tensor, Tensor]:
    """(images, inputs, targets) of a batch of `CaptionPairs`."""
    images, words = zip(*items, strict=True)
    return torch.stack(images), *pad_batch(words)


def batch_loss(model: nn.Module, batch: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """Nats per word of one batch, moved to where the model is."""
    place = next(model.parameters()).device
    images, inputs, targets = (tensor.to(place) for tensor in batch)
    return loss_per_word(model(images, inputs), targets)


@torch.no_grad()
def evaluate(model: Callable, images: Tensor, caption_set: CaptionSet, vocabulary: Vocabulary) -> float:
    """Loss in nats per word, end words included, over all captions, with teacher forcing."""
    pairs = CaptionPairs(images, caption_set, vocabulary)
    total, words = 0.0, 0
    for batch in DataLoader(pairs, 200, collate_fn=collate):
        real = int((batch[2] != 0).sum())
        loss = batch_loss(model, batch) if isinstance(model, nn.Module) else loss_per_word(model(*batch[:2]), batch[2])
        total, words = total + loss.item() * real, words + real
    return total / words


def decode(model, images: Tensor, decoder: Callable = beam_search, *settings, size: int = 100, **options):
    """Hypotheses for all ``images``, ``size`` at a time: ``decode(model, features, beam_search, 3)``."""
    found: list[list[Hypothesis]] = []
    place = next(model.parameters()).device if isinstance(model, nn.Module) else images.device
    for batch in images.split(size):
        found += decoder(model, batch.to(place), *settings, bos=BOS, eos=EOS, **options)
    return found


def best_words(hypotheses: list[list[Hypothesis]], vocabulary: Vocabulary) -> list[list[str]]:
    """The words of the best hypothesis of each image."""
    return [[vocabulary.words[word] for word in beams[0].words] for beams in hypotheses]


def references(caption_set: CaptionSet) -> list[list[list[str]]]:
    """The reference captions as the metrics take them: words, tokenised as the model's are."""
    return [[tokenise(caption) for caption in captions] for captions in caption_set.captions]


# Checkpoints: the vocabulary travels with the weights


def save(path: Path | str, model: nn.Module, vocabulary: Vocabulary, sizes: dict, record: dict, **more) -> None:
    """Write a captioner with its vocabulary, in half precision. ``sizes``: what `build` takes; ``more``: any notes."""
    config = {"sizes": sizes, "vocabulary": vocabulary.words, **more}
    save_checkpoint(path, model, config, record, half=True)


def load(path: Path | str) -> tuple[nn.Module, Vocabulary, dict, dict]:
    """(captioner, vocabulary, config, record) of a checkpoint, on the CPU and ready to decode."""
    weights, config, record = load_checkpoint(path)
    vocabulary = Vocabulary(config["vocabulary"])
    model = build(len(vocabulary), **config["sizes"])
    model.load_state_dict(weights)
    return model.float().eval(), vocabulary, config, record


def shipped(name: str, retrain: bool = False) -> tuple[nn.Module, Vocabulary, dict, dict]:
    """`load` of the checkpoint captioning_``name``_toy; with ``retrain`` made again by the command in its file."""
    path = environment.CHECKPOINTS / f"captioning_{name}_toy.safetensors"
    if retrain:
        parser = argparse.ArgumentParser()
        add_arguments(parser)
        again = parser.parse_args(load(path)[3]["command"].split()[4:])
        again.out = Path("runs") / path.stem
        run(again)
        path = again.out / "captioner.safetensors"
    return load(path)


def build(vocab_size: int, image_size: int, variant: str = "2f", **sizes) -> nn.Module:
    """A `Captioner`, or the m-RNN for the variant "mrnn"."""
    if variant == "mrnn":
        return MRNN(vocab_size, image_size, **sizes)
    return Captioner(vocab_size, image_size, variant, **sizes)


# Image features


@torch.no_grad()
def extract(
    network: nn.Module, caption_set: CaptionSet, layer: str, *, workers: int = 0, strict: bool = False
) -> tuple[CaptionSet, Tensor]:
    """Features (n, d) of the centre crops, and the set without images that cannot be read. Pixels are not kept."""
    place, warp, kept, found = next(network.parameters()).device, warp_size(network), [], []
    for good, pixels in image_batches(caption_set, warp, warp, workers=workers, strict=strict):
        crops = centre(pixels, network.crop).to(place).contiguous(memory_format=torch.channels_last)
        found.append(network.features(crops, layer).cpu())
        kept += good
    return caption_set.subset(kept), torch.cat(found or [torch.empty(0, 0)])


def centre(pixels: Tensor, crop: int) -> Tensor:
    """The centre crops of uint8 images (n, 3, height, width) as float (n, 3, crop, crop) in 0..1."""
    top, left = ((side - crop) // 2 for side in pixels.shape[2:])
    return pixels[:, :, top : top + crop, left : left + crop].float() / 255


def warp_size(network: nn.Module) -> int:
    """Images are warped to this height and width: 256 before a crop of 227 or 224, 60 before the toy crop of 56."""
    return 60 if network.crop == 56 else 256


def cached_features(
    network: nn.Module, caption_set: CaptionSet, layer: str, folder: Path, **options
) -> tuple[CaptionSet, Tensor]:
    """`extract`, kept in ``folder`` under a name that depends on the images, the layer and the network's weights."""
    digest = hashlib.sha256(json.dumps([layer, [str(path) for path in caption_set.images]]).encode())
    for name, tensor in network.state_dict().items():
        digest.update(name.encode() + tensor.cpu().contiguous().float().numpy().tobytes())
    file = folder / f"{digest.hexdigest()[:16]}.safetensors"
    if file.exists():
        stored = load_file(file)
        return caption_set.subset(stored["kept"].tolist()), stored["features"]
    used, features = extract(network, caption_set, layer, **options)
    place = {path: i for i, path in enumerate(caption_set.images)}
    folder.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.{time.time_ns()}.part")
    save_file({"kept": torch.tensor([place[path] for path in used.images]), "features": features}, part)
    part.replace(file)
    return used, features


# The command line


def read(data: str, root: Path, split: str, strict: bool = False) -> CaptionSet:
    """One split ("train", "val", "test") of "toy", "flickr8k", "flickr30k" or "coco" below ``root``."""
    if data.startswith("flickr"):
        return read_flickr(root, split, strict=strict)
    folder = root / "stills" if data == "toy" else root
    images = folder / "images" if data == "toy" else folder
    return read_coco(folder / "annotations" / f"captions_{split}.json", images, strict=strict)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m lrcn_utils.training captioning``."""
    parser.add_argument("--data", choices=["toy", "flickr8k", "flickr30k", "coco"], default="toy")
    parser.add_argument("--root", type=Path, help="folder of the dataset (default: its name in the data folder)")
    parser.add_argument("--variant", choices=[*VARIANTS, "mrnn"], default="2f")
    parser.add_argument("--cell", choices=list(CELLS), default="lstm")
    parser.add_argument("--no-image", action="store_true", help="the control: the same network without the image")
    parser.add_argument("--cnn", default=None, help="toy, or squeezenet1_1, alexnet, vgg16, resnet18 (torchvision)")
    parser.add_argument("--layer", default=None, help="the image feature: fc6, fc7, fc8 (default) or pool")
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--embedding", type=int, default=128)
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--weight-decay", type=float, default=0.0)
    parser.add_argument("--rate", type=float, default=2e-3, help="learning rate of Adam; falls to 0 along a cosine")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument(
        "--fine-tune", type=int, metavar="EPOCHS", help="afterwards train the CNN as well, at a tenth of the rate"
    )
    parser.add_argument("--batch-size", type=int, default=100)
    parser.add_argument("--limit", type=int, help="use only the first images of every split")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="folder for the checkpoint and for resuming (default: runs/...)")
    parser.add_argument("--strict", action="store_true", help="stop at the first bad caption or image")


def run(args: argparse.Namespace) -> None:
    """Train, print the loss on the val split with right and with shuffled images and BLEU, and save the captioner."""
    started = time.perf_counter()
    torch.manual_seed(args.seed)
    network, layer = network_of(args)
    train_set, train = features_of(args, network, layer, "train")
    val_set, val = features_of(args, network, layer, "val")
    vocabulary = Vocabulary.build(caption for _, caption in train_set.pairs())
    print(f"{len(train_set)} training images, {len(val_set)} val images, {len(vocabulary)} words")
    sizes = {"image_size": 0 if args.no_image else train.shape[1], "variant": args.variant, "hidden": args.hidden}
    sizes |= {"embedding": args.embedding}
    if args.variant != "mrnn":
        sizes |= {"cell": args.cell, "dropout": args.dropout}
    model = build(len(vocabulary), **sizes).standardise(train[:, : sizes["image_size"]]).to(environment.device())
    out = args.out or Path("runs") / f"captioning_{args.data}_{args.variant}_{args.cell}_{args.seed}"
    pairs = CaptionPairs(train[:, : sizes["image_size"]], train_set, vocabulary)
    history = learn(model, pairs, args, args.epochs, out / "state.pt")
    print(f"training loss {history.loss[-1]:.3f} nats a word after {args.epochs} epochs")
    record = {"command": command(args), "seed": args.seed}
    notes = {"cnn": args.cnn or default_cnn(args.data), "layer": layer}
    if args.fine_tune:
        fine_tune(network, layer, model, train_set, vocabulary, args, out)
        val_set, val = features_of(args, network, layer, "val")
        save_checkpoint(out / "cnn.safetensors", network, {"labels": getattr(network, "labels", None)}, record)
    record |= report(model, val[:, : sizes["image_size"]], val_set, vocabulary)
    save(out / "captioner.safetensors", model, vocabulary, sizes, record, **notes)
    print(f"saved {out / 'captioner.safetensors'} after {time.perf_counter() - started:.0f} s")


def features_of(args: argparse.Namespace, network: nn.Module, layer: str, split: str) -> tuple[CaptionSet, Tensor]:
    """The images that can be used of one split and their features; what was left out is printed."""
    root = args.root or environment.data_root() / {"toy": "toy_kitchen"}.get(args.data, args.data)
    found = read(args.data, root, split, args.strict).limit(args.limit)
    folder = environment.data_root() / "cache" / "features"
    used, features = cached_features(network, found, layer, folder, strict=args.strict)
    for line in used.report.lines:
        print(f"left out: {line}")
    if not len(used):
        raise SystemExit(f"{root}: nothing to use in the {split} split")
    return used, features


def learn(model: nn.Module, pairs: CaptionPairs, args: argparse.Namespace, epochs: int, state: Path) -> History:
    """Adam, the rate falling to 0 along a cosine; a CNN inside the model learns at a tenth of the rate."""
    captioner, rate = (model.captioner, args.rate / 4) if isinstance(model, ImageCaptioner) else (model, args.rate)
    groups = [{"params": captioner.parameters(), "lr": rate}]
    if captioner is not model:
        groups.append({"params": model.cnn.parameters(), "lr": rate / 10})
    optimizer = torch.optim.AdamW(groups, weight_decay=args.weight_decay)
    return fit(
        model,
        pairs,
        batch_loss,
        optimizer,
        epochs=epochs,
        batch_size=args.batch_size,
        seed=args.seed,
        clip_norm=5.0,
        schedule=torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs),
        collate=collate,
        save_to=state,
    )


def fine_tune(network: nn.Module, layer: str, model: nn.Module, train_set, vocabulary, args, out: Path) -> None:
    """Train CNN and captioner together, from pixels, for ``args.fine_tune`` epochs (paper: v4 Tables 5 and 6)."""
    side = warp_size(network)
    pixels = load_images(train_set, side, side)[1] if args.data == "toy" else PixelFiles(train_set.images, side)
    pairs = CaptionPairs(pixels, train_set, vocabulary, crop=network.crop)
    both = ImageCaptioner(network, model, layer)
    history = learn(both, pairs, args, args.fine_tune, out / "fine_tune.pt")
    print(f"training loss {history.loss[-1]:.3f} nats a word after {args.fine_tune} epochs of fine-tuning")


def report(model: nn.Module, val: Tensor, val_set: CaptionSet, vocabulary: Vocabulary) -> dict[str, float]:
    """Print and return the scores on the val split, with right and with shuffled images."""
    loss = evaluate(model, val, val_set, vocabulary)
    shuffled = evaluate(model, val.roll(1, 0), val_set, vocabulary)
    scores = bleu(best_words(decode(model, val, beam_search, 3), vocabulary), references(val_set))
    print(f"val loss {loss:.3f} nats a word (perplexity {np.exp(loss):.1f}); with shuffled images {shuffled:.3f}")
    print("BLEU-1..4 with beam 3: " + " / ".join(f"{score:.3f}" for score in scores))
    return {"val_loss": loss, "val_loss_shuffled": shuffled, "val_bleu4": scores[3]}


def command(args: argparse.Namespace) -> str:
    """The command line that gives these results again, without the folders of this machine."""
    given = {name: value for name, value in vars(args).items() if name not in ("root", "out", "task")}
    words = [f"--{name.replace('_', '-')}" + ("" if value is True else f" {value}") for name, value in given.items()]
    kept = [word for word, value in zip(words, given.values(), strict=True) if value not in (None, False)]
    return "python -m lrcn_utils.training captioning " + " ".join(kept)


def default_cnn(data: str) -> str:
    """The toy hybrid for toy images, SqueezeNet with ImageNet weights for real ones."""
    return "toy" if data == "toy" else "squeezenet1_1"


def network_of(args: argparse.Namespace) -> tuple[nn.Module, str]:
    """The CNN of the arguments, ready to give features, and the name of its layer."""
    name = args.cnn or default_cnn(args.data)
    if name == "toy":
        from lrcn_utils.training import cnn as toy

        network = toy.load(environment.CHECKPOINTS / "cnn_hybrid_toy.safetensors")
    else:
        network = cnns.pretrained(name, download=True)
    return network.to(environment.device()).eval(), args.layer or "fc8"
