"""The application as the environment says, for the servers that run it."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from fastapi import FastAPI

from parkingspots.kit import logs, memory
from parkingspots.settings import SettingsError, load

GARBAGE = 50_000
"""Objects made, less those freed, until the youngest are looked at: a request makes hundreds and leaves no cycles."""

log = structlog.get_logger(__name__)


def application() -> FastAPI:
    """A new application, its logs set up. Where the environment cannot be used, the process ends with one line."""
    try:
        settings = load()
    except SettingsError as error:
        sys.exit(f"parkingspots: {error}")
    logs.configure(settings)
    memory.give_back_large_blocks()
    for warning in settings.warnings():
        log.warning(warning)
    with _made_to_last():
        from parkingspots.app import create  # here: nearly all that lasts is what this loads

        return create(settings)


@contextmanager
def _made_to_last() -> Iterator[None]:
    """Look for no garbage in the block, nor ever among what it leaves: there is none, and looking takes a while."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(GARBAGE)
        gc.enable()
