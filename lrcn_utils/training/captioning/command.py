"""The command of image captioning: train on Toy Kitchen, Flickr8k, Flickr30k, COCO 2014 or pictures of one's own."""

import time

import numpy as np
from torch import Tensor, nn

from lrcn_utils import environment
from lrcn_utils.data.cache import digest, digest_of
from lrcn_utils.data.captions import CaptionSet
from lrcn_utils.data.pixels import PixelFiles
from lrcn_utils.data.vocabulary import Vocabulary
from lrcn_utils.decoding import beam_search
from lrcn_utils.metrics.captions import bleu, cider_d
from lrcn_utils.models.captioning import ImageCaptioner
from lrcn_utils.training.captioning import attention, models, shipped
from lrcn_utils.training.captioning.images import features_of, read_images
from lrcn_utils.training.captioning.learning import learn
from lrcn_utils.training.captioning.parts import ShipSettings
from lrcn_utils.training.captioning.settings import CaptioningSettings
from lrcn_utils.training.features import warp_size
from lrcn_utils.training.run import Run
from lrcn_utils.training.sentences import Pairs, best_words, decode, nats_per_word, references, unknown_share


def run(settings: CaptioningSettings) -> None:
    """Train, print the loss on the val split with right and with shuffled images and BLEU, and save the captioner."""
    sets = {split: read_images(settings, split) for split in ("train", "val")}
    network = models.open_cnn(settings.cnn)
    this = Run.start(settings, "captioning", **_identity(settings, sets, network))
    seen = {split: _seen(settings, network, found) for split, found in sets.items()}
    vocabulary = Vocabulary.build((text for _, text in seen["train"][0].pairs()), settings.min_count)
    counts = {split: len(found) for split, (found, _) in seen.items()} | {"words": len(vocabulary)}
    print(f"{counts['train']} training images, {counts['val']} val images, {counts['words']} words")
    scores = [
        this.once(f"captioner_seed{seed}", _train, this, settings, seen, network, vocabulary, seed)
        for seed in settings.all_seeds
    ]
    this.write_results(data=counts, seeds=list(settings.all_seeds), scores=scores)


def _ship(settings: ShipSettings) -> None:
    shipped.ship(settings.out, run)
    attention.ship(settings.out)


COMMANDS = {"": run, "attention": attention.compare, "ship": _ship}


def _identity(settings: CaptioningSettings, sets: dict[str, CaptionSet], network: nn.Module) -> dict:
    """What the settings do not say of a run: its images and captions by contents, and its CNN."""
    found = {
        f"{split} images and captions": digest_of([[*map(digest, images.images)], images.ids, images.captions])
        for split, images in sets.items()
    }
    return found | {"cnn weights": models.cnn_config("", network)["weights"]}


def _seen(settings: CaptioningSettings, network: nn.Module, images: CaptionSet) -> tuple[CaptionSet, Tensor]:
    """The images that can be read, and what the captioner sees of them: the control sees nothing."""
    used, features = features_of(settings, network, settings.feature, images, settings.workers)
    return used, features[:, : 0 if settings.no_image else None]


def _train(
    this: Run, settings: CaptioningSettings, seen: dict, network: nn.Module, vocabulary: Vocabulary, seed: int
) -> dict[str, float]:
    """Train the captioner of one seed, or go on with it, and return its scores on the val split."""
    part, started = f"captioner_seed{seed}", time.perf_counter()
    train_set, features = seen["train"]
    sizes = settings.sizes(features.shape[1])
    environment.seed_everything(seed)
    model = models.build(len(vocabulary), **sizes).standardise(features).to(environment.device())
    pairs = Pairs(features, train_set.pairs(), vocabulary)
    history = learn(model, pairs, settings.recipe, seed=seed, state=this.state(part), workers=settings.workers)
    print(f"training loss {history.loss[-1]:.3f} nats a word after {len(history.loss)} epochs")
    cnn, (val_set, val) = models.cnn_config(settings.cnn, network), seen["val"]
    if settings.fine_tuning:
        network = models.open_cnn(settings.cnn)
        _fine_tune(network, model, settings, train_set, vocabulary, seed, this.state(part, "fine-tuning"))
        val_set, val = _seen(settings, network, val_set)
        notes = {"task": "cnn", "model": settings.cnn, "labels": getattr(network, "labels", None)}
        file = this.keep(f"cnn_seed{seed}", network, notes, {"seed": seed})
        cnn = models.cnn_config(settings.cnn, network, file.name)
    scores = _report(model, val, val_set, vocabulary)
    config = models.config_of(sizes, vocabulary, cnn, settings.feature)
    file = this.keep(part, model, config, {"seed": seed, "loss": history.loss, "scores": scores})
    print(f"saved {file} after {time.perf_counter() - started:.0f} s", flush=True)
    return scores


def _fine_tune(network, model, settings: CaptioningSettings, train_set: CaptionSet, vocabulary, seed, state) -> None:
    """Train CNN and captioner together, from pixels (paper: v4 Tables 5 and 6)."""
    pixels = PixelFiles(train_set.images, warp_size(network))
    pairs = Pairs(pixels, train_set.pairs(), vocabulary, crop=network.crop)
    both = ImageCaptioner(network, model, settings.feature)
    history = learn(both, pairs, settings.fine_tuning, seed=seed, state=state, workers=settings.workers)
    print(f"training loss {history.loss[-1]:.3f} nats a word after {len(history.loss)} epochs of fine-tuning")


def _report(model: nn.Module, val: Tensor, val_set: CaptionSet, vocabulary: Vocabulary) -> dict[str, float]:
    """Print and return the scores on the val split, with right and with shuffled images."""
    pairs = Pairs(val, val_set.pairs(), vocabulary)
    loss, known = nats_per_word(model, pairs), nats_per_word(model, pairs, unknown=False)
    shuffled = nats_per_word(model, Pairs(val.roll(1, 0), val_set.pairs(), vocabulary)) if len(val) > 1 else None
    written, wanted = best_words(decode(model, val, beam_search, 3), vocabulary), references(val_set.captions)
    scores, cider = bleu(written, wanted), cider_d(written, wanted)
    control = "one image cannot be shuffled" if shuffled is None else f"with shuffled images {shuffled:.3f}"
    print(f"val loss {loss:.3f} nats a word (perplexity {np.exp(loss):.1f}); {control}")
    if share := unknown_share(pairs):
        print(f"{share:.1%} of the words are not in the vocabulary; without them {known:.3f} nats a word")
    print("BLEU-1..4 with beam 3: " + " / ".join(f"{score:.3f}" for score in scores) + f"; CIDEr-D {cider:.3f}")
    found = {"val_loss": loss, "val_loss_known_words": known, "val_loss_shuffled": shuffled}
    return found | {"val_bleu4": scores[3], "val_cider_d": cider}
