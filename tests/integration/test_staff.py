"""Staff finds and disables users and spots, and every act of theirs is on record."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from product import PASSWORD, Api, Person

WHY = "Listed a spot that is not theirs."


async def acts(api: Api, admin: Person, **filters: Any) -> list[Any]:
    return [(act["action"], act["subject"]) for act in await api.get("/admin/audit-log", admin, **filters)]


async def test_a_disabled_user_is_out_at_once_and_cannot_come_back(api: Api, admin: Person, renter: Person) -> None:
    disabled = await api.post(f"/admin/users/{renter.id}/disable", admin, reason=WHY)
    assert (disabled["is_active"], disabled["disabled_at"]) == (False, "2040-01-02T10:00:00Z")
    await api.get("/users/me", renter, expect=401)
    await api.post("/auth/refresh", expect=401, refresh_token=renter.refresh_token)
    refusal = await api.post("/auth/login", expect=403, email=renter.email, password=PASSWORD)
    assert "disabled" in refusal["detail"]

    assert (await api.post(f"/admin/users/{renter.id}/enable", admin, reason="A mistake."))["disabled_at"] is None
    await api.get("/users/me", renter, expect=401)  # the old sessions stay ended
    await api.sign_in(renter.id, renter.email)


async def test_the_spots_of_a_disabled_owner_leave_the_market_and_come_back_with_them(
    api: Api, admin: Person, owner: Person, spot: str
) -> None:
    other = await api.list_spot(owner, title="Disabled on its own")
    await api.post(f"/admin/spots/{other}/disable", admin, reason=WHY)
    await api.post(f"/admin/users/{owner.id}/disable", admin, reason=WHY)
    assert await api.get("/parking-spots/") == []
    await api.get(f"/parking-spots/{spot}", expect=404)

    await api.post(f"/admin/users/{owner.id}/enable", admin, reason="A mistake.")
    assert [item["id"] for item in await api.get("/parking-spots/")] == [spot]
    await api.get(f"/parking-spots/{other}", expect=404)


async def test_a_disabled_spot_is_seen_and_changed_by_its_owner_only(
    api: Api, admin: Person, owner: Person, renter: Person, spot: str
) -> None:
    await api.post(f"/admin/spots/{spot}/disable", admin, reason=WHY)
    for stranger in (None, renter):
        await api.get(f"/parking-spots/{spot}", stranger, expect=404)
        assert await api.get("/parking-spots/search", stranger) == []
    await api.book(renter, spot, 1, 2, expect=404)
    assert (await api.get(f"/parking-spots/{spot}", owner))["is_active"] is False
    assert [each["id"] for each in await api.get("/parking-spots/my-spots", owner)] == [spot]
    assert (await api.put(f"/parking-spots/{spot}", owner, title="Mended title"))["is_active"] is False

    assert (await api.post(f"/admin/spots/{spot}/enable", admin, reason="Mended."))["is_active"] is True
    await api.book(renter, spot, 1, 2)


async def test_what_is_booked_at_a_disabled_spot_stays_booked_and_its_renter_gets_in(
    api: Api, admin: Person, owner: Person, renter: Person, other_renter: Person
) -> None:
    spot = await api.list_spot(owner, access_instructions="The code is 2468.")
    booking = await api.book(renter, spot, 1, 2)
    await api.post(f"/admin/users/{owner.id}/disable", admin, reason=WHY)
    assert (await api.get(f"/bookings/{booking['id']}", renter))["status"] == "confirmed"
    assert (await api.get(f"/parking-spots/{spot}", renter))["access_instructions"] == "The code is 2468."
    await api.get(f"/parking-spots/{spot}", other_renter, expect=404)


async def test_a_spot_is_back_when_neither_it_nor_its_owner_is_disabled(
    api: Api, admin: Person, owner: Person, spot: str
) -> None:
    async def act(what: str, subject: str) -> bool:
        await api.post(f"/admin/{subject}/{what}", admin, reason=WHY)
        return bool(await api.get("/parking-spots/"))

    of_spot, of_owner = f"spots/{spot}", f"users/{owner.id}"
    for first, second in ((of_spot, of_owner), (of_owner, of_spot)):
        for last, before in ((first, second), (second, first)):
            seen = [await act("disable", first), await act("disable", second)]
            seen += [await act("enable", before), await act("enable", last)]
            assert seen == [False, False, False, True]


async def test_a_disabled_spot_that_its_owner_deletes_is_gone_for_staff_too(
    api: Api, admin: Person, owner: Person, spot: str
) -> None:
    await api.post(f"/admin/spots/{spot}/disable", admin, reason=WHY)
    await api.delete(f"/parking-spots/{spot}", owner)
    assert await api.get("/admin/spots", admin) == []
    await api.post(f"/admin/spots/{spot}/enable", admin, expect=404, reason="Mended.")
    assert await api.get("/parking-spots/my-spots", owner) == []


async def test_disabling_twice_keeps_the_first_time(api: Api, admin: Person, renter: Person, spot: str) -> None:
    for path in (f"/admin/users/{renter.id}", f"/admin/spots/{spot}"):
        first = await api.post(f"{path}/disable", admin, reason=WHY)
        api.clock.pass_by(minutes=1)
        assert (await api.post(f"{path}/disable", admin, reason=WHY))["disabled_at"] == first["disabled_at"]


async def test_users_are_found_by_part_of_email_or_name_by_role_and_by_state(
    api: Api, admin: Person, owner: Person, renter: Person
) -> None:
    async def found(**query: Any) -> list[str]:
        return [user["id"] for user in await api.get("/admin/users", admin, **query)]

    assert await found() == [renter.id, owner.id, admin.id]
    assert await found(q="RENT") == [renter.id]
    assert await found(q="%") == []
    assert await found(q="owner@exam") == [owner.id]
    assert await found(role="admin") == [admin.id]
    await api.post(f"/admin/users/{renter.id}/disable", admin, reason=WHY)
    assert await found(is_active="false") == [renter.id]
    assert (await api.get(f"/admin/users/{renter.id}", admin))["email"] == renter.email
    await api.delete("/users/me", owner)
    assert await found() == [renter.id, admin.id]
    await api.get(f"/admin/users/{owner.id}", admin, expect=404)
    await api.post(f"/admin/users/{owner.id}/disable", admin, expect=404, reason=WHY)


async def test_spots_are_found_by_words_owner_and_state(api: Api, admin: Person, owner: Person, spot: str) -> None:
    other = await api.list_spot(owner, title="Courtyard", city="Patra")

    async def found(**query: Any) -> list[str]:
        return [each["id"] for each in await api.get("/admin/spots", admin, **query)]

    assert await found() == [other, spot]
    assert await found(q="PÁTRA") == [other]
    assert await found(owner_id=owner.id) == [other, spot]
    assert await found(owner_id=admin.id) == []
    await api.post(f"/admin/spots/{spot}/disable", admin, reason=WHY)
    assert await found(is_active="false") == [spot]
    assert await found(is_active="true") == [other]


async def test_staff_does_not_see_how_to_get_in(api: Api, admin: Person, owner: Person) -> None:
    await api.list_spot(owner, access_instructions="The code is 2468.")
    (seen,) = await api.get("/admin/spots", admin)
    assert seen["access_instructions"] is None


async def test_lists_of_staff_go_on_by_the_link_header(api: Api, admin: Person, owner: Person) -> None:
    spots = [await api.list_spot(owner, title=f"Spot number {number}") for number in range(3)]
    for spot in spots:
        await api.post(f"/admin/spots/{spot}/disable", admin, reason=WHY)
    for path in ("/admin/users", "/admin/spots", "/admin/audit-log"):
        whole = await api.get(path, admin)
        seen: list[Any] = []
        url: str | None = f"/api/v1{path}?page_size=1"
        while url:
            answer = await api.client.get(url, headers=admin.headers)
            seen += answer.json()
            url = answer.links.get("next", {}).get("url")
        assert seen == whole


async def test_nobody_disables_themselves(api: Api, admin: Person) -> None:
    await api.post(f"/admin/users/{admin.id}/disable", admin, expect=400, reason=WHY)
    await api.get("/users/me", admin)


async def test_a_reason_is_required(api: Api, admin: Person, renter: Person) -> None:
    refusal = await api.post(f"/admin/users/{renter.id}/disable", admin, expect=422, reason="  ")
    assert [error["pointer"] for error in refusal["errors"]] == ["/reason"]


async def test_every_act_of_staff_is_on_record_with_who_why_and_on_what(
    api: Api, admin: Person, renter: Person, spot: str
) -> None:
    booking = await api.book(renter, spot, 1, 2)
    await api.post(f"/admin/users/{renter.id}/disable", admin, reason=WHY)
    await api.post(f"/admin/users/{renter.id}/enable", admin, reason="A mistake.")
    await api.post(f"/admin/spots/{spot}/disable", admin, reason=WHY)
    await api.post(f"/admin/spots/{spot}/enable", admin, reason="A mistake.")
    await api.put(f"/bookings/{booking['id']}/status", admin, status="cancelled", cancellation_reason="Flooded")
    assert await acts(api, admin) == [
        ("set cancelled", "booking"),
        ("enable", "spot"),
        ("disable", "spot"),
        ("enable", "user"),
        ("disable", "user"),
    ]
    (last,) = await api.get("/admin/audit-log", admin, subject_id=booking["id"])
    assert (last["actor_id"], last["reason"], last["details"]) == (admin.id, "Flooded", {"status_before": "confirmed"})
    assert await acts(api, admin, subject_id=spot) == [("enable", "spot"), ("disable", "spot")]
    assert await acts(api, admin, actor_id=renter.id) == []


async def test_what_staff_was_refused_is_not_on_record(api: Api, admin: Person, renter: Person, spot: str) -> None:
    booking = await api.book(renter, spot, 1, 2)
    await api.post(f"/bookings/{booking['id']}/check-out", admin, expect=409)
    await api.post(f"/bookings/{booking['id']}/cancel", renter)
    await api.post(f"/bookings/{booking['id']}/cancel", admin, expect=409)
    assert await acts(api, admin) == []


async def test_what_the_parties_do_is_no_act_of_staff_but_what_an_admin_does_always_is(
    api: Api, admin: Person, renter: Person, spot: str
) -> None:
    for who in (renter, admin):
        booking = await api.book(who, spot, 1, 2)
        await api.post(f"/bookings/{booking['id']}/cancel", who)
    assert await acts(api, admin) == [("set cancelled", "booking")]


@pytest.mark.parametrize("change", ["UPDATE audit_log SET reason = ''", "DELETE FROM audit_log", "TRUNCATE audit_log"])
async def test_the_record_cannot_be_changed(
    api: Api, admin: Person, renter: Person, session: AsyncSession, change: str
) -> None:
    await api.post(f"/admin/users/{renter.id}/disable", admin, reason=WHY)
    with pytest.raises(DBAPIError, match="takes new rows only"):
        await session.execute(text(change))
    assert len(await acts(api, admin)) == 1
