"""Whoever asks whatever in whichever order: a booking goes only the ways of the lifecycle, and counts once."""

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from minute_job import moved
from parkingspots.bookings import rules
from parkingspots.bookings.rules import HOLDING, Status
from parkingspots.kit.database import Database
from product import Api, Person

LEAD = st.sampled_from([0, 0, 25])  # minutes to the start
WHO = st.sampled_from(["renter", "renter", "owner", "admin", "stranger"])
ONE_AWAY = {(old, new) for old in Status for new in rules.NEXT[old]}
SHIFT = """UPDATE bookings SET start_time = start_time - make_interval(mins => :by),
    end_time = end_time - make_interval(mins => :by), expires_at = expires_at - make_interval(mins => :by)"""


class Lifecycle(RuleBasedStateMachine):
    """One booking; Hypothesis decides who does what to it, and compares it with the rules after each step."""

    loop: asyncio.AbstractEventLoop
    apis: dict[bool, Api]
    people: dict[str, Person]
    database: Database
    session: AsyncSession
    spot: str

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Have the test's loop do the `work`: this runs in a thread of its own."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    @initialize(paid=st.sampled_from([True, True, True, False]), minutes=LEAD)
    def book_first(self, paid: bool, minutes: int) -> None:
        self.do(self.session.execute(text("UPDATE spot_stats SET total_bookings = 0")))
        self.api, self.completions = self.apis[paid], 0
        self.book(minutes)

    @precondition(lambda self: self.status not in HOLDING)
    @rule(minutes=LEAD)
    def book_again(self, minutes: int) -> None:
        self.book(minutes)

    def book(self, minutes: int) -> None:
        self.do(self.session.execute(text("DELETE FROM bookings")))
        booking = self.do(self.api.book(self.people["renter"], self.spot, minutes / 60, minutes / 60 + 0.5))
        self.url, self.status = f"/api/v1/bookings/{booking['id']}", booking["status"]

    # Hypothesis leaves some of the rules out of each run: those without cancelling get further.

    @rule(who=WHO, wanted=st.sampled_from([status for status in Status if status != "cancelled"]))
    def ask_for(self, who: str, wanted: Status) -> None:
        self.send("PUT", "/status", who, {"status": wanted})

    @rule(who=WHO)
    def ask_for_cancelling(self, who: str) -> None:
        self.send("PUT", "/status", who, {"status": "cancelled"})

    @rule(who=WHO)
    def cancel(self, who: str) -> None:
        self.send("POST", "/cancel", who, None)

    @rule(who=WHO)
    def check_in(self, who: str) -> None:
        self.send("POST", "/check-in", who, None)

    @rule(who=WHO)
    def check_out(self, who: str) -> None:
        self.send("POST", "/check-out", who, None)

    @rule(by=st.integers(1, 40))
    def let_minutes_pass(self, by: int) -> None:
        """For both clocks, the API's and the database's: the booking comes nearer instead."""
        self.do(self.session.execute(text(SHIFT), {"by": by}))

    @rule()
    def run_the_job(self) -> None:
        self.do(moved(self.database))
        self.moved_to(self.stored())

    @invariant()
    def each_completion_counts_once(self) -> None:
        total = self.do(self.session.scalar(text("SELECT total_bookings FROM spot_stats")))
        assert total == self.completions

    def send(self, method: str, path: str, who: str, body: dict[str, str] | None) -> None:
        """The answer says the truth: 200 where the booking moved, or arrived; else it is as it was."""
        request = self.api.client.request(method, self.url + path, headers=self.people[who].headers, json=body)
        answer = self.do(request)
        assert answer.status_code in ({404} if who == "stranger" else {200, 403, 409})
        stored = self.stored()
        assert stored == (answer.json()["status"] if answer.status_code == 200 else self.status)
        if answer.status_code == 200 and path != "/check-in":
            assert stored != self.status
        self.moved_to(stored)

    def stored(self) -> str:
        return str(self.do(self.session.scalar(text("SELECT status FROM bookings"))))

    def moved_to(self, new: str) -> None:
        assert new == self.status or (self.status, new) in ONE_AWAY
        self.completions += (self.status != new) and new == "completed"
        self.status = new


async def test_a_booking_goes_only_the_ways_of_the_lifecycle_whoever_asks(
    api: Api, unpaid_api: Api, database: Database, session: AsyncSession
) -> None:
    present = datetime.now(UTC) - api.clock.now()  # the job goes by the database's clock: here the API does too
    api.clock.pass_by(seconds=present.total_seconds())
    people = {name: await api.person(name) for name in ("renter", "owner", "admin", "stranger")}
    await session.execute(text("UPDATE users SET role = 'admin' WHERE id = :id"), {"id": people["admin"].id})
    Lifecycle.loop, Lifecycle.database, Lifecycle.session = asyncio.get_running_loop(), database, session
    Lifecycle.apis, Lifecycle.people = {True: api, False: unpaid_api}, people
    Lifecycle.spot = await api.list_spot(people["owner"])
    await asyncio.to_thread(
        run_state_machine_as_test,
        Lifecycle,
        settings=settings(
            derandomize=True,
            max_examples=40,
            stateful_step_count=20,
            phases=[Phase.generate],  # twenty steps are read as they are; making them fewer takes minutes
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
