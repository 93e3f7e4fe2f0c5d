"""Passwords: Argon2id with OWASP's least parameters (19 MiB, 2 passes), hashed off the event loop."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher

from parkingspots.kit.problems import Unavailable

T = TypeVar("T")
HASHER = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=19_456, parallelism=1),))
POOL = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")  # each at work takes a core and 19 MiB
MOST_WAITING = 250
"""Some seconds of work; whoever comes then is told to come back, or nobody would get in."""
UNUSABLE = "!"
"""The hash of nobody's password: that of a deleted account."""


class TooManySignIns(Unavailable):
    detail = "Many people are signing in right now. Please try again in a moment."


_waiting = 0


async def _off_the_loop(work: Callable[..., T], *args: str | None) -> T:
    global _waiting  # noqa: PLW0603 - one pool a process, one count
    if _waiting >= MOST_WAITING:
        raise TooManySignIns
    _waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(POOL, work, *args)
    finally:
        _waiting -= 1


async def hashed(password: str) -> str:
    """The hash to keep. Raises TooManySignIns."""
    return await _off_the_loop(HASHER.hash, password)


async def verified(password: str, stored: str | None) -> tuple[bool, str | None]:
    """Whether `password` is the one of the hash `stored`, and a new hash where that one's parameters are outdated.

    Without a usable hash it takes as long and is never right, so that time does not tell which e-mails are known.
    Raises TooManySignIns.
    """
    return await _off_the_loop(_verify, password, stored)


def _verify(password: str, stored: str | None) -> tuple[bool, str | None]:
    is_somebodys = stored not in {None, UNUSABLE}
    try:
        right, renewed = HASHER.verify_and_update(password, stored if stored and is_somebodys else _dummy())
    except UnknownHashError:
        return False, None
    return (right, renewed) if is_somebodys else (False, None)


@cache
def _dummy() -> str:
    return HASHER.hash(os.urandom(16).hex())
