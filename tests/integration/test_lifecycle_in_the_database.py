"""The database knows the lifecycle too, whoever writes to it."""

from collections.abc import Awaitable, Callable
from itertools import product

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.bookings import rules
from parkingspots.bookings.rules import Status

Record = Callable[..., Awaitable[str]]
MOVE = """UPDATE bookings SET status = :new, expires_at = CASE WHEN :new = 'pending' THEN start_time END
    WHERE id = :id RETURNING status"""


@pytest.mark.parametrize("current", Status)
async def test_the_table_lets_a_booking_go_the_ways_of_the_rules_and_no_other(
    session: AsyncSession, record: Record, current: Status
) -> None:
    for wanted in Status:
        booking = await record(current)
        move = session.scalar(text(MOVE), {"new": str(wanted), "id": booking})
        if wanted == current or wanted in rules.NEXT[current]:
            assert await move == wanted
        else:
            with pytest.raises(IntegrityError, match=f"does not go from {current} to {wanted}"):
                await move
        await session.execute(text("DELETE FROM bookings"))


@pytest.mark.parametrize(("there", "new"), [*product(Status, Status)])
async def test_the_table_keeps_others_out_of_a_slot_that_the_rules_say_is_held(
    record: Record, there: Status, new: Status
) -> None:
    await record(there, 1, 3)
    both = record(new, 2, 4)
    if {there, new} <= rules.HOLDING:
        with pytest.raises(IntegrityError, match="ex_bookings_slot"):
            await both
    else:
        await both
    await record(new, 4, 5)
