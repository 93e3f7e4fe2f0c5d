"""Endpoints of /reviews."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response

from parkingspots.accounts.identity import ONCE, CurrentUser
from parkingspots.accounts.problems import NotSignedIn
from parkingspots.bookings.problems import BookingNotFound
from parkingspots.kit import pages, paging
from parkingspots.kit.conditional import IfMatch
from parkingspots.kit.dependencies import Clock, Reader, Transaction
from parkingspots.kit.footprints import Kind, Subjects
from parkingspots.kit.freshness import Freshness
from parkingspots.kit.idempotency import KeepingRoute
from parkingspots.kit.paging import Page
from parkingspots.kit.problems import problems
from parkingspots.kit.wire import Message
from parkingspots.reviews import service
from parkingspots.reviews.problems import (
    AlreadyReviewed,
    NotCompleted,
    NotTheAuthor,
    NotTheOwner,
    NotTheRenter,
    ReviewNotFound,
    TooLateToEdit,
)
from parkingspots.reviews.schemas import (
    HelpfulOut,
    RatingSummaryOut,
    ResponseIn,
    ReviewIn,
    ReviewItem,
    ReviewOut,
    ReviewUpdate,
)
from parkingspots.spots.problems import SpotNotFound

REVIEWS_A_PAGE = 20

router = APIRouter(prefix="/reviews", tags=["reviews"], route_class=KeepingRoute)


@router.post(
    "/",
    status_code=201,
    dependencies=[ONCE],
    responses=problems(NotSignedIn, NotTheRenter, BookingNotFound, NotCompleted, AlreadyReviewed),
)
async def create_review(wish: ReviewIn, author: CurrentUser, session: Transaction, clock: Clock) -> ReviewOut:
    """Review a booking of mine that is completed, once. The spot's rating follows at once."""
    said = wish.model_dump(exclude={"booking_id"})
    return ReviewOut.of(await service.create(session, author, wish.booking_id, said, clock.now()))


@router.get("/spot/{spot_id}", responses=problems(SpotNotFound))
@router.get("/parking-spot/{spot_id}", name="list_reviews_of_parking_spot", responses=problems(SpotNotFound))
async def list_reviews_of_spot(
    spot_id: UUID,
    session: Reader,
    request: Request,
    response: Response,
    page: Annotated[Page, pages.by(paging.by_age, REVIEWS_A_PAGE)],
    freshness: Freshness,
) -> list[ReviewItem]:
    """The reviews of a spot, newest first; X-Total-Count says how many there are in all."""
    listing = await service.of_spot(session, spot_id, page)
    freshness.footprint = _footprint(spot_id, *(review.reviewer_id for review in listing.fetched))
    reviews, cursor = paging.cut(page, listing.fetched, lambda review: (review.created_at, review.id))
    pages.link(request, response, cursor, [("page_size", str(page.size))])
    pages.count(response, listing.total)
    return [ReviewItem.of(review) for review in reviews]


@router.get("/spot/{spot_id}/summary", responses=problems(SpotNotFound))
@router.get(
    "/parking-spot/{spot_id}/summary", name="summarise_reviews_of_parking_spot", responses=problems(SpotNotFound)
)
async def summarise_reviews_of_spot(spot_id: UUID, session: Reader, freshness: Freshness) -> RatingSummaryOut:
    """How a spot is rated: the means, and how many reviews gave each number of stars."""
    freshness.footprint = _footprint(spot_id)
    return RatingSummaryOut.model_validate(await service.summary(session, spot_id))


def _footprint(spot_id: UUID, *author_ids: UUID) -> Subjects:
    """Of what is said of a spot, which is no longer shown with the spot."""
    return Subjects(frozenset({Kind.REVIEWS, Kind.LISTING, Kind.USER}), frozenset({spot_id, *author_ids}))


@router.get("/{review_id}", responses=problems(ReviewNotFound))
async def read_review(review_id: UUID, session: Reader) -> ReviewOut:
    """A review."""
    return ReviewOut.of(await service.read(session, review_id))


@router.put("/{review_id}", responses=problems(NotSignedIn, NotTheAuthor, ReviewNotFound, TooLateToEdit))
async def update_review(
    review_id: UUID, changes: ReviewUpdate, author: CurrentUser, session: Transaction, clock: Clock, if_match: IfMatch
) -> ReviewOut:
    """Change my review within 14 days; what is not sent stays as it is. The spot's rating follows at once."""
    sent = changes.model_dump(exclude_unset=True)
    review = await service.edit(
        session, author, review_id, sent, lambda review: if_match.require(ReviewOut.of(review)), clock.now()
    )
    return ReviewOut.of(review)


@router.delete("/{review_id}", responses=problems(NotSignedIn, NotTheAuthor, ReviewNotFound))
async def delete_review(review_id: UUID, user: CurrentUser, session: Transaction, clock: Clock) -> Message:
    """Delete my review, at any time. One that an admin removes stays removed. The spot's rating follows at once."""
    await service.delete(session, user, review_id, clock.now())
    return Message(message="The review is deleted.")


@router.post("/{review_id}/response", responses=problems(NotSignedIn, NotTheOwner, ReviewNotFound))
async def respond_to_review(
    review_id: UUID, wish: ResponseIn, owner: CurrentUser, session: Transaction, clock: Clock
) -> ReviewOut:
    """Respond to a review of my spot; a second response takes the place of the first."""
    return ReviewOut.of(await service.respond(session, owner, review_id, wish.response, clock.now()))


@router.post("/{review_id}/helpful", responses=problems(NotSignedIn, ReviewNotFound))
async def find_review_helpful(review_id: UUID, user: CurrentUser, session: Transaction) -> HelpfulOut:
    """Say that a review helped me. Saying so twice counts once."""
    return HelpfulOut(message="Marked as helpful.", helpful_count=await service.find_helpful(session, user, review_id))
