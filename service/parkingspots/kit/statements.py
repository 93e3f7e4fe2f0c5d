"""SQL that SQLAlchemy puts together once and the driver sends itself: for where the one's work would cost most."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from sqlalchemy import ClauseElement, bindparam
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

DIALECT = PGDialect_asyncpg()  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class Statement:
    """SQL as PostgreSQL's protocol takes it: put together when it is first sent, as a start waits for all of them."""

    query: ClauseElement

    @cached_property
    def _compiled(self) -> SQLCompiler:
        return cast("SQLCompiler", self.query.compile(dialect=DIALECT))

    @cached_property
    def text(self) -> str:
        return str(self._compiled)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of the values, in the order of $1, $2, …"""
        return tuple(self._compiled.positiontup or ())

    @cached_property
    def _constants(self) -> dict[str, Any]:
        """The values that are the same every time."""
        return {name: bind.value for name, bind in self._compiled.binds.items() if not bind.required}

    def given(self, **values: Any) -> tuple[Any, ...]:  # noqa: ANN401 - of any type
        """What the driver takes: the SQL, and the values in their places."""
        every = {**self._constants, **values}
        return (self.text, *[every[name] for name in self.names])


def parameter(name: str, kind: type[TypeEngine[Any]] | TypeEngine[Any]) -> Any:  # noqa: ANN401 - stands for a value
    """A value that is named when the statement is sent."""
    return bindparam(name, type_=kind)
