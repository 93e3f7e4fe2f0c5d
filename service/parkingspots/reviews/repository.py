"""SQL of reviews and votes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sql
from sqlalchemy import JSON, Row, exists, func, or_, select, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased, joinedload

from parkingspots.accounts.models import User
from parkingspots.kit.paging import Page, newest, newest_by_age
from parkingspots.kit.timing import timed
from parkingspots.reviews.models import Review, ReviewVote
from parkingspots.reviews.rules import STARS
from parkingspots.spots.models import Spot, SpotStats


@dataclass(frozen=True)
class Listing:
    """The reviews of a page and one more, where there is one, and how many the spot has in all."""

    total: int
    fetched: Sequence[Review]


async def add(session: AsyncSession, review: Review) -> Review:
    session.add(review)
    await session.flush()
    return review


async def is_reviewed(session: AsyncSession, booking_id: UUID) -> bool:
    return bool(await session.scalar(select(exists().where(Review.booking_id == booking_id))))


async def by_id(session: AsyncSession, review_id: UUID) -> Review | None:
    return await session.scalar(select(Review).where(Review.id == review_id, Review.is_shown()))


async def spot_of(session: AsyncSession, review_id: UUID) -> UUID | None:
    """The spot that is reviewed, which never changes."""
    return await session.scalar(select(Review.spot_id).where(Review.id == review_id))


async def lock(session: AsyncSession, review_id: UUID) -> Review | None:
    """The review with its spot, its row locked until the transaction ends (FOR NO KEY UPDATE)."""
    return await session.scalar(
        select(Review)
        .options(joinedload(Review.spot))
        .where(Review.id == review_id, Review.is_shown())
        .with_for_update(of=Review, key_share=True)
        .execution_options(populate_existing=True)
    )


async def delete(session: AsyncSession, review: Review) -> None:
    """Delete the review, and the votes with it."""
    await session.execute(sql.delete(Review).where(Review.id == review.id))


async def of_spot(session: AsyncSession, spot_id: UUID, page: Page) -> Listing | None:
    """The spot's reviews with their authors, newest first, or None where there is no such spot.

    One statement, so that the total is true of the moment of which the reviews are.
    """
    newest = select(Review).where(Review.spot_id == spot_id, Review.is_shown())
    review = aliased(Review, newest_by_age(newest, Review.created_at, Review.id, page).subquery())
    query = (
        select(SpotStats.total_reviews, review)
        .join(Spot, Spot.id == SpotStats.spot_id)
        .outerjoin(review, true())
        .options(joinedload(review.reviewer).load_only(User.full_name, User.profile_image))
        .where(Spot.id == spot_id, Spot.is_active)
        .order_by(review.created_at.desc(), review.id.desc())
    )
    rows = (await session.execute(query)).all()
    if not rows:
        return None
    joined: list[Review | None] = [review for _, review in rows]  # a spot without reviews has a row too
    return Listing(rows[0][0], [each for each in joined if each is not None])


async def summary(session: AsyncSession, spot_id: UUID) -> Row[Any] | None:
    """How the spot is rated, by the names of the wire, or None where there is no such spot."""
    breakdown = [part for stars in STARS for part in (str(stars), func.count().filter(Review.overall_rating == stars))]
    query = (
        select(
            func.coalesce(Review.average(Review.overall_rating), 0).label("average_rating"),
            func.count(Review.id).label("total_reviews"),
            func.json_build_object(*breakdown, type_=JSON).label("rating_breakdown"),
            Review.average(Review.cleanliness_rating).label("average_cleanliness"),
            Review.average(Review.accessibility_rating).label("average_accessibility"),
            Review.average(Review.accuracy_rating).label("average_accuracy"),
            Review.average(Review.value_rating).label("average_value"),
        )
        .select_from(Spot)
        .outerjoin(Review, (Review.spot_id == Spot.id) & Review.is_shown())
        .where(Spot.id == spot_id, Spot.is_active)
        .group_by(Spot.id)
    )
    return (await session.execute(query)).one_or_none()


async def add_vote(session: AsyncSession, review_id: UUID, user_id: UUID) -> bool:
    """Whether this is the user's first vote for the review."""
    vote = insert(ReviewVote).values(review_id=review_id, user_id=user_id).on_conflict_do_nothing()
    return await session.scalar(vote.returning(ReviewVote.user_id)) is not None


async def of_reviewer(session: AsyncSession, user_id: UUID, page: Page) -> Sequence[Review]:
    """Reviews that the user wrote, newest first; those of the page and one more, where there is one."""
    query = select(Review).where(Review.reviewer_id == user_id)
    return (await session.scalars(newest(query, Review.id, page))).all()


async def votes_of(session: AsyncSession, user_id: UUID, page: Page) -> Sequence[UUID]:
    """Ids of reviews that the user found helpful; those of the page and one more, where there is one."""
    query = select(ReviewVote.review_id).where(ReviewVote.user_id == user_id)
    return (await session.scalars(newest(query, ReviewVote.review_id, page))).all()


async def forget(session: AsyncSession, user_id: UUID) -> None:
    """Empty what the user said in words, as an author and as an owner; locks in the order of ids."""
    by_them = Review.reviewer_id == user_id
    to_them = Review.spot_id.in_(select(Spot.id).where(Spot.owner_id == user_id)) & Review.owner_response.is_not(None)
    order = select(Review.id).where(or_(by_them, to_them)).order_by(Review.id)
    await session.execute(order.with_for_update(key_share=True))
    await session.execute(update(Review).where(by_them).values(title=None, comment=None))
    await session.execute(update(Review).where(to_them).values(owner_response=None, owner_responded_at=None))


timed(__name__)
