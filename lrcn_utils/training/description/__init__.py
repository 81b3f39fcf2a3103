"""Video description: the CRF's tuples into sentences by (a), (b), (c) and SMT, or end to end (paper, Section 6)."""
