"""Names of servers that the product can do without, looked up so that nobody waits for a server of names.

The loop asks for names in two threads, and one that hangs keeps its thread for ten seconds: who asked for Valkey's
again and again would keep the database's from being found.
"""

import asyncio
import socket
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from redis.asyncio.connection import AbstractConnection

LONGEST_LOOKUP = 0.1  # seconds
POOL = ThreadPoolExecutor(max_workers=1, thread_name_prefix="names")

_asking: "dict[str, Future[Any]]" = {}


async def look_up(host: str) -> None:
    """Return when the name is found. Raises OSError; of a name that is still asked for at once, or nearly so."""
    asked = _asking.get(host)
    if asked is None:
        asked = _asking[host] = POOL.submit(socket.getaddrinfo, host, None)
        asked.add_done_callback(lambda _: _asking.pop(host, None))
    async with asyncio.timeout(LONGEST_LOOKUP):
        await asyncio.shield(asyncio.wrap_future(asked))


def by_name(connection_class: type[AbstractConnection]) -> type[AbstractConnection]:
    """Connections that are not tried before the name is found."""

    class ByName(connection_class):  # type: ignore[valid-type, misc]
        async def _connect(self) -> None:
            host = getattr(self, "host", None)  # a socket in the file system has none
            if host is not None:
                await look_up(host)
            await super()._connect()

    return ByName
