"""What must be true of everybody's money once nothing is left to be done."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from memory_gateway import MemoryGateway

PAYMENTS = text("""
    SELECT p.*, b.status AS booking_status, b.payment_status, b.refund_amount, b.cancellation_policy
    FROM payments p JOIN bookings b ON b.id = p.booking_id WHERE b.spot_id = :spot ORDER BY p.created_at
""")
REFUNDS = text("SELECT * FROM refunds WHERE payment_id = :payment AND status <> 'cancelled'")
PAYOUTS = text("SELECT * FROM payouts WHERE payment_id = :payment")
ENTRIES = text("SELECT account, sum(amount) FROM ledger_entries WHERE payment_id = :payment GROUP BY account")
UNBALANCED = text("SELECT cause FROM ledger_entries GROUP BY cause HAVING sum(amount) <> 0")
UNPAID = text("""
    SELECT count(*) FROM bookings WHERE spot_id = :spot AND status IN ('confirmed', 'in_progress', 'completed')
    AND payment_status NOT IN ('completed', 'partially_refunded')
""")
HOLDERS = text("""
    SELECT count(*) FROM bookings WHERE spot_id = :spot AND status IN ('pending', 'confirmed', 'in_progress')
""")
LEFT_OPEN = text("""
    SELECT 'event', id || ' ' || coalesce(failure, '') FROM stripe_events WHERE handled_at IS NULL
    UNION ALL SELECT 'refund due', booking_id::text FROM refunds_due
    UNION ALL SELECT 'refund', cause || ' ' || coalesce(failure, '') FROM refunds
        WHERE status = 'pending' OR act_at IS NOT NULL OR (reversal_amount > 0 AND reversal_id IS NULL)
    UNION ALL SELECT 'payout', coalesce(failure, '') FROM payouts WHERE status = 'pending' OR act_at IS NOT NULL
    UNION ALL SELECT 'payment', status FROM payments WHERE status = 'pending' OR look_at IS NOT NULL
""")


async def require_all_accounted_for(session: AsyncSession, money: MemoryGateway, spot: str) -> None:
    """Of each payment for the spot: what was taken is where it belongs, and every book says so."""
    assert (await session.scalars(UNBALANCED)).all() == []
    left_open = (await session.execute(LEFT_OPEN)).all()
    assert left_open == [], left_open
    assert await session.scalar(UNPAID, {"spot": spot}) == 0
    for payment in (await session.execute(PAYMENTS, {"spot": spot})).all():
        which = {"payment": payment.id}
        refunds = (await session.execute(REFUNDS, which)).all()
        payouts = (await session.execute(PAYOUTS, which)).all()
        written = {account: int(amount) for account, amount in await session.execute(ENTRIES, which)}
        _require_accounted_for(money, payment, refunds, payouts, written)


def _require_accounted_for(
    money: MemoryGateway, payment: Any, refunds: Any, payouts: Any, written: dict[str, int]
) -> None:
    intent_id = payment.intent_id
    taken, given, lost = (
        (money.taken(intent_id), money.given(intent_id), money.lost(intent_id)) if intent_id else [0] * 3
    )
    got = sum(_got(money, payout.id) for payout in payouts)
    assert given + lost <= taken
    assert written.get("disputed", 0) == 0
    assert written.get("stripe", 0) == taken - given - lost - got
    assert taken == given + lost + got - written.get("owner", 0) - written.get("platform", 0)
    back = given + lost
    assert payment.refunded_amount == back
    assert sum(refund.amount for refund in refunds) == back
    assert got == (payment.owner_amount - _half_up(back * payment.owner_amount, payment.amount) if taken else 0)
    assert written.get("owner", 0) == 0
    assert got == sum(payout.amount - payout.reversed_amount for payout in payouts if payout.status != "cancelled")
    _require_the_booking_to_fit(payment, {refund.cause: refund.amount for refund in refunds}, taken, back)


def _require_the_booking_to_fit(payment: Any, causes: dict[str, int], taken: int, back: int) -> None:
    """A booking shows how its payment stands, and one that is over keeps no more than its policy says."""
    assert payment.status == payment.payment_status
    if taken == 0:
        assert payment.booking_status == "cancelled"
        assert payment.status == "failed"
        return
    assert payment.status == ("completed" if back == 0 else "refunded" if back == taken else "partially_refunded")
    assert payment.booking_status in {"cancelled", "refunded" if back == taken else "completed"}
    if payment.booking_status == "cancelled":
        assert back >= (payment.refund_amount if payment.refund_amount is not None else taken)
        if set(causes) <= {"cancellation"}:
            assert back == payment.refund_amount
    if "late" in causes:
        assert back == taken


def _got(money: MemoryGateway, payout_id: Any) -> int:
    """What reached the owner, and stayed there."""
    transfers = [each for each in money.transfers.values() if each.payout_id == payout_id]
    assert len(transfers) <= 1
    return sum(each.kept for each in transfers)


def _half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)
