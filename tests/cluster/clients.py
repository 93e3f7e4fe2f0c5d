"""Clients that come through the Ingress, and whom they are."""

import http.client
import json
import os
import select
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import uuid4

from cluster.kube import until

URL = os.environ.get("E2E_URL", "http://127.0.0.1")
PREFIX = "/api/v1"
TIMEOUT = 30.0  # seconds
CLIENTS = 24


class Answer(NamedTuple):
    status: int
    body: Any
    retry_after: str = ""


class Connection:
    """One that is kept alive, as HTTP clients do it.

    One that the proxy has closed while it was idle is not used again. What met the closing half-way is sent once more
    on a new one (RFC 9112, 9.3.1), a POST by its Idempotency-Key.
    """

    def __init__(self, host: str, token: str = "") -> None:
        self._headers = {"Host": host, "Content-Type": "application/json"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        place = urlsplit(URL)
        assert place.hostname
        self._http = http.client.HTTPConnection(place.hostname, place.port or 80, timeout=TIMEOUT)

    def ask(self, method: str, path: str, body: object = None) -> Answer:
        """Raises OSError or HTTPException where there is none; the next one connects anew."""
        was_kept = self._http.sock is not None and not self._was_closed()
        key = {"Idempotency-Key": str(uuid4())} if method == "POST" else {}
        try:
            return self._asked(method, path, body, key)
        except (BrokenPipeError, ConnectionResetError):  # RemoteDisconnected is one of the latter
            if not was_kept:
                raise
            return self._asked(method, path, body, key)

    def _asked(self, method: str, path: str, body: object, key: Mapping[str, str]) -> Answer:
        sent = None if body is None else json.dumps(body).encode()  # bytes go out with the headers, in one piece
        try:
            self._http.request(method, PREFIX + path, sent, {**self._headers, **key})
            answer = self._http.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self._http.close()
            raise
        found = json.loads(text) if text.startswith((b"{", b"[")) else text
        return Answer(answer.status, found, answer.getheader("Retry-After", ""))

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
    """An owner with a spot a client, and a renter who is signed in."""

    host: str
    renter: dict[str, str]
    """E-mail address and password."""
    session: dict[str, Any]
    spots: list[str]
    hours: defaultdict[str, Iterator[int]] = field(default_factory=lambda: defaultdict(lambda: count(48)))
    """Of each spot, from now: of bookings that nobody has made yet."""
    booked: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Spot and start of every booking that was answered with 201, by its id."""
    unanswered: int = 0
    """Bookings that were answered with neither yes nor no: they may be there."""

    @property
    def token(self) -> str:
        return str(self.session["access_token"])


def visitors(host: str, spots: int = CLIENTS) -> Visitors:
    """New ones, once the Ingress leads to the API: Helm does not wait for that."""
    led_to(host)
    (_, owner), (renter, session) = (_registered(host, role) for role in ("owner", "renter"))
    with closing(Connection(host, owner["access_token"])) as connection:
        return Visitors(host, renter, session, [_listed(connection, number) for number in range(spots)])


def _registered(host: str, role: str) -> tuple[dict[str, str], dict[str, Any]]:
    person = {"email": f"{role}-{uuid4().hex}@example.com", "password": uuid4().hex}
    with closing(Connection(host)) as connection:
        made = connection.ask("POST", "/auth/register", person | {"full_name": role, "role": role})
        assert made.status == 201, made
    return person, signed_in(host, person)


def signed_in(host: str, person: dict[str, str]) -> dict[str, Any]:
    """A new session of theirs."""
    with closing(Connection(host)) as connection:
        answer = connection.ask("POST", "/auth/login", person)
    assert answer.status == 200, answer
    session: dict[str, Any] = answer.body
    return session


def led_to(host: str) -> None:
    """Return when the Ingress leads to the API: it hears of new pods a moment after they are ready."""
    until(lambda: _answers(host), 30, f"the Ingress leads to {host}")


def _answers(host: str) -> bool:
    with closing(Connection(host)) as connection:
        return connection.ask("GET", "/parking-spots/").status == 200


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
    made = owner.ask("POST", "/parking-spots/", spot)
    assert made.status == 201, made
    return str(made.body["id"])
