"""How long the server waits for a client, and how many it has: nobody holds a connection by saying or taking nothing.

Each connection looks at itself now and then, whatever goes over it, so that a request costs nothing more.
"""

import asyncio
import resource
from contextlib import suppress
from http import HTTPStatus
from itertools import islice

from parkingspots.kit.connection import TRAILING, Connection

PATIENCE = 15.0
"""Seconds between two looks: what has come no further between two is ended, after 15 to 30 seconds."""
SLOWEST = 4_096
"""Bytes of an answer that a client takes between two looks, at least."""
MOST = 10_000
"""Connections of a process, where it may open so many files."""
LOOKED_AT = 100
"""Of the others, to find one that rests: to look at all would cost milliseconds for each that comes."""
RESERVE = 256
"""Files that are no client's: the database's, Valkey's, the log's."""

Awaited = tuple[object, int, int]


class PatientConnection(Connection):
    """Ends where its client keeps the server waiting, or is one too many."""

    _waited_for: Awaited | None = None
    """What it waited for at the last look, if for anything."""
    _next_look: asyncio.TimerHandle | None = None
    _emptied = 0
    """Times that its client has taken nearly all that stood ready."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as its base says
        super().connection_made(transport)
        if len(self.connections) > _most():
            self._make_room()
        self._look_later()

    def _make_room(self) -> None:
        """End one that rests between two requests, or this one: nobody keeps others out by resting."""
        some = islice(self.connections, LOOKED_AT)
        resting = next((each for each in some if isinstance(each, PatientConnection) and each.rests), None)
        if resting is not None:
            resting.transport.close()
        else:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)

    @property
    def rests(self) -> bool:
        return self.timeout_keep_alive_task is not None and not self.transport.is_closing()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._next_look is not None:
            self._next_look.cancel()

    def data_received(self, data: bytes) -> None:
        """Let whoever has sent what is no request rest as before: uvicorn takes all that comes for the next one."""
        super().data_received(data)
        if self._is_idle() and self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _is_idle(self) -> bool:
        is_answered = self.headers is TRAILING and self.cycle.response_complete and not self.cycle.more_body
        return is_answered and not self.transport.is_closing()

    def resume_writing(self) -> None:
        self._emptied += 1
        super().resume_writing()

    def _look_later(self) -> None:
        self._next_look = self.loop.call_later(PATIENCE, self._look)

    def _look(self) -> None:
        before, now = self._waited_for, self._awaits()
        if before and now and before[0] is now[0] and before[1:] == now[1:]:
            self._give_up()
        self._waited_for = now
        self._look_later()  # at whom it has given up, too: the last word may not be taken

    def _awaits(self) -> Awaited | None:
        """What it waits for and how far that has come; None where it is the server's turn, or the client may rest."""
        if self.transport.is_closing() or self.flow.write_paused:
            return self.cycle, self._emptied, self.transport.get_write_buffer_size() // SLOWEST
        if self.timeout_keep_alive_task is not None:  # uvicorn sees to that
            return None
        if self.headers is not TRAILING:
            return self.headers, 0, 0
        is_ours = self.pipeline or self.flow.read_paused or self.cycle.waiting_for_100_continue
        return (self.cycle, 0, 0) if self.cycle.more_body and not is_ours else None

    def _give_up(self) -> None:
        if self.transport.is_closing() or self.flow.write_paused or self.headers is None:
            self.transport.abort()
        else:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)


def allow_many_files() -> None:
    """Open as many as the system lets this process, up to what its connections may need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST + RESERVE
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with suppress(ValueError, OSError):  # macOS names no bound, and has one
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _most() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST if soft == resource.RLIM_INFINITY else max(1, min(MOST, soft - RESERVE))
