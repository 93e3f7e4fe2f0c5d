"""A use case that PostgreSQL ends as a deadlock's victim starts over."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.kit.database import ATTEMPTS, Database, retried, sqlstate

DEADLOCK, SERIALIZATION_FAILURE, DIVISION_BY_ZERO = "40P01", "40001", "22012"
GUEST = "INSERT INTO users (email, password_hash, full_name, role) VALUES (:email, '!', 'Guest', 'renter')"
GUESTS = "SELECT count(*) FROM users"


class Unlucky:
    """A use case that writes, and then is ended by PostgreSQL so many times."""

    def __init__(self, code: str, times: int) -> None:
        self.code, self.times, self.attempts = code, times, 0

    async def act(self, session: AsyncSession) -> str:
        self.attempts += 1
        await session.execute(text(GUEST), {"email": f"guest-{self.attempts}@example.com"})
        if self.attempts <= self.times:
            await session.execute(text(f"DO $$ BEGIN RAISE EXCEPTION 'unlucky' USING ERRCODE = '{self.code}'; END $$"))
        return "done"


@pytest.mark.parametrize("code", [DEADLOCK, SERIALIZATION_FAILURE])
async def test_it_succeeds_at_the_last_attempt_and_leaves_nothing_of_the_others(
    database: Database, session: AsyncSession, code: str
) -> None:
    unlucky = Unlucky(code, ATTEMPTS - 1)
    async with database.transaction() as transaction:
        assert await retried(unlucky.act)(transaction) == "done"
    assert unlucky.attempts == ATTEMPTS
    assert await session.scalar(text(GUESTS)) == 1


async def test_it_gives_up_after_three_attempts(database: Database, session: AsyncSession) -> None:
    unlucky = Unlucky(DEADLOCK, ATTEMPTS)
    with pytest.raises(DBAPIError) as caught:
        async with database.transaction() as transaction:
            await retried(unlucky.act)(transaction)
    assert sqlstate(caught.value) == DEADLOCK
    assert unlucky.attempts == ATTEMPTS
    assert await session.scalar(text(GUESTS)) == 0


async def test_another_error_is_no_reason_to_start_over(database: Database) -> None:
    unlucky = Unlucky(DIVISION_BY_ZERO, 1)
    with pytest.raises(DBAPIError):
        async with database.transaction() as transaction:
            await retried(unlucky.act)(transaction)
    assert unlucky.attempts == 1
