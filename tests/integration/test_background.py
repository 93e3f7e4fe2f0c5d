"""The minute job inside an API process."""

import asyncio

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.app import create
from parkingspots.settings import Settings
from product import Api, Person, until

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
