"""SQL of taking a slot, sent by the driver itself: the use case that many wait for at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import DateTime, Uuid, exists, insert, select, true

from parkingspots.accounts.models import User
from parkingspots.bookings import repository
from parkingspots.bookings.models import Booking
from parkingspots.kit.database import RawConnection
from parkingspots.kit.statements import Statement, parameter
from parkingspots.kit.timing import timed
from parkingspots.spots.models import Spot
from parkingspots.spots.rules import CancellationPolicy
from parkingspots.spots.search import Window, open_throughout

Draft: TypeAlias = Mapping[str, Any]
"""A booking to be, by column; what is left out is empty."""
SPOT, RENTER = parameter("spot_id", Uuid), parameter("renter_id", Uuid)
START, END, NOW = (parameter(name, DateTime(timezone=True)) for name in ("start", "end", "now"))

_HELD = select(User.id).where(User.id == RENTER, User.is_active).with_for_update(read=True).cte("renter")
_NAMED = (Spot.id, Spot.owner_id, Spot.title, Spot.address, Spot.city, Spot.prefecture)
_PRICED = (Spot.hourly_rate, Spot.daily_rate, Spot.monthly_rate, Spot.currency)
# The renter's row comes out of its lock before it meets the spot's: the order in which everybody locks.
LOCK = Statement(
    select(*_NAMED, *_PRICED, Spot.cancellation_policy, Spot.is_available)
    .join(_HELD, true())
    .where(Spot.id == SPOT, Spot.is_active)
    .with_for_update(of=Spot, key_share=True)
)
IS_ACTIVE = Statement(select(exists().where(User.id == RENTER, User.is_active)))
_OF_SPOT = Booking.spot_id == SPOT
_TAKEN = exists().where(_OF_SPOT, Booking.is_live(NOW), Booking.overlaps(START, END))
LOST = Statement(
    select(
        exists().where(
            Spot.id == SPOT,
            Spot.is_active,
            Spot.is_available,
            Spot.owner_id != RENTER,
            _TAKEN,
            open_throughout(START, END),
        )
    )
)
LOOK = Statement(
    select(
        open_throughout(START, END).label("is_open"),
        _TAKEN.label("is_taken"),
        exists().where(_OF_SPOT, *repository.lapsed(NOW)).label("has_lapsed"),
    ).where(Spot.id == SPOT)
)
RELEASE_LAPSED = Statement(repository.cancelled_as_lapsed().where(_OF_SPOT, *repository.lapsed(NOW)))
_OWN = {"id", "created_at", "updated_at"}
"""What PostgreSQL gives a booking."""
_GIVEN = {column.key: column.type for column in Booking.__table__.columns if column.key not in _OWN}
EMPTY = dict.fromkeys(_GIVEN)
ADD = Statement(
    insert(Booking)
    .values({name: parameter(name, kind) for name, kind in _GIVEN.items()})
    .returning(*Booking.__table__.columns)
)


@dataclass(frozen=True, slots=True)
class Place:
    """What a booking needs to know of its spot."""

    id: UUID
    owner_id: UUID
    title: str
    address: str
    city: str
    prefecture: str
    hourly_rate: int
    daily_rate: int | None
    monthly_rate: int | None
    currency: str
    cancellation_policy: CancellationPolicy
    is_available: bool


@dataclass(frozen=True)
class Slot:
    """What is true of a spot's time, and whether the spot has unpaid holds whose time is over; they take nothing."""

    is_open: bool
    is_taken: bool
    has_lapsed: bool


async def is_lost(connection: RawConnection, renter_id: UUID, spot_id: UUID, window: Window, now: datetime) -> bool:
    """Whether somebody has the slot, and that is all there is against it: who comes late waits for no lock."""
    asked = {"renter_id": renter_id, "spot_id": spot_id, "start": window.start, "end": window.end, "now": now}
    return bool(await connection.fetchval(*LOST.given(**asked)))


async def lock(connection: RawConnection, renter_id: UUID, spot_id: UUID) -> Place | None:
    """The active spot, locked against other bookings and changes until the transaction ends (FOR NO KEY UPDATE).

    The renter's account is held as it is before (FOR SHARE). None where the one or the other is not active.
    """
    row = await connection.fetchrow(*LOCK.given(renter_id=renter_id, spot_id=spot_id))
    return None if row is None else Place(*row)


async def is_active(connection: RawConnection, renter_id: UUID) -> bool:
    return bool(await connection.fetchval(*IS_ACTIVE.given(renter_id=renter_id)))


async def look(connection: RawConnection, spot_id: UUID, window: Window, now: datetime) -> Slot:
    """The slot of the locked spot: a statement of its own, so that it sees what others did before they let go."""
    row = await connection.fetchrow(*LOOK.given(spot_id=spot_id, start=window.start, end=window.end, now=now))
    return Slot(**row) if row else Slot(is_open=False, is_taken=False, has_lapsed=False)


async def release_lapsed(connection: RawConnection, spot_id: UUID, now: datetime) -> int:
    """Cancel the unpaid holds of the locked spot whose time is over; how many."""
    done = await connection.execute(*RELEASE_LAPSED.given(spot_id=spot_id, now=now))
    return int(done.removeprefix("UPDATE "))


async def add(connection: RawConnection, draft: Draft) -> Mapping[str, Any]:
    """The new booking, by column."""
    row = await connection.fetchrow(*ADD.given(**{**EMPTY, **draft}))
    assert row is not None  # noqa: S101 - it is returned
    return dict(row)


timed(__name__)
