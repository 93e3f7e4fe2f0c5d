"""Refresh tokens: each is good once, a repeat is forgiven, and a stolen one ends its session."""

import asyncio
from collections.abc import AsyncIterator

import jwt
import pytest

from parkingspots.settings import Settings
from product import Api, Clock, Person, running
from signed_in import is_signed_in, may_refresh, refreshed

HOME, ELSEWHERE = "203.0.113.7", "198.51.100.9"


@pytest.fixture
async def proxied(settings: Settings, api: Api, clock: Clock) -> AsyncIterator[Api]:
    """The product behind a proxy that says where its clients are."""
    del api  # empties the tables
    async with running(settings.model_copy(update={"trusted_proxies": ["127.0.0.1"]}), clock) as proxied:
        yield proxied


def name(who: Person) -> str:
    """What a refresh token is known by."""
    claims: dict[str, str] = jwt.decode(who.refresh_token, options={"verify_signature": False})
    return claims["jti"]


async def test_refreshing_gives_new_tokens_and_spends_the_old_one(api: Api, renter: Person) -> None:
    again = await refreshed(api, renter)
    assert name(again) != name(renter)
    assert await is_signed_in(api, again)
    once_more = await refreshed(api, again)
    assert len({name(renter), name(again), name(once_more)}) == 3


async def test_a_spent_refresh_token_that_comes_back_ends_its_session_at_once(
    api: Api, renter: Person, clock: Clock
) -> None:
    elsewhere = await api.sign_in(renter.id, renter.email)
    again = await refreshed(api, renter)
    clock.pass_by(minutes=1)
    refusal = await api.request("POST", "/auth/refresh", expect=401, json={"refresh_token": renter.refresh_token})
    assert refusal.headers["www-authenticate"] == "Bearer"
    assert not await is_signed_in(api, again)
    assert not await is_signed_in(api, renter)
    assert not await may_refresh(api, again)
    assert await is_signed_in(api, elsewhere)


async def test_a_client_that_repeats_itself_within_ten_seconds_gets_the_newest_token_again(
    api: Api, renter: Person, clock: Clock
) -> None:
    again = await refreshed(api, renter)
    clock.pass_by(seconds=9.9)
    repeated = await refreshed(api, renter)
    assert name(repeated) == name(again)
    assert await is_signed_in(api, repeated)
    assert await may_refresh(api, repeated)


async def test_ten_seconds_later_it_is_theft(api: Api, renter: Person, clock: Clock) -> None:
    again = await refreshed(api, renter)
    clock.pass_by(seconds=10)
    assert not await may_refresh(api, renter)
    assert not await is_signed_in(api, again)


async def test_a_repeat_does_not_start_the_ten_seconds_anew(api: Api, renter: Person, clock: Clock) -> None:
    again = await refreshed(api, renter)
    clock.pass_by(seconds=6)
    assert await may_refresh(api, renter)
    clock.pass_by(seconds=6)
    assert not await may_refresh(api, renter)
    assert not await is_signed_in(api, again)


async def test_a_token_before_the_last_is_not_forgiven(api: Api, renter: Person) -> None:
    second = await refreshed(api, renter)
    third = await refreshed(api, second)
    assert not await may_refresh(api, renter)
    assert not await is_signed_in(api, third)


async def test_another_program_that_repeats_a_token_is_a_thief(api: Api, renter: Person) -> None:
    again = await refreshed(api, renter, **{"User-Agent": "mine"})
    assert not await may_refresh(api, renter, **{"User-Agent": "another"})
    assert not await is_signed_in(api, again)
    assert not await may_refresh(api, again, **{"User-Agent": "mine"})


async def test_a_program_without_a_name_may_repeat_itself_too(api: Api, renter: Person) -> None:
    again = await refreshed(api, renter, **{"User-Agent": ""})
    assert name(await refreshed(api, renter, **{"User-Agent": ""})) == name(again)
    assert not await may_refresh(api, renter, **{"User-Agent": "named"})


async def test_the_same_program_at_another_address_is_a_thief(proxied: Api) -> None:
    renter = await proxied.person("renter")
    again = await refreshed(proxied, renter, **{"X-Forwarded-For": HOME})
    assert name(await refreshed(proxied, renter, **{"X-Forwarded-For": HOME})) == name(again)
    assert not await may_refresh(proxied, renter, **{"X-Forwarded-For": ELSEWHERE})
    assert not await is_signed_in(proxied, again)


async def test_who_moves_keeps_the_session(proxied: Api) -> None:
    renter = await proxied.person("renter")
    at_home = await refreshed(proxied, renter, **{"X-Forwarded-For": HOME})
    on_the_road = await refreshed(proxied, at_home, **{"X-Forwarded-For": ELSEWHERE, "User-Agent": "updated"})
    assert await is_signed_in(proxied, on_the_road)


async def test_three_refreshes_of_one_client_at_once_are_one_and_the_session_goes_on(api: Api, renter: Person) -> None:
    answered = await asyncio.gather(*(refreshed(api, renter) for _ in range(3)))
    assert len({name(each) for each in answered}) == 1
    assert all([await is_signed_in(api, each) for each in answered])
    assert await may_refresh(api, answered[0])


async def test_refreshes_of_two_clients_at_once_end_the_session(api: Api, renter: Person) -> None:
    outcomes = await asyncio.gather(
        *(may_refresh(api, renter, **{"User-Agent": program}) for program in ("mine", "another"))
    )
    assert sorted(outcomes) == [False, True]
    assert not await is_signed_in(api, renter)


async def test_an_ended_session_forgives_nothing(api: Api, renter: Person) -> None:
    again = await refreshed(api, renter)
    await api.post("/auth/logout", again, refresh_token=again.refresh_token)
    assert not await may_refresh(api, renter)
    assert not await may_refresh(api, again)
