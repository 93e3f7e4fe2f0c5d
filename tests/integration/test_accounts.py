"""Opening an account, changing it, and leaving."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from product import PASSWORD, Api, Person

USER = {
    "id",
    "email",
    "full_name",
    "phone_number",
    "role",
    "is_active",
    "is_verified",
    "profile_image",
    "latitude",
    "longitude",
    "created_at",
}
MARIA: dict[str, Any] = {"email": "maria@example.com", "password": PASSWORD, "full_name": "Maria"}


async def test_who_registers_is_told_who_they_are_and_not_their_password(api: Api) -> None:
    user = await api.post("/auth/register", expect=201, **MARIA, phone_number="+30 210 1234567")
    assert set(user) == USER
    assert user | {"role": "renter", "is_active": True, "is_verified": False, "phone_number": "+30 210 1234567"} == user
    assert PASSWORD not in str(user)


async def test_who_asks_for_owner_is_an_owner(api: Api) -> None:
    assert (await api.post("/auth/register", expect=201, **MARIA, role="owner"))["role"] == "owner"


@pytest.mark.parametrize("role", ["admin", "ADMIN", "", None])
async def test_nobody_registers_as_admin(api: Api, role: str | None) -> None:
    refusal = await api.post("/auth/register", expect=422, **MARIA, role=role)
    assert [error["pointer"] for error in refusal["errors"]] == ["/role"]
    await api.post("/auth/login", expect=401, email="maria@example.com", password=PASSWORD)


async def test_what_a_client_says_about_itself_beyond_the_form_is_not_believed(api: Api) -> None:
    user = await api.post("/auth/register", expect=201, **MARIA, is_verified=True, is_active=False)
    assert (user["is_verified"], user["is_active"]) == (False, True)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("password", "seven77"),
        ("password", "x" * 257),
        ("password", "eight\x00888"),
        ("password", 12345678),
        ("email", "nobody"),
        ("email", "nobody@"),
        ("email", f"{'m' * 250}@example.com"),
        ("full_name", ""),
        ("full_name", "   "),
        ("full_name", "Mar\x00ia"),
        ("phone_number", "1" * 33),
    ],
)
async def test_a_field_that_cannot_be_is_named(api: Api, field: str, value: object) -> None:
    refusal = await api.post("/auth/register", expect=422, **(MARIA | {field: value}))
    assert [error["pointer"] for error in refusal["errors"]] == [f"/{field}"]
    assert "items" not in refusal["errors"][0]["detail"]
    if len(str(value).strip()) > 3:
        assert str(value) not in str(refusal)


@pytest.mark.parametrize("email", ["maria@example.com", "MARIA@example.com", "Maria@EXAMPLE.COM"])
async def test_an_email_is_taken_in_whichever_case(api: Api, email: str) -> None:
    await api.post("/auth/register", expect=201, **MARIA)
    await api.post("/auth/register", expect=409, **(MARIA | {"email": email}))


async def test_an_email_of_other_scripts_is_taken_in_whichever_case(api: Api) -> None:
    await api.post("/auth/register", expect=201, **(MARIA | {"email": "μαρία@example.com"}))
    await api.post("/auth/register", expect=409, **(MARIA | {"email": "ΜΑΡΊΑ@example.com"}))


async def test_of_two_who_register_the_same_email_at_once_one_gets_it(api: Api) -> None:
    answers = await asyncio.gather(
        *(api.client.post("/api/v1/auth/register", json=MARIA | {"full_name": name}) for name in "AB")
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409]


async def test_of_two_who_change_to_the_same_email_at_once_one_gets_it(
    api: Api, renter: Person, other_renter: Person
) -> None:
    answers = await asyncio.gather(
        *(
            api.client.put("/api/v1/users/me", json={"email": "new@example.com"}, headers=who.headers)
            for who in (renter, other_renter)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_i_read_my_account(api: Api, renter: Person) -> None:
    me = await api.get("/users/me", renter)
    assert set(me) == USER
    assert (me["id"], me["email"]) == (renter.id, renter.email)


async def test_what_i_do_not_send_stays_as_it_was(api: Api, renter: Person) -> None:
    before = await api.get("/users/me", renter)
    after = await api.put("/users/me", renter, phone_number="123", latitude=0, longitude=0)
    assert after == before | {"phone_number": "123", "latitude": 0.0, "longitude": 0.0}
    assert await api.put("/users/me", renter) == after
    assert await api.get("/users/me", renter) == after


async def test_what_may_be_empty_i_may_empty(api: Api, renter: Person) -> None:
    await api.put("/users/me", renter, phone_number="123", latitude=1, profile_image="https://example.com/me.jpg")
    emptied = await api.put("/users/me", renter, phone_number=None, latitude=None, profile_image=None)
    assert (emptied["phone_number"], emptied["latitude"], emptied["profile_image"]) == (None, None, None)


@pytest.mark.parametrize(
    "change",
    [
        {"full_name": None},
        {"email": None},
        {"full_name": ""},
        {"latitude": 90.1},
        {"longitude": -180.1},
        {"latitude": True},
        {"profile_image": "http://example.com/me.jpg"},
        {"profile_image": "javascript:alert(1)"},
    ],
)
async def test_my_account_takes_no_nonsense(api: Api, renter: Person, change: dict[str, object]) -> None:
    before = await api.get("/users/me", renter)
    await api.request("PUT", "/users/me", renter, expect=422, json=change)
    assert await api.get("/users/me", renter) == before


async def test_nobody_gives_themselves_a_role(api: Api, renter: Person) -> None:
    assert (await api.put("/users/me", renter, role="admin", is_verified=True, id="0"))["role"] == "renter"


async def test_an_email_of_somebody_else_is_refused_and_my_own_in_another_case_is_not(
    api: Api, renter: Person, owner: Person
) -> None:
    await api.put("/users/me", renter, expect=409, email=owner.email.upper())
    assert (await api.put("/users/me", renter, email="Renter@example.com"))["email"] == "Renter@example.com"


async def test_i_sign_in_with_the_email_that_i_changed_to(api: Api, renter: Person) -> None:
    await api.put("/users/me", renter, email="else@example.com")
    await api.sign_in(renter.id, "else@example.com")
    await api.post("/auth/login", expect=401, email=renter.email, password=PASSWORD)


async def test_an_email_that_changed_is_not_verified_any_more(api: Api, renter: Person, session: AsyncSession) -> None:
    await session.execute(text("UPDATE users SET is_verified = true"))
    assert (await api.put("/users/me", renter, full_name="R"))["is_verified"] is True
    assert (await api.put("/users/me", renter, email="else@example.com"))["is_verified"] is False


async def test_everybody_sees_four_things_of_a_user(api: Api, renter: Person) -> None:
    profile = await api.get(f"/users/{renter.id}")
    assert set(profile) == {"id", "full_name", "profile_image", "created_at"}
    assert profile["id"] == renter.id


async def test_a_user_who_is_not_there_is_not_found(api: Api) -> None:
    await api.get("/users/0198c0de-7a10-7000-8000-000000000009", expect=404)
    refusal = await api.get("/users/nobody", expect=422)
    assert [error["parameter"] for error in refusal["errors"]] == ["user_id"]


async def test_a_renter_who_lists_a_spot_is_an_owner(api: Api, renter: Person) -> None:
    await api.list_spot(renter)
    assert (await api.get("/users/me", renter))["role"] == "owner"


async def test_an_admin_who_lists_a_spot_stays_admin(api: Api, admin: Person) -> None:
    await api.list_spot(admin)
    assert (await api.get("/users/me", admin))["role"] == "admin"


async def test_a_deleted_account_leaves_nothing_to_be_seen(api: Api, renter: Person, session: AsyncSession) -> None:
    await api.put("/users/me", renter, phone_number="+30 21", latitude=1, longitude=1)
    await api.delete("/users/me", renter)
    await api.get(f"/users/{renter.id}", expect=404)
    await api.get("/users/me", renter, expect=401)
    await api.post("/auth/login", expect=401, email=renter.email, password=PASSWORD)
    row = str((await session.execute(text("SELECT * FROM users"))).mappings().one())
    for trace in (renter.email, "Renter", "+30 21", "argon2"):
        assert trace not in row


async def test_the_email_of_a_deleted_account_may_be_registered_again(api: Api, renter: Person) -> None:
    await api.delete("/users/me", renter)
    again = await api.person("renter")
    assert again.id != renter.id


async def test_the_spots_of_a_deleted_account_are_not_to_be_found(api: Api, owner: Person, spot: str) -> None:
    assert [item["id"] for item in await api.get("/parking-spots/")] == [spot]
    await api.delete("/users/me", owner)
    assert await api.get("/parking-spots/") == []
    assert await api.get("/parking-spots/search") == []
    await api.get(f"/parking-spots/{spot}", expect=404)


@pytest.mark.parametrize("leaver", ["owner", "renter"])
async def test_nobody_leaves_while_a_booking_of_theirs_is_live(
    api: Api, owner: Person, renter: Person, spot: str, leaver: str
) -> None:
    booking = await api.book(renter, spot, 1, 2)
    who = {"owner": owner, "renter": renter}[leaver]
    await api.delete("/users/me", who, expect=409)
    assert (await api.get("/users/me", who))["email"] == who.email
    assert len(await api.get("/parking-spots/")) == 1

    await api.post(f"/bookings/{booking['id']}/cancel", renter)
    await api.delete("/users/me", who)


async def test_what_was_booked_outlives_the_account_of_the_renter(
    api: Api, owner: Person, renter: Person, spot: str
) -> None:
    booking = await api.book(renter, spot, 1, 2)
    await api.post(f"/bookings/{booking['id']}/cancel", renter)
    await api.delete("/users/me", renter)
    assert [each["id"] for each in await api.get("/bookings/owner", owner)] == [booking["id"]]


async def test_what_a_renter_who_left_said_in_words_is_forgotten(
    api: Api, owner: Person, renter: Person, spot: str
) -> None:
    words: dict[str, Any] = {"vehicle_plate": "ABC-1234", "special_requests": "Near the door, please"}
    booking = await api.book(renter, spot, 1, 2, **words)
    await api.post(f"/bookings/{booking['id']}/cancel", renter, cancellation_reason="I broke my leg")
    await api.delete("/users/me", renter)
    (seen,) = await api.get("/bookings/owner", owner)
    assert [seen[name] for name in (*words, "cancellation_reason")] == [None] * 3
    assert seen["total_amount"] == booking["total_amount"]


async def test_a_deleted_spot_keeps_no_more_than_its_history_names(
    api: Api, session: AsyncSession, owner: Person
) -> None:
    hours = {"operating_hours": {"monday": {"open": "08:00", "close": "20:00"}}}
    said = {"description": "My mother's yard", "access_instructions": "The key is under the pot"}
    spot = await api.list_spot(owner, **hours, **said)
    slot = {"day_of_week": 0, "start_time": "08:00", "end_time": "20:00"}
    await api.post(f"/parking-spots/{spot}/availability", owner, expect=201, **slot)
    await api.delete(f"/parking-spots/{spot}", owner)
    row = (await session.execute(text("SELECT * FROM spots"))).mappings().one()
    assert [row[name] for name in (*hours, *said)] == [None] * 3
    assert await session.scalar(text("SELECT count(*) FROM availability_slots")) == 0
