"""Who sends a request, as endpoints ask for it."""

from typing import Annotated

from fastapi import Depends
from fastapi.security import OAuth2PasswordBearer

from parkingspots.accounts import service
from parkingspots.accounts.models import User
from parkingspots.accounts.problems import NotSignedIn
from parkingspots.accounts.service import SignedIn
from parkingspots.kit.dependencies import Clock, CurrentDatabase, CurrentSettings

BearerToken = Annotated[
    str | None,
    Depends(OAuth2PasswordBearer(tokenUrl="api/v1/auth/login", auto_error=False, scheme_name="bearer")),
]


async def _session(database: CurrentDatabase, token: BearerToken, settings: CurrentSettings, clock: Clock) -> SignedIn:
    return await service.authenticate(database, settings, token, clock.now())


async def _user(who: Annotated[SignedIn, Depends(_session)]) -> User:
    return who.user


async def _visitor(
    database: CurrentDatabase, token: BearerToken, settings: CurrentSettings, clock: Clock
) -> User | None:
    """Whoever reads a public page: a wrong or missing token makes a stranger, not an error."""
    try:
        return (await service.authenticate(database, settings, token, clock.now())).user
    except NotSignedIn:
        return None


CurrentSession = Annotated[SignedIn, Depends(_session)]
CurrentUser = Annotated[User, Depends(_user)]
Visitor = Annotated[User | None, Depends(_visitor)]
