"""Where I am signed in: seen by me alone, and ended by me."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.accounts import service, sessions
from parkingspots.kit.database import Database
from product import PASSWORD, Api, Clock, Person
from signed_in import is_signed_in, may_refresh, refreshed

NOWHERE = "0198c0de-7a10-7000-8000-000000000009"


async def sign_in(api: Api, who: Person, program: str) -> Person:
    """`who`, signed in once more, with a program of that name."""
    sent = {"email": who.email, "password": PASSWORD}
    tokens = (await api.request("POST", "/auth/login", json=sent, headers={"User-Agent": program})).json()
    return Person(who.id, who.email, tokens["access_token"], tokens["refresh_token"])


async def current(api: Api, who: Person) -> Any:
    """The session that `who` asks from."""
    (found,) = [each for each in await api.get("/users/me/sessions", who) if each["is_current"]]
    return found


async def test_i_see_where_i_am_signed_in_newest_first(api: Api, renter: Person, owner: Person, clock: Clock) -> None:
    del owner  # has a session too
    clock.pass_by(hours=1)
    phone = await sign_in(api, renter, "Phone/1.0")
    answer = await api.request("GET", "/users/me/sessions", phone)
    newest, oldest = answer.json()
    assert answer.headers["x-total-count"] == "2"
    assert (newest["user_agent"], newest["is_current"]) == ("Phone/1.0", True)
    assert (oldest["user_agent"].startswith("python-httpx"), oldest["is_current"]) == (True, False)
    assert newest["address"] == oldest["address"] == "127.0.0.1"
    assert newest["created_at"] == newest["refreshed_at"] == "2040-01-02T11:00:00Z"
    assert oldest["expires_at"] == "2040-01-16T10:00:00Z"


async def test_a_refresh_shows_and_makes_no_second_session(api: Api, renter: Person, clock: Clock) -> None:
    clock.pass_by(minutes=20)
    again = await refreshed(api, renter, **{"User-Agent": "updated"})
    (only,) = await api.get("/users/me/sessions", again)
    assert (only["created_at"], only["refreshed_at"]) == ("2040-01-02T10:00:00Z", "2040-01-02T10:20:00Z")
    assert (only["expires_at"], only["user_agent"]) == ("2040-01-16T10:20:00Z", "updated")


async def test_sessions_that_have_ended_or_expired_are_not_listed(api: Api, renter: Person, clock: Clock) -> None:
    gone = await sign_in(api, renter, "gone")
    await api.post("/auth/logout", gone, refresh_token=gone.refresh_token)
    assert [each["is_current"] for each in await api.get("/users/me/sessions", renter)] == [True]
    clock.pass_by(days=14)
    new = await sign_in(api, renter, "new")
    assert [each["user_agent"] for each in await api.get("/users/me/sessions", new)] == ["new"]


async def test_sessions_come_in_pages(api: Api, renter: Person) -> None:
    for number in range(4):
        await sign_in(api, renter, f"program {number}")
    answer = await api.request("GET", "/users/me/sessions", renter, params={"page_size": 3})
    link = answer.headers["link"].partition(">")[0].removeprefix("</api/v1")
    rest = await api.request("GET", link, renter)
    named = [each["user_agent"] for each in answer.json() + rest.json()]
    assert named[:4] == ["program 3", "program 2", "program 1", "program 0"]
    assert len(named) == 5
    assert "link" not in rest.headers
    assert answer.headers["x-total-count"] == rest.headers["x-total-count"] == "5"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [(b"x" * 300, "x" * 200), (b"a\x01b\x85c", "abc"), (b" ", None)],
    ids=["long", "control characters", "none"],
)
async def test_whatever_a_program_calls_itself_can_be_shown(
    api: Api, renter: Person, sent: bytes, kept: str | None
) -> None:
    body = {"refresh_token": renter.refresh_token}
    tokens = (await api.client.post("/api/v1/auth/refresh", json=body, headers=[(b"User-Agent", sent)])).json()
    again = Person(renter.id, renter.email, tokens["access_token"], tokens["refresh_token"])
    assert (await current(api, again))["user_agent"] == kept


async def test_signing_in_ends_the_oldest_session_where_there_are_too_many(
    api: Api, renter: Person, other_renter: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "MOST_SESSIONS", 3)
    gone = await sign_in(api, renter, "gone")
    await api.post("/auth/logout", gone, refresh_token=gone.refresh_token)
    second, third, fourth = [await sign_in(api, renter, program) for program in ("second", "third", "fourth")]
    assert not await is_signed_in(api, renter)
    assert not await may_refresh(api, renter)
    for who in (second, third, fourth, other_renter):
        assert await is_signed_in(api, who)


async def test_i_end_one_of_my_sessions_its_access_token_included(api: Api, renter: Person) -> None:
    phone, laptop = await sign_in(api, renter, "phone"), await sign_in(api, renter, "laptop")
    ended = (await current(api, phone))["id"]
    assert (await api.delete(f"/users/me/sessions/{ended}", renter))["message"]
    assert not await is_signed_in(api, phone)
    assert not await may_refresh(api, phone)
    assert await is_signed_in(api, laptop)
    assert await is_signed_in(api, renter)
    await api.delete(f"/users/me/sessions/{ended}", renter, expect=404)


async def test_i_may_end_the_session_that_i_ask_from(api: Api, renter: Person) -> None:
    await api.delete(f"/users/me/sessions/{(await current(api, renter))['id']}", renter)
    assert not await is_signed_in(api, renter)


async def test_nobody_ends_a_session_of_somebody_else(api: Api, renter: Person, other_renter: Person) -> None:
    theirs = (await current(api, other_renter))["id"]
    refusal = await api.delete(f"/users/me/sessions/{theirs}", renter, expect=404)
    assert refusal == await api.delete(f"/users/me/sessions/{NOWHERE}", renter, expect=404)
    assert await is_signed_in(api, other_renter)


async def test_i_end_all_my_sessions_but_the_one_that_i_ask_from(
    api: Api, renter: Person, other_renter: Person
) -> None:
    phone = await sign_in(api, renter, "phone")
    assert (await api.delete("/users/me/sessions", renter))["message"]
    assert not await is_signed_in(api, phone)
    assert not await may_refresh(api, phone)
    assert await is_signed_in(api, renter)
    assert await is_signed_in(api, other_renter)
    assert [each["is_current"] for each in await api.get("/users/me/sessions", renter)] == [True]


async def test_a_deleted_account_leaves_no_address_and_no_program(
    api: Api, renter: Person, session: AsyncSession
) -> None:
    await sign_in(api, renter, "phone")
    await api.delete("/users/me", renter)
    for table in ("sessions", "one_time_tokens"):
        assert await session.scalar(text(f"SELECT count(*) FROM {table}")) == 0


AGES = {
    "over for long": (31, None),
    "over": (29, None),
    "ended for long": (-14, 31),
    "ended": (-14, 29),
    "on": (-14, None),
}
"""Sessions by how many days ago they expire and were ended."""


@pytest.fixture
async def ages(api: Api, renter: Person, session: AsyncSession) -> None:
    """Sessions of every age and one-time tokens that expired 25 and 23 hours ago, by the database's clock."""
    await api.post("/users/me/verify-email", renter)
    await session.execute(text("DELETE FROM sessions"))
    await session.execute(
        text("""
            INSERT INTO sessions (user_id, token_id, user_agent, expires_at, ended_at)
            VALUES (:user, uuidv7(), :name, now() - :expired * interval '1 day', now() - :ended * interval '1 day')
        """),
        [
            {"user": renter.id, "name": name, "expired": expired, "ended": ended}
            for name, (expired, ended) in AGES.items()
        ],
    )
    await session.execute(
        text("""
            UPDATE one_time_tokens SET expires_at = now() - hours * interval '1 hour'
            FROM (SELECT id, 21 + 2 * row_number() OVER (ORDER BY id) AS hours FROM one_time_tokens) AS old
            WHERE old.id = one_time_tokens.id
        """)
    )


async def names(session: AsyncSession) -> set[str]:
    """Of the sessions that are there."""
    return set(await session.scalars(text("SELECT user_agent FROM sessions")))


@pytest.mark.usefixtures("ages")
async def test_what_is_long_over_is_purged_in_batches(database: Database, session: AsyncSession) -> None:
    purged = []
    for _ in range(3):
        async with database.transaction() as own:
            purged.append(await service.purge(own, 2))
    assert purged == [2, 1, 0], "two sessions, and a token"
    assert await names(session) == {"over", "ended", "on"}
    assert await session.scalar(text("SELECT count(*) FROM one_time_tokens")) == 1


@pytest.mark.usefixtures("ages")
async def test_a_purge_passes_over_what_somebody_else_has_locked(database: Database, session: AsyncSession) -> None:
    async with database.transaction() as holding, database.transaction() as own:
        await holding.execute(text("SELECT FROM sessions WHERE user_agent = 'over for long' FOR UPDATE"))
        assert await service.purge(own, 100) == 2
    assert await names(session) == {"over for long", "over", "ended", "on"}
