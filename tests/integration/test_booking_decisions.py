"""Who decides what about a booking: the renter, the owner, an admin, and nobody else."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.bookings import rules
from parkingspots.bookings.rules import Party, Status
from product import Api, Person

Record = Callable[..., Awaitable[str]]
OVER = ["completed", "cancelled", "refunded"]


@pytest.fixture
def parties(renter: Person, owner: Person, admin: Person) -> dict[Party, Person]:
    return {Party.RENTER: renter, Party.OWNER: owner, Party.ADMIN: admin}


def answer_to(party: Party, current: Status, wanted: Status) -> int:
    """What a booking whose start has come, with payment skipped, answers by the tables of the rules."""
    if wanted not in rules.MAY_ASK_FOR[party]:
        return 403
    return 200 if wanted in rules.NEXT[current] else 409


@pytest.mark.parametrize("party", Party)
@pytest.mark.parametrize("current", Status)
async def test_a_party_gets_what_is_its_to_decide_and_the_lifecycle_allows(
    api: Api, session: AsyncSession, record: Record, parties: dict[Party, Person], party: Party, current: Status
) -> None:
    for wanted in Status:
        booking = await record(current, start=0)
        expect = answer_to(party, current, wanted)
        answer = await api.put(f"/bookings/{booking}/status", parties[party], expect=expect, status=wanted)
        after = await session.scalar(text("SELECT status FROM bookings WHERE id = :id"), {"id": booking})
        assert after == (wanted if expect == 200 else current)
        if expect == 200:
            assert answer["status"] == wanted
        await session.execute(text("DELETE FROM bookings"))


@pytest.mark.parametrize("who", ["renter", "owner", "admin"])
async def test_each_party_cancels_and_the_renter_gets_the_money_back(
    api: Api, spot: str, renter: Person, parties: dict[Party, Person], who: Party
) -> None:
    booking = await api.book(renter, spot, 1, 3)
    answer = await api.post(f"/bookings/{booking['id']}/cancel", parties[who], cancellation_reason="Plans changed")
    assert (answer["status"], answer["payment_status"]) == ("cancelled", "refunded")
    assert answer["cancellation_reason"] == "Plans changed"


async def test_a_reason_may_be_given_or_left_out(api: Api, spot: str, renter: Person) -> None:
    silent = await api.book(renter, spot, 1, 3)
    answer = (await api.request("POST", f"/bookings/{silent['id']}/cancel", renter)).json()
    assert (answer["status"], answer["cancellation_reason"]) == ("cancelled", None)
    explained = await api.book(renter, spot, 1, 3)
    wish: dict[str, Any] = {"status": "cancelled", "cancellation_reason": "Rain"}
    answer = await api.put(f"/bookings/{explained['id']}/status", renter, **wish)
    assert (answer["status"], answer["cancellation_reason"]) == ("cancelled", "Rain")


async def test_a_running_booking_may_be_cancelled(api: Api, spot: str, renter: Person) -> None:
    booking = await api.book(renter, spot, 0, 3)
    await api.post(f"/bookings/{booking['id']}/check-in", renter)
    answer = await api.post(f"/bookings/{booking['id']}/cancel", renter)
    assert (answer["status"], answer["payment_status"]) == ("cancelled", "refunded")


async def test_cancelling_what_was_not_paid_gives_nothing_back(api: Api, record: Record, renter: Person) -> None:
    booking = await record("pending", payment_status="pending")
    answer = await api.post(f"/bookings/{booking}/cancel", renter)
    assert (answer["status"], answer["payment_status"], answer["expires_at"]) == ("cancelled", "pending", None)


async def test_cancelling_twice_is_refused(api: Api, spot: str, renter: Person, owner: Person) -> None:
    booking = await api.book(renter, spot, 1, 3)
    await api.post(f"/bookings/{booking['id']}/cancel", renter, cancellation_reason="First")
    await api.post(f"/bookings/{booking['id']}/cancel", renter, expect=409)
    await api.post(f"/bookings/{booking['id']}/cancel", owner, expect=409, cancellation_reason="Second")
    assert (await api.get(f"/bookings/{booking['id']}", renter))["cancellation_reason"] == "First"


async def test_after_the_end_only_an_admin_cancels_whether_or_not_the_job_was_there(
    api: Api, record: Record, renter: Person, owner: Person, admin: Person
) -> None:
    booking = await record("in_progress", start=-2, end=0)
    for party in (renter, owner):
        answer = await api.post(f"/bookings/{booking}/cancel", party, expect=409)
        assert "over" in answer["detail"]
        await api.put(f"/bookings/{booking}/status", party, expect=409, status="cancelled")
    await api.post(f"/bookings/{booking}/cancel", admin)


@pytest.mark.parametrize("status", OVER)
async def test_what_is_over_is_not_cancelled(api: Api, record: Record, renter: Person, status: str) -> None:
    await api.post(f"/bookings/{await record(status)}/cancel", renter, expect=409)


async def test_a_renter_who_may_not_confirm_is_told_so_whatever_the_status(
    api: Api, record: Record, renter: Person
) -> None:
    for status in ("pending", *OVER):
        booking = await record(status)
        await api.put(f"/bookings/{booking}/status", renter, expect=403, status="confirmed")


async def test_an_admin_completes_only_what_has_started(api: Api, record: Record, admin: Person) -> None:
    booking = await record("confirmed", start=0.25)
    await api.put(f"/bookings/{booking}/status", admin, expect=409, status="completed")
    api.clock.pass_by(minutes=15)
    await api.put(f"/bookings/{booking}/status", admin, status="completed")


async def test_an_admin_refunds_a_completed_booking(api: Api, record: Record, admin: Person) -> None:
    booking = await record("completed")
    answer = await api.put(f"/bookings/{booking}/status", admin, status="refunded")
    assert (answer["status"], answer["payment_status"]) == ("refunded", "refunded")


async def test_a_completion_by_an_admin_counts_once(api: Api, record: Record, spot: str, admin: Person) -> None:
    booking = await record("confirmed", start=0)
    await api.put(f"/bookings/{booking}/status", admin, status="completed")
    await api.put(f"/bookings/{booking}/status", admin, expect=409, status="completed")
    assert (await api.get(f"/parking-spots/{spot}"))["total_bookings"] == 1


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("PUT", "/status", {"status": "cancelled"}),
        ("POST", "/cancel", None),
        ("POST", "/check-in", None),
        ("POST", "/check-out", None),
    ],
)
async def test_what_belongs_to_others_is_not_found_and_needs_a_signature(
    api: Api, spot: str, renter: Person, other_renter: Person, method: str, path: str, body: dict[str, str] | None
) -> None:
    booking = await api.book(renter, spot, 0, 3)
    url = f"/bookings/{booking['id']}{path}"
    await api.request(method, url, other_renter, expect=404, json=body)
    await api.request(method, url, expect=401, json=body)
    assert await api.get(f"/bookings/{booking['id']}", renter) == booking


async def test_each_party_reads_the_booking(api: Api, spot: str, renter: Person, parties: dict[Party, Person]) -> None:
    booking = await api.book(renter, spot, 1, 3)
    for person in parties.values():
        assert await api.get(f"/bookings/{booking['id']}", person) == booking


@pytest.mark.parametrize("body", [{}, {"status": "lost"}, {"status": None}, {"status": ["cancelled"]}])
async def test_a_status_that_does_not_exist_is_refused(
    api: Api, spot: str, renter: Person, body: dict[str, object]
) -> None:
    booking = await api.book(renter, spot, 1, 3)
    answer = await api.put(f"/bookings/{booking['id']}/status", renter, expect=422, **body)
    assert answer["errors"][0]["pointer"].startswith("/status")
