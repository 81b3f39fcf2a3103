"""Extract the features of a frozen CNN for a whole dataset, before any training: of videos, or of images with captions.

    python data_scripts/extract_features.py activity --data ucf101 --cnn squeezenet1_1
    python data_scripts/extract_features.py captioning --data flickr8k --root DIR --feature pool

The same as ``python -m lrcn_utils.extract``, which says more with --help.
"""

import sys

from lrcn_utils import extract

if __name__ == "__main__":
    sys.exit(extract.main())
