"""A database that says nothing more, over connections that stand: who reads is answered in time, and again after it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from gate import Gate, with_gate
from parkingspots.kit import follower as following
from parkingspots.reads import reads
from parkingspots.settings import Settings
from product import Api, Clock, Person, running, until

LIST = "/parking-spots/"
CROWD = 20
LOADING = 0.5  # seconds, in these tests
LETTING_GO = 2.0
"""Seconds in which a connection may still be ended in good order: SQLAlchemy's own, and as many for the driver's."""
SOME = 1.5  # seconds more, on a busy machine


@dataclass
class Line:
    """An application that keeps answers, and the gate through which it comes to its database."""

    api: Api
    gate: Gate

    async def fall_silent(self) -> None:
        """Return when the application has noticed that it does not hear of the log any more."""
        self.gate.is_silent = True

        async def has_noticed() -> bool:
            return not await self.api.is_keeping()

        await until(has_noticed)

    async def ask(self, path: str, number: int, within: float, who: Person | None = None) -> list[httpx.Response]:
        """What so many are told who ask at once; TimeoutError where one waits longer."""
        headers = who.headers if who else {}
        async with asyncio.timeout(within):
            return await asyncio.gather(
                *(self.api.client.get(f"/api/v1{path}", headers=headers) for _ in range(number))
            )

    async def is_answered(self, path: str) -> bool:
        (answer,) = await self.ask(path, 1, within=LOADING + LETTING_GO + SOME)
        return answer.status_code == 200

    async def is_given_up(self, within: float) -> None:
        """Return when nothing is being loaded any more."""

        async def is_idle() -> bool:
            return not self.api.app.state.reads._loading

        async with asyncio.timeout(within):
            await until(is_idle)


@pytest.fixture
async def line(
    keeping: Settings, clock: Clock, spot: str, unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Line]:
    """Its connections are made already, and idle."""
    async with with_gate(keeping.database_url.get_secret_value(), unused_tcp_port) as (gate, url):
        own = {"database_url": SecretStr(url), "database_pool_wait_seconds": LETTING_GO}
        async with running(keeping.model_copy(update=own), clock) as api:
            await until(api.is_keeping)
            for path in (LIST, f"/parking-spots/{spot}"):
                await api.get(path)
            monkeypatch.setattr(reads, "LONGEST_LOADING", LOADING)  # from here on: so far the machine may be slow
            monkeypatch.setattr(following, "CONNECTING", LOADING)
            with capture_logs():
                yield Line(api, gate)
            gate.close()  # nobody takes leave of who does not answer


@pytest.mark.parametrize("path", [LIST + "?max_price=900", "/parking-spots/{spot}/availability"])
async def test_what_was_never_read_is_refused_in_time_to_all_who_wait_and_found_when_the_database_speaks_again(
    line: Line, spot: str, path: str
) -> None:
    path = path.format(spot=spot)
    line.gate.is_silent = True
    for answer in await line.ask(path, CROWD, within=LOADING + LETTING_GO + SOME):
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert answer.headers["content-type"] == "application/problem+json"
    line.gate.is_silent = False
    await until(lambda: line.is_answered(path))


async def test_who_is_signed_in_is_refused_as_soon_as_others(line: Line, renter: Person) -> None:
    line.gate.is_silent = True
    for answer in await line.ask(LIST + "?max_price=901", CROWD, LOADING + LETTING_GO + SOME, renter):
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


async def test_what_is_kept_is_told_with_its_age_and_the_truth_when_the_database_speaks_again(
    line: Line, api: Api, owner: Person, spot: str
) -> None:
    (fresh,) = await line.ask(LIST, 1, within=SOME)
    await line.fall_silent()
    for stale in await line.ask(LIST, CROWD, within=reads.PATIENCE + SOME):
        assert (stale.status_code, stale.content) == (200, fresh.content)
        assert (int(stale.headers["age"]) >= 1, stale.headers["cache-control"]) == (True, "no-store")
    await line.is_given_up(within=LOADING + LETTING_GO + SOME)

    await api.put(f"/parking-spots/{spot}", owner, hourly_rate=999)  # by a process that hears it
    line.gate.is_silent = False

    async def is_true() -> bool:
        (answer,) = await line.ask(LIST, 1, within=reads.PATIENCE + SOME)
        assert answer.status_code == 200
        return (answer.json()[0]["hourly_rate"], "age" in answer.headers) == (999, False)

    await until(is_true)
    await until(line.api.is_keeping)
    assert (await line.api.get(LIST))[0]["hourly_rate"] == 999
