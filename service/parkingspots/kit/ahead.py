"""Bodies are read before it is their requests' turn: whoever sends one slowly keeps nobody from working."""

from collections import deque

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from parkingspots.kit.answers import answer
from parkingspots.kit.bodies import LARGEST, has_none, is_too_large
from parkingspots.kit.turns import SHED, Busy

SMALL = 1 << 16
"""Bytes: 64 KiB, of which a server holds as many of each body anyway."""
BODIES = "bodies"
"""Of what is turned away: large bodies, whosever turn they wait for."""
LARGE_AT_ONCE = 16
"""Bodies that are larger: together they are held within bounds, and who sends one slowly keeps out its like alone."""


class ReadAhead:
    """Hands a request on when its body is there, or is known to be too large."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._large = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _is_to_be_read(scope):
            await self.app(scope, receive, send)
            return
        body = _Body(receive)
        await body.read(SMALL)
        if body.is_whole:
            await self.app(scope, body.receive, send)
        elif self._large >= LARGE_AT_ONCE:
            SHED.labels(BODIES).inc()
            await answer(Busy())(scope, receive, send)
        else:
            await self._large_one(body, scope, send)

    async def _large_one(self, body: "_Body", scope: Scope, send: Send) -> None:
        self._large += 1
        try:
            await body.read(LARGEST)
            await self.app(scope, body.receive, send)
        finally:
            self._large -= 1


class _Body:
    """What was received already, and is received once more."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._messages: deque[Message] = deque()
        self._size = 0
        self.is_whole = False
        """Or ends with the word that the client is gone."""

    async def read(self, most: int) -> None:
        """Until it is whole, or larger than `most`."""
        while not self.is_whole and self._size <= most:
            message = await self._receive()
            self._messages.append(message)
            self._size += len(message.get("body", b""))
            self.is_whole = not message.get("more_body", False)

    async def receive(self) -> Message:
        return self._messages.popleft() if self._messages else await self._receive()


def _is_to_be_read(scope: Scope) -> bool:
    return not has_none(scope) and not is_too_large(Headers(scope=scope).get("content-length", "0"))
