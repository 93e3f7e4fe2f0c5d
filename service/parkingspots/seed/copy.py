"""Rows into tables, by PostgreSQL's COPY."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any, NamedTuple

from asyncpg import Connection

from parkingspots.seed.people import People
from parkingspots.seed.plan import Plan
from parkingspots.seed.rows import Batch, batches, crowds

Progress = Callable[[str, int, int], None]
"""Told what is being made, how much of it is there, and how much there will be."""


async def copy(connection: "Connection[Any]", table: str, rows: Sequence[NamedTuple]) -> None:
    """Append `rows`, whose fields are named as the table's columns."""
    if rows:
        await connection.copy_records_to_table(table, records=rows, columns=rows[0]._fields)


async def copy_people(
    connection: "Connection[Any]", plan: Plan, people: People, password_hash: str, progress: Progress
) -> None:
    done, total = 0, plan.owners + plan.renters
    for crowd in crowds(people, password_hash):
        await copy(connection, "users", crowd)
        done += len(crowd)
        progress("Accounts", done, total)


async def copy_spots(connection: "Connection[Any]", plan: Plan, people: People, progress: Progress) -> None:
    """All spots, with their counters, availability slots and bookings."""
    spots = bookings = 0
    for batch in batches(plan, people):
        for table in fields(Batch):
            await copy(connection, table.name, getattr(batch, table.name))
        spots += len(batch.spots)
        bookings += len(batch.bookings)
        progress("Spots", spots, plan.spots)
        progress("Bookings", bookings, plan.bookings)
