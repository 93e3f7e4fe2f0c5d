"""Deleting what a release that serves no more has kept in Valkey."""

from contextlib import aclosing

from redis.asyncio import Redis

from parkingspots.reads.shared import prefix
from parkingspots.settings import Settings

BATCH = 500
"""Names a look, and keys a command: so few that nobody else waits for either."""
PATIENCE = 5.0  # seconds, to connect and to answer


async def purge(settings: Settings, release: str) -> int:
    """Delete the answers of `release`, and nothing else; how many. Raises RedisError where Valkey cannot be used.

    A glob's special characters in `release` mean themselves.
    """
    client: Redis = Redis.from_url(settings.cache_url, socket_connect_timeout=PATIENCE, socket_timeout=PATIENCE)
    pattern, gone, batch = _literally(prefix(release)) + "*", 0, list[bytes]()
    async with aclosing(client):
        async for name in client.scan_iter(pattern, count=BATCH):
            batch.append(name)
            if len(batch) >= BATCH:
                gone += await client.unlink(*batch)
                batch.clear()
        return gone + (await client.unlink(*batch) if batch else 0)


def _literally(text: str) -> str:
    return "".join(f"\\{character}" if character in "*?[]\\" else character for character in text)
