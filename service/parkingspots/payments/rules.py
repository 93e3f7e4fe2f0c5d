"""How money is divided, written down and given back. Imports no framework and no database."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum

SOONEST, LATEST = timedelta(seconds=15), timedelta(hours=6)
MOST_ATTEMPTS = 10
"""At an event; then somebody has to look at it."""


class RefundStatus(StrEnum):
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    CANCELLED = "cancelled"
    """The bank, or somebody in Stripe's own pages, has given the money back instead."""


class PayoutStatus(StrEnum):
    PENDING = "pending"
    PAID = "paid"
    REVERSED = "reversed"
    CANCELLED = "cancelled"


class DisputeStatus(StrEnum):
    INQUIRY = "inquiry"
    """The bank asks first, and takes nothing yet."""
    OPEN = "open"
    WON = "won"
    LOST = "lost"
    CLOSED = "closed"
    """An inquiry that came to nothing."""


FREEZING = frozenset({DisputeStatus.INQUIRY, DisputeStatus.OPEN})
"""As long as one of these stands, nothing is paid out."""
WITHDRAWING = frozenset({DisputeStatus.OPEN, DisputeStatus.WON, DisputeStatus.LOST})
"""For these the bank has taken the money, if only for a while."""
STAGES: Mapping[DisputeStatus, int] = {
    DisputeStatus.INQUIRY: 0,
    DisputeStatus.OPEN: 1,
    DisputeStatus.WON: 2,
    DisputeStatus.LOST: 2,
    DisputeStatus.CLOSED: 2,
}
"""A dispute only goes on to a later one, whatever is told of it afterwards."""
WEIGHTS = (DisputeStatus.OPEN, DisputeStatus.INQUIRY, DisputeStatus.LOST, DisputeStatus.WON, DisputeStatus.CLOSED)


def heaviest(disputes: Collection[DisputeStatus]) -> DisputeStatus | None:
    """How a payment stands that has been disputed so."""
    return next((status for status in WEIGHTS if status in disputes), None)


NO_ACCOUNT = "The owner has no account yet that takes payouts."
DISPUTED = "The payment is disputed."
"""What a payout may wait for, as its owner is told."""


class Road(StrEnum):
    """How it came to be known that a payment was made."""

    CLIENT = "client"
    WEBHOOK = "webhook"
    RECONCILER = "reconciler"


class Attempt(IntEnum):
    """What became of one thing that was due."""

    NONE = 0
    """Nothing was due."""
    DONE = 1
    FAILED = 2
    """It is tried again later."""
    WAITS = 3
    """For something else to happen first."""


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


def owner_part(amount: int, total: int, owner_total: int, step: int = 1) -> int:
    """The owner's part of the first `amount` of a payment that is given back, rounded half up to a multiple of `step`.

    Of one refund after others it is the difference of two of these, so that the parts of all add up. `step` is the
    least amount that can be moved in the currency; all four are multiples of it.
    """
    return (2 * amount * owner_total + total * step) // (2 * total * step) * step


def cut(amount: int, owner_amount: int, by: int, step: int = 1) -> int:
    """What the owner does not bear any more of a refund that is made smaller `by` so much; multiples of `step`."""
    return owner_amount - owner_amount * (amount - by) // (amount * step) * step


def next_attempt(attempts: int, now: datetime) -> datetime:
    """When to try again what has failed so many times: after 15 s, twice as long each time, after six hours at most."""
    return now + min(SOONEST * (1 << min(attempts, 16)), LATEST)
