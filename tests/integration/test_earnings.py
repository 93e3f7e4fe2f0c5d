"""What owners see of their earnings: as the ledger has it, by currency, and by month where the service is at home."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from conftest import SetClock
from memory_gateway import MemoryGateway
from minutes import let_time_pass
from paying import booked, opened_account, payment_of, work_through
from product import Api, Person

NOTHING = {"total_earnings": 0, "pending_payouts": 0, "completed_payouts": 0, "this_month_earnings": 0}


async def summary(api: Api, owner: Person) -> Any:
    return await api.get("/payments/owner/summary", await api.sign_in(owner.id, owner.email))


async def test_who_has_earned_nothing_sees_zeros(paid_api: Api, owner: Person) -> None:
    assert await summary(paid_api, owner) == {"currency": "EUR", **NOTHING, "currencies": []}
    assert await paid_api.get("/payments/owner/payouts", owner) == []


async def test_each_currency_is_added_up_by_itself(
    paid_api: Api,
    money: MemoryGateway,
    clock: SetClock,
    session: AsyncSession,
    renter: Person,
    owner: Person,
    other_owner: Person,
    admin: Person,
    spot: str,
) -> None:
    await opened_account(paid_api, money, owner)
    in_yen = await paid_api.list_spot(owner, currency="JPY")
    of_another = await paid_api.list_spot(other_owner)
    for where, hours in ((spot, 2), (spot, 12), (in_yen, 2), (of_another, 2)):
        await booked(paid_api, money, renter, where, hours, hours + 2)
    partly = await booked(paid_api, money, renter, spot, 22, 24)
    payment = await payment_of(paid_api, renter, partly)
    await paid_api.post("/payments/refund", admin, payment_id=payment["id"], amount=77)
    await let_time_pass(paid_api, session, clock, 39)
    euros = {"total_earnings": 2030, "pending_payouts": 630, "completed_payouts": 1400, "this_month_earnings": 2030}
    yen = {"total_earnings": 700, "pending_payouts": 0, "completed_payouts": 700, "this_month_earnings": 700}
    currencies = [{"currency": "EUR", **euros}, {"currency": "JPY", **yen}]
    assert await summary(paid_api, owner) == {"currency": "EUR", **euros, "currencies": currencies}
    assert (await summary(paid_api, other_owner))["total_earnings"] == 700
    paid = await paid_api.get("/payments/owner/payouts", await paid_api.sign_in(owner.id, owner.email))
    assert sorted((each["currency"], each["amount"]) for each in paid) == [("EUR", 700), ("EUR", 700), ("JPY", 700)]


async def test_a_payout_that_has_to_come_back_is_owed_the_other_way(
    paid_api: Api,
    money: MemoryGateway,
    clock: SetClock,
    session: AsyncSession,
    renter: Person,
    owner: Person,
    spot: str,
) -> None:
    await opened_account(paid_api, money, owner)
    payment = await payment_of(paid_api, renter, await booked(paid_api, money, renter, spot))
    await let_time_pass(paid_api, session, clock, 27)
    owner = await paid_api.sign_in(owner.id, owner.email)
    await paid_api.post("/payments/refund", owner, payment_id=payment["id"])
    after = await summary(paid_api, owner)
    assert (after["total_earnings"], after["pending_payouts"], after["completed_payouts"]) == (0, -700, 700)
    await work_through(paid_api)
    after = await summary(paid_api, owner)
    assert (after["total_earnings"], after["pending_payouts"], after["completed_payouts"]) == (0, 0, 0)


async def test_a_month_begins_at_midnight_in_athens(
    paid_api: Api, money: MemoryGateway, clock: SetClock, renter: Person, owner: Person, spot: str
) -> None:
    for moment, start, earned, this_month in (
        (datetime(2040, 1, 31, 21, 59, 59, tzinfo=UTC), 1, 700, 700),
        (datetime(2040, 1, 31, 22, 0, tzinfo=UTC), 4, 1400, 700),
    ):
        clock.moment = moment
        renter = await paid_api.sign_in(renter.id, renter.email)
        await booked(paid_api, money, renter, spot, start, start + 2)
        after = await summary(paid_api, owner)
        assert (after["total_earnings"], after["this_month_earnings"]) == (earned, this_month)
    clock.pass_by(days=40)
    assert (await summary(paid_api, owner))["this_month_earnings"] == 0


async def test_lists_come_in_pages_newest_first(
    paid_api: Api, money: MemoryGateway, renter: Person, owner: Person, spot: str
) -> None:
    for hours in (1, 4, 7):
        await booked(paid_api, money, renter, spot, hours, hours + 1)
    first = await paid_api.request("GET", "/payments/my-payments", renter, params={"page_size": 2})
    assert (len(first.json()), first.headers["x-total-count"]) == (2, "3")
    assert 'rel="next"' in first.headers["link"]
    every = await paid_api.get("/payments/my-payments", renter)
    assert first.json() == every[:2]
    assert every == sorted(every, key=lambda each: each["created_at"], reverse=True)
    assert await paid_api.get("/payments/my-payments", owner) == []
