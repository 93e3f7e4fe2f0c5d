"""Memory that is free goes back to the system."""

import ctypes
from pathlib import Path
from resource import getpagesize

import pytest

from parkingspots.kit import memory
from parkingspots.kit.background import beside
from product import until

BLOCKS, SIZE = 40_000, 1_000
"""Larger than the blocks that Python keeps itself, and smaller than those that are a mapping of their own."""

pytestmark = pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="only glibc keeps what was freed between small blocks"
)


async def test_what_lies_free_between_small_blocks_goes_back_to_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "PAUSE", 0.01)
    blocks = [bytes(SIZE) for _ in range(BLOCKS)]
    last = blocks[-1]  # so that the heap cannot simply end sooner
    blocks.clear()
    before = _resident()

    async def most_is_given_back() -> bool:
        return _resident() < before - BLOCKS * SIZE // 2

    async with beside(memory.give_back_again_and_again()):
        await until(most_is_given_back)
    assert len(last) == SIZE


def _resident() -> int:
    """Bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * getpagesize()
