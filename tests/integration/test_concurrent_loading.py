"""Many who ask for the same at once: one of them asks the database, and all get what it finds."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy.exc import TimeoutError as PoolTimeout
from structlog.testing import capture_logs

from parkingspots.reads.entries import About
from parkingspots.reads.reads import Reads
from parkingspots.spots import repository
from product import Api, until
from statements import statements

LIST = "/parking-spots/"
MANY = 20


def count(outcome: str) -> float:
    return REGISTRY.get_sample_value("parkingspots_reads_total", {"route": "list_spots", "outcome": outcome}) or 0.0


def refreshed() -> float:
    return REGISTRY.get_sample_value("parkingspots_reads_refreshed_total", {"route": "list_spots"}) or 0.0


class Door:
    """Before the database: who comes to it waits until it is opened; then some are turned away."""

    def __init__(self) -> None:
        self.came = 0
        self.refusal: Exception | None = None
        self._opened = asyncio.Event()

    def open(self) -> None:
        self._opened.set()

    def shut(self) -> None:
        """As at first."""
        self.came = 0
        self._opened.clear()

    async def pass_through(self) -> None:
        self.came += 1
        await self._opened.wait()
        if self.refusal is not None:
            raise self.refusal

    async def is_there(self) -> bool:
        """Whether somebody came."""
        return self.came > 0


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    """The one that every search goes through, and who looks for a spot."""
    door = Door()

    def behind(query: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def through_the_door(*asked: Any) -> Any:
            await door.pass_through()
            return await query(*asked)

        return through_the_door

    for query in (repository.search, repository.by_id):
        monkeypatch.setattr(repository, query.__name__, behind(query))
    yield door
    door.open()


class Crowd:
    """Clients that ask for the same at once."""

    def __init__(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        self._api = api
        self._reads: Reads = api.app.state.reads
        self._waiting, self._loaded = 0, self._reads.loaded
        self.clients: list[asyncio.Task[Any]] = []
        monkeypatch.setattr(self._reads, "loaded", self._counted)

    async def _counted(self, *asked: Any) -> Any:
        self._waiting += 1
        return await self._loaded(*asked)

    async def ask(self, path: str = LIST) -> None:
        """Return when all of them wait."""
        self.clients = [asyncio.create_task(self._api.client.get(f"/api/v1{path}")) for _ in range(MANY)]

        async def all_wait() -> bool:
            return self._waiting == MANY

        await until(all_wait)

    async def answers(self) -> Sequence[Any]:
        """In the order of the clients; exceptions too."""
        return await asyncio.gather(*self.clients, return_exceptions=True)


@pytest.fixture
def crowd(keeping_api: Api, spot: str, monkeypatch: pytest.MonkeyPatch) -> Crowd:
    del spot  # there is one to be found
    return Crowd(keeping_api, monkeypatch)


async def test_many_who_ask_for_a_list_never_seen_are_one_statement(crowd: Crowd, door: Door, spot: str) -> None:
    misses, coalesced = count("miss"), count("coalesced")
    with statements() as sent:
        await crowd.ask()
        door.open()
        answers = await crowd.answers()
    assert [[found["id"] for found in answer.json()] for answer in answers] == [[spot]] * MANY
    assert len({answer.headers["etag"] for answer in answers}) == 1
    assert len(sent) == door.came == 1
    assert (count("miss"), count("coalesced")) == (misses + 1, coalesced + MANY - 1)


async def test_who_goes_away_while_loading_loads_for_the_others(crowd: Crowd, door: Door) -> None:
    await crowd.ask()
    first, *others = crowd.clients
    first.cancel()
    await asyncio.wait([first])
    door.open()
    gone, *answers = await crowd.answers()
    assert isinstance(gone, asyncio.CancelledError)
    assert [answer.status_code for answer in answers] == [200] * len(others)
    assert door.came == 1


@pytest.mark.usefixtures("spot")
async def test_who_goes_away_alone_has_loaded_for_the_next(keeping_api: Api, door: Door) -> None:
    gone = asyncio.create_task(keeping_api.get(LIST))
    await until(door.is_there)
    gone.cancel()
    await asyncio.wait([gone])
    door.open()
    assert len(await keeping_api.get(LIST)) == 1
    assert door.came == 1


@pytest.mark.parametrize(
    ("refusal", "status"), [(PoolTimeout("no connection is free"), 503), (RuntimeError("out of order"), 500)]
)
async def test_a_loading_that_fails_does_so_for_all_who_waited_and_the_next_tries_again(
    keeping_api: Api, crowd: Crowd, door: Door, refusal: Exception, status: int
) -> None:
    door.refusal = refusal
    await crowd.ask()
    door.open()
    with capture_logs():
        answers = await crowd.answers()
    assert [answer.status_code for answer in answers] == [status] * MANY
    assert door.came <= 2  # whoever came when it had begun has the list looked for once more
    door.refusal = None
    assert len(await keeping_api.get(LIST)) == 1


async def test_a_page_that_breaks_does_so_for_all_who_waited_and_the_next_tries_again(
    keeping_api: Api, crowd: Crowd, door: Door, spot: str
) -> None:
    door.refusal = RuntimeError("out of order")
    await crowd.ask(f"/parking-spots/{spot}")
    door.open()
    with capture_logs():
        answers = await crowd.answers()
    assert [str(answer) for answer in answers] == ["out of order"] * MANY
    assert door.came == 1
    door.refusal = None
    assert (await keeping_api.get(f"/parking-spots/{spot}"))["id"] == spot


class Time:
    """The database's, as the process that keeps answers reads it."""

    def __init__(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        self._reads: Reads = api.app.state.reads
        self._follower = api.app.state.follower
        self._patch = monkeypatch

    def stand(self, left: float) -> None:
        """So many times the cost of the one answer that is kept before its end."""
        local = self._reads._local
        about: About = next(iter((local._others | local._popular).values())).entry.about
        now = about.loaded_at + about.good_for - left * about.cost
        self._patch.setattr(self._follower, "now", lambda: now)


@pytest.fixture
def time(keeping_api: Api, monkeypatch: pytest.MonkeyPatch) -> Time:
    """With dice that fall on their middle: an answer is loaded again when 0.69 times its cost is left."""
    monkeypatch.setattr(random, "random", lambda: 0.5)
    return Time(keeping_api, monkeypatch)


@pytest.mark.usefixtures("spot")
async def test_an_answer_near_its_end_is_loaded_again_once_and_nobody_waits_for_it(
    keeping_api: Api, door: Door, time: Time
) -> None:
    door.open()
    await keeping_api.get(LIST)
    await keeping_api.get(LIST)
    door.shut()
    time.stand(left=0.5)
    hits, before = count("hit"), refreshed()
    for _ in range(MANY):
        assert len(await keeping_api.get(LIST)) == 1
    await until(door.is_there)
    assert (count("hit"), refreshed(), door.came) == (hits + MANY, before + 1, 1)
    door.open()
    await until(is_idle(keeping_api))
    await keeping_api.get(LIST)
    assert (count("hit"), refreshed(), door.came) == (hits + MANY + 1, before + 1, 1)


@pytest.mark.usefixtures("spot")
async def test_an_answer_whose_time_is_over_is_not_given_any_more(keeping_api: Api, time: Time) -> None:
    for _ in range(3):
        await keeping_api.get(LIST)
    time.stand(left=-0.1)
    hits, misses = count("hit"), count("miss")
    await keeping_api.get(LIST)
    assert (count("hit"), count("miss")) == (hits, misses + 1)


@pytest.mark.usefixtures("spot")
async def test_an_answer_far_from_its_end_is_not_loaded_again(keeping_api: Api, time: Time) -> None:
    await keeping_api.get(LIST)
    time.stand(left=0.9)
    before = refreshed()
    await keeping_api.get(LIST)
    assert refreshed() == before


@pytest.mark.usefixtures("spot")
async def test_an_early_loading_that_fails_leaves_the_answer_as_it_is(keeping_api: Api, door: Door, time: Time) -> None:
    door.open()
    known = await keeping_api.get(LIST)
    time.stand(left=0.5)
    door.refusal = PoolTimeout("no connection is free")
    hits = count("hit")
    for _ in range(2):
        assert await keeping_api.get(LIST) == known
        await until(is_idle(keeping_api))
    assert (count("hit"), door.came) == (hits + 2, 3)


def is_idle(api: Api) -> Any:
    """Whether nothing is being loaded."""

    async def idle() -> bool:
        return not api.app.state.reads._loading

    return idle
