"""The base of every room's tables and the columns they have in common."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, MetaData, Text, Uuid, func
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it once
        str: Text,
        int: BigInteger,
        datetime: DateTime(timezone=True),
        UUID: Uuid,
    }


class Word(TypeDecorator[StrEnum]):
    """A StrEnum kept as text: adding a member is a CHECK constraint's change, not a type's."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: type[StrEnum]) -> None:
        self.kind = kind
        super().__init__()

    def process_bind_param(self, value: Any | None, dialect: Dialect) -> str | None:  # noqa: ANN401, ARG002 - SQLAlchemy's signature
        return None if value is None else self.kind(value).value

    def process_result_value(self, value: Any | None, dialect: Dialect) -> StrEnum | None:  # noqa: ANN401, ARG002
        return None if value is None else self.kind(value)


def one_of(column: str, kind: type[StrEnum]) -> CheckConstraint:
    """A constraint that holds `column` to the members of `kind`."""
    words = ", ".join(f"'{member.value}'" for member in kind)
    return CheckConstraint(f"{column} IN ({words})", name=column)


class Identified:
    """A time-ordered key (RFC 9562, version 7), so that new rows lie side by side in the index."""

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=func.uuidv7())


class Stamped:
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())

    __mapper_args__ = {"eager_defaults": True}  # noqa: RUF012 - an answer is built from what the flush returned
