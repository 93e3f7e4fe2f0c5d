"""Who may review what, until when, and who may do what with a review."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from parkingspots.accounts.rules import Role
from parkingspots.bookings.rules import Status
from parkingspots.reviews import rules
from parkingspots.reviews.rules import Party

WRITTEN = datetime(2030, 2, 1, 10, tzinfo=UTC)
A_MOMENT = timedelta(microseconds=1)
AUTHOR, OWNER, ELSE = (UUID(int=number) for number in range(3))


def parties(user_id: UUID, role: Role) -> set[str]:
    return set(rules.parties(user_id, role, AUTHOR, OWNER))


@pytest.mark.parametrize("status", Status)
def test_a_booking_is_reviewed_once_it_is_completed_also_where_its_money_was_given_back(status: Status) -> None:
    assert (status in rules.REVIEWABLE) == (status in {"completed", "refunded"})


def test_a_review_is_edited_for_fourteen_days_and_not_a_moment_longer() -> None:
    assert rules.may_edit_at(WRITTEN, WRITTEN)
    assert rules.may_edit_at(WRITTEN, WRITTEN + timedelta(days=14) - A_MOMENT)
    assert not rules.may_edit_at(WRITTEN, WRITTEN + timedelta(days=14))


def test_the_clock_of_another_pod_may_be_a_little_behind() -> None:
    assert rules.may_edit_at(WRITTEN, WRITTEN - timedelta(seconds=1))


@pytest.mark.parametrize("role", [Role.RENTER, Role.OWNER])
def test_who_somebody_is_to_a_review_does_not_depend_on_what_they_are_elsewhere(role: Role) -> None:
    assert parties(AUTHOR, role) == {"author"}
    assert parties(OWNER, role) == {"owner"}
    assert parties(ELSE, role) == set()


def test_an_admin_is_a_party_to_every_review_and_may_be_its_author_or_owner_too() -> None:
    assert parties(ELSE, Role.ADMIN) == {"admin"}
    assert parties(AUTHOR, Role.ADMIN) == {"admin", "author"}
    assert parties(OWNER, Role.ADMIN) == {"admin", "owner"}


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [
        (rules.MAY_EDIT, {"author"}),
        (rules.MAY_DELETE, {"author", "admin"}),
        (rules.MAY_RESPOND, {"owner"}),
    ],
)
def test_each_party_does_what_is_its_own_to_do(allowed: frozenset[Party], expected: set[str]) -> None:
    assert allowed == expected


def test_there_are_one_to_five_stars() -> None:
    assert [*rules.STARS] == [1, 2, 3, 4, 5]
