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
 688    1    2    1    4    1   19    2   63  220
  23  524   16   12  187   29  171   20   11    6
   3    0  692  236   11    6    0    2   49    1
   1    6   55  891    1   22    1    5   18    1
  15    4    2    4  823  111    9    8    4   19
   1    1    2    2    1  636    1    1  353    1
  36    2    1    1   31    3  896    1   18   11
   5   39  296  121    3   11    2  509   10    4
   5    1    1    0    1    3    1    1  987    2
   1    9    6    1    5   13    0   13   39  912
""")


def once_whole(probabilities: Array) -> Array:
    """Probabilities (N, 10) of digits as far as they are drawn -> those of the whole digits.

    A digit that is switched off (its probability is 0) leaves its share to the others.
    """
    whole = np.where(probabilities > 0, probabilities @ BECOMES, 0)
    shared: Array = whole / whole.sum(axis=1, keepdims=True)
    return shared
