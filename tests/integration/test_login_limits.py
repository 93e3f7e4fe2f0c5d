"""Failed logins come to an end, and nobody can lock another out by them."""

import asyncio
import sys
import unicodedata
from collections.abc import AsyncIterator

import httpx
import pytest
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.accounts import passwords
from parkingspots.accounts.rules import one_spelling
from parkingspots.settings import Settings
from product import PASSWORD, Api, Clock, Person, running
from signed_in import refreshed

HOME, OFFICE, ATTACKER = "203.0.113.7", "203.0.113.8", "198.51.100.9"
WRONG = "wrong horse"


@pytest.fixture
async def limited(settings: Settings, api: Api, clock: Clock) -> AsyncIterator[Api]:
    """The product behind a proxy: 3 failed logins of an account from an address, 6 of an address, 2 registrations."""
    del api  # empties the tables
    async with Redis.from_url(settings.cache_url) as valkey:
        await valkey.flushdb()
    strict = {
        "trusted_proxies": ["127.0.0.1"],
        "rate_limits_enabled": True,
        "rate_limit_logins": "3 per 15 minutes",
        "rate_limit_logins_of_address": "6 per 15 minutes",
        "rate_limit_registrations": "2 per hour",
    }
    async with running(settings.model_copy(update=strict), clock) as limited:
        limited.client.headers["X-Forwarded-For"] = HOME
        yield limited


@pytest.fixture
async def renter(limited: Api) -> Person:
    """Somebody who has signed in at home."""
    return await limited.person("renter")


async def log_in(api: Api, email: str, password: str, address: str) -> httpx.Response:
    body, headers = {"email": email, "password": password}, {"X-Forwarded-For": address}
    return await api.client.post("/api/v1/auth/login", json=body, headers=headers)


async def statuses(api: Api, email: str, password: str, *addresses: str) -> list[int]:
    """Of logins one after the other."""
    return [(await log_in(api, email, password, address)).status_code for address in addresses]


async def test_after_too_many_wrong_passwords_even_the_right_one_has_to_wait(limited: Api, renter: Person) -> None:
    assert await statuses(limited, renter.email, WRONG, *[HOME] * 4) == [401, 401, 401, 429]
    refusal = await log_in(limited, renter.email, PASSWORD, HOME)
    assert refusal.status_code == 429
    assert 0 < int(refusal.headers["retry-after"]) <= 15 * 60
    assert refusal.headers["ratelimit-policy"] == '"failed-logins";q=3;w=900'
    assert refusal.headers["content-type"] == "application/problem+json"
    assert renter.email not in refusal.text


async def test_what_fails_at_one_address_never_keeps_the_owner_out_at_another(limited: Api, renter: Person) -> None:
    await statuses(limited, renter.email, WRONG, *[ATTACKER] * 20)
    assert await statuses(limited, renter.email, PASSWORD, HOME, OFFICE) == [200, 200]


async def test_guesses_from_many_addresses_come_to_an_end_too(limited: Api, renter: Person) -> None:
    guessed = await statuses(limited, renter.email, WRONG, *(f"198.51.100.{number}" for number in range(8)))
    assert guessed == [401] * 6 + [429] * 2
    assert await statuses(limited, renter.email, PASSWORD, OFFICE) == [429]


async def test_guesses_from_many_addresses_do_not_keep_the_owner_out_where_they_signed_in_before(
    limited: Api, renter: Person
) -> None:
    await statuses(limited, renter.email, WRONG, *(f"198.51.100.{number}" for number in range(8)))
    assert await statuses(limited, renter.email, WRONG, HOME) == [401]
    assert await statuses(limited, renter.email, PASSWORD, HOME) == [200]


async def test_where_a_session_was_refreshed_is_not_where_its_owner_signed_in(limited: Api, renter: Person) -> None:
    """A thief's address must not become a familiar one by a stolen token."""
    await refreshed(limited, renter, **{"X-Forwarded-For": ATTACKER})
    await statuses(limited, renter.email, WRONG, *(f"198.51.100.{number}" for number in range(10, 18)))
    assert await statuses(limited, renter.email, PASSWORD, ATTACKER, HOME) == [429, 200]


async def test_one_account_under_attack_does_not_concern_another(limited: Api, renter: Person) -> None:
    other = await limited.person("other-renter")
    await statuses(limited, renter.email, WRONG, *(f"198.51.100.{number}" for number in range(8)))
    assert await statuses(limited, other.email, PASSWORD, OFFICE) == [200]


async def test_an_address_that_tries_many_accounts_is_stopped_and_no_other_is(limited: Api, renter: Person) -> None:
    tried = [await statuses(limited, f"{number}@example.com", WRONG, ATTACKER) for number in range(7)]
    assert tried == [[401]] * 6 + [[429]]
    assert await statuses(limited, renter.email, PASSWORD, ATTACKER, HOME) == [429, 200]


async def test_an_ipv6_client_cannot_choose_itself_a_new_address_for_each_guess(limited: Api, renter: Person) -> None:
    addresses = [f"2001:db8:0:1::{number}" for number in range(4)]
    assert await statuses(limited, renter.email, WRONG, *addresses) == [401, 401, 401, 429]


async def test_an_email_that_nobody_has_is_limited_and_answered_alike(limited: Api, renter: Person) -> None:
    for password in [WRONG] * 4 + [PASSWORD]:
        known = await log_in(limited, renter.email, password, OFFICE)
        unknown = await log_in(limited, "nobody@example.com", password, ATTACKER)
        assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
        assert set(known.headers) == set(unknown.headers)
        assert known.headers.get("ratelimit-policy") == unknown.headers.get("ratelimit-policy")


async def test_another_spelling_of_the_email_is_no_further_try(limited: Api, renter: Person) -> None:
    spellings = [renter.email, "RENTER@example.com", " Renter@EXAMPLE.com", "renteR@example.com"]
    assert [(await log_in(limited, each, WRONG, HOME)).status_code for each in spellings] == [401, 401, 401, 429]


async def test_right_passwords_do_not_count(limited: Api, renter: Person) -> None:
    assert await statuses(limited, renter.email, PASSWORD, *[HOME] * 8) == [200] * 8


async def test_of_a_burst_of_guesses_no_more_is_learnt_than_the_limit_allows(limited: Api, renter: Person) -> None:
    burst = await asyncio.gather(*(log_in(limited, renter.email, WRONG, ATTACKER) for _ in range(12)))
    assert sorted(answer.status_code for answer in burst) == [401] * 3 + [429] * 9
    assert await statuses(limited, renter.email, PASSWORD, OFFICE) == [200]


async def test_what_is_refused_is_not_hashed(limited: Api, renter: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    verify = passwords.verified

    async def counted(password: str, stored: str | None) -> tuple[bool, str | None]:
        hashed.append(password)
        return await verify(password, stored)

    monkeypatch.setattr(passwords, "verified", counted)
    await statuses(limited, renter.email, WRONG, *[ATTACKER] * 8)
    assert len(hashed) == 3


async def test_a_right_guess_that_was_in_flight_when_too_many_failed_is_refused(
    limited: Api, renter: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_flight, released, verify = asyncio.Event(), asyncio.Event(), passwords.verified

    async def held(password: str, stored: str | None) -> tuple[bool, str | None]:
        if password == PASSWORD:
            in_flight.set()
            await released.wait()
        return await verify(password, stored)

    monkeypatch.setattr(passwords, "verified", held)
    guess = asyncio.ensure_future(log_in(limited, renter.email, PASSWORD, ATTACKER))
    await in_flight.wait()
    assert await statuses(limited, renter.email, WRONG, *[ATTACKER] * 3) == [401] * 3
    released.set()
    assert (await guess).status_code == 429


async def test_a_wrong_current_password_counts_like_a_failed_login(limited: Api, renter: Person) -> None:
    wrong = {"current_password": WRONG, "new_password": "battery staple"}
    right = wrong | {"current_password": PASSWORD}
    headers = renter.headers | {"X-Forwarded-For": OFFICE}
    answers = [
        (await limited.client.post("/api/v1/users/me/change-password", json=body, headers=headers)).status_code
        for body in [wrong] * 4 + [right]
    ]
    assert answers == [400, 400, 400, 429, 429]
    assert await statuses(limited, renter.email, PASSWORD, OFFICE, HOME) == [429, 200]


async def test_an_address_opens_only_so_many_accounts(limited: Api, renter: Person) -> None:
    async def register(name: str, address: str, **details: str) -> int:
        account = {"email": f"{name}@example.com", "password": PASSWORD, "full_name": name} | details
        headers = {"X-Forwarded-For": address}
        return (await limited.client.post("/api/v1/auth/register", json=account, headers=headers)).status_code

    assert renter.email  # is the first
    assert await register("a", HOME, password="short") == 422
    assert [await register(name, HOME) for name in "abc"] == [201, 429, 429]
    assert await register("b", OFFICE) == 201


async def test_spellings_that_the_database_takes_for_one_are_one(session: AsyncSession) -> None:
    letters = [chr(code) for code in range(0x80, sys.maxunicode) if unicodedata.category(chr(code))[0] == "L"]
    query = text("SELECT lower(letter COLLATE pg_c_utf8) FROM unnest(CAST(:letters AS text[])) AS letter")
    lowered = (await session.scalars(query, {"letters": letters})).all()
    apart = [
        letter for letter, lower in zip(letters, lowered, strict=True) if one_spelling(letter) != one_spelling(lower)
    ]
    assert not apart
