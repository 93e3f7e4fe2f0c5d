"""Indexes and constraints out of the way of a large load: built once at its end, rather than row by row."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from asyncpg import Connection

# Primary keys first and foreign keys last, which need them; the other indexes between.
CONSTRAINTS = """
    SELECT conrelid::regclass::text AS of, conname AS name, contype = 'f' AS is_reference,
        format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS made_by
    FROM pg_constraint
    WHERE contype IN ('p', 'u', 'x', 'f') AND (conrelid = ANY($1::regclass[]) OR confrelid = ANY($1::regclass[]))
    ORDER BY contype = 'f', contype <> 'p', conname
"""
INDEXES = """
    SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS made_by
    FROM pg_index
    WHERE indrelid = ANY($1::regclass[])
        AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u', 'x'))
    ORDER BY 1
"""


@dataclass(frozen=True)
class Structure:
    """Statements that take away what a load would have to keep up, and those that bring it back, in order."""

    taking: list[str]
    bringing: list[str]


async def structure(connection: "Connection[Any]", tables: list[str]) -> Structure:
    """The keys, references, exclusions and indexes of `tables`, as the database has them."""
    constraints = await connection.fetch(CONSTRAINTS, tables)
    indexes = await connection.fetch(INDEXES, tables)
    keys = [row for row in constraints if not row["is_reference"]]
    references = [row for row in constraints if row["is_reference"]]
    return Structure(
        taking=[f'ALTER TABLE {row["of"]} DROP CONSTRAINT "{row["name"]}"' for row in (*references, *keys)]
        + [f"DROP INDEX {row['name']}" for row in indexes],
        bringing=[row["made_by"] for row in (*keys, *indexes, *references)],
    )


@asynccontextmanager
async def set_aside(
    connection: "Connection[Any]", tables: list[str], progress: Callable[[str, int, int], None]
) -> AsyncIterator[None]:
    """Run the block without the structure of `tables`, all of them empty, and then build it; in one transaction.

    Takes ACCESS EXCLUSIVE locks, and holds them until the transaction ends.
    """
    found = await structure(connection, tables)
    for statement in found.taking:
        await connection.execute(statement)
    yield
    for done, statement in enumerate(found.bringing, start=1):
        await connection.execute(statement)
        progress("Indexes", done, len(found.bringing))
