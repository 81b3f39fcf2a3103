"""What is said of an image or a film, whatever said it."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Sentence:
    """What one model says. ``log_prob``: in nats, the end counted; None for SMT, whose score is no probability."""

    words: str
    log_prob: float | None

    @property
    def probability(self) -> str:
        """Its probability as text; "" where there is none."""
        if self.log_prob is None:
            return ""
        probability = math.exp(self.log_prob)
        return f"{probability:.4f}" if probability >= 0.0001 else "< 0.0001"


@dataclass(frozen=True)
class Described:
    """A film's tuple, {slot: word}, and its sentence."""

    frames: int
    words: dict[str, str]
    sentence: Sentence
