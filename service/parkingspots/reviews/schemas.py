"""What goes over the wire about reviews."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field, field_validator

from parkingspots.kit.wire import Instant, Line, NoBoolean, Paragraph, Wire, not_null
from parkingspots.reviews.models import Review

SAID: dict[str, Any] = {
    "overall_rating": 5,
    "cleanliness_rating": 4,
    "accessibility_rating": 5,
    "accuracy_rating": 5,
    "value_rating": 4,
    "title": "Easy to find",
    "comment": "Wide entrance, well lit, two minutes from the square.",
}
BOOKING_ID = "0198c0de-7a10-7000-8000-000000000004"
REVIEW: dict[str, Any] = {
    "id": "0198c0de-7a10-7000-8000-000000000006",
    "booking_id": BOOKING_ID,
    "parking_spot_id": "0198c0de-7a10-7000-8000-000000000002",
    "reviewer_id": "0198c0de-7a10-7000-8000-000000000005",
    **SAID,
    "owner_response": "Thank you, come again!",
    "owner_responded_at": "2030-02-03T08:00:00Z",
    "helpful_count": 3,
    "created_at": "2030-02-02T09:00:00Z",
    "updated_at": "2030-02-03T08:00:00Z",
}
AUTHOR = "Nikos Georgiou"

Rating = Annotated[int, Field(ge=1, le=5), NoBoolean]
Title = Annotated[Line, Field(max_length=255)]
Response = Annotated[Paragraph, Field(min_length=1)]


class ReviewIn(Wire):
    """A rating in stars, 1 to 5, and what else the renter wants to say."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"booking_id": BOOKING_ID, **SAID}]})

    booking_id: UUID
    overall_rating: Rating
    cleanliness_rating: Rating | None = None
    accessibility_rating: Rating | None = None
    accuracy_rating: Rating | None = None
    value_rating: Rating | None = None
    title: Title | None = None
    comment: Paragraph | None = None


class ReviewUpdate(Wire):
    """What the author may change; what is not sent stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"overall_rating": 4, "comment": "A bit narrow."}]})

    overall_rating: Rating | None = None
    cleanliness_rating: Rating | None = None
    accessibility_rating: Rating | None = None
    accuracy_rating: Rating | None = None
    value_rating: Rating | None = None
    title: Title | None = None
    comment: Paragraph | None = None

    _not_null = field_validator("overall_rating", mode="before")(not_null)


class ResponseIn(Wire):
    model_config = ConfigDict(json_schema_extra={"examples": [{"response": REVIEW["owner_response"]}]})

    response: Response


class ReviewOut(Wire):
    model_config = ConfigDict(title="Review", json_schema_extra={"examples": [REVIEW]})

    id: UUID
    booking_id: UUID
    parking_spot_id: UUID
    reviewer_id: UUID
    overall_rating: int
    cleanliness_rating: int | None
    accessibility_rating: int | None
    accuracy_rating: int | None
    value_rating: int | None
    title: str | None
    comment: str | None
    owner_response: str | None
    owner_responded_at: Instant | None
    helpful_count: int = Field(description="how many users found the review helpful")
    created_at: Instant
    updated_at: Instant

    @classmethod
    def of(cls, review: Review) -> "ReviewOut":
        return cls.model_validate(_fields(review))


def _fields(review: Review) -> dict[str, Any]:
    """By the names of the wire."""
    same = {name: getattr(review, name) for name in ReviewOut.model_fields if name != "parking_spot_id"}
    return same | {"parking_spot_id": review.spot_id}


class ReviewerOut(Wire):
    """Who wrote a review."""

    model_config = ConfigDict(title="Reviewer")

    full_name: str


class ReviewItem(ReviewOut):
    """A review in a list, with its author."""

    model_config = ConfigDict(
        title="ReviewItem",
        json_schema_extra={
            "examples": [{**REVIEW, "reviewer_name": AUTHOR, "reviewer_image": None, "reviewer": {"full_name": AUTHOR}}]
        },
    )

    reviewer_name: str
    reviewer_image: str | None
    reviewer: ReviewerOut

    @classmethod
    def of(cls, review: Review) -> "ReviewItem":
        author = review.reviewer
        shown = {"reviewer_name": author.full_name, "reviewer_image": author.profile_image, "reviewer": author}
        return cls.model_validate(_fields(review) | shown)


class RatingSummaryOut(Wire):
    """How a spot is rated: means to two decimals; 0 and null where nobody has rated it."""

    model_config = ConfigDict(
        title="ReviewSummary",
        json_schema_extra={
            "examples": [
                {
                    "average_rating": 4.67,
                    "total_reviews": 3,
                    "rating_breakdown": {"1": 0, "2": 0, "3": 0, "4": 1, "5": 2},
                    "average_cleanliness": 4.5,
                    "average_accessibility": 5.0,
                    "average_accuracy": None,
                    "average_value": 4.0,
                }
            ]
        },
    )

    average_rating: float
    total_reviews: int
    rating_breakdown: dict[str, int] = Field(description="how many reviews gave each number of stars")
    average_cleanliness: float | None
    average_accessibility: float | None
    average_accuracy: float | None
    average_value: float | None


class HelpfulOut(Wire):
    model_config = ConfigDict(
        title="Helpful", json_schema_extra={"examples": [{"message": "Marked as helpful.", "helpful_count": 4}]}
    )

    message: str
    helpful_count: int
