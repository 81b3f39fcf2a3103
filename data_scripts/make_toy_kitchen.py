"""Make Toy Kitchen: videos, stills, sentences and split lists in the real datasets' formats.

python data_scripts/make_toy_kitchen.py                     the default set, in data/toy_kitchen
python data_scripts/make_toy_kitchen.py --size tiny --out /tmp/tiny
python data_scripts/make_toy_kitchen.py --card              print the card of a set that is there
"""

import argparse
import sys
from pathlib import Path

from lrcn_utils import environment
from lrcn_utils.data import text


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = environment.data_root() / "toy_kitchen"
    parser.add_argument("--out", type=Path, default=default, help="where it goes (default: %(default)s)")
    parser.add_argument(
        "--size", choices=["default", "tiny"], default="default", help="tiny: 64 videos and 60 stills, for tests"
    )
    parser.add_argument(
        "--videos", type=int, metavar="N", help="videos of each class in each group (default 5; tiny 1)"
    )
    parser.add_argument("--images", type=int, metavar="N", help="stills in all (default 1800; tiny 60)")
    parser.add_argument("--seed", type=int, default=0, help="another seed, another world (default 0)")
    parser.add_argument("--workers", type=int, metavar="N", help="processes (default: one a core, at most 4)")
    parser.add_argument("--card", action="store_true", help="print the card of the set at --out, and make nothing")
    args = parser.parse_args()

    from lrcn_utils.data import toy_kitchen  # and with it all that draws, which --help need not wait for

    if args.card:
        path = args.out / "card.json"
        if not path.exists():
            print(f"{path}: no such file; make the set first, without --card", file=sys.stderr)
            return 1
        print(toy_kitchen.card_text(text.read_json(path)))
        return 0
    try:
        card = toy_kitchen.make(
            args.out,
            size=args.size,
            videos=args.videos,
            images=args.images,
            seed=args.seed,
            workers=args.workers,
        )
    except (ValueError, FileExistsError) as error:
        print(f"make_toy_kitchen: {error}", file=sys.stderr)
        return 1
    print(toy_kitchen.card_text(card))
    return 0


if __name__ == "__main__":
    sys.exit(main())
