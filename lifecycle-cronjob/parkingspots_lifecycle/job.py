"""One run of the job: each step in bounded batches, with its own budget, its own failure and a row about it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.exc import SQLAlchemyError

from parkingspots.kit import job_counts, job_runs, tracing
from parkingspots.kit.database import described
from parkingspots.kit.job_runs import Due, Outcome
from parkingspots_lifecycle.steps import Bench, Moved, Step, steps

GRACE, LEAVE_TAKING = 4.0, 1.0
"""Seconds for the batch in hand when the job is to end, and then for noting it. What is cut off is undone, or
done without our hearing of it, or goes on after its lease."""

REST = 0.25
"""Of a batch's time, before the next one: requests that wait for the same cores and the same log get on meanwhile."""


class CutOffError(Exception):
    def __init__(self) -> None:
        super().__init__(f"it was still at work {GRACE:.0f} seconds after the job was to end")


@dataclass(frozen=True)
class Result:
    step: Step
    outcome: Outcome
    seconds: float
    error: Exception | None = None

    @property
    def failure(self) -> str | None:
        """What went wrong, in a sentence."""
        if self.error is None:
            failed = self.outcome.failed
            return f"{failed:,} could not be done this time" if failed else None
        if isinstance(self.error, SQLAlchemyError | OSError):
            return described(self.error)
        return str(self.error) or type(self.error).__name__

    @property
    def bug(self) -> Exception | None:
        """What went wrong, where that is nobody's fault but the program's."""
        return None if isinstance(self.error, SQLAlchemyError | OSError | CutOffError) else self.error


Told = Callable[[Step, int], None]
"""Hears how many rows a step has moved so far."""


async def run(
    bench: Bench,
    stop: asyncio.Event | None = None,
    only: Sequence[str] = (),
    told: Told = lambda *_: None,
) -> list[Result]:
    """Do what is due; `only` names steps, where not all are meant. A step that fails keeps no other from running.

    When `stop` is set, the batch in hand is ended and no other begun. Raises SQLAlchemyError or OSError where the
    database is away, so that nothing can be written down.
    """
    stop, run_id = stop or asyncio.Event(), uuid4()
    return [await _traced(step, bench, stop, run_id, told) for step in steps(bench, only) if not stop.is_set()]


async def due(bench: Bench, only: Sequence[str] = ()) -> list[tuple[Step, Due]]:
    """What each step has before it; nothing is changed."""
    async with bench.database.reader() as session:
        return [(step, await step.due(session)) for step in steps(bench, only)]


async def _traced(step: Step, bench: Bench, stop: asyncio.Event, run_id: UUID, told: Told) -> Result:
    with tracing.step(step.name):
        result = await _run(step, bench, stop, run_id, told)
        tracing.failed(result.error)
    return result


async def _run(step: Step, bench: Bench, stop: asyncio.Event, run_id: UUID, told: Told) -> Result:
    began, claimed, failed, waiting, error = monotonic(), 0, 0, 0, None
    async with bench.database.transaction(durable=False) as session:
        row_id = await job_runs.begin(session, run_id, step.name)
    try:
        async for moved in _batches(step, bench, stop):
            claimed, failed, waiting = claimed + moved.claimed, failed + moved.failed, waiting + moved.waiting
            told(step, claimed)
    except Exception as raised:  # noqa: BLE001 - whatever it is, the other steps go on
        error = raised
    kind = type(error).__name__ if error else None
    left = None if stop.is_set() else await _left(step, bench)
    outcome = Outcome(claimed, claimed - failed - waiting, failed + int(error is not None), kind, left)
    news = job_counts.news() if bench.is_own_process else {}
    async with (
        asyncio.timeout(LEAVE_TAKING if stop.is_set() else None),
        bench.database.transaction(durable=False) as session,
    ):
        await job_runs.end(session, row_id, outcome)
        await job_counts.add(session, {**news, **job_counts.done(step.name, outcome.done)})
    job_counts.told(news)
    return Result(step, outcome, monotonic() - began, error)


async def _batches(step: Step, bench: Bench, stop: asyncio.Event) -> AsyncIterator[Moved]:
    """What became of each batch, until one was not full, the step's time is over, or the job is to end."""
    began, moved = monotonic(), Moved(step.batch())
    while moved.claimed >= step.batch() and not stop.is_set() and monotonic() - began < step.budget:
        begun = monotonic()
        moved = await _within_grace(step.act(bench, moved.until), stop)
        yield moved
        if moved.claimed >= step.batch() and not step.is_of_money:
            await _rest(REST * (monotonic() - begun), stop)


async def _rest(seconds: float, stop: asyncio.Event) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


async def _within_grace(batch: Coroutine[Any, Any, Moved], stop: asyncio.Event) -> Moved:
    """What became of the batch; cut off where it goes on for long after `stop` was set."""
    working, stopping = asyncio.create_task(batch), asyncio.create_task(stop.wait())
    working.add_done_callback(_retrieve)
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait({working}, timeout=GRACE)
        if not working.done():
            raise CutOffError
        return working.result()
    finally:
        for task in (working, stopping):
            task.cancel()
        await asyncio.wait({working, stopping}, timeout=LEAVE_TAKING)


def _retrieve(batch: asyncio.Task[Moved]) -> None:
    """How one ends that was cut off interests nobody any more."""
    if not batch.cancelled():
        batch.exception()


async def _left(step: Step, bench: Bench) -> Due | None:
    """What is still due; None where that cannot be said."""
    try:
        async with bench.database.reader() as session:
            return await step.due(session)
    except (SQLAlchemyError, OSError):
        return None
