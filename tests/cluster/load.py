"""Clients that search, look and book for as long as a block lasts, and what they are answered."""

import http.client
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import Event, Lock, Thread
from time import monotonic
from urllib.parse import urlencode

from cluster.clients import Answer, Connection, Visitors
from resilience.told import percentiles

RATE = 200.0
"""Requests a second."""
AN_HOUR = timedelta(hours=1)
SHED = "503 with Retry-After"


@dataclass(frozen=True)
class Failure:
    """A request that was not answered with 200 or 201."""

    kind: str
    how: str
    """The status, or the name of the error where there was no answer."""
    said: str
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __str__(self) -> str:
        return f"{self.at:%H:%M:%S} {self.kind} {self.how}: {self.said[:120]}"


@dataclass
class Told:
    """What the clients were answered."""

    who: Visitors
    waits: list[float] = field(default_factory=list)
    """Seconds of each request."""
    failures: list[Failure] = field(default_factory=list)
    booked: int = 0
    began: float = field(default_factory=monotonic)
    ended: float = 0.0

    @property
    def requests(self) -> int:
        return len(self.waits)

    def failed(self, but: Collection[str] = ()) -> list[str]:
        """What failed in another way than these."""
        return [str(failure) for failure in self.failures if failure.how not in but]

    def __str__(self) -> str:
        rate = self.requests / max((self.ended or monotonic()) - self.began, 0.001)
        how = ", ".join(f"{count} {name}" for name, count in Counter(each.how for each in self.failures).most_common())
        failed = f"{len(self.failures):,} failed ({how})" if self.failures else "none failed"
        middle, late = percentiles(self.waits)
        return (
            f"{self.requests:,} requests at {rate:.0f} a second, {failed}; p50 {middle:.0f} ms, p99 {late:.0f} ms, "
            f"the longest {1000 * max(self.waits, default=0):,.0f} ms; {self.booked:,} bookings acknowledged"
        )


@contextmanager
def load(who: Visitors, rate: float = RATE) -> Iterator[Told]:
    """One client a spot, together so many requests a second, while the block lasts."""
    told, stop, lock = Told(who), Event(), Lock()
    pause = len(who.spots) / rate
    threads = [
        Thread(target=_visit, args=(told, spot, told.began + number / rate, pause, stop, lock))
        for number, spot in enumerate(who.spots)
    ]
    for thread in threads:
        thread.start()
    try:
        yield told
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        told.ended = monotonic()


def _visit(told: Told, spot: str, begin: float, pause: float, stop: Event, lock: Lock) -> None:
    who, now, start = told.who, datetime.now(UTC).replace(minute=0, second=0, microsecond=0), datetime.now(UTC)
    with closing(Connection(who.host, who.token)) as connection:
        for number in count():
            if stop.wait(max(0.0, begin + number * pause - monotonic())):
                return
            if number % 8 == 0:
                start = now + AN_HOUR * next(who.hours[spot])
            kind, method, path, body = _request(spot, start, number % 8)
            asked = monotonic()
            answer = _asked(connection, method, path, body)
            with lock:
                told.waits.append(monotonic() - asked)
                _note(told, kind, spot, start, answer)


def _asked(connection: Connection, method: str, path: str, body: object) -> Answer | Exception:
    try:
        return connection.ask(method, path, body)
    except (OSError, http.client.HTTPException) as error:
        return error


def _note(told: Told, kind: str, spot: str, start: datetime, answer: Answer | Exception) -> None:
    if isinstance(answer, Answer) and answer.status in {200, 201}:
        if kind == "book":
            told.booked += 1
            told.who.booked[answer.body["id"]] = spot, int(start.timestamp())
        return
    if isinstance(answer, Exception):
        failure = Failure(kind, type(answer).__name__, str(answer))
    else:
        is_shed = answer.status == 503 and answer.retry_after
        failure = Failure(kind, SHED if is_shed else str(answer.status), str(answer.body))
    told.failures.append(failure)
    if kind == "book" and (isinstance(answer, Exception) or answer.status >= 500):
        told.who.unanswered += 1


def _request(spot: str, start: datetime, turn: int) -> tuple[str, str, str, object]:
    """One booking among seven reads: what clients of a marketplace do, with more writes."""
    times = {"start_time": f"{start:%Y-%m-%dT%H:00:00Z}", "end_time": f"{start + AN_HOUR:%Y-%m-%dT%H:00:00Z}"}
    if turn == 0:
        return "book", "POST", "/bookings/", {"parking_spot_id": spot} | times
    if turn % 2:
        return "look", "GET", f"/parking-spots/{spot}", None
    place = {"latitude": 37.98, "longitude": 23.72, "radius_km": 2, "limit": 10}
    return "search", "GET", f"/parking-spots/search?{urlencode(place | times)}", None
