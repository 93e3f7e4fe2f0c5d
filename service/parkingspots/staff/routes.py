"""Endpoints of /admin: for admins only."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from parkingspots.accounts import service as accounts
from parkingspots.accounts.identity import CurrentAdmin
from parkingspots.accounts.problems import NotSignedIn, StaffOnly
from parkingspots.accounts.rules import Role
from parkingspots.kit import pages, paging
from parkingspots.kit.dependencies import Clock, Reader, Transaction
from parkingspots.kit.paging import Page
from parkingspots.kit.problems import problems
from parkingspots.spots import service as spots
from parkingspots.spots.problems import SpotNotFound
from parkingspots.spots.queries import Words
from parkingspots.staff import service
from parkingspots.staff.problems import OneselfDisabled, UserNotFound
from parkingspots.staff.schemas import AuditEntryOut, ReasonIn, StaffSpotOut, StaffUserOut

ROWS_A_PAGE = 50

NewestPage = Annotated[Page, pages.by(paging.by_id, ROWS_A_PAGE)]

router = APIRouter(prefix="/admin", tags=["staff"])


@router.get("/users", responses=problems(NotSignedIn, StaffOnly))
async def list_users(
    _: CurrentAdmin,
    session: Reader,
    request: Request,
    response: Response,
    page: NewestPage,
    q: Annotated[Words | None, Query(description="part of the e-mail or the name")] = None,
    role: Role | None = None,
    is_active: bool | None = None,
) -> list[StaffUserOut]:
    """Users, the newest first."""
    found = await accounts.search(session, q, role, page, is_active=is_active)
    users, cursor = paging.cut(page, found, lambda user: (user.id,))
    pages.link(request, response, cursor)
    return [StaffUserOut.model_validate(user) for user in users]


@router.get("/users/{user_id}", responses=problems(NotSignedIn, StaffOnly, UserNotFound))
async def read_any_user(user_id: UUID, _: CurrentAdmin, session: Reader) -> StaffUserOut:
    """A user, whether active or disabled."""
    return StaffUserOut.model_validate(await service.read_user(session, user_id))


@router.post("/users/{user_id}/disable", responses=problems(NotSignedIn, StaffOnly, UserNotFound, OneselfDisabled))
async def disable_user(
    user_id: UUID, why: ReasonIn, admin: CurrentAdmin, session: Transaction, clock: Clock
) -> StaffUserOut:
    """Sign a user out everywhere and for good, and take their spots off the market. Bookings stay as they are."""
    return StaffUserOut.model_validate(await service.disable_user(session, admin, user_id, why.reason, clock.now()))


@router.post("/users/{user_id}/enable", responses=problems(NotSignedIn, StaffOnly, UserNotFound))
async def enable_user(user_id: UUID, why: ReasonIn, admin: CurrentAdmin, session: Transaction) -> StaffUserOut:
    """Let a user in again, with the spots that went when they were disabled."""
    return StaffUserOut.model_validate(await service.enable_user(session, admin, user_id, why.reason))


@router.get("/spots", responses=problems(NotSignedIn, StaffOnly))
async def list_any_spots(
    _: CurrentAdmin,
    session: Reader,
    request: Request,
    response: Response,
    page: NewestPage,
    q: Annotated[Words | None, Query(description="part of title, description, address or city")] = None,
    owner_id: UUID | None = None,
    is_active: bool | None = None,
) -> list[StaffSpotOut]:
    """Spots that were not deleted, the newest first."""
    found = await spots.of_anybody(session, q, owner_id, page, is_active=is_active)
    rows, cursor = paging.cut(page, found, lambda spot: (spot.id,))
    pages.link(request, response, cursor)
    return [StaffSpotOut.seen(spot) for spot in rows]


@router.post("/spots/{spot_id}/disable", responses=problems(NotSignedIn, StaffOnly, SpotNotFound))
async def disable_spot(
    spot_id: UUID, why: ReasonIn, admin: CurrentAdmin, session: Transaction, clock: Clock
) -> StaffSpotOut:
    """Take a spot off the market. Its owner still sees it; its bookings stay as they are."""
    return StaffSpotOut.seen(await service.disable_spot(session, admin, spot_id, why.reason, clock.now()))


@router.post("/spots/{spot_id}/enable", responses=problems(NotSignedIn, StaffOnly, SpotNotFound))
async def enable_spot(spot_id: UUID, why: ReasonIn, admin: CurrentAdmin, session: Transaction) -> StaffSpotOut:
    """Put a disabled spot back on the market."""
    return StaffSpotOut.seen(await service.enable_spot(session, admin, spot_id, why.reason))


@router.get("/audit-log", responses=problems(NotSignedIn, StaffOnly))
async def list_acts(
    _: CurrentAdmin,
    session: Reader,
    request: Request,
    response: Response,
    page: NewestPage,
    actor_id: UUID | None = None,
    subject_id: Annotated[UUID | None, Query(description="of a user, a spot, a booking or a review")] = None,
) -> list[AuditEntryOut]:
    """What staff did, the newest first."""
    entries, cursor = paging.cut(
        page, await service.acts(session, actor_id, subject_id, page), lambda entry: (entry.id,)
    )
    pages.link(request, response, cursor)
    return [AuditEntryOut.model_validate(entry) for entry in entries]
