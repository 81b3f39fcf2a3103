"""Faults to find: pieces in pairs, broken and mended, and small networks into which they are planted.

suspect = faults.draw(seed=7, name="Ada")
suspect.examine()
suspect.accuse("padding")
"""

from lrcn_utils.checks.faults.catalogue import FAULTS, Fault
from lrcn_utils.checks.faults.suspects import DRAWN, Suspect, draw, drawn, examine

__all__ = ["DRAWN", "FAULTS", "Fault", "Suspect", "draw", "drawn", "examine"]
