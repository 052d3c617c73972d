"""What a digit that is still being drawn will become.

A quarter of a 4 is a perfect 1, and half a 9 a perfect 0: the picture alone cannot tell that more
is to come. Of the parts of digits that the network reads as d, the share P(f | d) are digits f once
they are whole. While the pen is down, the probabilities p of the picture therefore become

    q(f) = Σ_d p(d) · P(f | d).

The shares were counted on parts of synthetic digits, never on what people drew.
"""

from __future__ import annotations

import numpy as np

from nn.support.types import Array


def _table(text: str) -> Array:
    counts = np.array([line.split() for line in text.strip().splitlines()], float)
    return counts / counts.sum(axis=1, keepdims=True)


# `python -m nn.half_drawn` prints it: a row for what a part is read as, 0 … 9, a column for what
# the whole is, in thousandths.
BECOMES = _table("""
 677    0    4    3    0    0   13    1   54  249
  51  436   19    9  186   33  228   13   16    9
   4    1  681  264    0    0    1    0   50    0
   6    0   10  959    0    5    0    1   20    0
   8    1    3    0  764  186   14    5    3   15
   1    0    1    8    0  623    0    0  364    2
 108    0    1    0   25    7  827    0   19   12
  10   24  350  163    1   12    1  419   17    3
   1    0    1    0    0    1    0    0  998    0
   1    1    3    0    0    6    0    6   65  917
""")


def once_whole(probabilities: Array) -> Array:
    """Probabilities (N, 10) of digits as far as they are drawn -> those of the whole digits.

    A digit that is switched off (its probability is 0) leaves its share to the others.
    """
    whole = np.where(probabilities > 0, probabilities @ BECOMES, 0)
    shared: Array = whole / whole.sum(axis=1, keepdims=True)
    return shared
