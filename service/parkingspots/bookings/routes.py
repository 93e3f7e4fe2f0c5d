"""Endpoints of /bookings."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from parkingspots.accounts.identity import CurrentUser
from parkingspots.accounts.problems import NotSignedIn
from parkingspots.bookings import service
from parkingspots.bookings.desk import CurrentBooker
from parkingspots.bookings.problems import (
    AlreadyCancelled,
    BookingNotFound,
    IllegalTransition,
    IsOver,
    NoCheckIn,
    NoCheckOut,
    NotPaid,
    NotRefunded,
    NotYours,
    OwnSpot,
    SlotTaken,
    SpotNotOpen,
    SpotUnavailable,
    StartsInThePast,
)
from parkingspots.bookings.rules import Status
from parkingspots.bookings.schemas import BookingIn, BookingOut, CancelIn, QuoteIn, QuoteOut, StatusIn
from parkingspots.kit import pages, paging
from parkingspots.kit.conditional import IfMatch
from parkingspots.kit.dependencies import HURRIES, Clock, CurrentSettings, Reader, Transaction
from parkingspots.kit.idempotency import KeepingRoute
from parkingspots.kit.paging import Page
from parkingspots.kit.problems import problems
from parkingspots.spots.problems import SpotNotFound
from parkingspots.spots.search import Window

BOOKINGS_A_PAGE = 100


StatusFilter = Annotated[Status | None, Query(description="only bookings in this status")]
BookingPage = Annotated[Page, pages.by(paging.by_age, BOOKINGS_A_PAGE)]


router = APIRouter(prefix="/bookings", tags=["bookings"], route_class=KeepingRoute)


@router.post("/calculate-price", responses=problems(SpotNotFound, StartsInThePast))
async def calculate_price(wish: QuoteIn, session: Reader, settings: CurrentSettings, clock: Clock) -> QuoteOut:
    """What a booking would cost: the cheapest split into months, days and minutes, and the service fee on top."""
    window = Window(wish.start_time, wish.end_time)
    return QuoteOut.of(await service.quote(session, settings, wish.parking_spot_id, window, clock.now()), wish)


@router.post(
    "/",
    status_code=201,
    responses=problems(NotSignedIn, SpotNotFound, OwnSpot, StartsInThePast, SlotTaken, SpotNotOpen, SpotUnavailable),
)
async def create_booking(wish: BookingIn, booker: CurrentBooker, request: Request) -> BookingOut:
    """Book a spot for a time. The slot is yours when this answers 201; another's, when it answers 409."""
    about = wish.model_dump(
        include={"vehicle_plate", "vehicle_make", "vehicle_model", "vehicle_color", "special_requests"}
    )
    wanted = service.Wish(wish.parking_spot_id, Window(wish.start_time, wish.end_time), about)
    state = request.app.state
    taken = await service.book(booker.connect, state.settings, booker.renter.id, wanted, state.clock.now())
    return BookingOut.of_row(taken.booking, taken.spot)


@router.get("/", responses=problems(NotSignedIn))
async def list_my_bookings(
    renter: CurrentUser,
    session: Reader,
    request: Request,
    response: Response,
    page: BookingPage,
    status_filter: StatusFilter = None,
) -> list[BookingOut]:
    """My bookings as a renter, newest first."""
    return _answered(request, response, page, await service.of_renter(session, renter, status_filter, page))


@router.get("/owner", responses=problems(NotSignedIn))
async def list_bookings_of_my_spots(
    owner: CurrentUser,
    session: Reader,
    request: Request,
    response: Response,
    page: BookingPage,
    status_filter: StatusFilter = None,
) -> list[BookingOut]:
    """The bookings of my spots, newest first."""
    return _answered(request, response, page, await service.of_owner(session, owner, status_filter, page))


def _answered(request: Request, response: Response, page: Page, listed: service.Listed) -> list[BookingOut]:
    bookings, cursor = paging.cut(page, listed.bookings, lambda booking: (booking.created_at, booking.id))
    pages.link(request, response, cursor)
    pages.count(response, listed.total)
    return [BookingOut.of(booking) for booking in bookings]


@router.get("/{booking_id}", responses=problems(NotSignedIn, BookingNotFound))
async def read_booking(booking_id: UUID, user: CurrentUser, session: Reader) -> BookingOut:
    """A booking of mine, or of one of my spots; admins see every one."""
    return BookingOut.of(await service.read(session, user, booking_id))


@router.put(
    "/{booking_id}/status",
    dependencies=[HURRIES],
    responses=problems(NotSignedIn, NotYours, BookingNotFound, IllegalTransition, NotPaid, NotRefunded),
)
async def change_booking_status(
    booking_id: UUID,
    wish: StatusIn,
    user: CurrentUser,
    session: Transaction,
    settings: CurrentSettings,
    clock: Clock,
    if_match: IfMatch,
) -> BookingOut:
    """Decide about a booking: the renter cancels, the owner confirms what is paid, or cancels."""
    decision = service.Decision(
        wish.status, wish.cancellation_reason, unchanged=lambda booking: if_match.require(BookingOut.of(booking))
    )
    return BookingOut.of(await service.change_status(session, settings, user, booking_id, decision, clock.now()))


@router.post(
    "/{booking_id}/cancel",
    dependencies=[HURRIES],
    responses=problems(NotSignedIn, BookingNotFound, AlreadyCancelled, IsOver, IllegalTransition),
)
async def cancel_booking(
    booking_id: UUID, user: CurrentUser, session: Transaction, clock: Clock, wish: CancelIn | None = None
) -> BookingOut:
    """Cancel a booking of mine or of my spot. What was paid goes back: to a renter who cancels, by the policy."""
    reason = wish.cancellation_reason if wish else None
    return BookingOut.of(await service.cancel(session, user, booking_id, reason, clock.now()))


@router.post("/{booking_id}/check-in", responses=problems(NotSignedIn, NotYours, BookingNotFound, NoCheckIn))
async def check_in(
    booking_id: UUID, user: CurrentUser, session: Transaction, settings: CurrentSettings, clock: Clock
) -> BookingOut:
    """Say that I have arrived, from shortly before the start on."""
    return BookingOut.of(await service.check_in(session, settings, user, booking_id, clock.now()))


@router.post("/{booking_id}/check-out", responses=problems(NotSignedIn, NotYours, BookingNotFound, NoCheckOut))
async def check_out(booking_id: UUID, user: CurrentUser, session: Transaction, clock: Clock) -> BookingOut:
    """Say that I have left; the booking is completed and the spot is free again."""
    return BookingOut.of(await service.check_out(session, user, booking_id, clock.now()))
