"""What goes over the wire to staff."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from parkingspots.accounts.schemas import USER, UserOut
from parkingspots.kit.wire import Instant, Paragraph, Wire
from parkingspots.spots.models import Spot
from parkingspots.spots.schemas import SPOT, SpotOut

REASON = "Listed a spot that is not theirs."
DISABLED_AT = "2030-02-03T08:00:00Z"


class ReasonIn(Wire):
    """Why staff acts; it stands in the audit log."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": REASON}]})

    reason: Annotated[Paragraph, Field(min_length=1)]


class StaffUserOut(UserOut):
    model_config = ConfigDict(
        title="StaffUser", json_schema_extra={"examples": [USER | {"is_active": False, "disabled_at": DISABLED_AT}]}
    )

    disabled_at: Instant | None


class StaffSpotOut(SpotOut):
    model_config = ConfigDict(
        title="StaffSpot",
        json_schema_extra={
            "examples": [SPOT | {"is_active": False, "disabled_at": DISABLED_AT, "owner_disabled_at": None}]
        },
    )

    disabled_at: Instant | None
    owner_disabled_at: Instant | None

    @classmethod
    def seen(cls, spot: Spot) -> "StaffSpotOut":
        """Without how to get in: that concerns the owner and the renter only."""
        shown = SpotOut.of(spot, with_instructions=False).model_dump()
        return cls.model_validate(
            shown | {"disabled_at": spot.disabled_at, "owner_disabled_at": spot.owner_disabled_at}
        )


class AuditEntryOut(Wire):
    """One act of staff. Without an actor it came from a terminal."""

    model_config = ConfigDict(
        title="AuditEntry",
        json_schema_extra={
            "examples": [
                {
                    "id": "0198c0de-7a10-7000-8000-00000000000a",
                    "at": DISABLED_AT,
                    "actor_id": "0198c0de-7a10-7000-8000-00000000000b",
                    "action": "disable",
                    "subject": "user",
                    "subject_id": USER["id"],
                    "reason": REASON,
                    "details": {},
                }
            ]
        },
    )

    id: UUID
    at: Instant
    actor_id: UUID | None
    action: str
    subject: str
    subject_id: UUID
    reason: str | None
    details: dict[str, Any]
