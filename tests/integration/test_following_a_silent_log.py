"""A look at the log that does not come: whoever waits for it is let go, and nothing from before is believed."""

import pytest
from sqlalchemy import make_url

from gate import with_gate
from parkingspots.kit import follower as following
from parkingspots.kit.follower import Follower
from parkingspots.kit.knowledge import LAG
from parkingspots.settings import Settings
from product import until

SPAN = 600.0  # seconds


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
