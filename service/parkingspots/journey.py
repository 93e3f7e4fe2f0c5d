"""The product's main job over HTTP, from registering to checking out, against any server that runs.

Prints a line a step. Where bookings wait for a payment, the way ends there.
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import uuid4

import httpx

PREFIX = "/api/v1"
LEAD = timedelta(seconds=4)  # from looking for a slot to its start; the journey waits for it
STAY = timedelta(minutes=15)
PATIENCE = 30.0  # seconds after which what should come about counts as broken
PAUSE = 0.2  # seconds between two looks at it
TIMEOUT = 10.0  # seconds for an answer


class Detour(Exception):  # noqa: N818 - the journey's word
    """Something did not go as it should; the message is one line for a person at a terminal."""


class Traveller:
    """Somebody new who has registered and signed in."""

    def __init__(self, client: httpx.Client, role: str) -> None:
        self._client = client
        email, password = f"{role}-{uuid4().hex}@example.com", uuid4().hex
        person = {"email": email, "password": password, "full_name": f"Journey {role}", "role": role}
        self.ask("POST", "/auth/register", 201, json=person)
        self._tokens = self.ask("POST", "/auth/login", 200, json={"email": email, "password": password}).json()
        self._client = httpx.Client(
            base_url=client.base_url,
            timeout=TIMEOUT,
            headers={**client.headers, "Authorization": f"Bearer {self._tokens['access_token']}"},
        )

    def ask(
        self, method: str, path: str, *expected: int, json: object = None, params: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """The answer, which has one of the `expected` statuses; raises Detour for any other."""
        answer = self._client.request(method, f"{PREFIX}{path}", json=json, params=params)
        if answer.status_code not in expected:
            said = " ".join(answer.text.split())[:300]
            raise Detour(f"{method} {path} answered {answer.status_code}, not {expected[0]}: {said}")
        return answer

    def log_out(self) -> None:
        self.ask("POST", "/auth/logout", 200, json={"refresh_token": self._tokens["refresh_token"]})
        self.ask("GET", "/users/me", 401)
        self._client.close()


def a_spot() -> dict[str, Any]:
    """A spot where hardly anybody else has one."""
    return {
        "title": f"Journey {uuid4().hex[:8]}",
        "spot_type": "driveway",
        "vehicle_size": "standard",
        "address": "Odos 1",
        "city": "Nowhere",
        "prefecture": "Nowhere",
        "zip_code": "00000",
        "latitude": round(random.uniform(-60, 60), 6),
        "longitude": round(random.uniform(-179, 179), 6),
        "hourly_rate": 350,
    }


def server_time(owner: Traveller) -> datetime:
    """By the server's own clock, which may differ from this machine's."""
    return parsedate_to_datetime(owner.ask("GET", "/users/me", 200).headers["Date"])


def window(start: datetime) -> dict[str, str]:
    return {"start_time": start.isoformat(), "end_time": (start + STAY).isoformat()}


def require(truth: object, sentence: str) -> None:
    if not truth:
        raise Detour(sentence)


@contextmanager
def step(name: str) -> Iterator[None]:
    """Say `name` with a tick when the block is done; why not, with a cross, when it raises."""
    try:
        yield
    except httpx.ConnectError:
        print(f"✗ {name}", flush=True)
        raise
    except (Detour, httpx.HTTPError) as error:
        print(f"✗ {name}", flush=True)
        raise Detour(f"{name}: {str(error) or type(error).__name__}") from None
    print(f"✓ {name}", flush=True)


def travel(client: httpx.Client) -> None:
    """Go the whole way; raises Detour where it is blocked."""
    with step("register and sign in: an owner, a renter"):
        owner, renter = Traveller(client, "owner"), Traveller(client, "renter")
    with step("list a spot"):
        spot = owner.ask("POST", "/parking-spots/", 201, json=a_spot()).json()
    start = server_time(owner) + LEAD
    with step("find it by place and time"):
        require(until(lambda: is_found(renter, spot, start)), "the search does not show the spot")
    with step("book it"):
        booking = book(renter, spot, start, 201)
    with step("the same slot again is refused with 409, and no longer found"):
        refused = book(renter, spot, start, 409)
        require(refused["detail"] == "Time slot is already booked", f"the refusal says {refused['detail']!r}")
        require(until(lambda: not is_found(renter, spot, start)), "the search still shows the spot")
    with step("the slot right after it is free"):
        next_booking = book(renter, spot, start + STAY, 201)
    if booking["status"] == "confirmed":
        stay(renter, spot, booking)
    else:
        with step("nobody pays: cancel it"):
            renter.ask("POST", f"/bookings/{booking['id']}/cancel", 200)
    with step("cancel the other booking, and take the spot back"):
        renter.ask("POST", f"/bookings/{next_booking['id']}/cancel", 200)
        owner.ask("DELETE", f"/parking-spots/{spot['id']}", 200)
    with step("log out"):
        renter.log_out()
        owner.log_out()


def stay(renter: Traveller, spot: dict[str, Any], booking: dict[str, Any]) -> None:
    with step("check in"):
        arrived = renter.ask("POST", f"/bookings/{booking['id']}/check-in", 200).json()
        require(arrived["status"] == "in_progress", f"the status is {arrived['status']}")
    with step("check out, once the start has come"):
        require(until(lambda: has_checked_out(renter, booking)), "it is still refused")
    with step("the spot counts one booking"):
        require(until(lambda: bookings_of(renter, spot) == 1), f"it counts {bookings_of(renter, spot)}")


def is_found(renter: Traveller, spot: dict[str, Any], start: datetime) -> bool:
    """Whether the spot is among those within a kilometre that are free for the time."""
    place = {"latitude": str(spot["latitude"]), "longitude": str(spot["longitude"]), "radius_km": "1"}
    answer = renter.ask("GET", "/parking-spots/search", 200, params=place | window(start))
    return spot["id"] in [item["id"] for item in answer.json()]


def book(renter: Traveller, spot: dict[str, Any], start: datetime, expected: int) -> dict[str, Any]:
    wish = {"parking_spot_id": spot["id"], **window(start)}
    booking: dict[str, Any] = renter.ask("POST", "/bookings/", expected, json=wish).json()
    return booking


def has_checked_out(renter: Traveller, booking: dict[str, Any]) -> bool:
    """Whether checking out worked; before the start it is refused with 409."""
    answer = renter.ask("POST", f"/bookings/{booking['id']}/check-out", 200, 409)
    return answer.status_code == 200 and answer.json()["status"] == "completed"


def bookings_of(renter: Traveller, spot: dict[str, Any]) -> int:
    total: int = renter.ask("GET", f"/parking-spots/{spot['id']}", 200).json()["total_bookings"]
    return total


def until(condition: Callable[[], bool]) -> bool:
    """Look again and again until `condition` holds; whether it did. A server that caches may take a second."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(PAUSE)
    return True


def run(url: str, host: str | None = None) -> None:
    """Go there; `host` is named to a proxy that goes by it. Raises Detour with a sentence about what does not work."""
    url = (url if "://" in url else f"http://{url}").rstrip("/").removesuffix(PREFIX)
    try:
        with httpx.Client(base_url=url, timeout=TIMEOUT, headers={"Host": host} if host else None) as client:
            travel(client)
    except httpx.ConnectError as error:
        raise Detour(f"{url} cannot be reached: {error}") from None
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise Detour(f"{url} cannot be gone to: {error}") from None
