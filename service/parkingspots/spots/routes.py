"""Endpoints of /parking-spots."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.accounts.identity import ONCE, TOKEN_OPTIONAL, CurrentUser, Visitor
from parkingspots.accounts.problems import NotSignedIn
from parkingspots.kit import pages, paging
from parkingspots.kit.conditional import IfMatch
from parkingspots.kit.dependencies import Clock, CurrentDatabase, CurrentSettings, Reader, Transaction
from parkingspots.kit.footprints import Kind, Span, Subjects
from parkingspots.kit.freshness import LONGEST_KEPT, Freshness, RestsOn
from parkingspots.kit.idempotency import KeepingRoute
from parkingspots.kit.paging import Page
from parkingspots.kit.problems import Invalid, NotFound, problems
from parkingspots.kit.wire import Message
from parkingspots.spots import service
from parkingspots.spots.listing import listing
from parkingspots.spots.models import Spot
from parkingspots.spots.problems import SpotHasBookings, SpotNotFound, TooManySlots
from parkingspots.spots.queries import ListQuery, SearchQuery
from parkingspots.spots.schemas import SlotIn, SlotOut, SpotIn, SpotItem, SpotOut, SpotUpdate
from parkingspots.spots.search import Window

MY_SPOTS_A_PAGE = 100

router = APIRouter(prefix="/parking-spots", tags=["parking spots"], route_class=KeepingRoute)


@router.get("/", response_model=list[SpotItem], responses=problems(Invalid))
async def list_spots(
    query: Annotated[ListQuery, Query()],
    request: Request,
    database: CurrentDatabase,
    settings: CurrentSettings,
    clock: Clock,
    freshness: Freshness,
) -> Response:
    """Spots that fit: nearest first where a place is given, else newest first."""
    asked = query.asked(timedelta(days=settings.booking_max_days), clock.now())
    return await listing(database, asked, request.url.path, freshness)


@router.get("/search", response_model=list[SpotItem], responses=problems(Invalid))
async def search_spots(
    query: Annotated[SearchQuery, Query()],
    request: Request,
    database: CurrentDatabase,
    settings: CurrentSettings,
    clock: Clock,
    freshness: Freshness,
) -> Response:
    """Spots that fit and are free and open for a time; without a time, for the next hour."""
    asked = query.asked(timedelta(days=settings.booking_max_days), clock.now())
    return await listing(database, asked, request.url.path, freshness)


@router.get("/my-spots", responses=problems(NotSignedIn))
async def list_my_spots(
    user: CurrentUser,
    session: Reader,
    request: Request,
    response: Response,
    page: Annotated[Page, pages.by(paging.by_age, MY_SPOTS_A_PAGE)],
) -> list[SpotOut]:
    """My spots, newest first."""
    spots, cursor = paging.cut(
        page, await service.of_owner(session, user, page), lambda spot: (spot.created_at, spot.id)
    )
    pages.link(request, response, cursor)
    pages.count(response, await service.count_of_owner(session, user))
    return [SpotOut.of(spot, with_instructions=True) for spot in spots]


@router.post("/", status_code=201, dependencies=[ONCE], responses=problems(NotSignedIn))
async def create_spot(wish: SpotIn, user: CurrentUser, session: Transaction, settings: CurrentSettings) -> SpotOut:
    """List a spot. A renter who does so becomes an owner."""
    fields = wish.model_dump()
    fields["time_zone"] = wish.time_zone or settings.default_time_zone
    fields["currency"] = wish.currency or settings.default_currency
    return SpotOut.of(await service.create(session, user, fields), with_instructions=True)


@router.get("/{spot_id}", openapi_extra=TOKEN_OPTIONAL, responses=problems(SpotNotFound))
async def read_spot(spot_id: UUID, visitor: Visitor, session: Reader, clock: Clock, freshness: Freshness) -> SpotOut:
    """A spot. How to get in is told to its owner, and to a renter from 24 hours before the booking to its end."""
    spot, shown = await service.shown_to(session, visitor, spot_id, clock.now())
    if freshness.is_wanted:
        await _declare(freshness, spot, session, clock.now())
    return SpotOut.of(spot, with_instructions=shown)


async def _declare(freshness: RestsOn, spot: Spot, session: AsyncSession, now: datetime) -> None:
    """Who may soon be told how to get in depends on the bookings of that time."""
    kinds, ids, window = frozenset({Kind.LISTING, Kind.PAGE}), frozenset({spot.id}), None
    if spot.access_instructions is not None:
        soon = Window(now, now + service.INSTRUCTIONS_BEFORE + LONGEST_KEPT)
        window = Span(soon.start.timestamp(), soon.end.timestamp())
        freshness.but_for = frozenset(await service.insiders(session, spot, soon))
    freshness.footprint = Subjects(kinds, ids, window)


@router.put("/{spot_id}", responses=problems(NotSignedIn, SpotNotFound))
async def update_spot(
    spot_id: UUID, changes: SpotUpdate, user: CurrentUser, session: Transaction, if_match: IfMatch
) -> SpotOut:
    """Change my spot; what is not sent stays as it is."""

    def unchanged(spot: Spot) -> None:
        if_match.require(*(SpotOut.of(spot, with_instructions=shown) for shown in (True, False)))

    sent = changes.model_dump(exclude_unset=True)
    return SpotOut.of(await service.update(session, user, spot_id, sent, unchanged), with_instructions=True)


@router.delete("/{spot_id}", responses=problems(NotSignedIn, SpotNotFound, SpotHasBookings))
async def delete_spot(spot_id: UUID, user: CurrentUser, session: Transaction, clock: Clock) -> Message:
    """Delete my spot, unless bookings of it are not over. Past bookings stay in the history."""
    await service.delete(session, user, spot_id, clock.now())
    return Message(message="The spot is deleted.")


@router.get("/{spot_id}/availability", openapi_extra=TOKEN_OPTIONAL, responses=problems(SpotNotFound))
async def list_slots(
    spot_id: UUID, visitor: Visitor, session: Reader, response: Response, clock: Clock, freshness: Freshness
) -> list[SlotOut]:
    """The times at which a spot is open or closed, at most 100: weekly ones first, then dated ones."""
    slots = await service.slots(session, visitor, spot_id, clock.now())
    freshness.footprint = Subjects(frozenset({Kind.LISTING, Kind.OPENING}), frozenset({spot_id}))
    pages.count(response, len(slots))
    return [SlotOut.of(slot) for slot in slots]


@router.post(
    "/{spot_id}/availability",
    status_code=201,
    dependencies=[ONCE],
    responses=problems(NotSignedIn, SpotNotFound, TooManySlots),
)
async def create_slot(spot_id: UUID, wish: SlotIn, user: CurrentUser, session: Transaction) -> SlotOut:
    """Say when my spot is open or closed: on a weekday, or on one date."""
    return SlotOut.of(await service.add_slot(session, user, wish.slot_of(spot_id)))


@router.delete("/{spot_id}/availability/{slot_id}", responses=problems(NotSignedIn, NotFound))
async def delete_slot(spot_id: UUID, slot_id: UUID, user: CurrentUser, session: Transaction) -> Message:
    """Take back a time at which my spot is open or closed."""
    await service.delete_slot(session, user, spot_id, slot_id)
    return Message(message="The slot is deleted.")
