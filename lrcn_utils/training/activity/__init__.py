"""Activity recognition: the single-frame model and LRCN, on RGB or flow (paper, Section 4)."""
