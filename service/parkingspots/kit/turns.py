"""Requests take turns: of each class so many are worked on at once; some wait in line, and others are turned away.

Without it a crowd would be let in whole: each would wait for all, and a booking behind a thousand searches. To turn
somebody away must cost next to nothing, or that alone would keep the service busy: it comes before everything else,
is told in no log, and rests a moment, so that who asks again at once does not ask a thousand times a second.
"""

import asyncio
from collections.abc import Callable
from random import randint

from prometheus_client import Counter, Gauge
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from parkingspots.kit.answers import answer
from parkingspots.kit.bodies import has_none
from parkingspots.kit.problems import Unavailable
from parkingspots.kit.requests import QUIET

SOONEST, LATEST = 1, 3
"""Seconds after which to come back: not all at once."""
LONGEST = 128
"""A line: who stands in it has good hope."""
REST = 1.0
"""Seconds until somebody is told that the line is full."""
READING = frozenset({"GET", "HEAD"})

WAITING = Gauge(
    "parkingspots_http_requests_waiting",
    "Requests that wait for their turn: payments, events of Stripe, bookings, reads that are not at hand, and others.",
    ("class",),
    multiprocess_mode="livesum",
)
SHED = Counter(
    "parkingspots_http_requests_shed",
    "Requests that were turned away with 503: their line was full, or their turn did not come in time; bodies: too"
    " much of them had not come whole.",
    ("class",),
)


class Busy(Unavailable):
    detail = "More is asked of the service than it can do at once. Try again after the seconds that Retry-After names."

    def __init__(self) -> None:
        super().__init__(retry_after=randint(SOONEST, LATEST))  # noqa: S311 - no secret


class Line:
    """Of one class: `at_once` are at work, in the order in which they came; `patience` is in seconds."""

    def __init__(self, name: str, at_once: int, patience: float) -> None:
        self._turns = asyncio.Semaphore(at_once)
        self._patience = patience
        self._length = 0
        self.reading = 0
        """Reads that were let in and are not answered: they look for what is kept before they stand in the line. Not
        those that have a body, which may be long in coming."""
        self._waiting, self._shed = WAITING.labels(name), SHED.labels(name)

    @property
    def is_full(self) -> bool:
        return self._length >= LONGEST

    def turned_away(self) -> None:
        """Count somebody whose turn did not come."""
        self._shed.inc()

    async def take(self) -> None:
        """Wait for a turn, which `give_back` ends. Raises Busy, after a rest where the line is full."""
        if not self._turns.locked():
            await self._turns.acquire()
            return
        if self.is_full:  # by now: there was room when it came, and it had to wait for something else
            await asyncio.sleep(REST)
            raise Busy
        self._length += 1
        self._waiting.set(self._length)
        try:
            async with asyncio.timeout(self._patience):
                await self._turns.acquire()
        except TimeoutError:
            raise Busy from None
        finally:
            self._length -= 1
            self._waiting.set(self._length)

    def give_back(self) -> None:
        self._turns.release()

    def has_read(self) -> None:
        self.reading -= 1


LineOf = Callable[[Scope], Line | None]


class Valve:
    """Stands in front of the application, and lets nobody in whose line is full but what `costs_little`."""

    def __init__(self, app: ASGIApp, line_of: LineOf, costs_little: Callable[[Scope], bool]) -> None:
        self.app = app
        self._line_of, self._costs_little = line_of, costs_little

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        line = self._line_of(scope) if scope["type"] == "http" else None
        if line is None:
            await self.app(scope, receive, send)
            return
        is_reading = scope["method"] in READING and has_none(scope)
        if line.is_full or (is_reading and line.reading >= LONGEST):
            await self._costing_little(line, scope, receive, send)
        elif is_reading:
            line.reading += 1
            await until_answered(line.has_read, self.app, scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _costing_little(self, line: Line, scope: Scope, receive: Receive, send: Send) -> None:
        if self._costs_little(scope):
            await self.app(scope, receive, send)
            return
        await turn_away(line.turned_away, scope, receive, send)


class InTurn:
    """Lets a request into `app` when it is its turn; `line_of` says whose line it stands in, if in any.

    Where it stands there `for_others`, they are told that no turn came, and counted.
    """

    def __init__(self, app: ASGIApp, line_of: LineOf, *, for_others: bool = False) -> None:
        self.app = app
        self._line_of, self._for_others = line_of, for_others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        line = self._line_of(scope) if scope["type"] == "http" else None
        if line is None:
            await self.app(scope, receive, send)
            return
        try:
            await line.take()
        except Busy as busy:
            scope[QUIET] = True
            if not self._for_others:
                line.turned_away()
            await answer(busy)(scope, receive, send)
            return
        await until_answered(line.give_back, self.app, scope, receive, send)


async def turn_away(count: Callable[[], None], scope: Scope, receive: Receive, send: Send) -> None:
    """Count somebody, have them rest, and tell them."""
    scope[QUIET] = True
    count()
    await asyncio.sleep(REST)
    await answer(Busy())(scope, receive, send)


async def until_answered(over: Callable[[], None], app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Call `over` at the first byte of an answer, or the end: how fast somebody takes it is nobody else's trouble."""
    is_over = False

    def end() -> None:
        nonlocal is_over
        if not is_over:
            is_over = True
            over()

    async def send_on(message: Message) -> None:
        end()
        await send(message)

    try:
        await app(scope, receive, send_on)
    finally:
        end()
