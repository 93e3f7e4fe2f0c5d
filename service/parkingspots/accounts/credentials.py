"""Use cases of credentials: changing the password, choosing another by mail, and proof that the e-mail is one's own."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.accounts import passwords, repository
from parkingspots.accounts.clients import Client
from parkingspots.accounts.guesses import Guess
from parkingspots.accounts.models import OneTimeToken, User
from parkingspots.accounts.problems import NotSignedIn, StaleToken, WrongPassword
from parkingspots.accounts.rules import Purpose
from parkingspots.accounts.sessions import SignedIn
from parkingspots.kit.database import Database
from parkingspots.kit.limits import Limits

LIFETIMES = {Purpose.RESET: timedelta(hours=1), Purpose.VERIFICATION: timedelta(hours=48)}
BYTES = 32


async def change_password(
    database: Database, limits: Limits, who: SignedIn, client: Client, current: str, new: str, now: datetime
) -> None:
    """Set a new password, end all other sessions and void what was sent to reset the old one.

    Raises TooManyRequests, or WrongPassword, also where it was changed meanwhile. Hashes between two transactions.
    """
    async with database.reader() as session:
        _, familiar = await repository.account_seen_from(session, who.user.email, client.address)
    right, _ = await Guess(limits, who.user.email, client.address, familiar).verified(current, who.user.password_hash)
    if not right:
        raise WrongPassword
    await limits.count(limits.resets, "password", str(who.user.id))  # each sends a letter
    password_hash = await passwords.hashed(new)
    async with database.transaction() as session:
        user = await repository.lock(session, who.user.id)
        if user is None:
            raise NotSignedIn
        if user.password_hash != who.user.password_hash:
            raise WrongPassword
        user.password_hash = password_hash
        await repository.void_tokens(session, user.id, now, Purpose.RESET)
        await repository.end_sessions(session, user.id, now, but=who.session_id)


@dataclass(frozen=True)
class Sent:
    """A token on its way: it is nowhere else but in the letter to `email`."""

    email: str
    token: str


async def reset_token(session: AsyncSession, email: str, now: datetime) -> Sent | None:
    """A token to reset the password of the account with that e-mail; None where there is no active one."""
    user = await repository.by_email(session, email)
    locked = await repository.lock(session, user.id) if user else None
    return await _new_token(session, locked, Purpose.RESET, now) if locked else None


async def verification_token(session: AsyncSession, user_id: UUID, now: datetime) -> Sent | None:
    """A token to verify the user's present e-mail; None where the account is not active."""
    user = await repository.lock(session, user_id)
    return await _new_token(session, user, Purpose.VERIFICATION, now) if user else None


async def _new_token(session: AsyncSession, user: User, purpose: Purpose, now: datetime) -> Sent:
    """Keeps the digest only: whoever reads the table cannot use what is in it."""
    token = secrets.token_urlsafe(BYTES)
    row = OneTimeToken(
        user_id=user.id,
        purpose=purpose,
        email=user.email,
        digest=_digest(token),
        created_at=now,
        expires_at=now + LIFETIMES[purpose],
    )
    await repository.add_one_time_token(session, row)
    return Sent(user.email, token)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


async def reset_password(database: Database, token: str, new: str, now: datetime) -> str:
    """Set the password of the token's user, end all sessions, and return the e-mail; raises StaleToken.

    Whoever has the token reads the mail that it was sent to, which verifies it. Hashes between two short transactions,
    and only for a token that is good.
    """
    async with database.reader() as session:
        if await repository.whose_token(session, _digest(token), Purpose.RESET, now) is None:
            raise StaleToken
    password_hash = await passwords.hashed(new)
    async with database.transaction() as session:
        user, sent_to = await _redeem(session, token, Purpose.RESET, now)
        user.password_hash = password_hash
        user.is_verified = user.is_verified or sent_to == user.email
        await repository.void_tokens(session, user.id, now, Purpose.RESET)
        await repository.end_sessions(session, user.id, now)
        return user.email


async def verify_email(session: AsyncSession, token: str, now: datetime) -> None:
    """Note that the user of the token reads their mail, or raise StaleToken."""
    user, sent_to = await _redeem(session, token, Purpose.VERIFICATION, now)
    if sent_to != user.email:
        raise StaleToken
    user.is_verified = True


async def _redeem(session: AsyncSession, token: str, purpose: Purpose, now: datetime) -> tuple[User, str]:
    """The active user of the token, locked before the token is used up, and the e-mail that it was sent to.

    Raises StaleToken.
    """
    user_id = await repository.whose_token(session, _digest(token), purpose, now)
    user = await repository.lock(session, user_id) if user_id else None
    sent_to = await repository.use_token(session, _digest(token), purpose, now) if user else None
    if user is None or sent_to is None:
        raise StaleToken
    return user, sent_to
