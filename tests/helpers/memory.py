"""How much memory something takes at its peak."""

import contextlib
import tracemalloc


@contextlib.contextmanager
def peak_below(limit):
    """Fails if Python and NumPy take more than `limit` bytes at once within the block."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < limit
