"""SQL of users, sessions and one-time tokens."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    DateTime,
    SQLColumnExpression,
    Uuid,
    and_,
    case,
    delete,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.accounts.clients import Client
from parkingspots.accounts.models import OneTimeToken, Session, User, lowered, over_at
from parkingspots.accounts.rules import Purpose, Role
from parkingspots.accounts.tokens import Claims
from parkingspots.bookings.models import Booking
from parkingspots.kit import job_runs
from parkingspots.kit.database import RawConnection
from parkingspots.kit.job_runs import Due
from parkingspots.kit.paging import Page, newest
from parkingspots.kit.purging import delete_batch
from parkingspots.kit.statements import Statement, parameter
from parkingspots.kit.timing import timed

REPEAT_WITHIN = timedelta(seconds=10)
"""In which a client that sends its spent refresh token again is not a thief: its answer got lost, or it asked twice."""
SESSIONS_STAY = timedelta(days=30)
"""After they are over: so long an address at which somebody signed in stays a familiar one."""
TOKENS_STAY = timedelta(days=1)


def _is_live(now: Any) -> ColumnElement[bool]:  # noqa: ANN401 - a time, or a parameter for one
    return and_(Session.ended_at.is_(None), Session.expires_at > now)


SIGNED_IN = Statement(
    select(User.__table__)
    .join(Session, Session.user_id == User.id)
    .where(
        Session.id == parameter("session_id", Uuid),
        User.id == parameter("user_id", Uuid),
        User.is_active,
        _is_live(parameter("now", DateTime(timezone=True))),
    )
)


async def answers(session: AsyncSession) -> None:
    """Raise as any question does while the database cannot be reached; asks for nothing."""
    await session.execute(select(1))


async def add(session: AsyncSession, user: User) -> User:
    session.add(user)
    await session.flush()
    return user


async def by_email(session: AsyncSession, email: str) -> User | None:
    return await session.scalar(select(User).where(_has_email(email)))


def _has_email(email: str) -> ColumnElement[bool]:
    return lowered(User.email) == lowered(literal(email))


async def lock(session: AsyncSession, user_id: UUID) -> User | None:
    """The active user, the row locked against other changes until the transaction ends (FOR NO KEY UPDATE)."""
    return await session.scalar(
        select(User)
        .where(User.id == user_id, User.is_active)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )


async def find(session: AsyncSession, user_id: UUID, *, lock: bool = False) -> User | None:
    """The user, active or disabled, but not deleted; with `lock`, as in `lock` above."""
    query = select(User).where(User.id == user_id, User.deleted_at.is_(None))
    if lock:
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    return await session.scalar(query)


async def search(
    session: AsyncSession, words: str | None, role: Role | None, page: Page, *, is_active: bool | None
) -> Sequence[User]:
    """Users, newest first, of whose e-mail or name `words` are a part; those of the page and one more."""
    query = select(User).where(User.deleted_at.is_(None))
    if words:
        query = query.where(
            User.email.icontains(words, autoescape=True) | User.full_name.icontains(words, autoescape=True)
        )
    if role is not None:
        query = query.where(User.role == role)
    if is_active is not None:
        query = query.where(User.is_active.is_(is_active))
    return (await session.scalars(newest(query, User.id, page))).all()


async def hold(session: AsyncSession, user_id: UUID) -> bool:
    """Keep an active user from being disabled or deleted until the transaction ends (FOR SHARE); False where it was."""
    held = select(User.id).where(User.id == user_id, User.is_active).with_for_update(read=True)
    return await session.scalar(held) is not None


async def signed_in(connection: RawConnection, user_id: UUID, session_id: UUID, now: datetime) -> User | None:
    """The active user of a session that has neither ended nor expired."""
    row = await connection.fetchrow(*SIGNED_IN.given(user_id=user_id, session_id=session_id, now=now))
    return None if row is None else User(**{**row, "role": Role(row["role"])})


async def account_seen_from(session: AsyncSession, email: str, address: str) -> tuple[User | None, bool]:
    """The user of an e-mail, and whether somebody has signed in to the account from `address`: one look for all.

    Where a session has moved to since does not count: a stolen token would make the thief's address a familiar one.
    """
    familiar = exists().where(Session.user_id == User.id, Session.signed_in_from == address)
    row = (await session.execute(select(User, familiar).where(_has_email(email)))).one_or_none()
    return (row[0], row[1]) if row else (None, False)


async def add_session(
    session: AsyncSession, user_id: UUID, token_id: UUID, client: Client, now: datetime, expires_at: datetime
) -> Session:
    family = Session(
        user_id=user_id,
        token_id=token_id,
        signed_in_from=client.address,
        address=client.address,
        user_agent=client.user_agent,
        created_at=now,
        refreshed_at=now,
        expires_at=expires_at,
    )
    session.add(family)
    await session.flush()
    return family


async def rotate(
    session: AsyncSession, spent: Claims, fresh: UUID, client: Client, now: datetime, expires_at: datetime
) -> UUID | None:
    """Put the refresh token `fresh` in the place of `spent`, in one statement that decides everything.

    Returns the id of the session's good token: `fresh`, or the newest one where the same client repeats itself within
    REPEAT_WITHIN. A token that is older ends the session: None, as for a session that is over.
    """
    is_newest = Session.token_id == spent.token_id
    is_repeated = and_(
        Session.previous_token_id == spent.token_id,
        Session.refreshed_at > now - REPEAT_WITHIN,
        Session.address.is_not_distinct_from(client.address),
        Session.user_agent.is_not_distinct_from(client.user_agent),
    )
    rotated = {
        Session.token_id: fresh,
        Session.previous_token_id: spent.token_id,
        Session.refreshed_at: now,
        Session.expires_at: expires_at,
        Session.address: client.address,
        Session.user_agent: client.user_agent,
    }
    decided = await session.execute(
        update(Session)
        .where(Session.id == spent.session_id, Session.user_id == spent.user_id, _is_live(now))
        .where(exists().where(User.id == Session.user_id, User.is_active))
        .values({column: case((is_newest, value), else_=column) for column, value in rotated.items()})
        .values({Session.ended_at: case((or_(is_newest, is_repeated), null()), else_=now)})
        .returning(Session.token_id, Session.ended_at)
    )
    family = decided.one_or_none()
    return family.token_id if family is not None and family.ended_at is None else None


async def live_sessions(session: AsyncSession, user_id: UUID, now: datetime, page: Page) -> Sequence[Session]:
    """Sessions of the user that have neither ended nor expired, newest first; those of the page and one more."""
    query = select(Session).where(Session.user_id == user_id, _is_live(now))
    return (await session.scalars(newest(query, Session.id, page))).all()


async def count_live_sessions(session: AsyncSession, user_id: UUID, now: datetime) -> int:
    query = select(func.count()).select_from(Session).where(Session.user_id == user_id, _is_live(now))
    return await session.scalar(query) or 0


async def end_session(session: AsyncSession, session_id: UUID, user_id: UUID, now: datetime) -> bool:
    """End that session of the user; False where there is none that goes on."""
    ended = await session.scalar(
        update(Session)
        .where(Session.id == session_id, Session.user_id == user_id, _is_live(now))
        .values(ended_at=now)
        .returning(Session.id)
    )
    return ended is not None


async def end_sessions(session: AsyncSession, user_id: UUID, now: datetime, *, but: UUID | None = None) -> None:
    """End all sessions of the user, `but` that one."""
    await session.execute(
        update(Session)
        .where(Session.user_id == user_id, Session.ended_at.is_(None), Session.id.is_distinct_from(but))
        .values(ended_at=now)
    )


async def end_oldest_sessions(session: AsyncSession, user_id: UUID, now: datetime, *, beyond: int) -> None:
    """End the user's sessions but the newest ones, `beyond` which they are too many."""
    live = Session.user_id == user_id, _is_live(now)
    oldest = select(Session.id).where(*live).order_by(Session.id.desc()).offset(beyond)
    await session.execute(update(Session).where(Session.id.in_(oldest)).values(ended_at=now))


async def add_one_time_token(session: AsyncSession, token: OneTimeToken) -> None:
    session.add(token)
    await session.flush()


async def whose_token(session: AsyncSession, digest: bytes, purpose: Purpose, now: datetime) -> UUID | None:
    """The id of the user whose unused, unexpired token has that digest."""
    return await session.scalar(select(OneTimeToken.user_id).where(*_is_good(digest, purpose, now)))


async def use_token(session: AsyncSession, digest: bytes, purpose: Purpose, now: datetime) -> str | None:
    """Use up the token of that digest and return the e-mail that it was sent to; None where it is no good any more."""
    return await session.scalar(
        update(OneTimeToken).where(*_is_good(digest, purpose, now)).values(used_at=now).returning(OneTimeToken.email)
    )


def _is_good(digest: bytes, purpose: Purpose, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        OneTimeToken.digest == digest,
        OneTimeToken.purpose == purpose,
        OneTimeToken.used_at.is_(None),
        OneTimeToken.expires_at > now,
    )


async def void_tokens(session: AsyncSession, user_id: UUID, now: datetime, *purposes: Purpose) -> None:
    """Use up every open token of the user for one of `purposes`."""
    await session.execute(
        update(OneTimeToken)
        .where(
            OneTimeToken.user_id == user_id,
            OneTimeToken.purpose.in_(purposes),
            OneTimeToken.used_at.is_(None),
        )
        .values(used_at=now)
    )


async def delete_sessions_and_tokens(session: AsyncSession, user_id: UUID) -> None:
    """Leave nothing of where a user signed in from, and of what was sent to them; every session ends by it."""
    await session.execute(delete(Session).where(Session.user_id == user_id))
    await session.execute(delete(OneTimeToken).where(OneTimeToken.user_id == user_id))


OVER = over_at(Session.ended_at, Session.expires_at)
"""When a session was over."""


async def old_sessions(session: AsyncSession) -> Due:
    return await job_runs.due(session, OVER + SESSIONS_STAY, func.now() - SESSIONS_STAY > OVER)


async def old_tokens(session: AsyncSession) -> Due:
    over = OneTimeToken.expires_at
    return await job_runs.due(session, over + TOKENS_STAY, over < func.now() - TOKENS_STAY)


async def delete_old_sessions(session: AsyncSession, batch: int) -> int:
    """Up to `batch` sessions that have been over for SESSIONS_STAY; how many they were."""
    return await _delete_old(session, Session, OVER, SESSIONS_STAY, batch)


async def delete_old_tokens(session: AsyncSession, batch: int) -> int:
    """Up to `batch` one-time tokens that expired TOKENS_STAY ago; how many they were."""
    return await _delete_old(session, OneTimeToken, OneTimeToken.expires_at, TOKENS_STAY, batch)


async def _delete_old(
    session: AsyncSession,
    table: type[Session | OneTimeToken],
    over: SQLColumnExpression[datetime],
    stay: timedelta,
    batch: int,
) -> int:
    """The oldest first, passing over what somebody else has locked. By the database's clock."""
    return await delete_batch(session, [table.id], over, over < func.now() - stay, limit=batch)


async def has_live_bookings(session: AsyncSession, user_id: UUID, now: datetime) -> bool:
    """Whether a booking of the user, or of one of the user's spots, still holds its slot."""
    live = exists().where(or_(Booking.user_id == user_id, Booking.owner_id == user_id), Booking.is_live(now))
    return bool(await session.scalar(select(live)))


timed(__name__)
