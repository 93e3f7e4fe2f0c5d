"""Who asks about an account does not learn whether there is one: neither by the answer, nor by the work behind it."""

from typing import Any

import httpx
import pytest
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.accounts import passwords
from parkingspots.settings import Settings
from product import PASSWORD, Api, Clock, running
from statements import statements

KINDS = ("known", "unknown", "disabled", "deleted")
WRONG = "wrong horse"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
Answer = tuple[int, bytes, set[str]]


@pytest.fixture
async def emails(api: Api, session: AsyncSession) -> dict[str, str]:
    """One of each kind; that of a deleted account is the one that it keeps."""
    known, disabled, deleted = [await api.person(name) for name in ("known", "disabled", "deleted")]
    await session.execute(text("UPDATE users SET is_active = false WHERE id = :id"), {"id": disabled.id})
    await api.delete("/users/me", deleted)
    return {
        "known": known.email,
        "unknown": "nobody@example.com",
        "disabled": disabled.email,
        "deleted": f"{deleted.id}@deleted.invalid",
    }


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The parameters of every hash that was computed."""
    done: list[str] = []
    verify, hash_anew = passwords.HASHER.verify_and_update, passwords.HASHER.hash

    def verified(password: str, stored: str) -> tuple[bool, str | None]:
        answer = verify(password, stored)
        done.append(parameters(stored))
        return answer

    def hashed_anew(password: str) -> str:
        stored = hash_anew(password)
        done.append(parameters(stored))
        return stored

    passwords._dummy()  # is there once a process has seen its first unknown e-mail
    monkeypatch.setattr(passwords.HASHER, "verify_and_update", verified)
    monkeypatch.setattr(passwords.HASHER, "hash", hashed_anew)
    return done


def parameters(stored: str) -> str:
    return stored.rsplit("$", 2)[0]


def shown(answer: httpx.Response) -> Answer:
    return answer.status_code, answer.content, set(answer.headers)


async def log_in(api: Api, email: str, password: str = WRONG) -> Answer:
    return shown(await api.client.post("/api/v1/auth/login", json={"email": email, "password": password}))


async def log_in_by_form(api: Api, email: str) -> Answer:
    form: dict[str, Any] = {"data": {"username": email, "password": WRONG}, "headers": FORM}
    return shown(await api.client.post("/api/v1/auth/login", **form))


async def test_a_wrong_password_is_answered_alike_whosever_the_account_is(api: Api, emails: dict[str, str]) -> None:
    answers = [await way(api, emails[kind]) for kind in KINDS for way in (log_in, log_in_by_form)]
    assert {status for status, _, _ in answers} == {401}
    assert len({body for _, body, _ in answers}) == 1
    assert len({frozenset(names) for _, _, names in answers}) == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_a_wrong_password_costs_one_hash_and_one_look_whosever_the_account_is(
    api: Api, emails: dict[str, str], hashed: list[str], kind: str
) -> None:
    with statements() as sent:
        assert (await log_in(api, emails[kind]))[0] == 401
    assert hashed == [parameters(passwords._dummy())]
    assert len(sent) == 1


async def test_the_product_hashes_with_the_parameters_of_which_owasp_says_that_they_are_the_least(
    password_hasher: Any,
) -> None:
    assert parameters(password_hasher.hash(PASSWORD)) == "$argon2id$v=19$m=19456,t=2,p=1"


async def test_a_locked_account_is_answered_alike_whosever_it_is_and_nothing_is_hashed(
    settings: Settings, clock: Clock, emails: dict[str, str], hashed: list[str]
) -> None:
    async with Redis.from_url(settings.cache_url) as valkey:
        await valkey.flushdb()
    few = {"rate_limits_enabled": True, "rate_limit_logins": "1 per hour"}
    async with running(settings.model_copy(update=few), clock) as limited:
        for kind in KINDS:
            assert (await log_in(limited, emails[kind]))[0] == 401
        hashed.clear()
        answers = [await log_in(limited, emails[kind], password) for kind in KINDS for password in (WRONG, PASSWORD)]
    assert {status for status, _, _ in answers} == {429}
    assert len({frozenset(names) for _, _, names in answers}) == 1
    assert not hashed


async def test_registering_hashes_once_whether_the_email_is_taken_or_not(
    api: Api, emails: dict[str, str], hashed: list[str]
) -> None:
    """That it is taken is told by 409: whoever wants to know has so many tries an hour."""
    for email, status in ((emails["known"], 409), (emails["disabled"], 409), (emails["unknown"], 201)):
        hashed.clear()
        await api.post("/auth/register", expect=status, email=email, password=PASSWORD, full_name="Maria")
        assert len(hashed) == 1


async def test_a_forgotten_password_is_answered_alike_after_the_same_work_whosever_it_is(
    api: Api, emails: dict[str, str]
) -> None:
    """What differs, the letter, comes behind the answer. Nobody can write to a deleted account's e-mail."""
    answers: list[tuple[int, bytes]] = []
    before: list[int] = []
    for kind in ("known", "unknown", "disabled"):
        with statements() as sent, pytest.MonkeyPatch.context() as patch:
            patch.setattr(api.app.state.database, "transaction", _sees_what_was_sent(api, sent, before))
            answer = await api.client.post("/api/v1/auth/forgot-password", json={"email": emails[kind]})
        answers.append((answer.status_code, answer.content))
    assert len(set(answers)) == 1
    assert answers[0][0] == 200
    assert before == [1] * len(answers)
    assert [letter.to for letter in api.outbox.letters if "password" in letter.subject] == [emails["known"]]


def _sees_what_was_sent(api: Api, sent: list[str], before: list[int]) -> Any:
    """The database's transactions, the first of which a letter begins with."""
    transaction = api.app.state.database.transaction

    def seen() -> Any:
        before.append(len(sent))
        return transaction()

    return seen
