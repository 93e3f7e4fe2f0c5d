"""Paying owners, in the words of tests; `owners_account` and `payment_for_three_hours` are for fixtures."""

from typing import Any

from memory_gateway import MemoryGateway
from paying import booked, opened_account, payment_of
from product import Api, Person

ACCOUNT: dict[str, Any] = {"country": "GR", "business_type": "individual"}
DUE = 3 + 24
"""Hours until the owner is paid: the booking's end and the usual delay."""


async def owners_account(paid_api: Api, money: MemoryGateway, owner: Person, spot: str) -> str:
    """The owner's, which takes payouts."""
    del spot  # who lists one is an owner
    return await opened_account(paid_api, money, owner)


async def payment_for_three_hours(paid_api: Api, money: MemoryGateway, renter: Person, spot: str) -> Any:
    """Of 7.70, of which 7.00 are the owner's, for a booking that ends in three hours."""
    return await payment_of(paid_api, renter, await booked(paid_api, money, renter, spot))


async def refund(api: Api, who: Person, payment: Any, amount: int) -> Any:
    who = await api.sign_in(who.id, who.email)
    return await api.post("/payments/refund", who, payment_id=payment["id"], amount=amount)


async def payouts(api: Api, owner: Person) -> Any:
    return await api.get("/payments/owner/payouts", await api.sign_in(owner.id, owner.email))
