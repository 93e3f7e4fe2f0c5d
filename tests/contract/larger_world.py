"""The small marketplace with five more of whatever is listed, so that a statement for each row of a list would show."""

from typing import Any
from uuid import UUID, uuid4

from contract.world import OWNERS_SPOT, PERSON, World, email
from parkingspots.accounts.models import Session, User
from parkingspots.bookings.models import Booking
from parkingspots.bookings.rules import Status
from parkingspots.kit.audit import AuditEntry
from parkingspots.payments.models import Payment, Payout, Refund
from parkingspots.payments.rules import PayoutStatus, RefundStatus
from parkingspots.reviews.models import Review, ReviewVote
from parkingspots.spots.models import AvailabilitySlot, Spot, SpotStats

MORE = 5

Rows = dict[type[Any], list[dict[str, Any]]]


class LargerWorld(World):
    """Five more renters have booked and reviewed the owner's spot; the renter has, five more spots of the owner.

    No two rows of a list name the same spot or the same person: what is loaded row by row is not loaded once for all.
    """

    def _rows(self) -> Rows:
        rows = super()._rows()
        for number in range(1, MORE + 1):
            for table, further in self._further(number).items():
                rows.setdefault(table, []).extend(further)
        return rows

    def _refund(self, payment_id: UUID) -> dict[str, Any]:
        about = {"cause": "a test", "amount": 10, "owner_amount": 9, "status": RefundStatus.SUCCEEDED}
        return about | {"payment_id": payment_id}

    def _payout(self, payment_id: UUID, booking_id: UUID) -> dict[str, Any]:
        about = {"owner_id": PERSON["owner"], "amount": 341, "currency": "EUR", "status": PayoutStatus.PAID}
        return about | {"payment_id": payment_id, "booking_id": booking_id}

    def _further(self, number: int) -> Rows:
        renter, spot, of_renter, of_mine, review, mine, payment = (uuid4() for _ in range(7))
        ended = -100 - 2 * number
        return {
            User: [self._person("renter") | {"id": renter, "email": email(f"renter-{number}")}],
            Session: [self._session(uuid4(), "renter")],
            Spot: [self._spot(spot, "owner")],
            SpotStats: [{"spot_id": spot, "total_bookings": 1, "total_reviews": 1, "average_rating": 4}],
            AvailabilitySlot: [self._slot(uuid4(), each) for each in (OWNERS_SPOT, spot)],
            Booking: [
                self._booking(of_renter, Status.COMPLETED, ended) | {"user_id": renter},
                self._booking(of_mine, Status.COMPLETED, ended, spot_id=spot),
                self._booking(uuid4(), Status.CONFIRMED, 100, spot_id=spot),
            ],
            Payment: [
                self._payment() | {"id": payment, "booking_id": of_mine, "intent_id": f"pi_of_more_{number}"},
            ],
            Refund: [self._refund(payment)],
            Payout: [self._payout(payment, of_mine)],
            Review: [
                self._review() | {"id": review, "booking_id": of_renter, "reviewer_id": renter},
                self._review() | {"id": mine, "booking_id": of_mine, "spot_id": spot},
            ],
            ReviewVote: [
                {"review_id": review, "user_id": PERSON["renter"]},
                {"review_id": mine, "user_id": renter},
            ],
            AuditEntry: [
                {"actor_id": PERSON["admin"], "action": "disable", "subject": "user", "subject_id": renter},
            ],
        }
