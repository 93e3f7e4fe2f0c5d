"""Valkey, or anything that speaks Redis's protocol. Its loss costs speed and nothing else."""

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from parkingspots.kit.names import by_name
from parkingspots.settings import Settings

IN_VALKEY = {"db.system.name": "redis"}
"""Of spans: the conventions know Valkey by the name of its protocol."""
LONGEST_WAIT = 0.1  # seconds, to connect and to answer


class Cache:
    def __init__(self, settings: Settings) -> None:
        self.client: Redis = Redis.from_url(
            settings.cache_url,
            socket_connect_timeout=LONGEST_WAIT,
            socket_timeout=LONGEST_WAIT,
            retry=Retry(NoBackoff(), 0),
        )
        pool = self.client.connection_pool
        pool.connection_class = by_name(pool.connection_class)

    async def is_there(self) -> bool:
        """Whether the server answers within 100 ms."""
        try:
            return bool(await self.client.ping())
        except Exception:  # noqa: BLE001 - uvloop has a RuntimeError for a connection that was reset
            return False

    async def aclose(self) -> None:
        await self.client.aclose()
