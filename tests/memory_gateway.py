"""The payment gateway in memory: what Stripe does, as far as the port can tell, without Stripe.

It does a thing once a key, as Stripe does for a day, and keeps count of money, so that a test can ask for it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, TypeVar
from uuid import UUID

from parkingspots.payments.gateway import (
    AwayError,
    BrokenError,
    Charge,
    ConnectedAccount,
    Dispute,
    GivenBack,
    Intent,
    IntentStatus,
    NonsenseError,
    RefundState,
    RefusedError,
)
from parkingspots.payments.rules import DisputeStatus

T = TypeVar("T")


@dataclass(frozen=True)
class Reversed:
    id: str
    refund_id: UUID
    amount: int


@dataclass
class Transferred:
    id: str
    account_id: str
    amount: int
    payout_id: UUID
    reversals: list[Reversed] = field(default_factory=list)

    @property
    def kept(self) -> int:
        """What the owner has of it."""
        return self.amount - sum(each.amount for each in self.reversals)


class MemoryGateway:
    def __init__(self) -> None:
        self.intents: dict[str, Intent] = {}
        self.refunds: dict[str, GivenBack] = {}
        self.transfers: dict[str, Transferred] = {}
        self.accounts: dict[str, ConnectedAccount] = {}
        self.disputes: dict[str, Dispute] = {}
        self.is_away = self.talks_nonsense = False
        self.loses_answers = False
        """Does what it is asked for, and nobody hears of it."""
        self.refuses_refunds = self.refuses_transfers = self.refuses_accounts = False
        self.fails = False
        """Does nothing, says that it failed, and says so again for the same key."""
        self._failed: set[str] = set()
        self._done: dict[str, Any] = {}
        self._numbers = count(1)

    # What a cardholder, a bank or Stripe's own pages do.

    def pay(self, intent_id: str) -> None:
        intent = self.intents[intent_id]
        if intent.status is not IntentStatus.CANCELLED:
            charge = intent.charge or Charge(f"ch_{intent_id}", "card", "visa", "4242")
            self.intents[intent_id] = replace(intent, status=IntentStatus.PAID, declined=None, charge=charge)

    def know_as_paid(self, intent_id: str, amount: int) -> None:
        """An intent that was made and paid before this was there."""
        self.intents[intent_id] = Intent(intent_id, IntentStatus.OPEN, amount, "EUR")
        self.refunds = {name: refund for name, refund in self.refunds.items() if refund.intent_id != intent_id}
        self.pay(intent_id)

    def decline(self, intent_id: str) -> None:
        self.intents[intent_id] = replace(
            self.intents[intent_id], status=IntentStatus.OPEN, declined="Your card was declined."
        )

    def need_action(self, intent_id: str) -> None:
        self.intents[intent_id] = replace(self.intents[intent_id], status=IntentStatus.NEEDS_ACTION)

    def process(self, intent_id: str) -> None:
        self.intents[intent_id] = replace(self.intents[intent_id], status=IntentStatus.PROCESSING)

    def take_payouts(self, account_id: str) -> None:
        self.accounts[account_id] = ConnectedAccount(account_id, takes_payouts=True)

    def fail_refund(self, refund_id: str) -> None:
        refund = self.refunds[refund_id]
        self.refunds[refund_id] = replace(refund, state=RefundState.FAILED)
        self._show(refund.intent_id or "")

    def give_back_in_its_pages(self, intent_id: str, amount: int) -> str:
        """A refund that somebody makes past the product."""
        refund = GivenBack(f"re_{next(self._numbers)}", RefundState.SUCCEEDED, amount, intent_id, None)
        self.refunds[refund.id] = refund
        self._show(intent_id)
        return refund.id

    def forget_keys(self) -> None:
        """As Stripe does after a day: from then on the same key is a new one."""
        self._done.clear()
        self._failed.clear()

    def dispute_charge(
        self,
        intent_id: str,
        status: DisputeStatus = DisputeStatus.OPEN,
        amount: int | None = None,
        which: str = "dp",
    ) -> str:
        """The bank takes back `amount`, or what has not been given back; a dispute that is known goes on."""
        known = self.disputes.get(f"{which}_{intent_id}")
        left = self.taken(intent_id) - self.given(intent_id) if amount is None else amount
        dispute = Dispute(f"{which}_{intent_id}", status, known.amount if known else left, intent_id)
        self.disputes[dispute.id] = dispute
        self._show(intent_id)
        return dispute.id

    # What money moved.

    def taken(self, intent_id: str) -> int:
        intent = self.intents[intent_id]
        return intent.amount if intent.status is IntentStatus.PAID else 0

    def given(self, intent_id: str) -> int:
        return sum(
            refund.amount
            for refund in self.refunds.values()
            if refund.intent_id == intent_id and refund.state is not RefundState.FAILED
        )

    def lost(self, intent_id: str) -> int:
        """What the bank has taken back for good."""
        disputes = [each for each in self.disputes.values() if each.intent_id == intent_id]
        return sum(each.amount for each in disputes if each.status is DisputeStatus.LOST)

    def undisputed(self, intent_id: str, but: str) -> int:
        """What of it neither went back nor is disputed otherwise than by the one of that name."""
        others = (each for each in self.disputes.values() if each.id != f"{but}_{intent_id}")
        held = {DisputeStatus.INQUIRY, DisputeStatus.OPEN, DisputeStatus.LOST}
        disputed = sum(each.amount for each in others if each.intent_id == intent_id and each.status in held)
        return self.taken(intent_id) - self.given(intent_id) - disputed

    def paid_out(self) -> int:
        return sum(each.kept for each in self.transfers.values())

    # The port.

    async def create_intent(self, booking_id: UUID, amount: int, currency: str, key: str) -> Intent:  # noqa: ARG002
        def made() -> Intent:
            intent_id = f"pi_{next(self._numbers)}"
            self.intents[intent_id] = Intent(intent_id, IntentStatus.OPEN, amount, currency, f"{intent_id}_secret_x")
            return self.intents[intent_id]

        return self._once(key, made)

    async def intent(self, intent_id: str) -> Intent:
        self._answer()
        if intent_id not in self.intents:
            raise RefusedError("No such payment_intent.")
        return self.intents[intent_id]

    async def cancel_intent(self, intent_id: str) -> Intent:
        intent = await self.intent(intent_id)
        if intent.status in {IntentStatus.PAID, IntentStatus.CANCELLED}:
            raise RefusedError("You cannot cancel this PaymentIntent.")
        self.intents[intent_id] = replace(intent, status=IntentStatus.CANCELLED)
        return self.intents[intent_id]

    async def refund(self, intent_id: str, amount: int, currency: str, refund_id: UUID, key: str) -> GivenBack:  # noqa: ARG002
        def made() -> GivenBack:
            left = self.taken(intent_id) - self.given(intent_id) - self.lost(intent_id)
            if self.refuses_refunds or amount > left:
                raise RefusedError("Insufficient funds.")
            if self._is_disputed(intent_id):
                raise RefusedError("The charge has been charged back.")
            refund = GivenBack(f"re_{next(self._numbers)}", RefundState.SUCCEEDED, amount, intent_id, refund_id)
            self.refunds[refund.id] = refund
            self._show(intent_id)
            return refund

        return self._once(key, made)

    async def refunds_of(self, intent_id: str) -> Sequence[GivenBack]:
        self._answer()
        return [each for each in self.refunds.values() if each.intent_id == intent_id]

    async def given_back(self, gateway_refund_id: str) -> GivenBack:
        self._answer()
        return self.refunds[gateway_refund_id]

    async def create_account(self, owner_id: UUID, email: str, country: str, business_type: str, key: str) -> str:  # noqa: ARG002
        def made() -> str:
            if self.refuses_accounts:
                raise RefusedError("Country is not supported.")
            account = ConnectedAccount(f"acct_{next(self._numbers)}", takes_payouts=False)
            self.accounts[account.id] = account
            return account.id

        return self._once(key, made)

    async def account(self, account_id: str) -> ConnectedAccount:
        self._answer()
        return self.accounts[account_id]

    async def onboarding_url(self, account_id: str) -> str:
        self._answer()
        return f"https://connect.example.com/{account_id}"

    async def transfer(
        self,
        account_id: str,
        amount: int,
        currency: str,  # noqa: ARG002
        payout_id: UUID,
        charge_id: str,  # noqa: ARG002
        key: str,
    ) -> str:
        def made() -> str:
            if self.refuses_transfers:
                raise RefusedError("The charge has insufficient funds.")
            transfer = Transferred(f"tr_{next(self._numbers)}", account_id, amount, payout_id)
            self.transfers[transfer.id] = transfer
            return transfer.id

        return self._once(key, made)

    async def find_transfer(self, payout_id: UUID) -> str | None:
        self._answer()
        return next((each.id for each in self.transfers.values() if each.payout_id == payout_id), None)

    async def transferred(self, payout_id: UUID) -> int:
        self._answer()
        return sum(each.kept for each in self.transfers.values() if each.payout_id == payout_id)

    async def reverse(self, transfer_id: str, amount: int, currency: str, refund_id: UUID, key: str) -> str:  # noqa: ARG002
        def made() -> str:
            reversal = Reversed(f"trr_{next(self._numbers)}", refund_id, amount)
            self.transfers[transfer_id].reversals.append(reversal)
            return reversal.id

        return self._once(key, made)

    async def find_reversal(self, transfer_id: str, refund_id: UUID) -> str | None:
        self._answer()
        found = (each.id for each in self.transfers[transfer_id].reversals if each.refund_id == refund_id)
        return next(found, None)

    async def dispute(self, dispute_id: str) -> Dispute:
        self._answer()
        return self.disputes[dispute_id]

    async def disputes_of(self, intent_id: str) -> Sequence[Dispute]:
        self._answer()
        return [each for each in self.disputes.values() if each.intent_id == intent_id]

    async def aclose(self) -> None: ...

    def _answer(self) -> None:
        if self.is_away:
            raise AwayError("ConnectError")
        if self.talks_nonsense:
            raise NonsenseError("an answer that nobody understands")

    def _is_disputed(self, intent_id: str) -> bool:
        disputes = [each for each in self.disputes.values() if each.intent_id == intent_id]
        return any(each.status is DisputeStatus.OPEN for each in disputes)

    def _once(self, key: str, made: Callable[[], T]) -> T:
        self._answer()
        if self.fails or key in self._failed:
            self._failed.add(key)
            raise BrokenError("APIError 500")
        if key not in self._done:
            self._done[key] = made()
        if self.loses_answers:
            raise AwayError("ReadTimeout")
        done: T = self._done[key]
        return done

    def _show(self, intent_id: str) -> None:
        """On the charge, what went back and whether it was ever disputed."""
        intent = self.intents[intent_id]
        if intent.charge is not None:
            is_disputed = any(each.intent_id == intent_id for each in self.disputes.values())
            charge = replace(intent.charge, refunded=self.given(intent_id), is_disputed=is_disputed)
            self.intents[intent_id] = replace(intent, charge=charge)
