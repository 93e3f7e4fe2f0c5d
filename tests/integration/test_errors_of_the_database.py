"""What the database refuses is told in one sentence without anybody's data, whichever way it was asked."""

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from parkingspots.kit.database import Database, constraint, described

Ask = Callable[[Database, str], Awaitable[None]]
KING = """INSERT INTO users (email, password_hash, full_name, role)
    VALUES ('somebody@example.com', 'secret', 'Somebody', 'king')"""


async def by_session(database: Database, statement: str) -> None:
    async with database.transaction() as session:
        await session.execute(text(statement))


async def by_the_driver(database: Database, statement: str) -> None:
    async with database.raw() as connection:
        await connection.execute(statement)


@pytest.mark.parametrize("ask", [by_session, by_the_driver])
async def test_a_refusal_names_neither_rows_nor_a_page_to_read(database: Database, ask: Ask) -> None:
    with pytest.raises(DBAPIError) as refused:
        await ask(database, KING)
    assert described(refused.value) == 'new row for relation "users" violates check constraint "ck_users_role"'
    assert constraint(refused.value) == "ck_users_role"
