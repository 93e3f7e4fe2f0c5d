"""What the C library does with memory that is given back to it. Only glibc keeps it; others have nothing to be told."""

import asyncio
import ctypes

M_MMAP_THRESHOLD = -3  # as glibc's malloc.h has it; see mallopt(3)
ON_ITS_OWN = 1 << 20
"""Bytes; a larger block is a mapping of its own, which the system has back as soon as it is freed."""

PAUSE = 60.0  # seconds between two looks for what lies free


def give_back_large_blocks() -> None:
    """Do not let glibc raise that bound to the largest block that was freed, as it does by itself.

    It would keep that much in each thread for good: 19 MiB after the second password.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, ON_ITS_OWN)


async def give_back_again_and_again() -> None:
    """Hand what lies free between small blocks back to the system, for good.

    It is what a crowd of connections leaves behind: 5 MiB of 2,500. Looking takes about a millisecond.
    """
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    while malloc_trim is not None:
        await asyncio.sleep(PAUSE)
        malloc_trim(0)
