"""Endpoints of /users/me that concern every room."""

from fastapi import APIRouter

from parkingspots.accounts.identity import CurrentSession, CurrentUser
from parkingspots.accounts.problems import LiveBookings, NotSignedIn
from parkingspots.kit.dependencies import Clock, Reader, Transaction
from parkingspots.kit.problems import problems
from parkingspots.kit.wire import Message
from parkingspots.privacy import service
from parkingspots.privacy.schemas import ExportOut

router = APIRouter(prefix="/users", tags=["users"])


@router.get("/me/export", responses=problems(NotSignedIn))
async def export_my_data(who: CurrentSession, session: Reader, clock: Clock) -> ExportOut:
    """Everything that is kept about me, as JSON: to look at it, or to take it elsewhere."""
    now = clock.now()
    return ExportOut.of(who, await service.belongings(session, who.user, now), now)


@router.delete("/me", responses=problems(NotSignedIn, LiveBookings))
async def delete_me(user: CurrentUser, session: Transaction, clock: Clock) -> Message:
    """Delete my account, unless bookings of mine or of my spots are not over. My spots go with it."""
    await service.close_account(session, user.id, clock.now())
    return Message(message="The account is deleted.")
