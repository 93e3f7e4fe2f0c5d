"""`parkingspots cache purge`: what a release that serves no more has left in Valkey."""

from redis.asyncio import Redis

from parkingspots.reads.purging import purge
from parkingspots.reads.shared import prefix
from parkingspots.settings import Settings
from product import Api

OTHERS = ("b", "a-2", "a*", "parkingspots", "")


async def test_the_answers_of_one_release_go_and_all_else_stays(api: Api, settings: Settings) -> None:
    valkey: Redis = api.app.state.cache.client
    await valkey.flushdb()
    for number in range(1200):
        await valkey.set(f"{prefix('a')}{number}", b"kept")
    staying = {f"{prefix(other)}1" for other in OTHERS} | {"parkingspots:limits:1", "a", "somebody:else"}
    for name in staying:
        await valkey.set(name, b"kept")

    assert await purge(settings, "a") == 1200
    assert {name.decode() async for name in valkey.scan_iter()} == staying
    assert await purge(settings, "a") == 0


async def test_a_release_named_like_a_pattern_means_itself(api: Api, settings: Settings) -> None:
    valkey: Redis = api.app.state.cache.client
    await valkey.flushdb()
    for release in ("a", "*", "[a]"):
        await valkey.set(f"{prefix(release)}1", b"kept")
    assert await purge(settings, "*") == 1
    assert await purge(settings, "[a]") == 1
    assert await valkey.exists(f"{prefix('a')}1")
