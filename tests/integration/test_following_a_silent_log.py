"""A look at the log that does not come: whoever waits for it is let go, and nothing from before is believed."""

from functools import partial
from typing import Any

import asyncpg
import pytest
from sqlalchemy import make_url
from structlog.testing import capture_logs

from gate import with_gate
from parkingspots.kit import follower as following
from parkingspots.kit.follower import Follower
from parkingspots.kit.knowledge import LAG
from parkingspots.settings import Settings
from product import until

SPAN = 600.0  # seconds


async def test_the_same_trouble_is_told_once_a_minute(
    settings: Settings, unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "PAUSE", 0.0)
    nowhere = make_url(settings.database_url.get_secret_value()).set(
        drivername="postgresql+asyncpg", host="127.0.0.1", port=unused_tcp_port
    )
    tries, time = list[None](), [0.0]
    follower = Follower(nowhere, SPAN, lambda: time[0])
    connect = asyncpg.connect

    async def trying(*args: Any, **kwargs: Any) -> Any:
        tries.append(None)
        return await connect(*args, **kwargs)

    async def has_tried(often: int) -> bool:
        return len(tries) >= often

    monkeypatch.setattr(asyncpg, "connect", trying)
    with capture_logs() as told:
        async with follower.following():
            await until(partial(has_tried, 5))
            assert len(told) == 1
            time[0] = following.TOLD_EVERY
            await until(partial(has_tried, len(tries) + 5))
    assert [line["event"] for line in told] == ["the log of changes cannot be read: nothing is cached"] * 2


@pytest.mark.parametrize("trouble", ["silent", "cut"])
async def test_what_was_known_before_a_write_is_forgotten_where_the_look_after_it_fails(
    settings: Settings, unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    monkeypatch.setattr(following, "PATIENCE", 0.2)
    async with with_gate(settings.database_url.get_secret_value(), unused_tcp_port) as (gate, url):
        follower = Follower(make_url(url).set(drivername="postgresql+asyncpg"), SPAN)

        async def hears() -> bool:
            return follower.is_current()

        async with follower.following():
            await until(hears)
            just_loaded = follower.now()
            assert follower.knowledge.covers(just_loaded)
            if trouble == "silent":
                gate.is_silent = True
            else:
                gate.close()
            await follower.catch_up()
            assert not follower.knowledge.covers(just_loaded)
            assert not follower.knowledge.covers(just_loaded + LAG / 2)
