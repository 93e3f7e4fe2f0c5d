"""Use cases of reviews: one function each, one transaction each. Locks in the order user, counters, review."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.accounts import service as accounts
from parkingspots.accounts.models import User
from parkingspots.bookings import service as bookings
from parkingspots.kit import audit
from parkingspots.kit.database import constraint, retried
from parkingspots.kit.paging import Page
from parkingspots.kit.problems import Forbidden
from parkingspots.reviews import repository, rules
from parkingspots.reviews.models import Review
from parkingspots.reviews.problems import (
    AlreadyReviewed,
    NotCompleted,
    NotTheAuthor,
    NotTheOwner,
    NotTheRenter,
    ReviewNotFound,
    TooLateToEdit,
)
from parkingspots.reviews.repository import Listing
from parkingspots.reviews.rules import Party
from parkingspots.spots import service as spots
from parkingspots.spots.problems import SpotNotFound

ONE_A_BOOKING = "uq_reviews_booking_id"


@retried
async def create(
    session: AsyncSession, author: User, booking_id: UUID, fields: Mapping[str, Any], now: datetime
) -> Review:
    """The renter's review of a booking; raises BookingNotFound, NotTheRenter, NotCompleted or AlreadyReviewed."""
    await accounts.hold(session, author.id)
    booking = await bookings.read(session, author, booking_id)
    if booking.user_id != author.id:
        raise NotTheRenter
    if booking.status not in rules.REVIEWABLE:
        raise NotCompleted
    await spots.lock_counters(session, booking.spot_id)
    if await repository.is_reviewed(session, booking.id):
        raise AlreadyReviewed
    about = {"booking_id": booking.id, "spot_id": booking.spot_id, "reviewer_id": author.id}
    review = await _added(session, Review(**about, **fields, created_at=now, updated_at=now))
    await spots.rerate(session, review.spot_id)
    return review


async def _added(session: AsyncSession, review: Review) -> Review:
    """The review once it is in the table; the unique constraint is the backstop of the checks before."""
    try:
        return await repository.add(session, review)
    except IntegrityError as error:
        if constraint(error) == ONE_A_BOOKING:
            raise AlreadyReviewed from None
        raise


async def read(session: AsyncSession, review_id: UUID) -> Review:
    review = await repository.by_id(session, review_id)
    if review is None:
        raise ReviewNotFound
    return review


async def of_spot(session: AsyncSession, spot_id: UUID, page: Page) -> Listing:
    """The spot's reviews, newest first, and how many there are in all; raises SpotNotFound."""
    listing = await repository.of_spot(session, spot_id, page)
    if listing is None:
        raise SpotNotFound
    return listing


async def summary(session: AsyncSession, spot_id: UUID) -> Row[Any]:
    """How the spot is rated, by the names of the wire; raises SpotNotFound."""
    rated = await repository.summary(session, spot_id)
    if rated is None:
        raise SpotNotFound
    return rated


@retried
async def edit(
    session: AsyncSession,
    author: User,
    review_id: UUID,
    changes: Mapping[str, Any],
    unchanged: Callable[[Review], None],
    now: datetime,
) -> Review:
    """The review after `changes`, by column; raises ReviewNotFound, NotTheAuthor or TooLateToEdit.

    `unchanged` raises where the locked review is not what the author has seen.
    """
    await accounts.hold(session, author.id)
    review = await _rating(session, author, review_id, rules.MAY_EDIT)
    unchanged(review)
    if not rules.may_edit_at(review.created_at, now):
        raise TooLateToEdit
    for column, value in changes.items():
        setattr(review, column, value)
    if changes:
        review.updated_at = now
    await session.flush()
    await spots.rerate(session, review.spot_id)
    return review


@retried
async def delete(session: AsyncSession, user: User, review_id: UUID, now: datetime) -> None:
    """Delete the review for its author, or remove it for an admin; raises ReviewNotFound or NotTheAuthor."""
    review = await _rating(session, user, review_id, rules.MAY_DELETE)
    if user.id == review.reviewer_id:
        await repository.delete(session, review)
    else:
        review.removed_at = now
        await audit.record(
            session,
            actor_id=user.id,
            action="remove",
            subject="review",
            subject_id=review.id,
            spot=review.spot_id,
            author=review.reviewer_id,
        )
    await spots.rerate(session, review.spot_id)


async def _rating(session: AsyncSession, user: User, review_id: UUID, allowed: frozenset[Party]) -> Review:
    """The review, locked after the counters of its spot, for a change that may change the rating."""
    spot_id = await repository.spot_of(session, review_id)
    if spot_id is None:
        raise ReviewNotFound
    await spots.lock_counters(session, spot_id)
    review = await _locked(session, review_id)
    _require(user, review, allowed, NotTheAuthor)
    return review


@retried
async def respond(session: AsyncSession, owner: User, review_id: UUID, response: str, now: datetime) -> Review:
    """The review with the owner's response in the place of an earlier one; raises ReviewNotFound or NotTheOwner."""
    await accounts.hold(session, owner.id)
    review = await _locked(session, review_id)
    _require(owner, review, rules.MAY_RESPOND, NotTheOwner)
    review.owner_response = response
    review.owner_responded_at = review.updated_at = now
    await session.flush()
    return review


@retried
async def find_helpful(session: AsyncSession, user: User, review_id: UUID) -> int:
    """How many find the review helpful, the user among them, however often they say so; raises ReviewNotFound."""
    review = await _locked(session, review_id)
    if await repository.add_vote(session, review.id, user.id):
        review.helpful_count += 1
    return review.helpful_count


async def _locked(session: AsyncSession, review_id: UUID) -> Review:
    review = await repository.lock(session, review_id)
    if review is None:
        raise ReviewNotFound
    return review


def _require(user: User, review: Review, allowed: frozenset[Party], refusal: type[Forbidden]) -> None:
    """Let one of the `allowed` parties through; another party is refused, a stranger finds nothing."""
    parties = rules.parties(user.id, user.role, review.reviewer_id, review.spot.owner_id)
    if not parties:
        raise ReviewNotFound
    if not parties & allowed:
        raise refusal


async def of_reviewer(session: AsyncSession, user: User, page: Page) -> Sequence[Review]:
    """Reviews that the user wrote, newest first; those of the page and one more, where there is one."""
    return await repository.of_reviewer(session, user.id, page)


async def votes_of(session: AsyncSession, user: User, page: Page) -> Sequence[UUID]:
    """Ids of reviews that the user found helpful; those of the page and one more, where there is one."""
    return await repository.votes_of(session, user.id, page)


async def forget(session: AsyncSession, user_id: UUID) -> None:
    """Forget what somebody who leaves said in reviews and in responses. Ratings and votes stay."""
    await repository.forget(session, user_id)
