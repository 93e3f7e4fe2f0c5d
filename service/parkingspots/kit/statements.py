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
    def _parts(self) -> tuple[str, tuple[str, ...], dict[str, Any]]:
        """Its text, the names of $1, $2, …, and the values that are the same every time."""
        compiled = cast("SQLCompiler", self.query.compile(dialect=DIALECT))
        constants = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        return str(compiled), tuple(compiled.positiontup or ()), constants

    @property
    def text(self) -> str:
        return self._parts[0]

    @property
    def names(self) -> tuple[str, ...]:
        return self._parts[1]

    def given(self, **values: Any) -> tuple[Any, ...]:  # noqa: ANN401 - of any type
        """What the driver takes: the SQL, and the values in their places."""
        _, names, constants = self._parts
        every = {**constants, **values}
        return (self.text, *[every[name] for name in names])


def parameter(name: str, kind: type[TypeEngine[Any]] | TypeEngine[Any]) -> Any:  # noqa: ANN401 - stands for a value
    """A value that is named when the statement is sent."""
    return bindparam(name, type_=kind)
