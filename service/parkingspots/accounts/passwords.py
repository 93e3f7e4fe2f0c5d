"""Passwords: Argon2id with OWASP's least parameters (19 MiB, 2 passes), hashed off the event loop."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher

HASHER = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=19_456, parallelism=1),))
# As many at once as there are cores: more would only cost memory, 19 MiB each.
POOL = ThreadPoolExecutor(max_workers=os.cpu_count() or 1, thread_name_prefix="argon2")
UNUSABLE = "!"
"""The hash of nobody's password: that of a deleted account."""


async def hashed(password: str) -> str:
    return await asyncio.get_running_loop().run_in_executor(POOL, HASHER.hash, password)


async def verified(password: str, stored: str | None) -> tuple[bool, str | None]:
    """Whether `password` is the one of the hash `stored`, and a new hash where that one's parameters are outdated.

    Without a stored hash it takes as long and is never right, so that time does not tell which e-mails are known.
    """
    right, renewed = await asyncio.get_running_loop().run_in_executor(POOL, _verify, password, stored or _dummy())
    return right and stored is not None, renewed if stored is not None else None


def _verify(password: str, stored: str) -> tuple[bool, str | None]:
    try:
        return HASHER.verify_and_update(password, stored)
    except UnknownHashError:
        return False, None


@cache
def _dummy() -> str:
    return HASHER.hash(os.urandom(16).hex())
