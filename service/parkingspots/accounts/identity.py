"""Who sends a request, as endpoints ask for it."""

from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import OAuth2PasswordBearer

from parkingspots.accounts import sessions
from parkingspots.accounts.clients import Client
from parkingspots.accounts.models import User
from parkingspots.accounts.problems import NotSignedIn, StaffOnly
from parkingspots.accounts.rules import Role
from parkingspots.accounts.sessions import SignedIn
from parkingspots.kit import idempotency
from parkingspots.kit.addresses import ClientAddress
from parkingspots.kit.dependencies import Transaction

BearerToken = Annotated[
    str | None,
    Depends(OAuth2PasswordBearer(tokenUrl="/api/v1/auth/login", auto_error=False, scheme_name="bearer")),
]


async def signed_in(request: Request, token: BearerToken) -> SignedIn:
    """Whose the token is, in which session; or raise NotSignedIn."""
    state = request.app.state
    return await sessions.authenticate(state.database, state.settings, token, state.clock.now())


CurrentSession = Annotated[SignedIn, Depends(signed_in)]


async def _user(who: CurrentSession) -> User:
    return who.user


CurrentUser = Annotated[User, Depends(_user)]


async def _admin(user: CurrentUser) -> User:
    if user.role is not Role.ADMIN:
        raise StaffOnly
    return user


CurrentAdmin = Annotated[User, Depends(_admin)]


async def _visitor(request: Request, token: BearerToken) -> User | None:
    """Whoever reads a public page: a wrong or missing token makes a stranger, not an error."""
    try:
        return (await signed_in(request, token)).user
    except NotSignedIn:
        return None


async def _once(request: Request, who: CurrentSession, session: Transaction, key: idempotency.Key = None) -> None:
    if key is not None:
        await idempotency.claim(session, request, who.user.id, key, request.app.state.clock.now())


async def _once_ahead(request: Request, who: CurrentSession, key: idempotency.Key = None) -> None:
    if key is not None:
        state = request.app.state
        await idempotency.claim_ahead(state.database, request, who.user.id, key, state.clock.now())


async def _client(request: Request, address: ClientAddress) -> Client:
    return Client.calling_itself(request.headers.get("user-agent", ""), address)


CurrentClient = Annotated[Client, Depends(_client)]
Visitor = Annotated[User | None, Depends(_visitor)]
TOKEN_OPTIONAL: dict[str, Any] = {"security": [{}]}
"""Added to what a visitor's endpoint says of tokens: none is as good."""
ONCE = Depends(_once)
"""Of an endpoint that creates or charges, on a router of KeepingRoutes: it honours Idempotency-Key."""
ONCE_AHEAD = Depends(_once_ahead)
"""The same of one that asks somebody else's service, in whose time no transaction may be open."""
