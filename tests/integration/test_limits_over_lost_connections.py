"""Rate limits whose connections to Valkey were reset while nobody used them, under the loop that serves."""

import asyncio
from contextlib import aclosing

import uvloop
from pydantic import SecretStr

from parkingspots.dev.valkey import ValkeyServer
from parkingspots.kit.cache import Cache
from parkingspots.kit.limits import Limits
from parkingspots.settings import Settings
from resilience.proxy import wired

AT_ONCE = 8


def test_a_connection_that_was_reset_is_no_error_of_who_comes_next(
    settings: Settings, valkey_server: ValkeyServer, unused_tcp_port: int
) -> None:
    async def count() -> None:
        async with wired(valkey_server.url, unused_tcp_port) as (wire, url):
            own = settings.model_copy(update={"redis_url": SecretStr(url), "rate_limits_enabled": True})
            async with aclosing(Limits(own)) as limits, aclosing(Cache(own)) as cache:
                for _ in range(3):
                    await asyncio.gather(*(limits.count(limits.bookings, f"{each}") for each in range(AT_ONCE)))
                    await cache.is_there()
                    wire.reset()
                    await limits.count(limits.bookings, "next")
                    await cache.is_there()

    uvloop.run(count())
