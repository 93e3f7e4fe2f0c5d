"""Clients that come through the Ingress for as long as a block lasts, and count what fails."""

import http.client
import json
import os
import select
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import Event, Lock, Thread
from time import monotonic
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

from cluster.kube import until

URL = os.environ.get("E2E_URL", "http://127.0.0.1")
PREFIX = "/api/v1"
AN_HOUR = timedelta(hours=1)
TIMEOUT = 30.0  # seconds


class Connection:
    """One that is kept alive, as HTTP clients do it.

    One that the proxy has closed while it was idle is not used again. A GET that met the closing half-way is sent once
    more on a new one (RFC 9112, 9.3.1); a POST has failed.
    """

    def __init__(self, host: str, token: str = "") -> None:
        self._headers = {"Host": host, "Content-Type": "application/json"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        place = urlsplit(URL)
        assert place.hostname
        self._http = http.client.HTTPConnection(place.hostname, place.port or 80, timeout=TIMEOUT)

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Status and answer. Raises OSError or HTTPException where there is none; the next one connects anew."""
        was_kept = self._http.sock is not None and not self._was_closed()
        try:
            return self._asked(method, path, body)
        except http.client.RemoteDisconnected:
            if method == "GET" and was_kept:
                return self._asked(method, path, body)
            raise

    def _asked(self, method: str, path: str, body: object) -> tuple[int, Any]:
        try:
            self._http.request(method, PREFIX + path, None if body is None else json.dumps(body), self._headers)
            answer = self._http.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self._http.close()
            raise
        return answer.status, json.loads(text) if text.startswith((b"{", b"[")) else text

    def _was_closed(self) -> bool:
        """Whether the other end has ended it; if so, the next request connects anew."""
        closed = bool(select.select([self._http.sock], [], [], 0)[0])
        if closed:
            self._http.close()
        return closed

    def close(self) -> None:
        self._http.close()


@dataclass
class Visitors:
    """An owner with a spot a client, and a renter who signs in."""

    host: str
    token: str
    spots: list[str]
    hours: Iterator[int] = field(default_factory=lambda: count(48))
    """From now, of bookings that nobody has made yet."""


def visitors(host: str, spots: int = 8) -> Visitors:
    """New ones, once the Ingress leads to the API: Helm does not wait for that."""
    led_to(host)
    tokens = []
    for role in ("owner", "renter"):
        person = {"email": f"{role}-{uuid4().hex}@example.com", "password": uuid4().hex}
        connection = Connection(host)
        assert connection.ask("POST", "/auth/register", person | {"full_name": role, "role": role})[0] == 201
        status, session = connection.ask("POST", "/auth/login", person)
        assert status == 200, session
        tokens.append(session["access_token"])
        connection.close()
    owner = Connection(host, tokens[0])
    listed = [_listed(owner, number) for number in range(spots)]
    owner.close()
    return Visitors(host, tokens[1], listed)


def led_to(host: str) -> None:
    """Return when the Ingress leads to the API: it hears of new pods a moment after they are ready."""
    until(lambda: _answers(host), 30, f"the Ingress leads to {host}")


def _answers(host: str) -> bool:
    connection = Connection(host)
    try:
        return connection.ask("GET", "/parking-spots/")[0] == 200
    finally:
        connection.close()


def _listed(owner: Connection, number: int) -> str:
    spot = {
        "title": f"Load {number}",
        "spot_type": "driveway",
        "vehicle_size": "standard",
        "address": "Odos 1",
        "city": "Nowhere",
        "prefecture": "Nowhere",
        "zip_code": "00000",
        "latitude": 37.98,
        "longitude": 23.72 + number / 1000,
        "hourly_rate": 350,
    }
    status, made = owner.ask("POST", "/parking-spots/", spot)
    assert status == 201, made
    return str(made["id"])


@dataclass
class Told:
    """What the clients were answered."""

    statuses: Counter[str] = field(default_factory=Counter)
    booked: list[str] = field(default_factory=list)
    """Bookings that were answered with 201."""
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def requests(self) -> int:
        return sum(self.statuses.values())

    def __str__(self) -> str:
        rate = self.requests / self.seconds if self.seconds else 0
        return f"{self.requests:,} requests at {rate:.0f}/s, {len(self.failures)} failed {self.failures[:5]}"


@contextmanager
def load(who: Visitors, rate: float, *, writes: bool = True) -> Iterator[Told]:
    """Clients that search, look and book, together so many requests a second, while the block lasts."""
    told, stop, lock, began = Told(), Event(), Lock(), monotonic()
    threads = [
        Thread(target=_visit, args=(who, spot, len(who.spots) / rate, writes, told, stop, lock)) for spot in who.spots
    ]
    for thread in threads:
        thread.start()
    try:
        yield told
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        told.seconds = monotonic() - began


def _visit(who: Visitors, spot: str, pause: float, writes: bool, told: Told, stop: Event, lock: Lock) -> None:
    connection, ticks, start = Connection(who.host, who.token), count(), datetime.now(UTC)
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    started = monotonic()
    while not stop.is_set():
        number = next(ticks)
        if number % 8 == 0:
            with lock:
                start = now + AN_HOUR * next(who.hours)
        kind, method, path, body = _request(spot, start, number % 8, writes)
        status, answer = _asked(connection, method, path, body)
        with lock:
            told.statuses[f"{kind} {status}"] += 1
            if kind == "book" and status == "201":
                told.booked.append(answer["id"])
            if status not in {"200", "201"}:
                told.failures.append(f"{datetime.now(UTC):%H:%M:%S} {kind} {status}: {str(answer)[:120]}")
        stop.wait(max(0.0, started + (number + 1) * pause - monotonic()))
    connection.close()


def _asked(connection: Connection, method: str, path: str, body: object) -> tuple[str, Any]:
    try:
        status, answer = connection.ask(method, path, body)
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__, str(error)
    return str(status), answer


def _request(spot: str, start: datetime, turn: int, writes: bool) -> tuple[str, str, str, object]:
    """One booking among seven reads: what clients of a marketplace do, with more writes."""
    times = {"start_time": f"{start:%Y-%m-%dT%H:00:00Z}", "end_time": f"{start + AN_HOUR:%Y-%m-%dT%H:00:00Z}"}
    if turn == 0 and writes:
        return "book", "POST", "/bookings/", {"parking_spot_id": spot} | times
    if turn % 2:
        return "look", "GET", f"/parking-spots/{spot}", None
    place = {"latitude": 37.98, "longitude": 23.72, "radius_km": 2, "limit": 10}
    return "search", "GET", f"/parking-spots/search?{urlencode(place | times)}", None
