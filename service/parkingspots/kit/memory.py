"""What the C library does with memory that is given back to it."""

import ctypes

M_MMAP_THRESHOLD = -3  # as glibc's malloc.h has it; see mallopt(3)
ON_ITS_OWN = 1 << 20
"""Bytes; a larger block is a mapping of its own, which the system has back as soon as it is freed."""


def give_back_large_blocks() -> None:
    """Do not let glibc raise that bound to the largest block that was freed, as it does by itself.

    It would keep that much in each thread for good: 19 MiB after the second password. Other C libraries do not do so.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, ON_ITS_OWN)
