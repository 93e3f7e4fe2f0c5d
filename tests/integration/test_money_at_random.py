"""Whatever happens to money, in whichever order and however often: in the end every cent is where it belongs."""

import asyncio
import os
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from accounts_at_the_end import HOLDERS, UNPAID, require_all_accounted_for
from conftest import SetClock
from memory_gateway import MemoryGateway
from minutes import let_everything_come, move_bookings_on
from parkingspots.payments import checking, rules, work
from parkingspots.payments.gateway import ConnectedAccount, IntentStatus
from parkingspots.payments.rules import DisputeStatus
from parkingspots.settings import Settings
from paying import SECRET, an_event, opened_account, send
from product import Api, Person, running

HISTORIES = int(os.environ.get("MONEY_HISTORIES", "60"))
CENTURY = 60 * 24 * 36_500  # minutes, for which everybody stays signed in
PEOPLE = ("renter", "other renter", "owner", "admin", "stranger")
ANY = st.integers(0, 5)
RENTERS = st.sampled_from(["renter", "renter", "other renter"])
SHARES = {  # of the total that goes back to a renter who cancels so many hours before the start
    "flexible": ((0, 100),),
    "moderate": ((24, 100), (0, 50)),
    "strict": ((168, 100), (48, 50)),
}


TROUBLES = ("is_away", "loses_answers", "fails", "talks_nonsense", "refuses_refunds", "refuses_transfers")


class Money(RuleBasedStateMachine):
    """One slot of one spot; Hypothesis decides what renters, owner, staff, bank and Stripe do, and what gets lost."""

    loop: asyncio.AbstractEventLoop
    api: Api
    clock: SetClock
    money: MemoryGateway
    session: AsyncSession
    people: dict[str, Person]

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Have the test's loop do the `work`: this runs in a thread of its own."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    @initialize(policy=st.sampled_from(sorted(SHARES)), lead=st.sampled_from([1, 30, 60, 200]), steps=st.integers(0, 3))
    def list_the_spot(self, policy: str, lead: int, steps: int) -> None:
        """And go the first steps of the usual way."""
        self.began, self.policy = datetime.now(UTC), policy
        details = {"cancellation_policy": policy, "hourly_rate": 333}
        self.spot = self.do(self.api.list_spot(self.people["owner"], **details))
        self.start = self.clock.now() + timedelta(hours=lead)
        self.bookings: list[Any] = []
        self.intents: dict[str, str] = {}  # by booking
        self.untold: list[tuple[str, str]] = []
        self.told: list[Any] = []
        self.book("renter")
        if steps > 0:
            self.begin_to_pay(0)
        if steps > 1:
            self.use_a_card(0, "pay")
        if steps > 2:
            self.confirm(0)

    # Renters.

    @rule(who=RENTERS)
    def book(self, who: str) -> None:
        times = [self.start, self.start + timedelta(hours=2)]
        wish = {"start_time": times[0].isoformat(), "end_time": times[1].isoformat(), "parking_spot_id": self.spot}
        answer = self.send("/bookings/", who, {201, 400, 409}, wish)
        if "id" in answer:
            self.bookings.append(answer | {"who": who})

    @rule(which=ANY)
    def begin_to_pay(self, which: int) -> None:
        booking = self.one(self.bookings, which)
        wish = {"booking_id": booking["id"]}
        answer = self.send("/payments/create-payment-intent", booking["who"], {200, 409, 503}, wish)
        if "payment_intent_id" in answer:
            self.intents[booking["id"]] = answer["payment_intent_id"]

    @precondition(lambda self: self.intents)
    @rule(which=ANY, outcome=st.sampled_from(["pay", "pay", "pay", "decline", "need_action", "process"]))
    def use_a_card(self, which: int, outcome: str) -> None:
        intent_id = self.one([*self.intents.values()], which)
        if self.money.intents[intent_id].status not in {IntentStatus.PAID, IntentStatus.CANCELLED}:
            getattr(self.money, outcome)(intent_id)
            self.untold.append(("payment_intent.succeeded" if outcome == "pay" else "payment_intent.other", intent_id))

    @precondition(lambda self: self.intents)
    @rule(which=ANY)
    def confirm(self, which: int) -> None:
        self.do(self.confirmed(which))

    async def confirmed(self, which: int) -> None:
        booking_id, intent_id = self.one([*self.intents.items()], which)
        who = next(each["who"] for each in self.bookings if each["id"] == booking_id)
        await self.sent(f"/payments/confirm-payment?payment_intent_id={intent_id}", who, {200, 402, 409, 503})

    @rule(which=ANY, who=st.sampled_from(["renter", "renter", "owner", "admin"]))
    def cancel(self, which: int, who: str) -> None:
        booking = self.one(self.bookings, which)
        who = booking["who"] if who == "renter" else who
        answer = self.send(f"/bookings/{booking['id']}/cancel", who, {200, 409})
        if answer["status"] == "cancelled":
            is_paid = answer["payment_status"] in {"completed", "partially_refunded"}
            assert answer["refund_amount"] == (self.policys(who, answer["total_amount"]) if is_paid else None)

    def policys(self, who: str, total: int) -> int:
        if who in {"owner", "admin"}:
            return total
        hours = (self.start - self.clock.now()).total_seconds() / 3600
        share = next((share for before, share in SHARES[self.policy] if hours >= before), 0)
        return (total * share + 50) // 100

    @rule(which=ANY)
    def check_out(self, which: int) -> None:
        booking = self.one(self.bookings, which)
        self.send(f"/bookings/{booking['id']}/check-out", booking["who"], {200, 409})

    # Owner and staff.

    @rule(
        which=ANY,
        who=st.sampled_from(["owner", "admin", "admin", "renter", "stranger"]),
        amount=st.none() | st.integers(1, 800),
        key=st.none() | st.sampled_from(["one", "two"]),
    )
    def refund(self, which: int, who: str, amount: int | None, key: str | None) -> None:
        booking = self.one(self.bookings, which)
        query = text("SELECT id FROM payments WHERE booking_id = :booking")
        payment_id = self.do(self.session.scalar(query, {"booking": booking["id"]}))
        who = booking["who"] if who == "renter" else who
        allowed = {404} if who == "stranger" or payment_id is None else {200, 403, 409, 422}
        wish = {"payment_id": str(payment_id or booking["id"]), "amount": amount}
        self.send("/payments/refund", who, allowed, wish, {"Idempotency-Key": f"{self.spot}-{key}"} if key else {})

    # The bank, and Stripe.

    @precondition(lambda self: self.refunds())
    @rule(which=ANY)
    def fail_a_refund(self, which: int) -> None:
        refund_id = self.one(self.refunds(), which)
        self.money.fail_refund(refund_id)
        self.untold.append(("refund.failed", refund_id))

    @precondition(lambda self: self.paid())
    @rule(
        which=ANY,
        status=st.sampled_from(DisputeStatus),
        name=st.sampled_from(["dp", "dp", "dq"]),
        part=st.sampled_from([1, 1, 2]),
    )
    def dispute(self, which: int, status: DisputeStatus, name: str, part: int) -> None:
        intent_id = self.one(self.paid(), which)
        known = self.money.disputes.get(f"{name}_{intent_id}")
        left = self.money.undisputed(intent_id, but=name)
        amount = known.amount if known else left // part
        if 0 < amount <= left and (known is None or rules.STAGES[known.status] < rules.STAGES[status]):
            self.untold.append(("charge.dispute.updated", self.money.dispute_charge(intent_id, status, amount, name)))

    @rule(takes_payouts=st.booleans())
    def look_at_the_owner(self, takes_payouts: bool) -> None:
        (account_id,) = self.money.accounts
        self.money.accounts[account_id] = ConnectedAccount(account_id, takes_payouts)
        self.untold.append(("account.updated", account_id))

    @precondition(lambda self: self.untold)
    @rule(which=ANY)
    def tell(self, which: int) -> None:
        self.do(self.stripe_tells(*self.untold.pop(which % len(self.untold))))

    @precondition(lambda self: self.told)
    @rule(which=ANY)
    def tell_again(self, which: int) -> None:
        self.do(send(self.api, self.one(self.told, which)))

    @precondition(lambda self: self.refunds())
    @rule(which=ANY)
    def tell_of_a_refund(self, which: int) -> None:
        self.do(self.stripe_tells("refund.created", self.one(self.refunds(), which)))

    async def stripe_tells(self, kind: str, subject_id: str) -> None:
        self.told.append(an_event(kind, subject_id, self.clock.now()))
        await send(self.api, self.told[-1])

    @rule(weather=st.sampled_from(["fine", "fine", "fine", *TROUBLES]))
    def weather(self, weather: str) -> None:
        for name in TROUBLES:
            setattr(self.money, name, name == weather)

    # Time, and the job.

    @rule(minutes=st.sampled_from([1, 5, 11, 11, 65, 60 * 25, 60 * 24 * 4]))
    def let_time_pass(self, minutes: int) -> None:
        self.clock.pass_by(minutes=minutes)
        if minutes >= 60 * 24:
            self.money.forget_keys()

    @rule(name=st.sampled_from(sorted(work.STEPS)))
    def do_a_step(self, name: str) -> None:
        self.do(work.drained(work.STEPS[name], self.api.app.state.till, self.clock.now()))

    @rule(times=st.sampled_from([1, 1, 3]), which=ANY)
    def do_all_steps(self, times: int, which: int) -> None:
        """Also side by side, while a client confirms."""
        self.do(self.all_steps(times, which))

    async def all_steps(self, times: int = 1, which: int = 0) -> None:
        runs = [work.run(self.api.app.state.till, self.clock.now()) for _ in range(times)]
        await asyncio.gather(*runs, *([self.confirmed(which)] if times > 1 and self.intents else []))

    @rule()
    def move_bookings_on(self) -> None:
        self.do(move_bookings_on(self.session, self.clock.now()))

    @invariant()
    def nobody_parks_unpaid_or_in_anothers_place(self) -> None:
        which = {"spot": self.spot}
        assert self.do(self.session.scalar(HOLDERS, which)) <= 1
        assert self.do(self.session.scalar(UNPAID, which)) <= sum(map(self.has_gone, self.intents.values()))
        assert all(self.money.given(each) <= self.money.taken(each) for each in self.intents.values())

    def teardown(self) -> None:
        if hasattr(self, "spot"):
            self.weather("fine")
            self.do(self.brought_to_an_end())

    async def brought_to_an_end(self) -> None:
        """Everything is told but of payments, what goes on is decided, and the job runs until nothing is due."""
        for number, intent_id in enumerate(self.intents.values()):
            if self.money.intents[intent_id].status is IntentStatus.PROCESSING:
                self.money.pay(intent_id) if number else self.money.decline(intent_id)
            for name in ("dp", "dq"):
                dispute = self.money.disputes.get(f"{name}_{intent_id}")
                if dispute and dispute.status in rules.FREEZING:
                    end = DisputeStatus.WON if dispute.status is DisputeStatus.OPEN else DisputeStatus.CLOSED
                    self.untold.append(("charge.dispute.closed", self.money.dispute_charge(intent_id, end, which=name)))
        self.look_at_the_owner(takes_payouts=True)
        for kind, subject_id in self.untold:
            if not kind.startswith("payment_intent."):
                await self.stripe_tells(kind, subject_id)
        await let_everything_come(self.api, self.session, self.clock)
        await require_all_accounted_for(self.session, self.money, self.spot)
        assert (await checking.compare(self.api.app.state.till, self.began, self.api.clock.now())).differences == []

    # Words.

    def send(self, path: str, who: str, allowed: set[int], body: Any = None, headers: Any = None) -> dict[str, Any]:
        answer: dict[str, Any] = self.do(self.sent(path, who, allowed, body, headers))
        return answer

    async def sent(self, path: str, who: str, allowed: set[int], body: Any = None, headers: Any = None) -> Any:
        sent = self.people[who].headers | (headers or {})
        answer = await self.api.client.post(f"/api/v1{path}", json=body, headers=sent)
        assert answer.status_code in allowed, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def one(self, of: list[Any], which: int) -> Any:
        return of[which % len(of)]

    def paid(self) -> list[str]:
        return [each for each in self.intents.values() if self.money.taken(each)]

    def refunds(self) -> list[str]:
        mine = set(self.intents.values())
        return [each.id for each in self.money.refunds.values() if each.intent_id in mine]

    def has_gone(self, intent_id: str) -> bool:
        """Whether the bank has taken back what the booking was paid with."""
        return self.money.lost(intent_id) > 0


async def test_every_cent_is_where_it_belongs_in_the_end(
    settings: Settings,
    session: AsyncSession,
    clock: SetClock,
    money: MemoryGateway,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(work, "monotonic", lambda: 0.0)  # the same history goes the same way
    own = {
        "skip_payment_processing": False,
        "stripe_webhook_secret": SecretStr(SECRET),
        "access_token_minutes": CENTURY,
        "refresh_token_days": CENTURY // 60 // 24,
    }
    async with running(settings.model_copy(update=own), clock, money) as api:
        api.app.state.errand = None  # what it does at once is a step here
        people = {name: await api.person(name.replace(" ", "-")) for name in PEOPLE}
        await session.execute(text("UPDATE users SET role = 'admin' WHERE id = :id"), {"id": people["admin"].id})
        await api.list_spot(people["owner"])  # makes an owner of them
        await opened_account(api, money, people["owner"])
        Money.loop, Money.api, Money.clock = asyncio.get_running_loop(), api, clock
        Money.money, Money.session, Money.people = money, session, people
        await asyncio.to_thread(
            run_state_machine_as_test,
            Money,
            settings=hypothesis_settings(
                derandomize=True,
                max_examples=HISTORIES,
                stateful_step_count=30,
                phases=[Phase.generate],  # a history is read as it is; making it shorter takes minutes
                suppress_health_check=[HealthCheck.too_slow],
            ),
        )
