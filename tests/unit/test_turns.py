"""Requests that wait for their turn."""

import asyncio

import pytest
from starlette.types import Message, Receive, Scope, Send

from parkingspots.kit import turns
from parkingspots.kit.turns import LATEST, LONGEST, SOONEST, Busy, Line, Valve
from parkingspots.lines import Lines
from parkingspots.settings import Settings

FOR_EVER, NOT_AT_ALL = 3_600.0, 0.001  # seconds


async def test_as_many_as_there_are_turns_go_at_once_and_the_next_when_one_is_given_back() -> None:
    line = Line("test", 2, FOR_EVER)
    await line.take()
    await line.take()
    third = asyncio.create_task(line.take())
    await asyncio.sleep(0)
    assert not third.done()
    line.give_back()
    await third


async def test_turns_come_in_the_order_of_the_line() -> None:
    line, order = Line("test", 1, FOR_EVER), []
    await line.take()

    async def wait(number: int) -> None:
        await line.take()
        order.append(number)
        line.give_back()

    waiting = [asyncio.create_task(wait(number)) for number in range(5)]
    await asyncio.sleep(0)
    line.give_back()
    await asyncio.gather(*waiting)
    assert order == [0, 1, 2, 3, 4]


async def test_whose_turn_does_not_come_in_time_is_told_when_to_come_back() -> None:
    line = Line("test", 1, NOT_AT_ALL)
    await line.take()
    with pytest.raises(Busy) as refusal:
        await line.take()
    assert refusal.value.status == 503
    assert SOONEST <= int(refusal.value.headers["Retry-After"]) <= LATEST
    line.give_back()
    await line.take()  # whoever was turned away has not taken it


async def test_whoever_goes_away_leaves_the_line() -> None:
    line = Line("test", 1, FOR_EVER)
    await line.take()
    gone, stays = asyncio.create_task(line.take()), asyncio.create_task(line.take())
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)
    line.give_back()
    await stays
    assert gone.cancelled()


async def test_a_line_that_has_become_full_takes_nobody_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "REST", 0)
    line = Line("test", 1, FOR_EVER)
    await line.take()
    waiting = [asyncio.create_task(line.take()) for _ in range(LONGEST)]
    assert not line.is_full
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await line.take()
    waiting.pop().cancel()
    await asyncio.sleep(0)
    assert not line.is_full
    for each in waiting:
        each.cancel()


async def test_whoever_takes_an_answer_slowly_counts_no_more() -> None:
    line, may_go_on = Line("test", 1, 1), asyncio.Event()
    counted: list[int] = []

    async def app(_: Scope, __: Receive, send: Send) -> None:
        counted.append(line.reading)
        await send({"type": "http.response.start", "status": 200})

    async def slowly(_: Message) -> None:
        counted.append(line.reading)
        await may_go_on.wait()

    async def nothing() -> Message:
        return {}

    valve = Valve(app, lambda _: line, lambda _: False)
    taking = asyncio.create_task(valve({"type": "http", "method": "GET", "headers": []}, nothing, slowly))
    await asyncio.sleep(0)
    assert counted == [1, 0]
    may_go_on.set()
    await taking
    assert line.reading == 0


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("GET /api/v1/parking-spots/search", "GET /api/v1/reviews/spot/x", True),
        ("GET /api/v1/parking-spots/search", "POST /api/v1/bookings/", False),
        ("POST /api/v1/bookings/", "POST /api/v1/payments/webhook", False),
        ("POST /api/v1/payments/webhook", "POST /api/v1/payments/refund", False),
        ("POST /api/v1/payments/webhook", "POST /api/v1/payments/webhook/", True),
        ("GET /api/v1/parking-spots/", "POST /api/v1/parking-spots/", False),
        ("POST /api/v1/parking-spots/", "POST /api/v1/auth/login", True),
        ("HEAD /api/v1/parking-spots/", "GET /api/v1/parking-spots", True),
    ],
)
def test_money_and_searches_stand_in_lines_of_their_own(one: str, other: str, *, same: bool) -> None:
    lines = Lines(Settings(_env_file=None), "/api/v1")
    first, second = (lines.of({"method": each.split()[0], "path": each.split()[1]}) for each in (one, other))
    assert first is not None
    assert (first is second) is same


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/health", "/metrics", "/docs", "/", "/api/v1"])
def test_probes_and_documentation_never_wait(path: str) -> None:
    assert Lines(Settings(_env_file=None), "/api/v1").of({"method": "GET", "path": path}) is None
