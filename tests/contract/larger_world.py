"""The small marketplace with five more of whatever is listed, so that a statement for each row of a list would show."""

from typing import Any
from uuid import uuid4

from contract.world import OWNERS_SPOT, PERSON, World, email
from parkingspots.accounts.models import Session, User
from parkingspots.bookings.models import Booking
from parkingspots.bookings.rules import Status
from parkingspots.kit.audit import AuditEntry
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

    def _further(self, number: int) -> Rows:
        renter, spot, of_renter, of_mine, review, mine = (uuid4() for _ in range(6))
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
