"""How money is divided, written down and given back. Imports no framework and no database."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

SOONEST, LATEST = timedelta(seconds=15), timedelta(hours=6)
MOST_ATTEMPTS = 10
"""At an event; then somebody has to look at it."""


class RefundStatus(StrEnum):
    PENDING = "pending"
    SUCCEEDED = "succeeded"


class PayoutStatus(StrEnum):
    PENDING = "pending"
    PAID = "paid"
    REVERSED = "reversed"
    CANCELLED = "cancelled"


class DisputeStatus(StrEnum):
    OPEN = "open"
    WON = "won"
    LOST = "lost"


class Road(StrEnum):
    """How it came to be known that a payment was made."""

    CLIENT = "client"
    WEBHOOK = "webhook"
    RECONCILER = "reconciler"


class Account(StrEnum):
    """Of the ledger. What is ours is positive on `stripe`; what we owe is negative on the others."""

    STRIPE = "stripe"
    OWNER = "owner"
    PLATFORM = "platform"
    DISPUTED = "disputed"


Entries = Mapping[Account, int]
"""Minor units, which add up to zero."""


def charged(amount: int, owner_amount: int) -> Entries:
    """A payment came in: the owner is owed a part, the rest is the platform's fee."""
    return {Account.STRIPE: amount, Account.OWNER: -owner_amount, Account.PLATFORM: owner_amount - amount}


def given_back(amount: int, owner_amount: int) -> Entries:
    """A refund went out, of which the owner bears a part."""
    return {Account.STRIPE: -amount, Account.OWNER: owner_amount, Account.PLATFORM: amount - owner_amount}


def paid_out(amount: int) -> Entries:
    """The owner got what was owed."""
    return {Account.STRIPE: -amount, Account.OWNER: amount}


def withdrawn(amount: int) -> Entries:
    """The bank took back what the cardholder disputes."""
    return {Account.STRIPE: -amount, Account.DISPUTED: amount}


def lost(amount: int, owner_amount: int) -> Entries:
    """A dispute ended for the cardholder: owner and platform bear it like a refund."""
    return {Account.DISPUTED: -amount, Account.OWNER: owner_amount, Account.PLATFORM: amount - owner_amount}


def undone(entries: Entries) -> Entries:
    return {account: -amount for account, amount in entries.items()}


def owner_part(amount: int, total: int, owner_total: int) -> int:
    """The owner's part of the first `amount` of a payment that is given back, rounded half up.

    Of one refund after others it is the difference of two of these, so that the parts of all add up.
    """
    return (2 * amount * owner_total + total) // (2 * total)


def next_attempt(attempts: int, now: datetime) -> datetime:
    """When to try again what has failed so many times: after 15 s, twice as long each time, after six hours at most."""
    return now + min(SOONEST * (1 << min(attempts, 16)), LATEST)
