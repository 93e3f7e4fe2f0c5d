"""Stripe behind the port: its API at a pinned version, in its words and its units."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from time import perf_counter
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import stripe

from parkingspots.kit import tracing
from parkingspots.kit.currencies import digits, written
from parkingspots.payments.counts import CALLS, LATENCY
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
from parkingspots.settings import Settings

T = TypeVar("T")
API_VERSION = "2026-08-26.dahlia"
DIGITS = {"ISK": 2, "UGX": 2, "MGA": 0}
"""Of an amount that stand for parts of the unit, where Stripe counts them otherwise than ISO 4217."""
STATUSES = {
    "requires_action": IntentStatus.NEEDS_ACTION,
    "processing": IntentStatus.PROCESSING,
    "succeeded": IntentStatus.PAID,
    "canceled": IntentStatus.CANCELLED,
}
"""Of intents; all others wait for a card."""
REFUND_STATES = {
    "succeeded": RefundState.SUCCEEDED,
    "failed": RefundState.FAILED,
    "canceled": RefundState.FAILED,
}
DISPUTE_STATUSES = {
    "warning_needs_response": DisputeStatus.INQUIRY,
    "warning_under_review": DisputeStatus.INQUIRY,
    "warning_closed": DisputeStatus.CLOSED,
    "prevented": DisputeStatus.CLOSED,
    "won": DisputeStatus.WON,
    "lost": DisputeStatus.LOST,
}
"""All others are open: the bank has taken the money."""
FAILED = 500
"""Stripe's status from which on it keeps the answer for the key, though it may have done nothing."""
EXPANDED = ["latest_charge", "payment_method"]


def in_stripes_units(amount: int, currency: str) -> int:
    """The amount, in ISO 4217's minor units, as Stripe counts it; raises RefusedError for parts of its units."""
    units, rest = divmod(amount * _ten_to(_their_digits(currency)), _ten_to(digits(currency)))
    if rest:
        raise RefusedError(f"{written(amount, currency)} cannot be moved.")
    return units


def in_iso_units(amount: int, currency: str) -> int:
    return amount * _ten_to(digits(currency)) // _ten_to(_their_digits(currency))


def _their_digits(currency: str) -> int:
    return DIGITS.get(currency, digits(currency))


def _ten_to(places: int) -> int:
    return int(10**places)


class _Http(stripe.HTTPXClient):
    """Carries the trace on, where there is one."""

    async def request_async(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        post_data: Any = None,  # noqa: ANN401 - Stripe's form
    ) -> tuple[bytes, int, Mapping[str, str]]:
        tracing.note(http__request__method=method.upper(), server__address=urlsplit(url).hostname or "")
        answer = await super().request_async(method, url, {**headers, **tracing.carried()}, post_data)
        tracing.note(http__response__status_code=answer[1])
        return answer


class StripeGateway:
    """One client an event loop; a request that Stripe does not answer in time is ended, not repeated."""

    def __init__(self, settings: Settings) -> None:
        assert settings.stripe_secret_key is not None  # noqa: S101 - see gateways.py
        self._web_url = settings.web_url
        stripe.enable_telemetry = False  # it would write a file into HOME
        self._http = _Http(timeout=settings.stripe_timeout_seconds)
        base = {"api": settings.stripe_api_base} if settings.stripe_api_base else None
        self._api = stripe.StripeClient(
            settings.stripe_secret_key.get_secret_value(),
            base_addresses=base,  # type: ignore[arg-type]  # a TypedDict, of which one name will do
            http_client=self._http,
            max_network_retries=0,
            stripe_version=API_VERSION,
        ).v1

    async def create_intent(self, booking_id: UUID, amount: int, currency: str, key: str) -> Intent:
        wanted: Any = {
            "amount": in_stripes_units(amount, currency),
            "currency": currency.lower(),
            "payment_method_types": ["card"],
            "metadata": {"booking_id": str(booking_id)},
        }
        return await _said("create_intent", self._api.payment_intents.create_async(wanted, _once(key)), _intent)

    async def intent(self, intent_id: str) -> Intent:
        wanted: Any = {"expand": EXPANDED}
        return await _said("intent", self._api.payment_intents.retrieve_async(intent_id, wanted), _intent)

    async def cancel_intent(self, intent_id: str) -> Intent:
        return await _said("cancel_intent", self._api.payment_intents.cancel_async(intent_id), _intent)

    async def refund(self, intent_id: str, amount: int, currency: str, refund_id: UUID, key: str) -> GivenBack:
        wanted: Any = {
            "payment_intent": intent_id,
            "amount": in_stripes_units(amount, currency),
            "metadata": {"refund_id": str(refund_id)},
        }
        return await _said("refund", self._api.refunds.create_async(wanted, _once(key)), _given_back)

    async def refunds_of(self, intent_id: str) -> Sequence[GivenBack]:
        wanted: Any = {"payment_intent": intent_id, "limit": 100}
        async with _listed("refunds_of", self._api.refunds.list_async(wanted)) as refunds:
            return [_given_back(each) async for each in refunds]

    async def given_back(self, gateway_refund_id: str) -> GivenBack:
        return await _said("given_back", self._api.refunds.retrieve_async(gateway_refund_id), _given_back)

    async def create_account(self, owner_id: UUID, email: str, country: str, business_type: str, key: str) -> str:
        wanted: Any = {
            "type": "express",
            "email": email,
            "country": country,
            "business_type": business_type,
            "capabilities": {"transfers": {"requested": True}},
            "metadata": {"owner_id": str(owner_id)},
        }
        return await _said("create_account", self._api.accounts.create_async(wanted, _once(key)), _its_id)

    async def account(self, account_id: str) -> ConnectedAccount:
        return await _said("account", self._api.accounts.retrieve_async(account_id), _account)

    async def onboarding_url(self, account_id: str) -> str:
        wanted: Any = {
            "account": account_id,
            "type": "account_onboarding",
            "refresh_url": f"{self._web_url}/payouts/again",
            "return_url": f"{self._web_url}/payouts",
        }
        return await _said("onboarding_url", self._api.account_links.create_async(wanted), lambda link: str(link.url))

    async def transfer(
        self, account_id: str, amount: int, currency: str, payout_id: UUID, charge_id: str, key: str
    ) -> str:
        wanted: Any = {
            "destination": account_id,
            "amount": in_stripes_units(amount, currency),
            "currency": currency.lower(),
            "source_transaction": charge_id,
            "transfer_group": str(payout_id),
        }
        return await _said("transfer", self._api.transfers.create_async(wanted, _once(key)), _its_id)

    async def find_transfer(self, payout_id: UUID) -> str | None:
        wanted: Any = {"transfer_group": str(payout_id), "limit": 1}
        async with _listed("find_transfer", self._api.transfers.list_async(wanted)) as transfers:
            async for transfer in transfers:
                return str(transfer.id)
        return None

    async def transferred(self, payout_id: UUID) -> int:
        wanted: Any = {"transfer_group": str(payout_id), "limit": 100}
        async with _listed("transferred", self._api.transfers.list_async(wanted)) as transfers:
            return sum([_left(each) async for each in transfers])

    async def reverse(self, transfer_id: str, amount: int, currency: str, refund_id: UUID, key: str) -> str:
        wanted: Any = {"amount": in_stripes_units(amount, currency), "metadata": {"refund_id": str(refund_id)}}
        reversal = self._api.transfers.reversals.create_async(transfer_id, wanted, _once(key))
        return await _said("reverse", reversal, _its_id)

    async def find_reversal(self, transfer_id: str, refund_id: UUID) -> str | None:
        wanted: Any = {"limit": 100}
        reversals = self._api.transfers.reversals.list_async(transfer_id, wanted)
        async with _listed("find_reversal", reversals) as found:
            async for reversal in found:
                if _metadata(reversal, "refund_id") == str(refund_id):
                    return str(reversal.id)
        return None

    async def dispute(self, dispute_id: str) -> Dispute:
        return await _said("dispute", self._api.disputes.retrieve_async(dispute_id), _dispute)

    async def disputes_of(self, intent_id: str) -> Sequence[Dispute]:
        wanted: Any = {"payment_intent": intent_id, "limit": 100}
        async with _listed("disputes_of", self._api.disputes.list_async(wanted)) as disputes:
            return [_dispute(each) async for each in disputes]

    async def aclose(self) -> None:
        await self._http.close_async()  # type: ignore[no-untyped-call]


def _once(key: str) -> Any:  # noqa: ANN401 - Stripe's options
    return {"idempotency_key": key}


@asynccontextmanager
async def _listed(what: str, page: Awaitable[Any]) -> AsyncIterator[AsyncIterator[Any]]:
    """The rows of all pages."""
    with _errors(what):
        yield (await page).auto_paging_iter().__aiter__()


async def _said(what: str, request: Awaitable[Any], understood: Callable[[Any], T]) -> T:
    """What Stripe answers, measured and in the port's words, as its errors are."""
    with _errors(what):
        return understood(await request)


@contextmanager
def _errors(what: str) -> Iterator[None]:
    began, outcome = perf_counter(), "ok"
    try:
        with tracing.call(f"Stripe {what}", {}):
            yield
    except (stripe.InvalidRequestError, stripe.CardError) as error:
        outcome = "refused"
        raise RefusedError(error.user_message or "it gives no reason") from error
    except stripe.StripeError as error:
        outcome, said = "away", f"{type(error).__name__} {error.http_status or ''}".strip()
        raise (BrokenError if (error.http_status or 0) >= FAILED else AwayError)(said) from error
    except (AttributeError, TypeError, ValueError, KeyError) as error:
        outcome = "nonsense"
        raise NonsenseError("an answer that nobody understands") from error
    finally:
        LATENCY.labels(what).observe(perf_counter() - began)
        CALLS.labels(what, outcome).inc()


def _intent(said: Any) -> Intent:  # noqa: ANN401 - Stripe's objects
    currency = said.currency.upper()
    declined = getattr(said, "last_payment_error", None)
    return Intent(
        id=said.id,
        status=STATUSES.get(said.status, IntentStatus.OPEN),
        amount=in_iso_units(said.amount, currency),
        currency=currency,
        client_secret=said.client_secret or "",
        declined=getattr(declined, "message", None) if declined else None,
        charge=_charge(said, currency),
    )


def _charge(said: Any, currency: str) -> Charge | None:  # noqa: ANN401
    charge = getattr(said, "latest_charge", None)
    if charge is None or isinstance(charge, str):
        return None if charge is None else Charge(charge)
    method = getattr(said, "payment_method", None)
    card = getattr(method, "card", None)
    return Charge(
        id=charge.id,
        method=getattr(method, "type", None),
        card_brand=getattr(card, "brand", None),
        last_four=getattr(card, "last4", None),
        refunded=in_iso_units(charge.amount_refunded, currency),
        is_disputed=bool(getattr(charge, "disputed", False)),
    )


def _given_back(said: Any) -> GivenBack:  # noqa: ANN401
    ours = _metadata(said, "refund_id")
    return GivenBack(
        id=said.id,
        state=REFUND_STATES.get(said.status, RefundState.PROCESSING),
        amount=in_iso_units(said.amount, said.currency.upper()),
        intent_id=_id(said.payment_intent),
        refund_id=_uuid(ours),
    )


def _uuid(text: str | None) -> UUID | None:
    """None for what others have written there."""
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _account(said: Any) -> ConnectedAccount:  # noqa: ANN401
    """What counts is whether it may be given a transfer; when it passes the money on is between it and Stripe."""
    capabilities = getattr(said, "capabilities", None)
    return ConnectedAccount(said.id, takes_payouts=getattr(capabilities, "transfers", None) == "active")


def _dispute(said: Any) -> Dispute:  # noqa: ANN401
    status = DISPUTE_STATUSES.get(said.status, DisputeStatus.OPEN)
    return Dispute(said.id, status, in_iso_units(said.amount, said.currency.upper()), _id(said.payment_intent))


def _left(said: Any) -> int:  # noqa: ANN401
    return in_iso_units(said.amount - said.amount_reversed, said.currency.upper())


def _its_id(said: Any) -> str:  # noqa: ANN401
    return str(said.id)


def _metadata(said: Any, name: str) -> str | None:  # noqa: ANN401
    metadata = getattr(said, "metadata", None)
    return metadata[name] if metadata and name in metadata else None


def _id(said: Any) -> str | None:  # noqa: ANN401
    """Of an object, or of a reference to it."""
    return said if said is None or isinstance(said, str) else str(said.id)
