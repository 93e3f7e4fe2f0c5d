"""Starting a process: nearly all that it will ever hold comes to it with its modules."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

OTEL = "opentelemetry.sdk"
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


@contextmanager
def without_opentelemetry() -> Iterator[None]:
    """Imports in the block find nothing of its SDK: redis-py would load all of it, for metrics that it never takes."""
    before = sys.modules.get(OTEL)
    sys.modules[OTEL] = before  # type: ignore[assignment]  # None: "there is none"
    try:
        yield
    finally:
        if before is None:
            del sys.modules[OTEL]
