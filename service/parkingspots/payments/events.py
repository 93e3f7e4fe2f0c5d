"""Stripe's events. They come twice, late and out of order, so each only says what to look up."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta

import structlog
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.kit import job_runs
from parkingspots.kit.counting import counted
from parkingspots.kit.job_runs import Due
from parkingspots.payments import connect, counts, disputes, giving_back, repository, rules, service
from parkingspots.payments.gateway import GatewayError
from parkingspots.payments.models import Event
from parkingspots.payments.problems import NotAnEvent
from parkingspots.payments.rules import Attempt, Road
from parkingspots.payments.schemas import EventIn
from parkingspots.payments.till import Till

KEPT = timedelta(days=30)
"""After which events that were handled are deleted."""

log = structlog.get_logger(__name__)


async def store(session: AsyncSession, body: bytes, now: datetime) -> bool:
    """Keep a verified event, once; whether there is something to do. Raises NotAnEvent."""
    try:
        said = EventIn.model_validate_json(body)
    except ValidationError:
        raise NotAnEvent from None
    subject = said.data.object if said.data else None
    subject_id = subject.id if subject else None
    is_ours = subject_id is not None and _handler(said.type) is not None
    event: dict[str, object] = {
        "id": said.id,
        "kind": said.type,
        "subject_id": subject_id,
        "created": now if said.created is None else datetime.fromtimestamp(said.created, UTC),
        "received_at": now,
        "handled_at": None if is_ours else now,
        "act_at": now if is_ours else None,
    }
    is_new = await repository.store_event(session, event)
    counted(session, counts.EVENTS.labels("received" if is_new else "repeated"))
    return is_new and is_ours


async def handle_next(till: Till, now: datetime) -> Attempt:
    """Handle one event that is due."""
    async with till.database.transaction() as session:
        event = await repository.claim(session, Event, Event.act_at, Event.attempts, now)
    if event is None:
        return Attempt.NONE
    try:
        await _handle(till, event, now)
    except GatewayError as error:
        return await _put_off(till, event, str(error), now)
    except Exception as error:
        log.exception("an event could not be handled", id=event.id, kind=event.kind)
        return await _put_off(till, event, type(error).__name__, now)
    async with till.database.transaction() as session:
        handled = await session.get_one(Event, event.id, with_for_update=True)
        handled.handled_at, handled.act_at, handled.failure = now, None, None
    counts.EVENTS.labels("handled").inc()
    counts.EVENT_AGE.observe(max(0.0, (now - event.created).total_seconds()))
    return Attempt.DONE


async def _handle(till: Till, event: Event, now: datetime) -> None:
    handler = _handler(event.kind)
    if handler is not None and event.subject_id is not None:
        await handler(till, event.subject_id, now)


async def _put_off(till: Till, claimed: Event, why: str, now: datetime) -> Attempt:
    """Later and later; what has failed ten times is left for somebody to look at."""
    async with till.database.transaction() as session:
        event = await session.get_one(Event, claimed.id, with_for_update=True)
        if event.handled_at is not None or event.attempts != claimed.attempts:  # somebody else is at it
            return Attempt.FAILED
        event.failure = why
        if event.attempts < rules.MOST_ATTEMPTS:
            event.act_at = rules.next_attempt(event.attempts, now)
        else:
            event.act_at, event.parked_at = None, now
    if event.parked_at is not None:
        log.error("an event is parked", id=event.id, kind=event.kind, error=why)
    counts.EVENTS.labels("failed" if event.parked_at is None else "parked").inc()
    return Attempt.FAILED


async def _on_intent(till: Till, intent_id: str | None, now: datetime) -> None:
    if intent_id is None:
        return
    async with till.database.reader() as session:
        payment = await repository.by_intent(session, intent_id)
    if payment is not None:
        await service.settled(till, payment.id, await till.gateway.intent(intent_id), Road.WEBHOOK, now)


async def _on_refund(till: Till, gateway_refund_id: str, now: datetime) -> None:
    given = await till.gateway.given_back(gateway_refund_id)
    await _on_intent(till, given.intent_id, now)  # nobody may have told of the payment yet
    async with till.database.transaction() as session:
        await giving_back.note(session, given, now)


async def _on_dispute(till: Till, dispute_id: str, now: datetime) -> None:
    dispute = await till.gateway.dispute(dispute_id)
    await _on_intent(till, dispute.intent_id, now)
    async with till.database.transaction() as session:
        await disputes.note(session, dispute, now)


async def _on_account(till: Till, account_id: str, now: datetime) -> None:
    account = await till.gateway.account(account_id)
    async with till.database.transaction() as session:
        await connect.note(session, account, now)


Handler = Callable[[Till, str, datetime], Awaitable[None]]
HANDLERS: Mapping[str, Handler] = {
    "payment_intent.": _on_intent,
    "refund.": _on_refund,
    "charge.refund.": _on_refund,
    "charge.dispute.": _on_dispute,
    "account.updated": _on_account,
}
"""By what the type begins with."""


def _handler(kind: str) -> Handler | None:
    return next((handler for begins, handler in HANDLERS.items() if kind.startswith(begins)), None)


async def to_purge(session: AsyncSession) -> Due:
    return await job_runs.due(session, Event.received_at + KEPT, *repository.handled_long_ago(KEPT))


async def purge(session: AsyncSession, batch: int) -> int:
    """Delete up to `batch` events that were handled long ago by the database's clock; how many."""
    return await repository.purge_events(session, KEPT, batch)
