"""Who may review what, until when, and who may do what with a review. Imports no framework and no database."""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from parkingspots.accounts.rules import Role
from parkingspots.bookings.rules import Status

STARS = range(1, 6)
EDITABLE_FOR = timedelta(days=14)
REVIEWABLE = frozenset({Status.COMPLETED, Status.REFUNDED})
"""A completed booking stays one when its money is given back."""


class Party(StrEnum):
    """Who somebody is to a review."""

    AUTHOR = "author"
    OWNER = "owner"
    ADMIN = "admin"


MAY_EDIT = frozenset({Party.AUTHOR})
MAY_DELETE = frozenset({Party.AUTHOR, Party.ADMIN})
MAY_RESPOND = frozenset({Party.OWNER})


def parties(user_id: UUID, role: Role, author_id: UUID, owner_id: UUID) -> frozenset[Party]:
    """What the user is to a review by `author_id` of a spot of `owner_id`; a stranger is nothing."""
    held = {
        Party.AUTHOR: user_id == author_id,
        Party.OWNER: user_id == owner_id,
        Party.ADMIN: role is Role.ADMIN,
    }
    return frozenset(party for party, is_one in held.items() if is_one)


def may_edit_at(created_at: datetime, now: datetime) -> bool:
    """For 14 days from when the review was written."""
    return now < created_at + EDITABLE_FOR
