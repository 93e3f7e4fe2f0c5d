"""A crowd that the service cannot serve at once: who waits, who is turned away, and who goes on."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.testing import capture_logs

from parkingspots import lines
from parkingspots.kit import turns
from parkingspots.kit.database import Database
from parkingspots.settings import Settings
from product import Api, Clock, Person, running, until

SEARCH = "/api/v1/parking-spots/search"
BOOKINGS = "/api/v1/bookings/"
CROWD, AT_WORK = 8, 3
"""As many as book at once, and as search."""


@pytest.fixture
async def small_api(settings: Settings, api: Api, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Api]:
    """With four connections, so that three searches are worked on at once, and little patience for others."""
    del api  # empties the tables
    monkeypatch.setattr(lines, "PATIENCE", 0.05)
    async with running(settings.model_copy(update={"database_pool_size": 4}), clock) as small:
        yield small


def shed() -> float:
    return REGISTRY.get_sample_value("parkingspots_http_requests_shed_total", {"class": "reads"}) or 0.0


@pytest.mark.usefixtures("spot")
async def test_searches_that_are_too_many_are_turned_away_with_a_word_and_payments_go_on(
    small_api: Api, renter: Person, database: Database
) -> None:
    before = shed()

    async def others_were_turned_away() -> bool:
        return shed() == before + CROWD - AT_WORK

    async with database.transaction() as blocking:
        await blocking.execute(text("LOCK TABLE spots IN ACCESS EXCLUSIVE MODE"))
        crowd = [asyncio.create_task(small_api.client.get(SEARCH, params={"city": f"{n}"})) for n in range(CROWD)]
        await until(others_were_turned_away)
        assert await small_api.get("/payments/my-payments", renter) == []
        assert [each.done() for each in crowd] == [False] * AT_WORK + [True] * (CROWD - AT_WORK)
    answers = await asyncio.gather(*crowd)
    assert [answer.status_code for answer in answers] == [200] * AT_WORK + [503] * (CROWD - AT_WORK)
    for answer in answers[AT_WORK:]:
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert 1 <= int(answer.headers["Retry-After"]) <= 3
        assert "Try again after the seconds that Retry-After names" in answer.json()["detail"]
    assert (await small_api.client.get(SEARCH)).status_code == 200


async def test_whoever_sends_a_body_slowly_takes_nobodys_turn(small_api: Api) -> None:
    rest = asyncio.Event()
    begun: list[None] = []

    async def slowly() -> AsyncIterator[bytes]:
        yield b"{"
        begun.append(None)
        await rest.wait()
        yield b"}"

    async def all_have_begun() -> bool:
        return len(begun) == CROWD

    crowd = [asyncio.create_task(small_api.client.post(BOOKINGS, content=slowly())) for _ in range(CROWD)]
    await until(all_have_begun)
    assert (await small_api.client.post(BOOKINGS, json={})).status_code == 401
    rest.set()
    assert [answer.status_code for answer in await asyncio.gather(*crowd)] == [401] * CROWD


async def test_whoever_reads_with_a_body_that_does_not_come_keeps_nobody_out(
    small_api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "LONGEST", CROWD)
    rest = asyncio.Event()
    begun: list[None] = []

    async def never() -> AsyncIterator[bytes]:
        begun.append(None)
        await rest.wait()
        yield b""

    async def all_have_begun() -> bool:
        return len(begun) == CROWD

    ask = small_api.client.request
    crowd = [asyncio.create_task(ask("GET", BOOKINGS, content=never())) for _ in range(CROWD)]
    await until(all_have_begun)
    assert [(await ask(method, BOOKINGS)).status_code for method in ("GET", "POST")] == [401, 401]
    rest.set()
    assert [answer.status_code for answer in await asyncio.gather(*crowd)] == [401] * CROWD


async def is_kept(api: Api, page: str) -> bool:
    """Whether the next may be answered from what is kept; asks for it, too."""
    assert (await api.client.get(page)).status_code == 200
    state = api.app.state
    return state.reads.kept(state.targets.known({"path": page, "query_string": b""})) is not None


async def test_what_is_kept_is_answered_while_the_line_of_reads_is_full(
    keeping_api: Api, spot: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = f"/api/v1/parking-spots/{spot}"
    await until(partial(is_kept, keeping_api, page))
    monkeypatch.setattr(turns, "REST", 0)
    monkeypatch.setattr(turns.Line, "is_full", True)
    for method in ("GET", "HEAD"):
        assert (await keeping_api.client.request(method, page)).status_code == 200
    refused = await keeping_api.client.get(SEARCH)
    assert refused.status_code == 503
    assert {"retry-after", "x-request-id", "x-content-type-options"} <= refused.headers.keys()
    assert (await keeping_api.client.get("/livez")).status_code == 200


async def test_while_changes_are_not_heard_of_what_was_kept_passes_a_full_line_and_nothing_else(
    keeping_api: Api, spot: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, state = f"/api/v1/parking-spots/{spot}", keeping_api.app.state
    await until(partial(is_kept, keeping_api, page))
    monkeypatch.setattr(turns, "REST", 0)
    monkeypatch.setattr(turns.Line, "is_full", True)
    monkeypatch.setattr(type(state.follower), "is_current", lambda _: False)
    assert (await keeping_api.client.get(page)).status_code == 200
    never_seen, private = f"{SEARCH}?city=nowhere", "/api/v1/payments/my-payments"
    assert [(await keeping_api.client.get(each)).status_code for each in (never_seen, private)] == [503, 503]


async def test_what_nothing_has_changed_is_answered_past_its_time_where_no_turn_comes(
    keeping_api: Api, session: AsyncSession, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    spot = await keeping_api.list_spot(owner, access_instructions="The code of the gate is 4711")
    page, state = f"/api/v1/parking-spots/{spot}", keeping_api.app.state
    await until(partial(is_kept, keeping_api, page))
    now, over, before = state.follower.now, state.settings.cache_spot_seconds + 1, shed()
    monkeypatch.setattr(type(state.follower), "now", lambda _: now() + over)
    monkeypatch.setattr(turns.Line, "take", turned_away)
    answer = await keeping_api.client.get(page)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert float(answer.headers["Age"]) >= over
    assert shed() == before
    assert (await keeping_api.client.get(page, headers=owner.headers)).status_code == 503  # it has more in it for them
    await session.execute(text("UPDATE spots SET hourly_rate = 999"))
    await state.follower.catch_up()
    with capture_logs() as logs:
        refused = await keeping_api.client.get(page)
    assert (refused.status_code, logs) == (503, [])
    assert shed() == before + 2


async def turned_away(_: turns.Line) -> None:
    raise turns.Busy
