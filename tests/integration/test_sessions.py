"""Signing in, staying signed in, and being signed out."""

import asyncio

import pytest
from argon2 import PasswordHasher
from pwdlib import PasswordHash
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.accounts import passwords
from parkingspots.settings import DEFAULT_SECRET_KEY, Settings
from product import PASSWORD, Api, Clock, Person, running
from signed_in import is_signed_in, may_refresh, refreshed


async def test_json_and_the_oauth2_form_both_sign_in(api: Api, renter: Person) -> None:
    by_json = await api.post("/auth/login", email=renter.email, password=PASSWORD)
    form = {"grant_type": "password", "username": renter.email, "password": PASSWORD}
    by_form = (await api.request("POST", "/auth/login", data=form)).json()
    for tokens in (by_json, by_form):
        assert set(tokens) == {"access_token", "refresh_token", "token_type"}
        assert tokens["token_type"] == "bearer"
        assert await is_signed_in(api, Person(renter.id, renter.email, **_pair(tokens)))


def _pair(tokens: dict[str, str]) -> dict[str, str]:
    return {name: tokens[name] for name in ("access_token", "refresh_token")}


async def test_a_multipart_form_signs_in_too(api: Api, renter: Person) -> None:
    form = {"username": (None, renter.email), "password": (None, PASSWORD)}
    await api.request("POST", "/auth/login", files=form)


async def test_the_email_of_a_login_may_be_in_any_case(api: Api, renter: Person) -> None:
    await api.sign_in(renter.id, renter.email.upper())


async def test_a_wrong_password_and_an_unknown_email_are_answered_alike(api: Api, renter: Person) -> None:
    wrong = await api.request(
        "POST", "/auth/login", expect=401, json={"email": renter.email, "password": "wrong horse"}
    )
    unknown = await api.request(
        "POST", "/auth/login", expect=401, json={"email": "nobody@example.com", "password": PASSWORD}
    )
    assert wrong.content == unknown.content
    assert wrong.headers["www-authenticate"] == unknown.headers["www-authenticate"] == "Bearer"


async def test_a_disabled_account_is_told_so_only_with_its_password(
    api: Api, renter: Person, session: AsyncSession
) -> None:
    await session.execute(text("UPDATE users SET is_active = false"))
    await api.post("/auth/login", expect=403, email=renter.email, password=PASSWORD)
    await api.post("/auth/login", expect=401, email=renter.email, password="wrong horse")


async def test_disabling_an_account_ends_its_sessions_at_once(api: Api, renter: Person, session: AsyncSession) -> None:
    await session.execute(text("UPDATE users SET is_active = false"))
    assert not await is_signed_in(api, renter)
    assert not await may_refresh(api, renter)


async def test_an_unknown_email_costs_as_much_as_a_wrong_password(
    api: Api, renter: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes: list[str] = []
    verify = passwords.HASHER.verify_and_update

    def counted(password: str, stored: str) -> tuple[bool, str | None]:
        hashes.append(stored)
        return verify(password, stored)

    monkeypatch.setattr(passwords.HASHER, "verify_and_update", counted)
    await api.post("/auth/login", expect=401, email=renter.email, password="wrong horse")
    await api.post("/auth/login", expect=401, email="nobody@example.com", password="wrong horse")
    known, unknown = (stored.rsplit("$", 2)[0] for stored in hashes)
    assert known == unknown


async def test_a_login_renews_a_hash_of_weaker_parameters(
    api: Api,
    renter: Person,
    session: AsyncSession,
    password_hasher: PasswordHash,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(passwords, "HASHER", password_hasher)
    old = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    await session.execute(text("UPDATE users SET password_hash = :old"), {"old": old})
    await api.sign_in(renter.id, renter.email)
    renewed = await session.scalar(text("SELECT password_hash FROM users"))
    assert renewed is not None
    assert renewed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    await api.sign_in(renter.id, renter.email)
    assert await session.scalar(text("SELECT password_hash FROM users")) == renewed


async def test_a_wrong_password_renews_no_hash(api: Api, renter: Person, session: AsyncSession) -> None:
    old = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    await session.execute(text("UPDATE users SET password_hash = :old"), {"old": old})
    await api.post("/auth/login", expect=401, email=renter.email, password="wrong horse")
    assert await session.scalar(text("SELECT password_hash FROM users")) == old


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Bearer x.y.z", "Basic bWFyaWE6aG9yc2U=", "Bearer \xff", f"Bearer {'x' * 5000}"],
)
async def test_without_a_good_token_nobody_is_signed_in(api: Api, header: str | None) -> None:
    headers = [] if header is None else [(b"Authorization", header.encode("latin-1"))]
    answer = await api.client.get("/api/v1/users/me", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"


async def test_tokens_are_good_for_one_use_only(api: Api, renter: Person) -> None:
    swapped = Person(renter.id, renter.email, renter.refresh_token, renter.access_token)
    assert not await is_signed_in(api, swapped)
    assert not await may_refresh(api, swapped)
    assert await is_signed_in(api, renter)


async def test_an_access_token_lasts_thirty_minutes(api: Api, renter: Person, clock: Clock) -> None:
    clock.pass_by(minutes=29, seconds=59)
    assert await is_signed_in(api, renter)
    clock.pass_by(seconds=1)
    assert not await is_signed_in(api, renter)


async def test_a_refresh_token_lasts_fourteen_days(api: Api, renter: Person, clock: Clock) -> None:
    clock.pass_by(days=14, seconds=-1)
    again = await refreshed(api, renter)
    assert await is_signed_in(api, again)
    clock.pass_by(days=14)
    assert not await may_refresh(api, again)


async def test_signing_out_ends_the_session_and_no_other(api: Api, renter: Person) -> None:
    elsewhere = await api.sign_in(renter.id, renter.email)
    assert (await api.post("/auth/logout", renter, refresh_token=renter.refresh_token))["message"]
    assert not await is_signed_in(api, renter)
    assert not await may_refresh(api, renter)
    assert await is_signed_in(api, elsewhere)


async def test_signing_out_with_a_token_that_is_not_mine_answers_alike_and_does_nothing(
    api: Api, renter: Person, other_renter: Person
) -> None:
    for token in (other_renter.refresh_token, renter.access_token, "x.y.z", ""):
        assert (await api.post("/auth/logout", renter, refresh_token=token))["message"] == "You are signed out."
    assert await is_signed_in(api, other_renter)
    assert await is_signed_in(api, renter)


async def test_signing_out_takes_somebody_signed_in(api: Api, renter: Person) -> None:
    await api.post("/auth/logout", expect=401, refresh_token=renter.refresh_token)
    assert await is_signed_in(api, renter)


async def test_a_password_change_ends_all_sessions_but_the_one_that_made_it(api: Api, renter: Person) -> None:
    elsewhere = await api.sign_in(renter.id, renter.email)
    await api.post("/users/me/change-password", renter, current_password=PASSWORD, new_password="battery staple")
    assert await is_signed_in(api, renter)
    assert await may_refresh(api, renter)
    assert not await is_signed_in(api, elsewhere)
    assert not await may_refresh(api, elsewhere)
    await api.post("/auth/login", expect=401, email=renter.email, password=PASSWORD)
    await api.sign_in(renter.id, renter.email, "battery staple")


async def test_a_password_change_ends_nobody_elses_session(api: Api, renter: Person, owner: Person) -> None:
    await api.post("/users/me/change-password", renter, current_password=PASSWORD, new_password="battery staple")
    assert await is_signed_in(api, owner)


async def test_a_wrong_current_password_is_400_and_changes_nothing(api: Api, renter: Person) -> None:
    elsewhere = await api.sign_in(renter.id, renter.email)
    change = {"current_password": "wrong horse", "new_password": "battery staple"}
    await api.request("POST", "/users/me/change-password", renter, expect=400, json=change)
    assert await is_signed_in(api, elsewhere)
    await api.sign_in(renter.id, renter.email)


async def test_of_two_password_changes_at_once_one_wins(api: Api, renter: Person) -> None:
    elsewhere = await api.sign_in(renter.id, renter.email)
    answers = await asyncio.gather(
        *(
            api.client.post(
                "/api/v1/users/me/change-password",
                json={"current_password": PASSWORD, "new_password": f"battery staple {index}"},
                headers=who.headers,
            )
            for index, who in enumerate((renter, elsewhere))
        )
    )
    assert sorted(answer.status_code for answer in answers) in ([200, 400], [200, 401])


async def test_a_short_new_password_is_refused_without_being_repeated(api: Api, renter: Person) -> None:
    change = {"current_password": PASSWORD, "new_password": "staple"}
    refusal = (await api.request("POST", "/users/me/change-password", renter, expect=422, json=change)).json()
    assert [error["pointer"] for error in refusal["errors"]] == ["/new_password"]
    assert "staple" not in str(refusal)


async def test_leaving_ends_every_session(api: Api, renter: Person) -> None:
    elsewhere = await api.sign_in(renter.id, renter.email)
    await api.delete("/users/me", renter)
    assert not await is_signed_in(api, elsewhere)
    assert not await may_refresh(api, elsewhere)


async def test_tokens_outlive_a_rotation_of_the_key_while_the_old_one_is_kept(
    api: Api, renter: Person, settings: Settings
) -> None:
    new, old = SecretStr("n" * 32), SecretStr(DEFAULT_SECRET_KEY)
    kept = settings.model_copy(update={"secret_key": new, "secret_key_previous": old})
    async with running(kept, api.clock) as rotated:
        assert await is_signed_in(rotated, renter)
        again = await refreshed(rotated, renter)
        assert not await is_signed_in(api, again)
    async with running(settings.model_copy(update={"secret_key": new}), api.clock) as forgotten:
        assert not await is_signed_in(forgotten, renter)
        assert await is_signed_in(forgotten, again)


async def test_lifetimes_are_a_matter_of_configuration(renter: Person, settings: Settings, clock: Clock) -> None:
    brief = settings.model_copy(update={"access_token_minutes": 1, "refresh_token_days": 1})
    async with running(brief, clock) as other:
        who = await other.sign_in(renter.id, renter.email)
        clock.pass_by(minutes=1)
        assert not await is_signed_in(other, who)
        again = await refreshed(other, who)
        clock.pass_by(days=1)
        assert not await may_refresh(other, again)
