"""What runs beside the requests of an API process: the minute job, and whatever else is ended with it."""

import asyncio
from contextlib import suppress

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.app import create
from parkingspots.kit.background import beside
from parkingspots.settings import Settings
from product import PATIENCE, Api, Person, until

LONG_AGO = "UPDATE bookings SET start_time = now() - interval '2 hours', end_time = now() - interval '1 hour'"
COMPLETED = "SELECT status = 'completed' FROM bookings"


async def test_an_api_with_background_tasks_completes_past_bookings(
    api: Api, session: AsyncSession, settings: Settings, spot: str, renter: Person
) -> None:
    await api.book(renter, spot, 1, 2)
    await session.execute(text(LONG_AGO))

    async def completed() -> bool:
        return bool(await session.scalar(text(COMPLETED)))

    app = create(settings.model_copy(update={"enable_background_tasks": True}))
    async with app.router.lifespan_context(app):
        await until(completed)
    assert (await api.get(f"/parking-spots/{spot}"))["total_bookings"] == 1


async def test_an_api_without_them_leaves_that_to_the_job(settings: Settings) -> None:
    app = create(settings)
    async with app.router.lifespan_context(app):
        at_work = {getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks()}
    assert "_kept_running" not in at_work


async def test_work_that_is_cancelled_as_its_answer_comes_ends_all_the_same() -> None:
    begun = asyncio.Event()

    async def deaf_once() -> None:
        begun.set()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await asyncio.Event().wait()

    async with asyncio.timeout(PATIENCE), beside(deaf_once()):
        await begun.wait()
