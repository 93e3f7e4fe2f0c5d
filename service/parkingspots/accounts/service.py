"""Use cases of accounts: one function each, one transaction each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.accounts import passwords, repository, rules
from parkingspots.accounts.counts import REGISTRATIONS
from parkingspots.accounts.models import User
from parkingspots.accounts.problems import AccountDisabled, EmailTaken, LiveBookings, NotSignedIn
from parkingspots.accounts.rules import Purpose, Role
from parkingspots.kit import audit
from parkingspots.kit.counting import counted
from parkingspots.kit.database import Database, constraint
from parkingspots.kit.job_runs import Due
from parkingspots.kit.paging import Page
from parkingspots.kit.problems import NotFound

UNIQUE_EMAIL = "uq_users_email"


@dataclass(frozen=True)
class Registration:
    email: str
    password: str
    full_name: str
    phone_number: str | None
    role: Role


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
    added = await _with_unique_email(session, user)
    counted(session, REGISTRATIONS)
    return added


async def _with_unique_email(session: AsyncSession, user: User) -> User:
    """Flush `user`; somebody may have taken the e-mail since it was looked for."""
    try:
        return await repository.add(session, user)
    except IntegrityError as error:
        if constraint(error) == UNIQUE_EMAIL:
            raise EmailTaken from None
        raise


async def update_profile(
    session: AsyncSession, user_id: UUID, changes: dict[str, object], unchanged: Callable[[User], None], now: datetime
) -> User:
    """The user after `changes`, by column; raises EmailTaken. Another e-mail is to be verified, and voids open tokens.

    `unchanged` raises where the locked account is not what its owner has seen.
    """
    user = await lock(session, user_id)
    unchanged(user)
    if changes.get("email", user.email) != user.email:
        user.is_verified = False
        await repository.void_tokens(session, user.id, now, *Purpose)
    for column, value in changes.items():
        setattr(user, column, value)
    return await _with_unique_email(session, user)


async def become_owner(session: AsyncSession, user_id: UUID) -> None:
    """Note that the user has listed a spot."""
    user = await lock(session, user_id)
    user.role = rules.role_after_listing(user.role)


async def require_database(database: Database) -> None:
    """Raise while the database cannot be reached, where nothing else asks it before the answer."""
    async with database.reader() as session:
        await repository.answers(session)


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


async def find(session: AsyncSession, user_id: UUID, *, lock: bool = False) -> User | None:
    """The user, active or disabled, but not deleted."""
    return await repository.find(session, user_id, lock=lock)


async def search(
    session: AsyncSession, words: str | None, role: Role | None, page: Page, *, is_active: bool | None
) -> Sequence[User]:
    """Users, newest first; those of the page and one more, where there is one."""
    return await repository.search(session, words, role, page, is_active=is_active)


async def disable(session: AsyncSession, user_id: UUID, now: datetime) -> User | None:
    """The user, signed out everywhere and let in no more; one who was disabled before stays so since then."""
    user = await repository.find(session, user_id, lock=True)
    if user is not None:
        user.is_active, user.disabled_at = False, user.disabled_at or now
        await repository.end_sessions(session, user.id, now)
    return user


def enable(user: User) -> None:
    """Let the locked `user` in again."""
    user.is_active, user.disabled_at = True, None


async def promote(session: AsyncSession, email: str) -> tuple[User, bool] | None:
    """The account with that verified e-mail, an admin's from now on, and whether that is new; None where there is none.

    Raises AccountDisabled.
    """
    user = await _lock_by_email(session, email)
    if user is None or not user.is_verified:
        return None
    is_new = user.role is not Role.ADMIN
    if is_new:
        user.role = Role.ADMIN
        await audit.record(session, actor_id=None, action="promote", subject="user", subject_id=user.id)
    return user, is_new


async def create_admin(session: AsyncSession, wish: Registration, now: datetime) -> tuple[User, bool]:
    """A verified admin with the wished password, and whether the account is new. Raises EmailTaken, AccountDisabled.

    Whoever registered an e-mail that nobody has verified may not own it: the account is theirs no more.
    """
    user = await _lock_by_email(session, wish.email)
    if user is None or user.is_verified:  # meanwhile: then it is taken
        user, action = await register(session, wish), "create-admin"
    else:
        user.password_hash, action = await passwords.hashed(wish.password), "take-over"
        await repository.void_tokens(session, user.id, now, *Purpose)
        await repository.end_sessions(session, user.id, now)
    user.role, user.is_verified = Role.ADMIN, True
    await audit.record(session, actor_id=None, action=action, subject="user", subject_id=user.id)
    return user, action == "create-admin"


async def _lock_by_email(session: AsyncSession, email: str) -> User | None:
    """The account with that e-mail, locked, or None where there is none; raises AccountDisabled."""
    found = await repository.by_email(session, email)
    user = await repository.lock(session, found.id) if found else None
    if found is not None and user is None:
        raise AccountDisabled("This account is disabled. Have an admin enable it, or use another e-mail.")
    return user


async def to_purge(session: AsyncSession) -> Due:
    """What `purge` has before it."""
    sessions, tokens = await repository.old_sessions(session), await repository.old_tokens(session)
    known = [each.oldest for each in (sessions, tokens) if each.oldest is not None]
    return Due(sessions.count + tokens.count, min(known, default=None))


async def purge(session: AsyncSession, batch: int) -> int:
    """Delete up to `batch` sessions and one-time tokens that are long over, and return how many they were."""
    purged = await repository.delete_old_sessions(session, batch)
    return purged + await repository.delete_old_tokens(session, batch - purged)


async def forget(session: AsyncSession, user: User, now: datetime) -> None:
    """Forget who the locked `user` is, and where from they signed in, or raise LiveBookings. History stays."""
    if await repository.has_live_bookings(session, user.id, now):
        raise LiveBookings
    await repository.delete_sessions_and_tokens(session, user.id)
    user.email = f"{user.id}@deleted.invalid"
    user.full_name = "Deleted user"
    user.password_hash = passwords.UNUSABLE
    user.phone_number = user.profile_image = user.latitude = user.longitude = None
    user.is_active = False
    user.deleted_at = now


async def public_profile(session: AsyncSession, user_id: UUID) -> User:
    user = await repository.find(session, user_id)
    if user is None:
        raise NotFound
    return user
