"""The kept answers of one process: whether they are still true, and how they come about."""

import asyncio
import math
import random
import time
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Message, Scope

from parkingspots.kit.conditional import etag
from parkingspots.kit.follower import Follower
from parkingspots.kit.freshness import STATE, RestsOn
from parkingspots.kit.requests import QUIET
from parkingspots.reads.counts import KEPT, REFRESHED
from parkingspots.reads.direct import ASKED
from parkingspots.reads.entries import JSON, About, Entry
from parkingspots.reads.local import Local
from parkingspots.reads.shared import Shared
from parkingspots.reads.targets import Target

JITTER = 0.1
"""Answers that were loaded together do not end together."""
EAGERNESS = 1.0
"""Of early refreshes; XFetch's beta (Vattani et al., Optimal Probabilistic Cache Stampede Prevention, 2015)."""
LONGEST_STALE = 3_600.0  # seconds for which an answer may be served while the database is away
LONGEST_LOADING = 10.0  # seconds; who waits longer for a turn, a connection and a statement together is told 503
LONG_AGO = 1_800.0
"""Seconds. An answer lives for an hour at most, or is served stale for as long; bookings are news for two hours."""
PATIENCE = 1.0  # seconds that somebody waits for the truth while there is a stale answer
CLOCKS_APART = 1.0  # seconds by which two processes may read the database's time differently
OWN_HEADERS = frozenset({b"etag", b"content-length", b"content-type", b"cache-control", b"vary"})
"""Which every kept answer has, and says anew."""
OK, UNAVAILABLE = 200, 503


@dataclass(frozen=True)
class Answer:
    """What the route said: its messages, and an entry where that may be kept."""

    messages: list[Message]
    entry: Entry | None
    turn: int
    """Loadings are counted as they begin."""
    is_busy: bool = False
    """No turn came, and it was not asked."""

    @property
    def status(self) -> int:
        return int(self.messages[0]["status"])


class Reads:
    def __init__(self, follower: Follower, local: Local, shared: Shared) -> None:
        self._follower = follower
        self._local = local
        self._shared = shared
        self._loading: dict[str, asyncio.Task[Answer]] = {}
        self._turn = 0
        self._of = ""

    def kept(self, target: Target) -> Entry | None:
        """The answer of this process, where it is the truth."""
        if self._of != self._follower.database:
            self._of = self._follower.database
            self._local.clear()  # it is about another database
        kept = self._local.get(target.key)
        if kept is None or not self._follower.is_current():
            return None
        entry, knowledge = kept.entry, self._follower.knowledge
        if not self._is_alive(entry):
            return None
        if kept.checked != knowledge.version:
            if not knowledge.stands(entry.about.footprint, entry.snapshot.shows, kept.checked):
                return None
            kept.checked = knowledge.version
        if not kept.is_shared:  # asked for twice: worth sharing
            kept.is_shared = True
            self._shared.put(self._follower.database, target.key, entry, entry.about.good_for)
        return entry

    def at_hand(self, target: Target) -> Entry | None:
        """What `kept` would give, where nothing is to be found out or begun anew for it."""
        kept, follower = self._local.get(target.key), self._follower
        if kept is None or not kept.is_shared or kept.checked != follower.knowledge.version:
            return None
        entry, now = kept.entry, follower.now()
        is_in_time = entry.about.loaded_at - CLOCKS_APART < now < entry.settled_until
        return entry if is_in_time and follower.is_current() else None

    async def shared(self, target: Target) -> Entry | None:
        """The answer that another process has loaded, where it is the truth."""
        if not self._follower.is_current():
            return None
        heard = self._follower.knowledge.version
        entry = await self._shared.get(self._follower.database, target.key)
        if entry is None or not self._follower.is_current() or not self._is_alive(entry):
            return None
        if not self._follower.knowledge.stands(entry.about.footprint, entry.snapshot.shows):
            return None
        if _is_about_the_past(target, entry.about.loaded_at):  # an older release may have kept it
            return None
        self._keep(target, entry, heard, is_shared=True)
        return entry

    def _is_alive(self, entry: Entry) -> bool:
        age = self._follower.now() - entry.about.loaded_at
        covered = self._follower.knowledge.covers(entry.about.loaded_at)
        return covered and -CLOCKS_APART < age < entry.about.good_for

    def _keep(self, target: Target, entry: Entry, heard: int, *, is_shared: bool = False) -> None:
        self._local.put(target.key, entry, heard, is_shared=is_shared)
        KEPT.set(self._local.used)

    async def loaded(self, app: ASGIApp, target: Target, scope: Scope) -> tuple[Answer, bool]:
        """What the route says now, and whether somebody else had asked it.

        Of many who ask at once one loads for all; whoever came later than it began takes what it got only while that
        stands, so that nobody misses what was written before they asked.
        """
        turn = self._turn
        while (task := self._loading.get(target.key)) is not None:
            answer = await asyncio.shield(task)
            is_in_time = answer.turn > turn or answer.status == UNAVAILABLE  # to whoever came late, too
            if is_in_time or (answer.entry is not None and self.kept(target) is answer.entry):
                return answer, True
        return await asyncio.shield(self._begin(app, target, scope)), False

    def knows(self, target: Target) -> bool:
        """Whether an answer is kept, be it the truth or not any more, or on its way."""
        return target.key in self._loading or self._local.get(target.key) is not None

    def stale(self, target: Target) -> Entry | None:
        """The answer as far as its truth is known, past its time, for where the database is away or gives no turn."""
        kept = self._local.get(target.key)
        if kept is None or self.age(kept.entry) >= LONGEST_STALE:
            return None
        about, knowledge = kept.entry.about, self._follower.knowledge
        if not knowledge.covers(about.loaded_at):
            return None
        return kept.entry if knowledge.stands(about.footprint, kept.entry.snapshot.shows, kept.checked) else None

    def age(self, entry: Entry) -> float:
        """Seconds since it was loaded."""
        return max(0.0, self._follower.now() - entry.about.loaded_at)

    def refresh_early(self, app: ASGIApp, target: Target, scope: Scope, entry: Entry) -> None:
        """Load an answer whose time is nearly over again, behind everybody's back: the sooner, the longer it takes."""
        now = self._follower.now()
        if now < entry.settled_until:
            return
        left = entry.about.loaded_at + entry.about.good_for - now
        ahead = -entry.about.cost * EAGERNESS * math.log(1.0 - random.random())  # noqa: S311 - no secret
        if left < ahead and target.key not in self._loading:
            REFRESHED.labels(target.route).inc()
            self._begin(app, target, scope)

    async def aclose(self) -> None:
        """Nobody waits for what is still loaded."""
        tasks = list(self._loading.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, app: ASGIApp, target: Target, scope: Scope) -> "asyncio.Task[Answer]":
        self._turn += 1
        task = asyncio.create_task(self._load_once(app, target, scope, self._turn))
        self._loading[target.key] = task
        task.add_done_callback(_retrieve)
        return task

    async def _load_once(self, app: ASGIApp, target: Target, scope: Scope, turn: int) -> Answer:
        """Load, and be gone before anybody who waits goes on: they may have to begin anew."""
        try:
            async with asyncio.timeout(LONGEST_LOADING):
                return await self._load(app, target, scope, turn)
        finally:
            del self._loading[target.key]

    async def _load(self, app: ASGIApp, target: Target, scope: Scope, turn: int) -> Answer:
        follower, knowledge = self._follower, self._follower.knowledge
        is_current = follower.is_current()
        snapshot, heard = knowledge.snapshot, knowledge.version
        loaded_at, began = follower.now(), time.perf_counter()
        messages: list[Message] = []

        async def collect(message: Message) -> None:
            messages.append(message)

        rests = RestsOn(is_wanted=True)
        inner = _inner(target, scope, rests)
        await app(inner, _nothing, collect)
        if rests.footprint is None or not _is_json(messages[0]):
            return Answer(messages, None, turn, is_busy=inner.get(QUIET, False))
        body = b"".join(message.get("body", b"") for message in messages[1:])
        about = About(
            footprint=rests.footprint,
            snapshot=snapshot.text,
            loaded_at=loaded_at,
            good_for=target.good_for * (1 - JITTER * random.random()),  # noqa: S311 - no secret
            cost=time.perf_counter() - began,
            but_for=rests.but_for,
            etag=etag(body),
            headers=_own_headers(messages[0]),
        )
        entry = Entry(about, body)
        if is_current and not _is_about_the_past(target, loaded_at):
            self._keep(target, entry, heard)
        return Answer(messages, entry, turn)


def _is_about_the_past(target: Target, now: float) -> bool:
    """Whether what it rests on may change without the log's saying so: of bookings long over that says nothing."""
    window = target.asked.window if target.asked is not None else None
    return window is not None and window.start.timestamp() < now - LONG_AGO


def _retrieve(task: "asyncio.Task[Answer]") -> None:
    """Whoever waited has the exception; a refresh that failed is nobody's trouble."""
    if not task.cancelled():
        task.exception()


def _inner(target: Target, scope: Scope, rests: RestsOn) -> dict[str, Any]:
    """The request as a stranger would send it, so that nothing of a visitor gets into what is kept."""
    path = scope.get("root_path", "") + target.path
    state: dict[str, object] = {STATE: rests} if target.asked is None else {STATE: rests, ASKED: target.asked}
    return {
        **{name: scope[name] for name in ("type", "asgi", "http_version", "scheme", "server", "app") if name in scope},
        "method": "GET",
        "root_path": scope.get("root_path", ""),
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"" if target.asked is not None else target.query.encode(),
        "headers": [(b"host", b"localhost")],
        "client": None,
        "state": state,
    }


async def _nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


def _is_json(start: Message) -> bool:
    return start["status"] == OK and (b"content-type", JSON) in start["headers"]


def _own_headers(start: Message) -> tuple[tuple[str, str], ...]:
    """Those that not every kept answer has."""
    own = [(name, value) for name, value in start["headers"] if name not in OWN_HEADERS]
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in own)
