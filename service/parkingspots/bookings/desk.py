"""What comes before a booking, in as few dependencies as its errors need: each costs as much as a statement."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Annotated

from fastapi import Depends, Request

from parkingspots.accounts.identity import BearerToken, signed_in
from parkingspots.accounts.models import User
from parkingspots.kit import idempotency
from parkingspots.kit.attempts import Connect
from parkingspots.kit.database import raw_transaction
from parkingspots.kit.dependencies import catch_up


@dataclass(frozen=True)
class Booker:
    """Somebody signed in who is within their limit, and the connection over which they book."""

    renter: User
    connect: Connect


async def _renter(request: Request, token: BearerToken) -> User:
    renter, limits = (await signed_in(request, token)).user, request.app.state.limits
    await limits.count(limits.bookings, str(renter.id))
    return renter


async def _booker(
    request: Request, renter: Annotated[User, Depends(_renter)], key: idempotency.Key = None
) -> AsyncIterator[Booker]:
    """With an Idempotency-Key, the booking is a part of the transaction that claims it and keeps the answer."""
    state = request.app.state
    if key is None:
        yield Booker(renter, state.database.raw)
    else:
        async with state.database.transaction() as session:
            await idempotency.claim(session, request, renter.id, key, state.clock.now())
            yield Booker(renter, partial(raw_transaction, session))
    await catch_up(request)


# scope="function": all is committed before the answer is sent.
CurrentBooker = Annotated[Booker, Depends(_booker, scope="function")]
