"""Prepare the text of TACoS Multi-Level for the course: unpack it, read every file, say what is there and what is not.

    python data_scripts/prepare_tacos.py --source ~/Downloads/tacos_ml.tar.gz      a download, or an unpacked folder
    python data_scripts/prepare_tacos.py --url https://.../tacos_ml.tar.gz         fetched first; resumes

The corpus is on the page "TACoS Multi-Level Corpus" of the Max Planck Institute for Informatics (search for that
title). The folder OUT (default: data/tacos) then has detailed/, short/, singlesentence/ and experimentalSetup/.

Videos and CRF outputs are not in it. Those who hold CRF outputs put them into OUT/crf.csv, with the columns

    video,slot,state,probability,map
    s13-d21,activity,cut,0.91,1
    s13-d21,activity,peel,0.09,0

one row for each state of each slot (activity, tool, object, source, target) of each video: the state's marginal, and
1 for the state of the most probable tuple. A video may also be a part of one, if its descriptions stand in a folder of
that name. This script checks the file. Then: python -m lrcn_utils.training description --data tacos
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from lrcn_utils.data import command, tacos
from lrcn_utils.data.download import fetch, move_into, unpack
from lrcn_utils.data.sources import Source
from lrcn_utils.environment import data_root

SOURCE = Source(
    "TACoS Multi-Level (Rohrbach and others, 2014; 185 videos, text alone)",
    'the page "TACoS Multi-Level Corpus" of the Max Planck Institute for Informatics',
    "the archive states none; the corpus and the films that it describes are given out for research",
)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--source", type=Path, metavar="FILE", help="the download, or the folder it was unpacked to")
    where.add_argument("--url", help="address of the archive")
    parser.add_argument("--sha256", help="with --url: the digest that the archive must have")
    parser.add_argument("--out", type=Path, default=data_root() / "tacos", help="default: %(default)s")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    parser.add_argument("--strict", action="store_true", help="stop at the first file that is not right")
    return command.run("prepare_tacos", prepare(parser.parse_args(arguments)))


def prepare(args: argparse.Namespace) -> Iterator[str]:
    """Fetch and place the corpus where that is asked for, and report line by line."""
    yield from SOURCE.describe()
    yield f"{args.out}: a few thousand small text files, 20 MB; unpacking and reading them takes about half a minute"
    if args.dry_run:
        from_where = args.url or args.source or args.out
        yield f"would {'fetch, unpack and ' if args.url else 'unpack and ' if args.source else ''}read {from_where}"
        return
    if args.url:
        name = args.url.rpartition("/")[2].partition("?")[0] or "tacos_ml.tar.gz"
        args.source = fetch(args.url, args.out.parent / name, args.sha256, page=SOURCE.page, progress=True)
    if args.source:
        place(args.source.expanduser(), args.out)
    yield from check(args.out, args.strict)


def place(source: Path, out: Path) -> None:
    """Bring the corpus in ``source``, an archive or a folder, to ``out``; a corpus that is there already is kept."""
    if (out / "experimentalSetup").is_dir():
        print(f"{out}: holds the corpus already and is kept; remove it to unpack again")
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as part:
        if source.is_dir():
            shutil.copytree(corpus_in(source), Path(part) / "copy")
        else:
            unpack(source, part)
        move_into(corpus_in(Path(part)), out, last="experimentalSetup")


def corpus_in(folder: Path) -> Path:
    """``folder``, or the folder in it, that holds experimentalSetup."""
    found = [
        setup.parent for setup in [folder / "experimentalSetup", *folder.glob("*/experimentalSetup")] if setup.is_dir()
    ]
    if not found:
        raise FileNotFoundError(f"{folder.name}: there is no folder experimentalSetup in it; is it TACoS Multi-Level?")
    return found[0]


def check(root: Path, strict: bool) -> list[str]:
    """Read everything below ``root`` and report, line by line."""
    corpus = tacos.read_corpus(root, strict=strict)
    lines = [f"{len(corpus.train)} videos to train and validate, {len(corpus.test)} to test"]
    for level in corpus.levels:
        for side, videos in (("training", corpus.train), ("test", corpus.test)):
            descriptions = corpus.of(level, videos)
            sentences = sum(len(d.sentences) for d in descriptions)
            lines.append(f"{level}, {side}: {len(descriptions)} descriptions, {sentences} sentences")
    if (root / "crf.csv").exists():
        outputs = tacos.read_crf(root / "crf.csv", corpus.report)
        sizes = ", ".join(f"{len(words)} of {slot}" for slot, words in outputs.states.items())
        lines.append(f"crf.csv: {len(outputs.videos)} videos; states: {sizes}")
    else:
        lines.append("crf.csv is not there: the language can be trained, the decoders cannot")
    return lines + corpus.report.lines


if __name__ == "__main__":
    sys.exit(main())
