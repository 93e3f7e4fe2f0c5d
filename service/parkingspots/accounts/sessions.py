"""Use cases of sessions: signing in, staying signed in, and signing out."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.accounts import counts, repository, tokens
from parkingspots.accounts.clients import Client
from parkingspots.accounts.guesses import Guess
from parkingspots.accounts.models import Session, User
from parkingspots.accounts.problems import (
    AccountDisabled,
    NotSignedIn,
    SessionNotFound,
    SpentToken,
    WrongCredentials,
)
from parkingspots.kit.database import Database
from parkingspots.kit.limits import Limits, TooManyRequests
from parkingspots.kit.paging import Page
from parkingspots.settings import Settings

MOST_SESSIONS = 100
"""Of a user that go on: signing in ends the oldest beyond that."""


@dataclass(frozen=True)
class Tokens:
    access_token: str
    refresh_token: str


@dataclass(frozen=True)
class SignedIn:
    """Who sends a request, and in which session."""

    user: User
    session_id: UUID


async def log_in(
    database: Database, settings: Settings, limits: Limits, email: str, password: str, client: Client, now: datetime
) -> Tokens:
    """Tokens of a new session, or raise WrongCredentials, TooManyRequests or AccountDisabled.

    The password is hashed between two short transactions: no connection waits for it.
    """
    async with database.reader() as session:
        user, familiar = await repository.account_seen_from(session, email, client.address)
    guess = Guess(limits, email, client.address, familiar)
    with _counted():
        right, renewed_hash = await guess.verified(password, user.password_hash if user else None)
        if user is None or not right:
            raise WrongCredentials
        async with database.transaction() as session:
            current = await repository.lock(session, user.id)
            if current is None:
                raise AccountDisabled
            if current.password_hash != user.password_hash:
                raise WrongCredentials
            if renewed_hash:
                current.password_hash = renewed_hash
            return await _open_session(session, settings, user.id, client, now)


@contextmanager
def _counted() -> Iterator[None]:
    """Around an attempt to sign in, as far as it came to one."""
    try:
        yield
    except TooManyRequests:
        counts.LOGINS.labels(counts.LIMITED).inc()
        raise
    except (WrongCredentials, AccountDisabled):
        counts.LOGINS.labels(counts.FAILED).inc()
        raise
    counts.LOGINS.labels(counts.SUCCEEDED).inc()


async def _open_session(
    session: AsyncSession, settings: Settings, user_id: UUID, client: Client, now: datetime
) -> Tokens:
    """Of the locked user, so that no two sign-ins count past each other."""
    token_id = tokens.new_id()
    expires_at = now + tokens.lifetime(settings, "refresh")
    family = await repository.add_session(session, user_id, token_id, client, now, expires_at)
    await repository.end_oldest_sessions(session, user_id, now, beyond=MOST_SESSIONS)
    return _issued(settings, tokens.Claims(user_id, family.id, token_id), now)


def _issued(settings: Settings, claims: tokens.Claims, now: datetime) -> Tokens:
    access = replace(claims, token_id=tokens.new_id())
    return Tokens(tokens.issue(settings, "access", access, now), tokens.issue(settings, "refresh", claims, now))


async def refresh(database: Database, settings: Settings, token: str, client: Client, now: datetime) -> Tokens:
    """New tokens for a refresh token, which is spent by it.

    A spent one that comes back ends its session, unless the same client repeats itself at once: it gets the newest
    token again. Raises SpentToken, when the ending is committed.
    """
    spent = tokens.read(settings, "refresh", token, now)
    if spent is None:
        raise SpentToken
    expires_at = now + tokens.lifetime(settings, "refresh")
    async with database.transaction() as session:
        good = await repository.rotate(session, spent, tokens.new_id(), client, now, expires_at)
    if good is None:
        raise SpentToken
    return _issued(settings, replace(spent, token_id=good), now)


async def log_out(session: AsyncSession, settings: Settings, user: User, token: str, now: datetime) -> None:
    """End the session of the user's refresh token; a token that is not theirs does nothing."""
    claims = tokens.read(settings, "refresh", token, now)
    if claims is not None:
        await repository.end_session(session, claims.session_id, user.id, now)


async def authenticate(database: Database, settings: Settings, token: str | None, now: datetime) -> SignedIn:
    """Who sent the access token, or raise NotSignedIn. Takes a connection for one look only, and gives it back."""
    claims = tokens.read(settings, "access", token, now) if token else None
    if claims is None:
        raise NotSignedIn
    async with database.raw() as connection:
        user = await repository.signed_in(connection, claims.user_id, claims.session_id, now)
    if user is None:
        raise NotSignedIn
    return SignedIn(user, claims.session_id)


async def of_user(session: AsyncSession, user: User, now: datetime, page: Page) -> tuple[Sequence[Session], int]:
    """The user's sessions that go on, newest first: those of the page and one more, and how many there are in all."""
    families = await repository.live_sessions(session, user.id, now, page)
    return families, await repository.count_live_sessions(session, user.id, now)


async def end(session: AsyncSession, user: User, session_id: UUID, now: datetime) -> None:
    """End a session of the user, its access tokens included, or raise SessionNotFound."""
    if not await repository.end_session(session, session_id, user.id, now):
        raise SessionNotFound


async def end_others(session: AsyncSession, who: SignedIn, now: datetime) -> None:
    """End all sessions of the user but the one that asks for it, or raise NotSignedIn."""
    if await repository.lock(session, who.user.id) is None:
        raise NotSignedIn
    await repository.end_sessions(session, who.user.id, now, but=who.session_id)
