"""The cache: its loss and its settings are told, and nothing is made worse than it is."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from doctor.examined import examined, says, states
from parkingspots.dev.ports import HOST, free_port
from parkingspots.doctor.cache import Place, of_reach, of_version
from parkingspots.doctor.finding import State
from parkingspots.settings import Environment, Settings

HERE = Place("cache", 6379, is_named=True)


@pytest.fixture
async def valkey(settings: Settings) -> AsyncIterator[Redis]:
    """The tests' own; what a test sets there is set back."""
    async with Redis.from_url(settings.cache_url, decode_responses=True) as client:
        before = {
            name: (await client.config_get(name))[name] for name in ("maxmemory", "maxmemory-policy", "appendonly")
        }
        yield client
        for name, value in before.items():
            await client.config_set(name, value or "")


async def test_a_cache_as_it_should_be_is_well(settings: Settings) -> None:
    found = await examined(settings, "cache")
    assert states(found, State.OK) == found.keys()
    assert says(found["cache", "version"], State.OK, "Valkey 9")


async def test_a_cache_that_is_away_fails_where_the_settings_name_one(settings: Settings) -> None:
    url = f"redis://:hidden-password@{HOST}:{free_port()}/0"
    found = await examined(settings.model_copy(update={"redis_url": SecretStr(url)}), "cache")
    assert says(found["cache", "reach"], State.FAIL, "cannot be reached", mend="valkey-cli")
    assert states(found, State.SKIPPED) == found.keys() - {("cache", "reach")}
    assert "hidden-password" not in str(found)


async def test_a_cache_that_nobody_named_is_only_missed() -> None:
    settings = Settings(_env_file=None, redis_port=free_port())
    assert says((await examined(settings, "cache"))["cache", "reach"], State.WARN, mend="make dev")


async def test_a_password_that_the_cache_does_not_take_fails(settings: Settings) -> None:
    host = settings.cache_url.rsplit("@", 1)[1]
    wrong = settings.model_copy(update={"redis_url": SecretStr(f"redis://:wrong-password@{host}")})
    assert says((await examined(wrong, "cache"))["cache", "reach"], State.FAIL, "password", mend="REDIS_PASSWORD")


@pytest.mark.parametrize(
    ("url", "state"),
    [
        ("redis://cache/0?password=parkingspots", State.FAIL),
        ("redis://cache/0?password=f3b1c0a9e8d7f6a5", State.OK),
        ("redis://:pass%77ord@cache/0?password=f3b1c0a9e8d7f6a5", State.FAIL),
    ],
)
async def test_a_password_is_judged_wherever_the_url_has_it(settings: Settings, url: str, state: State) -> None:
    own = settings.model_copy(update={"redis_url": SecretStr(url), "environment": Environment.PRODUCTION})
    found = (await examined(own, "settings"))["settings", "cache-password"]
    assert says(found, state, "The password of the cache is")


async def test_a_full_cache_that_makes_no_room_is_told(settings: Settings, valkey: Redis) -> None:
    await valkey.config_set("maxmemory-policy", "noeviction")
    found = (await examined(settings, "cache"))["cache", "policy"]
    assert says(found, State.WARN, "noeviction", mend="CONFIG SET maxmemory-policy allkeys-lru")


async def test_a_cache_without_a_limit_is_told(settings: Settings, valkey: Redis) -> None:
    await valkey.config_set("maxmemory", "0")
    found = (await examined(settings, "cache"))["cache", "maxmemory"]
    assert says(found, State.WARN, "maxmemory is not set", mend="CONFIG SET maxmemory 256mb")


async def test_that_nothing_need_be_written_to_disk_is_advice(settings: Settings, valkey: Redis) -> None:
    await valkey.config_set("appendonly", "yes")
    found = (await examined(settings, "cache"))["cache", "persistence"]
    assert says(found, State.OK, "appendonly", mend="CONFIG SET appendonly no")


def test_a_cache_slower_than_the_product_waits_is_told() -> None:
    assert says(of_reach(HERE, 0.08, None), State.WARN, "80.0 ms", "given up after 100", mend="--latency")


@pytest.mark.parametrize(
    ("name", "version", "state"),
    [("Redis", "6.0.16", State.WARN), ("Redis", "7.2.4", State.OK), ("Valkey", "8.1.0", State.OK)],
)
def test_an_old_redis_is_told(name: str, version: str, state: State) -> None:
    assert says(of_version(HERE, name, version), state, version)
