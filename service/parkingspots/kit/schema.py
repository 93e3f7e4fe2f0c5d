"""Which database schema this code needs, and whether the database has it."""

from sqlalchemy import CheckConstraint, select, text, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from parkingspots.kit.tables import Base

NEEDED = 16
"""The revision whose tables this code reads and writes."""


class SchemaContract(Base):
    """One row: what the schema is now, and the oldest code that can still work with it."""

    __tablename__ = "schema_contract"

    one: Mapped[bool] = mapped_column(primary_key=True, server_default=true())
    current: Mapped[int]
    oldest_compatible: Mapped[int]

    __table_args__ = (CheckConstraint("one", name="one"),)


async def objection(session: AsyncSession) -> str | None:
    """Why this code cannot work with the database's schema, in a sentence, or None where it can."""
    if await session.scalar(text("SELECT to_regclass('schema_contract') IS NULL")):
        return "The database is empty: run `parkingspots migrate upgrade`."
    contract = await session.scalar(select(SchemaContract))
    if contract is None:
        return "The database is empty: run `parkingspots migrate upgrade`."
    if contract.current < NEEDED:
        return (
            f"The database is at revision {contract.current:04}, this release needs {NEEDED:04}:"
            " run `parkingspots migrate upgrade`."
        )
    if contract.oldest_compatible > NEEDED:
        return (
            f"The database is at revision {contract.current:04}, for which this release ({NEEDED:04}) is too old:"
            " run a newer one."
        )
    return None
