"""What the product needs of whoever moves the money. Amounts in minor units as ISO 4217 counts them."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeVar
from uuid import UUID, uuid4

from parkingspots.payments.rules import DisputeStatus

T = TypeVar("T")


class GatewayError(Exception):
    """Something was not done, as far as is known."""


class RefusedError(GatewayError):
    """The gateway has decided: asking for the same again gets the same answer. The message is the gateway's own."""


class AwayError(GatewayError):
    """The gateway cannot be reached, is slow, or busy. It may have done what it was asked for."""


class BrokenError(AwayError):
    """The gateway failed at it. The same key would get the same answer, whether or not it was done."""


class NonsenseError(GatewayError):
    """The gateway has answered, and nobody understands what."""


class IntentStatus(StrEnum):
    OPEN = "open"
    """Waits for a card, also after one was declined."""
    NEEDS_ACTION = "needs_action"
    """Waits for the cardholder to authenticate (3-D Secure)."""
    PROCESSING = "processing"
    PAID = "paid"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Charge:
    id: str
    method: str | None = None
    card_brand: str | None = None
    last_four: str | None = None
    refunded: int = 0
    is_disputed: bool = False


@dataclass(frozen=True)
class Intent:
    """The intention to pay an amount; it may take several cards until one is charged."""

    id: str
    status: IntentStatus
    amount: int
    currency: str
    client_secret: str = ""
    declined: str | None = None
    """Why the last card was not taken."""
    charge: Charge | None = None


class RefundState(StrEnum):
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True)
class GivenBack:
    """A refund as the gateway has it. `refund_id` is ours; None where it was made past us."""

    id: str
    state: RefundState
    amount: int
    intent_id: str | None
    refund_id: UUID | None


@dataclass(frozen=True)
class Dispute:
    id: str
    status: DisputeStatus
    amount: int
    intent_id: str | None


@dataclass(frozen=True)
class ConnectedAccount:
    id: str
    takes_payouts: bool


async def even_if_broken(make: Callable[[str], Awaitable[T]], key: str) -> T:
    """Do what does no harm when it is done twice, under another key where the gateway keeps failing for this one."""
    try:
        return await make(key)
    except BrokenError:
        return await make(f"{key}-{uuid4()}")


class PaymentGateway(Protocol):
    """Every method may raise RefusedError or AwayError. `key`: the same one again does the same thing once."""

    async def create_intent(self, booking_id: UUID, amount: int, currency: str, key: str) -> Intent: ...

    async def intent(self, intent_id: str) -> Intent: ...

    async def cancel_intent(self, intent_id: str) -> Intent:
        """Raises RefusedError where it was paid or cancelled before."""
        ...

    async def refund(self, intent_id: str, amount: int, currency: str, refund_id: UUID, key: str) -> GivenBack: ...

    async def given_back(self, gateway_refund_id: str) -> GivenBack: ...

    async def refunds_of(self, intent_id: str) -> Sequence[GivenBack]:
        """All that were made of it, here or past us."""
        ...

    async def create_account(self, owner_id: UUID, email: str, country: str, business_type: str, key: str) -> str:
        """The id of the owner's account, to which payouts go."""
        ...

    async def account(self, account_id: str) -> ConnectedAccount: ...

    async def onboarding_url(self, account_id: str) -> str:
        """Where the owner says who they are; it is good once, for some minutes."""
        ...

    async def transfer(
        self, account_id: str, amount: int, currency: str, payout_id: UUID, charge_id: str, key: str
    ) -> str:
        """Pay out of a charge; the transfer's id."""
        ...

    async def find_transfer(self, payout_id: UUID) -> str | None: ...

    async def transferred(self, payout_id: UUID) -> int:
        """What the owner has of it, after what was taken back."""
        ...

    async def reverse(self, transfer_id: str, amount: int, currency: str, refund_id: UUID, key: str) -> str:
        """Take back a part of a transfer; the reversal's id."""
        ...

    async def find_reversal(self, transfer_id: str, refund_id: UUID) -> str | None: ...

    async def dispute(self, dispute_id: str) -> Dispute: ...

    async def disputes_of(self, intent_id: str) -> Sequence[Dispute]: ...

    async def aclose(self) -> None: ...
