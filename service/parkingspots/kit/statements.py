"""SQL that SQLAlchemy puts together once and the driver sends itself: for where the one's work would cost most."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import ClauseElement, bindparam
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

DIALECT = PGDialect_asyncpg()  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class Statement:
    """SQL as PostgreSQL's protocol takes it, the names of $1, $2, … and the values that are the same every time."""

    text: str
    names: tuple[str, ...]
    constants: Mapping[str, Any]

    @classmethod
    def of(cls, query: ClauseElement) -> "Statement":
        compiled = cast("SQLCompiler", query.compile(dialect=DIALECT))
        constants = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        return cls(str(compiled), tuple(compiled.positiontup or ()), constants)

    def given(self, **values: Any) -> tuple[Any, ...]:  # noqa: ANN401 - of any type
        """What the driver takes: the SQL, and the values in their places."""
        every = {**self.constants, **values}
        return (self.text, *[every[name] for name in self.names])


def parameter(name: str, kind: type[TypeEngine[Any]] | TypeEngine[Any]) -> Any:  # noqa: ANN401 - stands for a value
    """A value that is named when the statement is sent."""
    return bindparam(name, type_=kind)
