"""Starting a process: nearly all that it will ever hold comes to it with its modules."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

GARBAGE = 50_000
"""Objects made, less those freed, until the youngest are looked at: a request makes hundreds and leaves no cycles."""


@contextmanager
def made_to_last() -> Iterator[None]:
    """Look for no garbage in the block, nor ever among what it leaves: there is none, and looking takes a while."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(GARBAGE)
        gc.enable()
