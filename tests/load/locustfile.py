"""Users who search, look, book and cancel, for Locust: `make load-test URL=https://… USERS=50 MINUTES=5`.

Exit code 1 if anything failed. That a time is taken when it is booked (409) is no failure. Whoever is told to come
later (429) does, and how often that happened is said at the end: limits are by address, and all users share one.
"""

import sys
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from random import choice, randrange, uniform
from time import sleep
from typing import Any
from uuid import uuid4

from locust import FastHttpUser, between, events, task

API = "/api/v1"
SPOTS, BOOKINGS = f"{API}/parking-spots", f"{API}/bookings"
CITIES = {
    "Athens": (37.9755, 23.7348),
    "Thessaloniki": (40.6367, 22.9437),
    "Patras": (38.2465, 21.7350),
    "Heraklion": (35.3387, 25.1330),
}
NEARBY = 0.03  # degrees
AN_HOUR = timedelta(hours=1)
DAYS_AHEAD = 60
LONGEST_PAUSE = 30.0  # seconds
CONFLICT, TOO_MANY = 409, 429
DONE = frozenset({200, 201})

told_to_wait: Counter[str] = Counter()
taken: Counter[str] = Counter()


class Visitor(FastHttpUser):
    """Looks for a spot, without an account."""

    weight = 4
    wait_time = between(1, 3)
    token: str | None = None

    @task(5)
    def search_by_place(self) -> None:
        self.ask("GET", f"{SPOTS}/search", _place())

    @task(2)
    def search_by_city(self) -> None:
        self.ask("GET", f"{SPOTS}/", {"city": choice(list(CITIES)), "page_size": 20})

    @task(3)
    def search_for_a_time(self) -> None:
        self.found(_time())

    @task(5)
    def look_at_a_spot(self) -> None:
        found = self.found({})
        if found:
            spot_id = choice(found)["id"]
            self.ask("GET", f"{SPOTS}/{spot_id}", name=f"{SPOTS}/{{id}}")
            self.ask("GET", f"{SPOTS}/{spot_id}/availability", name=f"{SPOTS}/{{id}}/availability")
            self.ask("GET", f"{API}/reviews/spot/{spot_id}", name=f"{API}/reviews/spot/{{id}}")

    def found(self, time: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The nearest spots around a place that are free for the time."""
        name = f"{SPOTS}/search, for a time" if time else None
        spots: list[dict[str, Any]] = self.ask("GET", f"{SPOTS}/search", {**_place(), **time}, name=name) or []
        return spots

    def ask(
        self,
        method: str,
        path: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        content: Mapping[str, Any] | None = None,
        name: str | None = None,
    ) -> Any:
        """The answer's content, or None where it was refused: another's booking came first, or too many came."""
        name = name or path
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if method == "POST":
            headers["Idempotency-Key"] = str(uuid4())
        with self.client.request(
            method, path, params=parameters, json=content, headers=headers, name=name, catch_response=True
        ) as answer:
            if answer.status_code == TOO_MANY:
                told_to_wait[name] += 1
            elif answer.status_code == CONFLICT:
                taken[name] += 1
            elif answer.status_code in DONE:
                return answer.json()
            else:
                answer.failure(str(answer.error or f"{answer.status_code}: {(answer.text or '')[:200]}"))
                return None
            answer.success()
            pause = answer.headers.get("retry-after", 0) if answer.status_code == TOO_MANY else 0
        sleep(min(float(pause), LONGEST_PAUSE))
        return None


class Renter(Visitor):
    """Has an account, books and cancels; only looks where no more accounts may be made from here."""

    weight = 1

    def on_start(self) -> None:
        who = {"email": f"load-{uuid4()}@example.com", "password": str(uuid4())}
        self.booked: list[str] = []
        if self.ask("POST", f"{API}/auth/register", content={**who, "full_name": "Load Test"}):
            signed_in = self.ask("POST", f"{API}/auth/login", content=who)
            self.token = signed_in and signed_in["access_token"]

    @task(3)
    def book(self) -> None:
        time = _time()
        free = self.found(time)
        if self.token and free:
            booking = self.ask("POST", f"{BOOKINGS}/", content={"parking_spot_id": choice(free)["id"], **time})
            if booking:
                self.booked.append(booking["id"])

    @task(1)
    def look_at_bookings(self) -> None:
        if self.token:
            self.ask("GET", f"{BOOKINGS}/")

    @task(1)
    def cancel(self) -> None:
        if self.booked:
            booking_id = self.booked.pop()
            reason = {"cancellation_reason": "Plans changed"}
            self.ask("POST", f"{BOOKINGS}/{booking_id}/cancel", content=reason, name=f"{BOOKINGS}/{{id}}/cancel")

    def on_stop(self) -> None:
        """Leave nothing booked."""
        while self.booked:
            self.cancel()


@events.quit.add_listener
def _say(**_: object) -> None:
    for what, counted in (("Taken meanwhile (409)", taken), ("Told to come later (429)", told_to_wait)):
        by_request = ", ".join(f"{name} {count}" for name, count in counted.most_common())
        sys.stderr.write(f"{what}: {counted.total()}{f' ({by_request})' if by_request else ''}\n")


def _place() -> dict[str, Any]:
    latitude, longitude = choice(list(CITIES.values()))
    return {
        "latitude": round(latitude + uniform(-NEARBY, NEARBY), 3),
        "longitude": round(longitude + uniform(-NEARBY, NEARBY), 3),
        "limit": 20,
    }


def _time() -> dict[str, Any]:
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + AN_HOUR * randrange(24, 24 * DAYS_AHEAD)
    return {"start_time": start.isoformat(), "end_time": (start + AN_HOUR * randrange(1, 5)).isoformat()}
