"""SQL of users and sessions."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.accounts.models import Session, User, lowered
from parkingspots.bookings.models import Booking


async def add(session: AsyncSession, user: User) -> User:
    session.add(user)
    await session.flush()
    return user


async def by_email(session: AsyncSession, email: str) -> User | None:
    return await session.scalar(select(User).where(lowered(User.email) == lowered(literal(email))))


async def by_id(session: AsyncSession, user_id: UUID) -> User | None:
    """The user, or None where there is none or the account was deleted."""
    return await session.scalar(select(User).where(User.id == user_id, User.deleted_at.is_(None)))


async def lock(session: AsyncSession, user_id: UUID) -> User | None:
    """The active user, the row locked against other changes until the transaction ends (FOR NO KEY UPDATE)."""
    return await session.scalar(
        select(User)
        .where(User.id == user_id, User.is_active)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )


async def hold(session: AsyncSession, user_id: UUID) -> bool:
    """Keep an active user from being disabled or deleted until the transaction ends (FOR SHARE); False where it was."""
    held = select(User.id).where(User.id == user_id, User.is_active).with_for_update(read=True)
    return await session.scalar(held) is not None


async def signed_in(session: AsyncSession, user_id: UUID, session_id: UUID, now: datetime) -> User | None:
    """The active user of a session that has neither ended nor expired."""
    return await session.scalar(
        select(User)
        .join(Session, Session.user_id == User.id)
        .where(
            Session.id == session_id,
            User.id == user_id,
            User.is_active,
            Session.ended_at.is_(None),
            Session.expires_at > now,
        )
    )


async def add_session(session: AsyncSession, user_id: UUID, token_id: UUID, expires_at: datetime) -> Session:
    family = Session(user_id=user_id, token_id=token_id, expires_at=expires_at)
    session.add(family)
    await session.flush()
    return family


async def rotate(
    session: AsyncSession, session_id: UUID, spent: UUID, fresh: UUID, now: datetime, expires_at: datetime
) -> bool:
    """Put the refresh token `fresh` in the place of `spent`, in one statement; False where `spent` is old."""
    rotated = await session.scalar(
        update(Session)
        .where(
            Session.id == session_id,
            Session.token_id == spent,
            Session.ended_at.is_(None),
            Session.expires_at > now,
        )
        .where(exists().where(User.id == Session.user_id, User.is_active))
        .values(token_id=fresh, refreshed_at=now, expires_at=expires_at)
        .returning(Session.id)
    )
    return rotated is not None


async def end_session(session: AsyncSession, session_id: UUID, user_id: UUID, now: datetime) -> None:
    await session.execute(
        update(Session)
        .where(Session.id == session_id, Session.user_id == user_id, Session.ended_at.is_(None))
        .values(ended_at=now)
    )


async def end_sessions(session: AsyncSession, user_id: UUID, now: datetime, *, but: UUID | None = None) -> None:
    """End all sessions of the user, `but` that one."""
    await session.execute(
        update(Session)
        .where(Session.user_id == user_id, Session.ended_at.is_(None), Session.id.is_distinct_from(but))
        .values(ended_at=now)
    )


async def has_live_bookings(session: AsyncSession, user_id: UUID, now: datetime) -> bool:
    """Whether a booking of the user, or of one of the user's spots, still holds its slot."""
    live = exists().where(or_(Booking.user_id == user_id, Booking.owner_id == user_id), Booking.is_live(now))
    return bool(await session.scalar(select(live)))
