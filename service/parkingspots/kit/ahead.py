"""Bodies are read before it is their requests' turn: whoever sends one slowly keeps nobody from working."""

from collections import deque
from functools import partial

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from parkingspots.kit.bodies import LARGEST, has_none, is_too_large
from parkingspots.kit.turns import SHED, turn_away, until_answered

SMALL = 1 << 16
"""Bytes: 64 KiB, of which a server holds as many of each body anyway."""
BODIES = "bodies"
"""Of what is turned away: bodies for which there is no room, whosever turn they wait for."""
TINY = 1 << 12
"""4 KiB, for which there is room always: hardly a client of ours sends more."""
MOST_HELD = 64 << 20
"""Bytes of bodies that have not come whole, of a process: 64 MiB."""
LARGE_AT_ONCE = 16
"""Bodies that are larger than SMALL: who sends one slowly keeps out its like alone."""


class ReadAhead:
    """Hands a request on when its body is there, or is known to be too large."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._large = self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _is_to_be_read(scope):
            await self.app(scope, receive, send)
            return
        body = _Body(receive)
        if not await self._had_room(body, SMALL):
            await turn_away(SHED.labels(BODIES).inc, scope, receive, send)
        elif body.is_whole:
            await self.app(scope, body.receive, send)
        elif self._large >= LARGE_AT_ONCE:
            await turn_away(SHED.labels(BODIES).inc, scope, receive, send)
        else:
            self._large += 1
            await until_answered(self._one_less, partial(self._large_one, body), scope, receive, send)

    async def _large_one(self, body: "_Body", scope: Scope, receive: Receive, send: Send) -> None:
        if await self._had_room(body, LARGEST):
            await self.app(scope, body.receive, send)
        else:
            await turn_away(SHED.labels(BODIES).inc, scope, receive, send)

    def _one_less(self) -> None:
        self._large -= 1

    async def _had_room(self, body: "_Body", most: int) -> bool:
        """Read it until it is whole, or larger than `most`; False where it and those of others became too much."""
        held = body.size
        self._held += held
        try:
            while not body.is_whole and body.size <= most:
                came = await body.read_on()
                held, self._held = held + came, self._held + came
                if self._held > MOST_HELD and body.size > TINY and not body.is_whole:
                    return False
        finally:
            self._held -= held
        return True


class _Body:
    """What was received already, and is received once more."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._messages: deque[Message] = deque()
        self.size = 0
        self.is_whole = False
        """Or ends with the word that the client is gone."""

    async def read_on(self) -> int:
        """The bytes of the next piece."""
        message = await self._receive()
        self._messages.append(message)
        came = len(message.get("body", b""))
        self.size += came
        self.is_whole = not message.get("more_body", False)
        return came

    async def receive(self) -> Message:
        return self._messages.popleft() if self._messages else await self._receive()


def _is_to_be_read(scope: Scope) -> bool:
    return not has_none(scope) and not is_too_large(Headers(scope=scope).get("content-length", "0"))
