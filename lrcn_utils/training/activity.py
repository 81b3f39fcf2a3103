"""Activity recognition: the single-frame model and LRCN, on RGB or flow (paper, Section 4)."""

import argparse
import random
import zlib
from argparse import Namespace
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch

from lrcn_utils import environment
from lrcn_utils.data.clips import PAPER, TOY, FrameSize
from lrcn_utils.data.ucf101 import ClipDataset, UCF101Index, read_index
from lrcn_utils.training import activity_shipped, activity_table
from lrcn_utils.training.activity_models import FROZEN_RECIPES, OWN_CNNS, RECIPES, Recipe, build, load, start_cnn, train
from lrcn_utils.training.activity_scores import Scores, score, score_features
from lrcn_utils.training.checkpoints import load_checkpoint, save_checkpoint
from lrcn_utils.training.features import FeatureClips, FrameFeatures, extract

TOY_CNN = environment.CHECKPOINTS / "cnn_hybrid_toy.safetensors"
# Networks without fc6 take images of any size: whole frames of the paper's size, not a crop of them.
NO_FC6, WHOLE = ("squeezenet1_1", "resnet18"), FrameSize(PAPER.height, PAPER.width, 224)
RECIPE_OPTIONS = {
    "epochs": int,
    "rate": float,
    "clip_norm": float,
    "weight_decay": float,
    "warm_up": int,
    "batch": int,
    "brightness": float,
}


DEFAULTS = {
    "data": "toy",
    "split": 1,
    "input": "rgb",
    "model": "lrcn",
    "cnn": "hybrid-toy",
    "cnn_weights": TOY_CNN,
    "crops": "centre",
    "seed": 0,
    "seeds": 1,
    "out": Path("runs/activity"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m lrcn_utils.training activity``, and of its parts ``table``, ``fuse`` and ``ship``."""
    _add_options(parser)
    parser.set_defaults(**DEFAULTS)
    parts = parser.add_subparsers(dest="part", metavar="{table,fuse,ship}", title="instead of training one model")
    table = parts.add_parser(
        "table",
        help="train both models on both inputs, fuse, print the paper's table",
        argument_default=argparse.SUPPRESS,  # an option may stand before "table" too: what is not given changes nothing
    )
    _add_options(table)
    fused = parts.add_parser("fuse", help="weighted averages of the saved scores of two streams")
    fused.add_argument("rgb", type=Path, help="scores of the RGB stream (.npz)")
    fused.add_argument("flow", type=Path, help="scores of the flow stream (.npz)")
    shipped = parts.add_parser("ship", help="for maintainers: make the shipped checkpoints of a finished table")
    shipped.add_argument("--out", type=Path, default=Path("runs/activity"))


def _add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--data", choices=["toy", "ucf101"], help="Toy Kitchen, or videos laid out as UCF-101")
    add("--root", type=Path, help="folder of the data (default: toy_kitchen or ucf101 in the data folder)")
    add("--cache", type=Path, help="folder of what is derived from the videos (default: cache in the root)")
    add("--split", type=int, choices=[1, 2, 3], help="official split")
    add("--test-groups", type=groups, metavar="8-11", help="test on these groups, train on all others")
    add("--validation-groups", type=groups, metavar="8-10", help="keep these from training, and test on them")
    add("--random-split", action="store_true", help="mix the clips of all groups first: the leak, for comparison")
    add("--classes", nargs="+", help="only these classes")
    add("--limit", type=int, help="at most so many videos of a class on either side")
    add("--strict", action="store_true", help="stop at the first video that cannot be read")
    add("--input", choices=["rgb", "flow"])
    add("--model", choices=["single-frame", "lrcn"])
    add("--feature", choices=["fc6", "fc7", "pool"], help="what the LSTM sees (default: fc6 where the CNN has it)")
    add("--cnn", choices=[*OWN_CNNS, "squeezenet1_1", "alexnet", "vgg16", "resnet18"])
    add("--cnn-weights", type=Path, help="checkpoint that an own CNN starts from")
    add("--start", type=Path, help="single-frame checkpoint LRCN starts from (default: one is trained first)")
    add("--hidden", type=int, help="units of the LSTM (default: 256, or 64 on a frozen CNN)")
    add("--feature-dropout", type=float, help="dropout on the CNN's features (default: 0, or 0.5 on a frozen CNN)")
    add("--crops", choices=["centre", "ten"], help="crops of a test frame")
    add("--seed", type=int)
    add("--seeds", type=int, help="how many seeds, from --seed on")
    add("--optimizer", choices=["adamw", "sgd"], help="instead of the recipe's")
    for name, kind in RECIPE_OPTIONS.items():
        add(f"--{name.replace('_', '-')}", type=kind, help="instead of the recipe's")
    add("--out", type=Path, help="folder of checkpoints and scores")


def groups(text: str) -> list[int]:
    """Group numbers from "8-11" or "1,3,8-10"."""
    found = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def run(args: Namespace) -> None:
    """Train and score, or ``fuse``; print the accuracies."""
    if args.part == "fuse":
        print(activity_table.fused(Scores.load(args.rgb), Scores.load(args.flow)))
        return
    if args.part == "ship":
        activity_shipped.ship(args.out)
        return
    index = choose_videos(args)
    for line in index.report.lines:
        print(line)
    print(f"{len(index.classes)} classes, {len(index.train)} training and {len(index.test)} test videos")
    seeds = range(args.seed, args.seed + args.seeds)
    streams = table_streams(args) if args.part == "table" else [args]
    runs = {}
    for stream in streams:
        for seed in seeds:
            scores = train_and_score(stream, index, seed)
            runs.setdefault((model_name(stream), stream.input), []).append(scores)
            print(f"{model_name(stream)} {stream.input} seed {seed}: {scores.accuracy:.1%}", flush=True)
    print(activity_table.table(runs, [video.label for video in index.train]))


def table_streams(args: Namespace) -> list[Namespace]:
    """Every model on every input: the single frame and LRCN, on fc6 and fc7 where the CNN has them."""
    own = args.cnn in OWN_CNNS or args.cnn in ("alexnet", "vgg16")
    features = ["fc6", "fc7"] if own and args.feature is None else [args.feature]
    kinds = [{"model": "single-frame", "feature": None}, *({"model": "lrcn", "feature": f} for f in features)]
    return [Namespace(**vars(args) | kind | {"input": name}) for kind in kinds for name in ("rgb", "flow")]


def choose_videos(args: Namespace) -> UCF101Index:
    """The videos of the run; ``--validation-groups`` and ``--random-split`` change who is tested."""
    root = args.root or (environment.toy_kitchen() if args.data == "toy" else environment.data_root() / "ucf101")
    index = read_index(
        root,
        args.split,
        test_groups=args.test_groups,
        classes=args.classes,
        limit=args.limit,
        cache=args.cache,
        strict=args.strict,
    )
    if args.validation_groups:
        held = [video for video in index.train if video.group in args.validation_groups]
        kept = [video for video in index.train if video.group not in args.validation_groups]
        return replace(index, train=kept, test=held)
    if args.random_split:
        return mix(index)
    return index


def mix(index: UCF101Index, seed: int = 0) -> UCF101Index:
    """The leak: as many test videos, but drawn from all groups, so that a group lies on both sides."""
    videos = [*index.train, *index.test]
    random.Random(seed).shuffle(videos)
    return replace(index, train=videos[len(index.test) :], test=videos[: len(index.test)])


def model_name(args: Namespace) -> str:
    return "single-frame" if args.model == "single-frame" else f"lrcn-{feature_of(args)}"


def feature_of(args: Namespace) -> str:
    """The layer that is read: the last hidden one for the single frame, fc6 for LRCN, "pool" in nets without."""
    if args.cnn in NO_FC6:
        return "pool"
    return args.feature or ("fc7" if args.model == "single-frame" else "fc6")


def recipe_of(args: Namespace) -> Recipe:
    changed = {name: getattr(args, name) for name in (*RECIPE_OPTIONS, "optimizer")}
    recipe = RECIPES[args.model, args.input] if args.cnn in OWN_CNNS else FROZEN_RECIPES[args.model]
    return replace(recipe, **{name: value for name, value in changed.items() if value is not None})


def train_and_score(args: Namespace, index: UCF101Index, seed: int) -> Scores:
    """One model of one seed: train it or find it trained in ``--out``, save its weights and its scores there."""
    model = trained(args, index, seed)
    if args.cnn in OWN_CNNS:
        scores = score(model, clip_dataset(args, index.test, train=False), index.classes, args.crops, progress=True)
    else:
        kept = frozen_features(args, model, index.test)
        rows = score_features(model, (torch.from_numpy(row.astype(np.float32)) for row in kept))
        scores = Scores.of(index.test, index.classes, rows)
    scores.save(_file(args, seed, ".npz"))
    return scores


def trained(args: Namespace, index: UCF101Index, seed: int):
    """The trained model. An interrupted training goes on; a finished one of the same settings is loaded."""
    own = args.cnn in OWN_CNNS
    hidden, dropout = (256, 0.0) if own else (64, 0.5)
    config = {
        "model": args.model,
        "cnn": args.cnn,
        "feature": feature_of(args),
        "input": args.input,
        "hidden": args.hidden or hidden,
        "feature_dropout": dropout if args.feature_dropout is None else args.feature_dropout,
        "normalise": not own,
        "classes": index.classes,
    }
    if not own:
        config["views"] = f"{'x'.join(map(str, frame_size(args)))} {args.crops}"  # of which its features are
    recipe, file = recipe_of(args), _file(args, seed, ".safetensors")
    made = {"recipe": asdict(recipe), "seed": seed, "train": [video.name for video in index.train]}
    state = file.with_suffix(f".{zlib.crc32(repr((config, made)).encode()):08x}.training")
    if file.exists():
        _, old_config, record = load_checkpoint(file)
        if old_config == config and record["state"] == state.name:
            return load(file)[0]
    environment.seed_everything(seed)
    model = build(config).to(environment.device())
    if args.cnn in OWN_CNNS:
        give_start(model, args, index, seed)
        if recipe.warm_up and not state.exists():
            warm_up(model, args, index, recipe, seed)
        dataset = clip_dataset(args, index.train, train=True)
    else:
        model.cnn.requires_grad_(False)
        dataset = FeatureClips(frozen_features(args, model, index.train))
    history = train(model, dataset, recipe, seed=seed, save_to=state)
    record = {"state": state.name, "recipe": asdict(recipe), "seed": seed, "loss": history.loss}
    save_checkpoint(file, model, config, record)
    state.unlink(missing_ok=True)
    return model


def give_start(model, args: Namespace, index: UCF101Index, seed: int) -> None:
    """The paper's chain: the pre-trained CNN starts the single-frame model, which starts its stream's LRCN."""
    if args.model == "lrcn":
        if args.start is not None:
            weights = load_checkpoint(args.start)[0]
        else:
            plain = {name: None for name in (*RECIPE_OPTIONS, "optimizer", "feature")}
            single = Namespace(**vars(args) | plain | {"model": "single-frame"})
            weights = trained(single, index, seed).state_dict()
        start_cnn(model, weights, prefix="cnn.")
    elif args.cnn_weights.exists():
        start_cnn(model, load_checkpoint(args.cnn_weights)[0])


def warm_up(model, args: Namespace, index: UCF101Index, recipe: Recipe, seed: int) -> None:
    """Train what stands on the CNN by itself, on the features of the CNN as it is."""
    features = extract(clip_dataset(args, index.train, train=False), model.cnn, model.feature, args.out / "cache")
    model.cnn.requires_grad_(False)
    train(model, FeatureClips(features), replace(recipe, epochs=recipe.warm_up, freeze_conv1=False), seed=seed)
    model.cnn.requires_grad_(True)


def frame_size(args: Namespace) -> FrameSize:
    return WHOLE if args.cnn in NO_FC6 else TOY if args.cnn.endswith("-toy") else PAPER


def clip_dataset(args: Namespace, videos, train: bool) -> ClipDataset:
    keep = args.cnn in OWN_CNNS  # a frozen CNN reads each video once: its features are kept instead of its frames
    return ClipDataset(videos, frame_size(args), train=train, input=args.input, cache=keep and (args.cache or True))


def frozen_features(args: Namespace, model, videos) -> FrameFeatures:
    """The frozen CNN's features of every frame, kept in the cache."""
    views = "whole" if args.cnn in NO_FC6 and args.crops == "centre" else args.crops
    dataset = clip_dataset(args, videos, train=False)
    cache = args.cache or videos[0].root / "cache"
    return extract(dataset, model.cnn, feature_of(args), cache, views=views, progress=True)


def _file(args: Namespace, seed: int, suffix: str) -> Path:
    return args.out / f"{model_name(args)}_{args.input}_seed{seed}{suffix}"
