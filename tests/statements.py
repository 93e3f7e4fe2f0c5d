"""What PostgreSQL is told on behalf of one request, whichever way it goes to the driver."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import pytest
from asyncpg.protocol.protocol import Protocol

WAYS = ("query", "bind_execute", "bind_execute_many", "bind")
"""The driver's own: SQLAlchemy's statements and ours, prepared or not, all go one of these."""
OF_TRANSACTIONS = {"BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE"}
OF_A_NEW_CONNECTION = "typeinfo_tree", "'jit'"
"""How the driver looks a type up, once for each connection."""

_sent: ContextVar[list[str] | None] = ContextVar("sent", default=None)


@contextmanager
def statements() -> Iterator[list[str]]:
    """Those of this task and of the ones it begins, but for bounds of transactions and looks at types."""
    sent: list[str] = []
    before = _sent.set(sent)
    with pytest.MonkeyPatch.context() as patch:
        for way in WAYS:
            patch.setattr(Protocol, way, _noting(getattr(Protocol, way)))
        try:
            yield sent
        finally:
            _sent.reset(before)


def _noting(way: Callable[..., Any]) -> Callable[..., Any]:
    def noted(protocol: Protocol, *args: Any, **kwargs: Any) -> Any:
        sent = _sent.get()
        if sent is not None:
            asked = args[0] if args else kwargs["state"]
            sql: str = asked if isinstance(asked, str) else asked.query
            is_its_own = any(words in sql for words in OF_A_NEW_CONNECTION)
            if sql.split(maxsplit=1)[0].rstrip(";") not in OF_TRANSACTIONS and not is_its_own:
                sent.append(sql)
        return way(protocol, *args, **kwargs)

    return noted
