"""Tokens that come by mail: a new password, and proof that an e-mail is one's own."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI
from redis.asyncio import Redis
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.testing import capture_logs

from parkingspots.kit.mail import Letter
from parkingspots.settings import Settings
from product import PASSWORD, Api, Clock, Person, running
from signed_in import is_signed_in, may_refresh

NEW = "battery staple"
GREEK = {"Accept-Language": "el-GR,el;q=0.9,en;q=0.8"}


def token_in(letter: Letter) -> str:
    """The token, which stands alone on a line."""
    (token,) = re.findall(r"^[\w-]{43}$", letter.text, re.MULTILINE)
    return str(token)


def letters(api: Api, subject: str) -> list[Letter]:
    return [each for each in api.outbox.letters if each.subject == subject]


def resets(api: Api) -> list[Letter]:
    return letters(api, "Choose a new password")


def verifications(api: Api) -> list[Letter]:
    return letters(api, "Verify your e-mail")


async def forgotten(api: Api, who: Person) -> str:
    """The token that came by mail after `who` has asked for a new password."""
    await api.post("/auth/forgot-password", email=who.email)
    letter = resets(api)[-1]
    assert letter.to == who.email
    return token_in(letter)


async def reset(api: Api, token: str, *, expect: int = 200, password: str = NEW) -> Any:
    return await api.post("/auth/reset-password", expect=expect, token=token, new_password=password)


async def is_verified(api: Api, who: Person) -> bool:
    return bool((await api.get("/users/me", who))["is_verified"])


async def test_who_forgot_the_password_chooses_another_by_mail(api: Api, renter: Person) -> None:
    token = await forgotten(api, renter)
    assert (await reset(api, token))["message"]
    await api.sign_in(renter.id, renter.email, NEW)
    await api.post("/auth/login", expect=401, email=renter.email, password=PASSWORD)


async def test_the_letter_links_to_the_web_client(api: Api, renter: Person) -> None:
    token = await forgotten(api, renter)
    assert f"\nhttp://127.0.0.1:3000/reset-password?token={token}\n" in resets(api)[0].text
    verification = verifications(api)[0]
    assert f"\nhttp://127.0.0.1:3000/verify-email?token={token_in(verification)}\n" in verification.text


async def test_a_reset_ends_every_session(api: Api, renter: Person, other_renter: Person) -> None:
    elsewhere = await api.sign_in(renter.id, renter.email)
    await reset(api, await forgotten(api, renter))
    for who in (renter, elsewhere):
        assert not await is_signed_in(api, who)
        assert not await may_refresh(api, who)
    assert await is_signed_in(api, other_renter)


async def test_a_reset_token_is_good_once(api: Api, renter: Person) -> None:
    token = await forgotten(api, renter)
    await reset(api, token)
    refusal = await reset(api, token, expect=400, password="another staple")
    assert "Ask for a new letter" in refusal["detail"]
    await api.sign_in(renter.id, renter.email, NEW)


async def test_of_many_resets_with_one_token_at_once_one_wins(api: Api, renter: Person) -> None:
    token = await forgotten(api, renter)
    bodies = [{"token": token, "new_password": f"staple number {number}"} for number in range(4)]
    answers = await asyncio.gather(*(api.client.post("/api/v1/auth/reset-password", json=body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]
    (winner,) = [
        body["new_password"] for body, answer in zip(bodies, answers, strict=True) if answer.status_code == 200
    ]
    await api.sign_in(renter.id, renter.email, winner)


async def test_a_reset_uses_up_every_other_letter_that_was_asked_for(
    api: Api, renter: Person, other_renter: Person
) -> None:
    first, second, theirs = [await forgotten(api, who) for who in (renter, renter, other_renter)]
    await reset(api, second)
    await reset(api, first, expect=400)
    await reset(api, theirs)


async def test_a_reset_token_lasts_an_hour(api: Api, renter: Person, clock: Clock) -> None:
    token = await forgotten(api, renter)
    clock.pass_by(hours=1)
    await reset(api, token, expect=400)
    late = await forgotten(api, renter)
    clock.pass_by(minutes=59, seconds=59)
    await reset(api, late)


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "x" * 4096, "ω"])
async def test_a_token_that_nobody_was_sent_is_400(api: Api, renter: Person, token: str) -> None:
    await reset(api, token, expect=400)
    await api.post("/auth/verify-email", expect=400, token=token)
    await api.sign_in(renter.id, renter.email)


async def test_a_short_new_password_does_not_use_the_token_up(api: Api, renter: Person) -> None:
    token = await forgotten(api, renter)
    refusal = await reset(api, token, expect=422, password="staple")
    assert [error["pointer"] for error in refusal["errors"]] == ["/new_password"]
    await reset(api, token)


async def test_each_token_is_good_for_its_purpose_only(api: Api, renter: Person) -> None:
    await reset(api, token_in(verifications(api)[0]), expect=400)
    token = await forgotten(api, renter)
    await api.post("/auth/verify-email", expect=400, token=token)
    await reset(api, token)


async def test_only_the_digest_of_a_token_is_kept(api: Api, renter: Person, session: AsyncSession) -> None:
    token = await forgotten(api, renter)
    rows = (await session.execute(text("SELECT * FROM one_time_tokens WHERE purpose = 'reset'"))).mappings().all()
    assert [row["digest"] for row in rows] == [hashlib.sha256(token.encode()).digest()]
    assert token not in str(rows)


async def test_known_and_unknown_emails_are_answered_alike_and_the_unknown_get_no_letter(
    api: Api, renter: Person
) -> None:
    known, unknown = [
        await api.request("POST", "/auth/forgot-password", json={"email": email})
        for email in (renter.email, "nobody@example.com")
    ]
    assert known.content == unknown.content
    assert {**known.headers, "x-request-id": ""} == {**unknown.headers, "x-request-id": ""}
    assert [letter.to for letter in resets(api)] == [renter.email]


@pytest.mark.parametrize("email", ["renter@example.com", "nobody@example.com"])
async def test_the_answer_waits_for_neither_the_look_for_the_account_nor_the_letter(
    app: FastAPI, api: Api, renter: Person, monkeypatch: pytest.MonkeyPatch, email: str
) -> None:
    """So that its time does not tell who has an account: it waits for one look that has nothing to do with any."""
    del renter
    order: list[str] = []
    database = app.state.database
    transaction = database.transaction

    def asked(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        order.append(statement)

    def written() -> Any:
        event.remove(database.engine.sync_engine, "before_cursor_execute", asked)
        order.append("transaction")
        return transaction()

    async def answered(message: dict[str, Any]) -> None:
        order.append(message["type"])

    async def received() -> dict[str, Any]:
        return {"type": "http.request", "body": f'{{"email": "{email}"}}'.encode()}

    event.listen(database.engine.sync_engine, "before_cursor_execute", asked)
    monkeypatch.setattr(database, "transaction", written)
    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/api/v1/auth/forgot-password", "headers": headers}
    await app(scope | {"query_string": b"", "client": ("127.0.0.1", 1)}, received, answered)  # type: ignore[arg-type]
    assert order == ["SELECT 1", "http.response.start", "http.response.body", "transaction"]
    assert len(resets(api)) == (email == "renter@example.com")


async def test_an_email_is_found_in_whichever_case_and_written_to_as_its_owner_writes_it(
    api: Api, renter: Person
) -> None:
    await api.post("/auth/forgot-password", email=renter.email.upper())
    assert [letter.to for letter in resets(api)] == [renter.email]


async def test_disabled_and_deleted_accounts_get_no_letter(
    api: Api, renter: Person, other_renter: Person, session: AsyncSession
) -> None:
    await api.delete("/users/me", other_renter)
    await session.execute(text("UPDATE users SET is_active = false WHERE id = :id"), {"id": renter.id})
    for who in (renter, other_renter):
        await api.post("/auth/forgot-password", email=who.email)
    assert not resets(api)


async def test_a_disabled_account_is_not_reset_with_a_letter_from_before(
    api: Api, renter: Person, session: AsyncSession
) -> None:
    token = await forgotten(api, renter)
    await session.execute(text("UPDATE users SET is_active = false"))
    await reset(api, token, expect=400)
    await api.post("/auth/login", expect=401, email=renter.email, password=NEW)


async def test_what_is_no_email_is_named(api: Api) -> None:
    refusal = await api.post("/auth/forgot-password", expect=422, email="nobody")
    assert [error["pointer"] for error in refusal["errors"]] == ["/email"]


@pytest.mark.parametrize("error", [ConnectionRefusedError("no database"), ValueError("renter@example.com")])
async def test_a_letter_that_cannot_be_written_is_logged_without_the_address_and_nobody_waits_for_it(
    app: FastAPI, api: Api, renter: Person, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def away() -> None:
        raise error

    monkeypatch.setattr(app.state.database, "transaction", away)
    with capture_logs() as logs:
        assert (await api.post("/auth/forgot-password", email=renter.email))["message"]
    assert not resets(api)
    assert [entry["event"] for entry in logs if entry["event"] != "request"] == ["letter not written"]
    assert renter.email not in str(logs)


async def test_a_reset_by_mail_proves_the_email(api: Api, renter: Person) -> None:
    await reset(api, await forgotten(api, renter))
    assert await is_verified(api, await api.sign_in(renter.id, renter.email, NEW))


async def test_who_registers_verifies_the_email_by_the_letter(api: Api, renter: Person) -> None:
    assert not await is_verified(api, renter)
    (letter,) = verifications(api)
    assert letter.to == renter.email
    assert (await api.post("/auth/verify-email", token=token_in(letter)))["message"]
    assert await is_verified(api, renter)
    await api.post("/auth/verify-email", expect=400, token=token_in(letter))


async def test_nobody_is_written_to_where_the_email_was_taken(api: Api, renter: Person) -> None:
    again = {"email": renter.email, "password": PASSWORD, "full_name": "Again"}
    await api.request("POST", "/auth/register", expect=409, json=again)
    assert len(api.outbox.letters) == 1


async def test_a_letter_says_nothing_that_a_stranger_chose(api: Api) -> None:
    await api.person("victim", full_name="You won! https://evil.example")
    assert "evil" not in str(api.outbox.letters)


async def test_a_verification_lasts_two_days(api: Api, renter: Person, clock: Clock) -> None:
    clock.pass_by(hours=48)
    await api.post("/auth/verify-email", expect=400, token=token_in(verifications(api)[0]))
    again = await api.sign_in(renter.id, renter.email)
    await api.post("/users/me/verify-email", again)
    clock.pass_by(hours=47)
    await api.post("/auth/verify-email", token=token_in(verifications(api)[1]))


async def test_i_ask_for_another_letter_until_i_am_verified(api: Api, renter: Person) -> None:
    assert "on its way" in (await api.post("/users/me/verify-email", renter))["message"]
    assert len(verifications(api)) == 2
    await api.post("/auth/verify-email", token=token_in(verifications(api)[1]))
    assert "already" in (await api.post("/users/me/verify-email", renter))["message"]
    assert len(verifications(api)) == 2
    await api.post("/users/me/verify-email", expect=401)


async def test_another_email_is_verified_by_a_letter_to_it(api: Api, renter: Person) -> None:
    await api.post("/auth/verify-email", token=token_in(verifications(api)[0]))
    await api.put("/users/me", renter, email="else@example.com")
    assert not await is_verified(api, renter)
    letter = verifications(api)[1]
    assert letter.to == "else@example.com"
    await api.post("/auth/verify-email", token=token_in(letter))
    assert await is_verified(api, renter)


async def test_a_changed_email_is_told_to_the_old_one_too(api: Api, renter: Person) -> None:
    await api.put("/users/me", renter, email="else@example.com")
    (notice,) = letters(api, "Your e-mail was changed")
    assert notice.to == renter.email
    assert "If it was not you" in notice.text
    assert "else@example.com" not in notice.text
    await api.request("PUT", "/users/me", renter, json={"email": "third@example.com"}, headers=GREEK)
    assert [each.to for each in letters(api, "Το e-mail σας άλλαξε")] == ["else@example.com"]  # noqa: RUF001 - Greek


async def test_a_change_of_anything_else_writes_to_nobody(api: Api, renter: Person) -> None:
    await api.put("/users/me", renter, full_name="Rena", email=renter.email)
    assert len(api.outbox.letters) == 1


async def test_a_change_of_email_that_is_refused_writes_to_nobody(api: Api, renter: Person, owner: Person) -> None:
    await api.put("/users/me", renter, expect=409, email=owner.email)
    assert sorted(letter.to for letter in api.outbox.letters) == sorted([renter.email, owner.email])


async def test_a_change_of_email_voids_what_was_sent_to_the_old_one(api: Api, renter: Person) -> None:
    token = await forgotten(api, renter)
    await api.put("/users/me", renter, email="else@example.com")
    await reset(api, token, expect=400)
    await api.post("/auth/verify-email", expect=400, token=token_in(verifications(api)[0]))
    assert not await is_verified(api, renter)


async def test_a_token_proves_only_the_address_that_it_was_sent_to(
    api: Api, renter: Person, session: AsyncSession
) -> None:
    token = await forgotten(api, renter)
    await session.execute(text("UPDATE users SET email = 'else@example.com'"))
    await api.post("/auth/verify-email", expect=400, token=token_in(verifications(api)[0]))
    await reset(api, token)
    assert not await is_verified(api, await api.sign_in(renter.id, "else@example.com", NEW))


async def test_a_password_change_voids_what_was_sent_to_reset_the_old_one(api: Api, renter: Person) -> None:
    token = await forgotten(api, renter)
    await api.post("/users/me/change-password", renter, current_password=PASSWORD, new_password=NEW)
    await reset(api, token, expect=400)
    await api.post("/auth/verify-email", token=token_in(verifications(api)[0]))


async def test_a_changed_password_is_told_to_its_owner(api: Api, renter: Person) -> None:
    await api.post("/users/me/change-password", renter, current_password=PASSWORD, new_password=NEW)
    await reset(api, await forgotten(api, renter), password="third password")
    notices = letters(api, "Your password was changed")
    assert [notice.to for notice in notices] == [renter.email] * 2
    assert "If it was not you" in notices[0].text
    assert NEW not in str(notices)


async def test_a_wrong_password_is_told_to_nobody(api: Api, renter: Person) -> None:
    wrong = {"current_password": "wrong horse", "new_password": NEW}
    await api.request("POST", "/users/me/change-password", renter, expect=400, json=wrong)
    assert not letters(api, "Your password was changed")


async def test_letters_are_in_the_language_of_whoever_asks(api: Api, renter: Person) -> None:
    await api.request("POST", "/auth/forgot-password", json={"email": renter.email}, headers=GREEK)
    token = token_in(letters(api, "Επιλέξτε νέο κωδικό πρόσβασης")[0])
    body = {"token": token, "new_password": NEW}
    await api.request("POST", "/auth/reset-password", json=body, headers=GREEK)
    assert letters(api, "Ο κωδικός πρόσβασής σας άλλαξε")  # noqa: RUF001 - Greek
    account = {"email": "eleni@example.com", "password": PASSWORD, "full_name": "Ελένη"}
    await api.request("POST", "/auth/register", expect=201, json=account, headers=GREEK)
    await api.post("/auth/verify-email", token=token_in(letters(api, "Επιβεβαιώστε το e-mail σας")[0]))


@pytest.fixture
async def limited(settings: Settings, api: Api, clock: Clock) -> AsyncIterator[Api]:
    """The product that sends two letters an account an hour."""
    del api  # empties the tables
    async with Redis.from_url(settings.cache_url) as valkey:
        await valkey.flushdb()
    few = {"rate_limits_enabled": True, "rate_limit_resets": "2 per hour"}
    async with running(settings.model_copy(update=few), clock) as limited:
        yield limited


async def test_an_email_gets_only_so_many_reset_letters_whether_somebody_has_it_or_not(limited: Api) -> None:
    renter = await limited.person("renter")
    for spellings in ((renter.email, "RENTER@example.com", "Renter@Example.com"), ("nobody@example.com",) * 3):
        first, second, third = spellings
        await limited.post("/auth/forgot-password", email=first)
        await limited.post("/auth/forgot-password", email=second)
        await limited.post("/auth/forgot-password", expect=429, email=third)
    assert len(resets(limited)) == 2


async def test_an_address_asks_for_only_so_many_letters_to_whomever(settings: Settings, limited: Api) -> None:
    few = {"rate_limits_enabled": True, "rate_limit_logins_of_address": "3 per hour"}
    async with running(settings.model_copy(update=few), limited.clock) as strict:
        for number in range(3):
            await strict.post("/auth/forgot-password", email=f"{number}@example.com")
        await strict.post("/auth/forgot-password", expect=429, email="4@example.com")
        await strict.person("renter")  # signs in: letters and failed logins are counted apart


async def test_an_account_sends_only_so_many_verifications_to_whichever_email(limited: Api) -> None:
    renter = await limited.person("renter")
    await limited.post("/users/me/verify-email", renter)
    await limited.put("/users/me", renter, email="victim1@example.com")
    await limited.put("/users/me", renter, expect=429, email="victim2@example.com")
    await limited.post("/users/me/verify-email", renter, expect=429)
    await limited.put("/users/me", renter, full_name="Rena")
    assert len(verifications(limited)) == 3
