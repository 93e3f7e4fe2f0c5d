"""Endpoints of /users/me that concern every room."""

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from parkingspots.accounts.identity import CurrentSession, CurrentUser
from parkingspots.accounts.problems import LiveBookings, NotSignedIn
from parkingspots.kit.dependencies import Clock, CurrentDatabase, Transaction
from parkingspots.kit.problems import problems
from parkingspots.kit.wire import Message
from parkingspots.payments.problems import StillOwed
from parkingspots.privacy import export, service
from parkingspots.privacy.schemas import ExportOut

router = APIRouter(prefix="/users", tags=["users"])


@router.get("/me/export", response_model=ExportOut, responses=problems(NotSignedIn))
async def export_my_data(who: CurrentSession, database: CurrentDatabase, clock: Clock) -> StreamingResponse:
    """What is kept about me, as JSON: to look at it, or to take it elsewhere."""
    return StreamingResponse(export.written(database, who, clock.now()), media_type="application/json")


@router.delete("/me", responses=problems(NotSignedIn, LiveBookings, StillOwed))
async def delete_me(user: CurrentUser, session: Transaction, clock: Clock) -> Message:
    """Delete my account, unless bookings of mine or of my spots are not over. My spots go with it."""
    await service.close_account(session, user.id, clock.now())
    return Message(message="The account is deleted.")
