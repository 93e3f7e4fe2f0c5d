"""The ledger: entries at zero together, never changed, and held against the gateway once a day."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from commands import Command, complaint, run_in_this_process
from conftest import SetClock
from memory_gateway import MemoryGateway, Reversed
from minutes import let_time_pass
from parkingspots.kit.database import Database
from parkingspots.payments import checking, command, ledger, rules, watching
from parkingspots.payments.checking import Difference
from parkingspots.payments.models import Payment
from parkingspots.payments.rules import Attempt
from parkingspots.payments.till import Till
from parkingspots.settings import Settings
from paying import begun, booked, opened_account, payment_of, work_through
from product import Api, Person

YESTERDAY = datetime.now(UTC) - timedelta(days=1)
"""By the database's clock, which says when a payment was changed."""
Write = Callable[..., Awaitable[None]]

command_line = pytest.fixture(run_in_this_process)


@pytest.fixture
async def payment(paid_api: Api, money: MemoryGateway, renter: Person, spot: str) -> Any:
    """Of 7.70, of which 7.00 are the owner's."""
    return await payment_of(paid_api, renter, await booked(paid_api, money, renter, spot))


@pytest.fixture
def till(paid_api: Api) -> Till:
    used: Till = paid_api.app.state.till
    return used


@pytest.fixture
def write(database: Database, payment: Any, owner: Person) -> Write:
    """Write entries of one cause past the product."""

    async def writing(cause: str, entries: dict[str, int], currency: str = "EUR") -> None:
        row = {"cause": cause, "payment_id": payment["id"], "owner_id": owner.id, "currency": currency}
        insert = text("""INSERT INTO ledger_entries (cause, account, amount, currency, payment_id, owner_id)
            VALUES (:cause, :account, :amount, :currency, :payment_id, :owner_id)""")
        async with database.transaction() as session:
            for account, amount in entries.items():
                await session.execute(insert, row | {"account": account, "amount": amount})

    return writing


async def test_a_payment_is_written_down_as_the_owners_and_the_platforms(payment: Any, session: AsyncSession) -> None:
    rows = await session.execute(text("SELECT account, amount, cause FROM ledger_entries"))
    cause = f"charge:{payment['id']}"
    assert sorted(rows.all()) == [("owner", -700, cause), ("platform", -70, cause), ("stripe", 770, cause)]


@pytest.mark.parametrize("entries", [{"stripe": 100}, {"stripe": 100, "owner": -99}])
async def test_what_does_not_add_up_to_zero_is_refused_at_the_commit(
    write: Write, session: AsyncSession, entries: dict[str, int]
) -> None:
    with pytest.raises(DBAPIError, match="do not add up to zero"):
        await write("made up", entries)
    assert await session.scalar(text("SELECT count(*) FROM ledger_entries WHERE cause = 'made up'")) == 0


async def test_what_adds_up_to_zero_in_the_end_is_taken(write: Write, session: AsyncSession) -> None:
    await write("made up", {"stripe": 100, "owner": -90, "platform": -10})
    assert await session.scalar(text("SELECT count(*) FROM ledger_entries WHERE cause = 'made up'")) == 3


async def test_a_cause_cannot_be_added_to_later(write: Write) -> None:
    await write("made up", {"stripe": 100, "owner": -100})
    with pytest.raises(DBAPIError, match="do not add up to zero"):
        await write("made up", {"platform": -10})
    with pytest.raises(IntegrityError, match="uq_ledger_entries_cause_account"):
        await write("made up", {"stripe": 100, "owner": -100})


async def test_currencies_are_not_added_up(database: Database, payment: Any, owner: Person) -> None:
    insert = text("""INSERT INTO ledger_entries (cause, account, amount, currency, payment_id, owner_id) VALUES
        ('made up', 'stripe', 100, 'EUR', :payment, :owner), ('made up', 'owner', -100, 'USD', :payment, :owner)""")
    with pytest.raises(DBAPIError, match="do not add up to zero"):
        async with database.transaction() as session:
            await session.execute(insert, {"payment": payment["id"], "owner": owner.id})


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ledger_entries SET amount = 2 * amount",
        "UPDATE ledger_entries SET at = now() WHERE false",
        "DELETE FROM ledger_entries",
        "TRUNCATE ledger_entries",
    ],
)
async def test_what_was_written_is_never_changed(payment: Any, session: AsyncSession, change: str) -> None:
    del payment
    with pytest.raises(DBAPIError, match="takes new rows only"):
        await session.execute(text(change))
    assert await session.scalar(text("SELECT sum(amount) FROM ledger_entries WHERE account = 'stripe'")) == 770


async def test_the_same_cause_again_writes_nothing(payment: Any, database: Database, session: AsyncSession) -> None:
    now, entries = datetime.now(UTC), rules.charged(770, 700)
    for _ in range(2):
        async with database.transaction() as writing:
            row = await writing.get_one(Payment, UUID(payment["id"]))
            await ledger.post(writing, row, f"charge:{row.id}", entries, now)
    assert await session.scalar(text("SELECT count(*) FROM ledger_entries")) == 3


async def test_books_that_are_right_show_no_difference(till: Till, payment: Any) -> None:
    del payment
    found = await checking.compare(till, YESTERDAY, datetime.now(UTC))
    assert (found.payments, found.differences) == (1, [])


async def test_what_stripe_has_told_nobody_is_heard_of(
    till: Till, paid_api: Api, money: MemoryGateway, payment: Any, renter: Person, spot: str
) -> None:
    money.give_back_in_its_pages(payment["payment_intent_id"], 100)
    unheard = await paid_api.book(renter, spot, 5, 6)
    intent = await paid_api.post("/payments/create-payment-intent", renter, booking_id=unheard["id"])
    money.pay(intent["payment_intent_id"])
    found = await checking.compare(till, YESTERDAY, datetime.now(UTC))
    assert (found.payments, found.differences) == (2, [])
    seen = await paid_api.get("/payments/my-payments", renter)
    assert sorted((each["refunded_amount"], each["status"]) for each in seen) == [
        (0, "completed"),
        (100, "partially_refunded"),
    ]


async def test_so_is_a_dispute(till: Till, paid_api: Api, money: MemoryGateway, payment: Any, renter: Person) -> None:
    money.dispute_charge(payment["payment_intent_id"])
    assert (await checking.compare(till, YESTERDAY, datetime.now(UTC))).differences == []
    (seen,) = await paid_api.get("/payments/my-payments", renter)
    assert seen["dispute_status"] == "open"


async def test_a_refund_that_failed_unheard_is_made_again(
    till: Till, paid_api: Api, money: MemoryGateway, payment: Any, admin: Person, clock: SetClock
) -> None:
    await paid_api.post("/payments/refund", admin, payment_id=payment["id"], amount=100)
    (failed,) = money.refunds
    money.fail_refund(failed)
    assert (await checking.compare(till, YESTERDAY, clock.now())).differences == []
    clock.pass_by(minutes=5)
    await work_through(paid_api)
    assert money.given(payment["payment_intent_id"]) == 100


async def test_what_was_taken_back_of_a_payout_past_the_product_is_found(
    till: Till,
    paid_api: Api,
    money: MemoryGateway,
    payment: Any,
    owner: Person,
    session: AsyncSession,
    clock: SetClock,
) -> None:
    await opened_account(paid_api, money, owner)
    await let_time_pass(paid_api, session, clock, 3 + 24)
    (transfer,) = money.transfers.values()
    transfer.reversals.append(Reversed("trr_by_hand", UUID(payment["id"]), 100))
    found = await checking.compare(till, YESTERDAY, clock.now())
    assert found.differences == [Difference("money paid out", payment["id"], 700, 600)]


async def test_an_entry_that_nobody_is_behind_is_found(till: Till, write: Write, payment: Any) -> None:
    await write(f"refund:{payment['id']}:0", {"stripe": -100, "owner": 100})
    found = await checking.compare(till, YESTERDAY, datetime.now(UTC))
    assert [str(each) for each in found.differences] == [
        f"money given back of {payment['id']}: the ledger says 100, expected was 0",
        f"money that the payment says was given back of {payment['id']}: the ledger says 100, expected was 0",
    ]


async def test_entries_that_do_not_add_up_are_found_though_the_database_refuses_them(
    till: Till, write: Write, session: AsyncSession
) -> None:
    await session.execute(text("ALTER TABLE ledger_entries DISABLE TRIGGER balanced"))
    await write("made up", {"platform": 3})
    await session.execute(text("ALTER TABLE ledger_entries ENABLE TRIGGER balanced"))
    assert (await checking.compare(till, YESTERDAY, datetime.now(UTC))).differences == [
        Difference("balance", "made up", 3, 0)
    ]


async def test_a_payment_that_the_gateway_does_not_know_is_a_difference(
    till: Till, money: MemoryGateway, payment: Any
) -> None:
    del money.intents[payment["payment_intent_id"]]
    (difference,) = (await checking.compare(till, YESTERDAY, datetime.now(UTC))).differences
    assert (difference.subject, difference.ledger) == (payment["id"], 770)


async def test_the_day_is_compared_once(till: Till, clock: SetClock, session: AsyncSession) -> None:
    assert await checking.compare_daily(till, clock.now())
    clock.pass_by(hours=13, minutes=59)
    assert not await checking.compare_daily(till, clock.now())
    clock.pass_by(minutes=1)
    assert await checking.compare_daily(till, clock.now())
    days = (await session.scalars(text("SELECT day::text FROM ledger_checks WHERE ended_at IS NOT NULL"))).all()
    assert sorted(days) == ["2040-01-02", "2040-01-03"]


@pytest.mark.parametrize(("minutes", "is_taken_over"), [(4, False), (5, True)])
async def test_a_comparison_whose_process_has_died_is_taken_over(
    till: Till, clock: SetClock, session: AsyncSession, minutes: int, is_taken_over: bool
) -> None:
    begun = text("INSERT INTO ledger_checks (day, began_at, leased_until) VALUES (:day, :at, :until)")
    now = clock.now()
    await session.execute(begun, {"day": now.date(), "at": now, "until": now + timedelta(minutes=5)})
    clock.pass_by(minutes=minutes)
    assert bool(await checking.compare_daily(till, clock.now())) == is_taken_over


async def test_a_comparison_goes_on_where_it_stopped(
    till: Till,
    paid_api: Api,
    money: MemoryGateway,
    payment: Any,
    renter: Person,
    spot: str,
    session: AsyncSession,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    del payment
    await booked(paid_api, money, renter, spot, 5, 6)
    monkeypatch.setattr(checking, "BATCH", 1)
    now, progress = datetime.now(UTC), text("SELECT payments, ended_at IS NOT NULL FROM ledger_checks")
    for expected in ((1, False), (2, False), (2, True)):
        assert await checking.compare_daily(till, now)
        assert (await session.execute(progress)).one() == expected
    assert not await checking.compare_daily(till, now)


async def test_while_stripe_is_away_nothing_differs_and_the_comparison_waits(
    till: Till, money: MemoryGateway, payment: Any, session: AsyncSession
) -> None:
    del payment
    money.is_away, now = True, datetime.now(UTC)
    assert await checking.compare_daily(till, now) is Attempt.FAILED
    money.is_away = False
    assert await checking.compare_daily(till, now + timedelta(minutes=5))
    kept = await session.execute(text("SELECT payments, differences FROM ledger_checks ORDER BY day LIMIT 1"))
    assert kept.one() == (1, 0)  # midnight may have passed, and another day begun


async def test_what_somebody_has_to_look_at_is_shown_by_every_process(
    till: Till, paid_api: Api, money: MemoryGateway, write: Write, payment: Any, admin: Person, session: AsyncSession
) -> None:
    await write(f"refund:{payment['id']}:0", {"stripe": -100, "owner": 100})
    await checking.compare_daily(till, datetime.now(UTC))
    money.refuses_refunds = True
    await paid_api.post("/payments/refund", admin, payment_id=payment["id"], amount=100)
    parked = (
        "INSERT INTO stripe_events (id, kind, created, received_at, parked_at) VALUES ('e', 'k', now(), now(), now())"
    )
    await session.execute(text(parked))
    await watching.look(till.database)
    shown = (await paid_api.client.get("/metrics")).text
    assert "parkingspots_ledger_differences 2.0" in shown
    assert "parkingspots_payments_refused 1.0" in shown
    assert "parkingspots_payments_parked_events 1.0" in shown


async def test_what_a_day_has_found_is_kept(till: Till, write: Write, payment: Any, session: AsyncSession) -> None:
    await write(f"refund:{payment['id']}:0", {"stripe": -100, "owner": 100})
    await checking.compare_daily(till, datetime.now(UTC))
    kept = await session.execute(text("SELECT payments, differences FROM ledger_checks"))
    assert kept.all() == [(1, 2)]


def test_without_payments_the_command_says_so_in_one_sentence(command_line: Command, settings: Settings) -> None:
    url = settings.database_url.get_secret_value()
    ended = command_line("ledger", "check", DATABASE_URL=url)
    assert complaint(ended, 2).startswith("Stripe cannot be asked: payments are switched off")
    ended = command_line("ledger", "check", DATABASE_URL=url, SKIP_PAYMENT_PROCESSING="false")
    assert complaint(ended, 2).startswith("Stripe cannot be asked: there is no STRIPE_SECRET_KEY")


async def test_the_command_says_in_one_sentence_that_stripe_is_away(
    monkeypatch: pytest.MonkeyPatch, command_line: Command, settings: Settings, money: MemoryGateway, payment: Any
) -> None:
    del payment
    monkeypatch.setattr(command, "gateway", lambda _: money)
    money.is_away, url = True, settings.database_url.get_secret_value()
    ended = await asyncio.to_thread(command_line, "ledger", "check", DATABASE_URL=url)
    assert complaint(ended, 2) == "Stripe cannot be asked: ConnectError"


async def test_the_command_compares_so_many_days(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, money: MemoryGateway, payment: Any
) -> None:
    monkeypatch.setattr(command, "gateway", lambda _: money)
    del money.intents[payment["payment_intent_id"]]
    found = await command.check(settings, 1)
    assert [each.of for each in found.differences] == ["a payment that Stripe does not tell of"]


async def test_a_payment_of_which_stripe_talks_nonsense_is_a_difference_and_the_day_goes_on(
    till: Till, money: MemoryGateway, payment: Any, session: AsyncSession
) -> None:
    del payment
    money.talks_nonsense = True
    assert await checking.compare_daily(till, datetime.now(UTC))
    kept = await session.execute(text("SELECT differences, ended_at IS NOT NULL FROM ledger_checks"))
    assert kept.all() == [(1, True)]


async def test_a_booking_that_was_confirmed_while_payments_were_off_does_not_stop_the_others(
    paid_api: Api, money: MemoryGateway, renter: Person, payment: Any, spot: str, session: AsyncSession
) -> None:
    unpaid = await paid_api.book(renter, spot, 5, 6)
    await begun(paid_api, renter, unpaid["id"])
    due = text("INSERT INTO refunds_due (booking_id, amount) VALUES (:unpaid, 100), (:paid, 100)")
    await session.execute(due, {"unpaid": unpaid["id"], "paid": payment["booking_id"]})
    await work_through(paid_api)
    assert money.given(payment["payment_intent_id"]) == 100
    assert await session.scalar(text("SELECT count(*) FROM refunds_due")) == 0
