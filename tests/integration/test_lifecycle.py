"""The minute job: what becomes of bookings because time goes by."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from minute_job import NOTHING, moved
from parkingspots.kit.database import Database
from parkingspots_lifecycle import job, loop, steps
from parkingspots_lifecycle.steps import Bench, Moved
from product import Api, Person, until

Due = Callable[..., Awaitable[str]]
StatusOf = Callable[[str], Awaitable[str]]


@pytest.fixture
def due(record: Callable[..., Awaitable[str]]) -> Due:
    """Write a booking with times in hours from the real present: the job goes by the database's clock."""
    now = datetime.now(UTC)

    async def recording(status: str, start: float, end: float, **details: Any) -> str:
        return await record(status, start, end, now=now, **details)

    return recording


@pytest.fixture
def status_of(session: AsyncSession) -> StatusOf:
    async def reading(booking: str) -> str:
        return str(await session.scalar(text("SELECT status FROM bookings WHERE id = :id"), {"id": booking}))

    return reading


async def total_bookings(session: AsyncSession, spot: str) -> int:
    total = await session.scalar(text("SELECT total_bookings FROM spot_stats WHERE spot_id = :id"), {"id": spot})
    return int(total or 0)


def is_completed(booking: str, status_of: StatusOf) -> Callable[[], Awaitable[bool]]:
    async def looking() -> bool:
        return await status_of(booking) == "completed"

    return looking


async def test_a_booking_whose_start_has_come_is_started(database: Database, due: Due, status_of: StatusOf) -> None:
    booking = await due("confirmed", -0.01, 1)
    assert await moved(database) == NOTHING | {"start_due": 1}
    assert await status_of(booking) == "in_progress"


@pytest.mark.parametrize("status", ["confirmed", "in_progress"])
async def test_a_booking_whose_end_has_come_is_completed_and_counted(
    database: Database, session: AsyncSession, spot: str, due: Due, status_of: StatusOf, status: str
) -> None:
    booking = await due(status, -2, -0.01)
    assert await moved(database) == NOTHING | {"complete_past": 1}
    assert await status_of(booking) == "completed"
    assert await total_bookings(session, spot) == 1


async def test_a_hold_that_was_not_paid_in_time_is_cancelled_with_the_reason(
    api: Api, database: Database, due: Due, renter: Person
) -> None:
    booking = await due("pending", 1, 2, expires=-0.01, payment_status="pending")
    assert await moved(database) == NOTHING | {"cancel_lapsed": 1}
    after = await api.get(f"/bookings/{booking}", renter)
    assert (after["status"], after["cancellation_reason"]) == ("cancelled", "payment not received in time")
    assert (after["payment_status"], after["expires_at"]) == ("pending", None)


async def test_what_is_not_due_is_left_alone(database: Database, due: Due, status_of: StatusOf) -> None:
    future = await due("confirmed", 0.1, 1)
    running = await due("in_progress", -1, 0.1)
    held = await due("pending", 2, 3, expires=0.1)
    unpaid = await due("pending", -5, -4, expires=0.1)
    over = [await due(status, -2, -1) for status in ("completed", "cancelled", "refunded")]
    bookings = [future, running, held, unpaid, *over]
    before = [await status_of(booking) for booking in bookings]
    assert await moved(database) == NOTHING
    assert [await status_of(booking) for booking in bookings] == before


async def test_a_second_run_finds_nothing_left(database: Database, session: AsyncSession, spot: str, due: Due) -> None:
    await due("confirmed", -2, -1)
    await due("confirmed", -0.5, 1)
    await due("pending", 2, 3, expires=-1)
    assert await moved(database) == NOTHING | {"cancel_lapsed": 1, "complete_past": 1, "start_due": 1}
    assert await moved(database) == NOTHING
    assert await total_bookings(session, spot) == 1


async def test_more_than_a_batch_is_done_in_one_run(
    database: Database, session: AsyncSession, spot: str, due: Due, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "BATCH", 2)
    for hours in range(5):
        await due("confirmed", -hours - 2, -hours - 1)
    assert await moved(database) == NOTHING | {"complete_past": 5}
    assert await total_bookings(session, spot) == 5


async def test_more_than_a_batch_that_ends_at_one_moment_is_done_in_one_run(
    api: Api, owner: Person, renter: Person, database: Database, session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "BATCH", 2)
    for _ in range(5):
        await api.list_spot(owner)
    await session.execute(
        text("""
            INSERT INTO bookings (spot_id, user_id, owner_id, status, payment_status, start_time, end_time,
                total_amount, service_fee, owner_payout, currency)
            SELECT id, :renter, owner_id, 'confirmed', 'completed', date_trunc('hour', now()) - interval '2 hours',
                date_trunc('hour', now()) - interval '1 hour', 770, 70, 700, 'EUR'
            FROM spots
        """),
        {"renter": renter.id},
    )
    assert await moved(database) == NOTHING | {"complete_past": 5}


async def test_a_run_that_is_asked_to_stop_begins_no_further_batch(
    database: Database, due: Due, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "BATCH", 1)
    for hours in range(3):
        await due("confirmed", -hours - 2, -hours - 1)
    stop = asyncio.Event()
    results = await job.run(Bench(database), stop, told=lambda _, moved: stop.set() if moved else None)
    assert {result.step.name: result.outcome.done for result in results} == {"cancel_lapsed": 0, "complete_past": 1}


async def test_between_two_batches_the_job_rests_and_a_signal_ends_that_too(
    database: Database, due: Due, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "BATCH", 1)
    monkeypatch.setattr(job, "REST", 1e6)
    for hours in range(2):
        await due("confirmed", -hours - 2, -hours - 1)
    stop, done = asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(job.run(Bench(database), stop, told=lambda _, moved: done.set() if moved else None))
    await done.wait()
    assert not running.done()
    stop.set()
    assert [result.outcome.done for result in await running] == [0, 1]


async def test_two_jobs_at_once_count_each_completion_once(
    database: Database, session: AsyncSession, spot: str, due: Due, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "BATCH", 3)
    for hours in range(20):
        await due("in_progress", -hours - 2, -hours - 1)
    runs = await asyncio.gather(*(moved(database) for _ in range(4)))
    assert sum(run["complete_past"] for run in runs) == 20
    assert await total_bookings(session, spot) == 20


async def test_a_booking_that_somebody_has_locked_is_passed_over_and_done_later(
    database: Database, due: Due, status_of: StatusOf
) -> None:
    locked, free = await due("confirmed", -2, -1), await due("confirmed", -4, -3)
    async with database.transaction() as other:
        await other.execute(text("SELECT FROM bookings WHERE id = :id FOR UPDATE"), {"id": locked})
        assert await moved(database) == NOTHING | {"complete_past": 1}
        assert await status_of(free) == "completed"
    assert await moved(database) == NOTHING | {"complete_past": 1}
    assert await status_of(locked) == "completed"


async def test_a_step_that_fails_keeps_no_other_from_running(
    database: Database, due: Due, status_of: StatusOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failing(bench: Bench, _since: object) -> Moved:
        async with bench.database.transaction() as session:
            await session.execute(text("SELECT 1 / 0"))
        return Moved(0)

    first, *others = steps.STEPS
    monkeypatch.setattr(steps, "STEPS", (replace(first, act=failing), *others))
    booking = await due("confirmed", -0.5, 1)
    failed, *well = await job.run(Bench(database))
    assert (failed.outcome.failed, failed.outcome.error) == (1, "DBAPIError")
    assert "division by zero" in str(failed.failure)
    assert [result.failure for result in well] == [None] * len(well)
    assert await status_of(booking) == "in_progress"


async def test_the_loop_runs_again_and_again_until_it_is_stopped(
    database: Database, due: Due, status_of: StatusOf
) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(loop.run_until(stop, Bench(database), interval=0.01))
    for hours in range(2):
        await until(is_completed(await due("confirmed", -hours - 2, -hours - 1), status_of))
    stop.set()
    await running


async def test_a_run_that_fails_is_made_up_for_by_the_next(
    database: Database, due: Due, status_of: StatusOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter([ConnectionRefusedError("the database is away")])
    run = job.run

    async def failing_once(*details: Any) -> list[job.Result]:
        for failure in failures:
            raise failure
        return await run(*details)

    monkeypatch.setattr(job, "run", failing_once)
    booking, stop = await due("confirmed", -2, -1), asyncio.Event()
    running = asyncio.create_task(loop.run_until(stop, Bench(database), interval=0.01))
    await until(is_completed(booking, status_of))
    stop.set()
    await running
