"""Endpoints of /users/me that concern every room."""

from fastapi import APIRouter

from parkingspots.accounts.identity import CurrentUser
from parkingspots.accounts.problems import LiveBookings, NotSignedIn
from parkingspots.kit.dependencies import Clock, Transaction
from parkingspots.kit.problems import problems
from parkingspots.kit.wire import Message
from parkingspots.privacy import service

router = APIRouter(prefix="/users", tags=["users"])


@router.delete("/me", responses=problems(NotSignedIn, LiveBookings))
async def delete_me(user: CurrentUser, session: Transaction, clock: Clock) -> Message:
    """Delete my account, unless bookings of mine or of my spots are not over. My spots go with it."""
    await service.close_account(session, user.id, clock.now())
    return Message(message="The account is deleted.")
