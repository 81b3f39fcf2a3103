"""Estimate the optical flow of every video of a dataset in the form of UCF-101, and store it as flow images.

    python data_scripts/compute_flow.py data/toy_kitchen
    torchrun --standalone --nproc-per-node 8 data_scripts/compute_flow.py data/ucf101 --workers 1

Reads the videos of ROOT/UCF-101/<Class>/ and writes ROOT/flow/<Class>/<name>.avi: H.264 videos whose frame t is the
flow from frame t to t+1 (16 u + 128, 16 v + 128 and 16 |(u, v)| + 128, clipped to 0..255). Each says in its comment
which video it was made from. Started again it goes on where it ended, and does again what has changed.
The same as ``python -m lrcn_utils.extract flow``; --help lists the options, --dry-run says what would be done.
"""

import sys

from lrcn_utils import extract


def main(arguments: list[str] | None = None) -> int:
    return extract.main(["flow", *(sys.argv[1:] if arguments is None else arguments)])


if __name__ == "__main__":
    sys.exit(main())
