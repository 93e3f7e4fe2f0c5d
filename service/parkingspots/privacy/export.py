"""The export of what is kept about somebody: one JSON object, written part by part, however much it is."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.accounts import sessions
from parkingspots.accounts.schemas import SessionOut, UserOut
from parkingspots.accounts.sessions import SignedIn
from parkingspots.bookings import service as bookings
from parkingspots.bookings.schemas import BookingOut
from parkingspots.kit.database import Database
from parkingspots.kit.paging import Key, Page, every
from parkingspots.kit.wire import Instant
from parkingspots.payments import earnings
from parkingspots.payments import service as payments
from parkingspots.payments.schemas import PaymentOut, PayoutOut
from parkingspots.privacy.schemas import ExportedSpotOut, HostedBookingOut
from parkingspots.reviews import service as reviews
from parkingspots.reviews.schemas import ReviewOut
from parkingspots.spots import service as spots

T = TypeVar("T")
ANYTHING: TypeAdapter[Any] = TypeAdapter(Any)
MOMENT: TypeAdapter[datetime] = TypeAdapter(Instant)


async def written(database: Database, who: SignedIn, now: datetime) -> AsyncIterator[bytes]:
    """The JSON of an ExportOut. No connection is held while the client reads."""
    user = who.user

    def listed(
        fetch: Callable[[AsyncSession, Page], Awaitable[Sequence[T]]], key: Callable[[T], Key]
    ) -> AsyncIterator[T]:
        async def fetched(page: Page) -> Sequence[T]:
            async with database.reader() as session:
                return await fetch(session, page)

        return every(fetched, key)

    async def my_sessions(session: AsyncSession, page: Page) -> Sequence[Any]:
        return (await sessions.of_user(session, user, now, page))[0]

    parts: tuple[tuple[str, AsyncIterator[Any], Callable[[Any], Any]], ...] = (
        ("sessions", listed(my_sessions, _by_id), lambda row: SessionOut.of(row, who.session_id)),
        (
            "spots",
            listed(lambda session, page: spots.with_slots(session, user, page), lambda row: _by_age(row[0])),
            lambda row: ExportedSpotOut.having(*row),
        ),
        (
            "bookings",
            listed(lambda session, page: bookings.every_of_renter(session, user, page), _by_age),
            BookingOut.of,
        ),
        (
            "bookings_of_my_spots",
            listed(lambda session, page: bookings.every_of_owner(session, user, page), _by_age),
            HostedBookingOut.of,
        ),
        (
            "payments",
            listed(lambda session, page: payments.every_of_payer(session, user, page), lambda row: _by_age(row[0])),
            lambda row: PaymentOut.of(*row),
        ),
        ("payouts", listed(lambda session, page: earnings.every_payout(session, user, page), _by_age), PayoutOut.of),
        ("reviews", listed(lambda session, page: reviews.of_reviewer(session, user, page), _by_id), ReviewOut.of),
        ("helpful_reviews", listed(lambda session, page: reviews.votes_of(session, user, page), _itself), UUID.__str__),
    )
    yield b'{"exported_at":' + MOMENT.dump_json(now)
    yield b',"user":' + UserOut.model_validate(user).model_dump_json().encode()
    for name, rows, shown in parts:
        yield f',"{name}":['.encode()
        comma = b""
        async for row in rows:
            yield comma + ANYTHING.dump_json(shown(row))
            comma = b","
        yield b"]"
    yield b"}"


def _by_id(row: Any) -> Key:  # noqa: ANN401 - a row with an id
    return (row.id,)


def _by_age(row: Any) -> Key:  # noqa: ANN401 - a row with an age
    return row.created_at, row.id


def _itself(row: UUID) -> Key:
    return (row,)
