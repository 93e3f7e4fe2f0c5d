"""Use cases of accounts: one function each, one transaction each."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.accounts import passwords, repository, rules, tokens
from parkingspots.accounts.models import User
from parkingspots.accounts.problems import (
    AccountDisabled,
    EmailTaken,
    LiveBookings,
    NotSignedIn,
    SpentToken,
    WrongCredentials,
    WrongPassword,
)
from parkingspots.accounts.rules import Role
from parkingspots.kit.database import Database, constraint
from parkingspots.kit.problems import NotFound
from parkingspots.settings import Settings

UNIQUE_EMAIL = "uq_users_email"


@dataclass(frozen=True)
class Registration:
    email: str
    password: str
    full_name: str
    phone_number: str | None
    role: Role


@dataclass(frozen=True)
class Tokens:
    access_token: str
    refresh_token: str


@dataclass(frozen=True)
class SignedIn:
    """Who sends a request, and in which session."""

    user: User
    session_id: UUID


async def register(session: AsyncSession, wish: Registration) -> User:
    """A new account, or raise EmailTaken. Hashes before it asks the database: no connection waits for that."""
    password_hash = await passwords.hashed(wish.password)
    if await repository.by_email(session, wish.email):
        raise EmailTaken
    user = User(
        email=wish.email,
        password_hash=password_hash,
        full_name=wish.full_name,
        phone_number=wish.phone_number,
        role=wish.role,
    )
    return await _with_unique_email(session, user)


async def _with_unique_email(session: AsyncSession, user: User) -> User:
    """Flush `user`; somebody may have taken the e-mail since it was looked for."""
    try:
        return await repository.add(session, user)
    except IntegrityError as error:
        if constraint(error) == UNIQUE_EMAIL:
            raise EmailTaken from None
        raise


async def log_in(database: Database, settings: Settings, email: str, password: str, now: datetime) -> Tokens:
    """Tokens of a new session, or raise WrongCredentials or AccountDisabled.

    The password is hashed between two short transactions: no connection waits for it.
    """
    async with database.reader() as session:
        user = await repository.by_email(session, email)
    right, renewed_hash = await passwords.verified(password, user.password_hash if user else None)
    if user is None or not right:
        raise WrongCredentials
    if not user.is_active:
        raise AccountDisabled
    async with database.transaction() as session:
        current = await repository.lock(session, user.id)
        if current is None:
            raise AccountDisabled
        if current.password_hash != user.password_hash:
            raise WrongCredentials
        if renewed_hash:
            current.password_hash = renewed_hash
        return await _open_session(session, settings, user.id, now)


async def _open_session(session: AsyncSession, settings: Settings, user_id: UUID, now: datetime) -> Tokens:
    token_id = tokens.new_id()
    expires_at = now + tokens.lifetime(settings, "refresh")
    family = await repository.add_session(session, user_id, token_id, expires_at)
    return _issued(settings, tokens.Claims(user_id, family.id, token_id), now)


def _issued(settings: Settings, claims: tokens.Claims, now: datetime) -> Tokens:
    access = replace(claims, token_id=tokens.new_id())
    return Tokens(tokens.issue(settings, "access", access, now), tokens.issue(settings, "refresh", claims, now))


async def refresh(database: Database, settings: Settings, token: str, now: datetime) -> Tokens:
    """New tokens for a refresh token, which is spent by it. A spent one that comes back ends its session.

    Raises SpentToken. Ending the session commits on its own, as the error would undo it.
    """
    claims = tokens.read(settings, "refresh", token, now)
    if claims is None:
        raise SpentToken
    fresh = tokens.Claims(claims.user_id, claims.session_id, tokens.new_id())
    async with database.transaction() as session:
        expires_at = now + tokens.lifetime(settings, "refresh")
        if await repository.rotate(session, claims.session_id, claims.token_id, fresh.token_id, now, expires_at):
            return _issued(settings, fresh, now)
        await repository.end_session(session, claims.session_id, claims.user_id, now)
    raise SpentToken


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
    async with database.reader() as session:
        user = await repository.signed_in(session, claims.user_id, claims.session_id, now)
    if user is None:
        raise NotSignedIn
    return SignedIn(user, claims.session_id)


async def change_password(session: AsyncSession, who: SignedIn, current: str, new: str, now: datetime) -> None:
    """Set a new password and end all other sessions, or raise WrongPassword, also where it was changed meanwhile."""
    right, _ = await passwords.verified(current, who.user.password_hash)
    if not right:
        raise WrongPassword
    password_hash = await passwords.hashed(new)
    user = await lock(session, who.user.id)
    if user.password_hash != who.user.password_hash:
        raise WrongPassword
    user.password_hash = password_hash
    await repository.end_sessions(session, user.id, now, but=who.session_id)


async def update_profile(session: AsyncSession, user_id: UUID, changes: dict[str, object]) -> User:
    """The user after `changes`, by column; raises EmailTaken."""
    user = await lock(session, user_id)
    user.is_verified = user.is_verified and changes.get("email", user.email) == user.email
    for column, value in changes.items():
        setattr(user, column, value)
    return await _with_unique_email(session, user)


async def become_owner(session: AsyncSession, user_id: UUID) -> None:
    """Note that the user has listed a spot."""
    user = await lock(session, user_id)
    user.role = rules.role_after_listing(user.role)


async def hold(session: AsyncSession, user_id: UUID) -> None:
    """Keep the account as it is until the transaction ends, or raise NotSignedIn. Comes before any spot's lock."""
    if not await repository.hold(session, user_id):
        raise NotSignedIn


async def lock(session: AsyncSession, user_id: UUID) -> User:
    """The account, locked against everything else until the transaction ends, or raise NotSignedIn."""
    user = await repository.lock(session, user_id)
    if user is None:
        raise NotSignedIn
    return user


async def forget(session: AsyncSession, user: User, now: datetime) -> None:
    """Forget who the locked `user` is and end every session, or raise LiveBookings. History stays."""
    if await repository.has_live_bookings(session, user.id, now):
        raise LiveBookings
    await repository.end_sessions(session, user.id, now)
    user.email = f"{user.id}@deleted.invalid"
    user.full_name = "Deleted user"
    user.password_hash = passwords.UNUSABLE
    user.phone_number = user.profile_image = user.latitude = user.longitude = None
    user.is_active = False
    user.deleted_at = now


async def public_profile(session: AsyncSession, user_id: UUID) -> User:
    user = await repository.by_id(session, user_id)
    if user is None:
        raise NotFound
    return user
