"""Image captioning: LRCN 1u, 2u, 2f and 4f, and the m-RNN (paper, Section 5)."""
