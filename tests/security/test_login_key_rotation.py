"""The key that signs tokens is replaced in three steps, old pods beside new ones, and nobody notices."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise

import pytest
from pydantic import SecretStr

from parkingspots.settings import Settings
from product import Api, Clock, Person, running
from signed_in import is_signed_in, refreshed

OLD, NEW = SecretStr("o" * 32), SecretStr("n" * 32)
Keys = tuple[SecretStr, SecretStr | None]
STEPS: list[Keys] = [(OLD, None), (OLD, NEW), (NEW, OLD), (NEW, None)]
"""SECRET_KEY and SECRET_KEY_PREVIOUS, one step after the other."""
ROLLOUTS = list(pairwise(STEPS))
names = pytest.mark.parametrize(
    ("before", "after"), ROLLOUTS, ids=["the new one is known", "it signs", "the old one is forgotten"]
)


@asynccontextmanager
async def pod(settings: Settings, clock: Clock, keys: Keys) -> AsyncIterator[Api]:
    own = {"secret_key": keys[0], "secret_key_previous": keys[1]}
    async with running(settings.model_copy(update=own), clock) as api:
        yield api


@names
async def test_while_pods_are_replaced_each_knows_the_tokens_of_the_others(
    settings: Settings, clock: Clock, api: Api, before: Keys, after: Keys
) -> None:
    del api  # empties the tables
    async with pod(settings, clock, before) as old, pod(settings, clock, after) as new:
        renters = [await each.person(name) for each, name in ((old, "one"), (new, "other"))]
        for renter in renters:
            for first, second in ((old, new), (new, old)):
                again = await refreshed(first, renter)
                again = await refreshed(second, again)
                assert await is_signed_in(first, again)
                assert await is_signed_in(second, again)
                assert await is_signed_in(second, renter)  # with the access token from before
                renter = again  # noqa: PLW2901 - the same person, with other tokens


async def test_who_signs_in_before_stays_signed_in_through_all_steps(
    settings: Settings, clock: Clock, api: Api
) -> None:
    del api
    async with AsyncExitStack() as stack:
        pods = [await stack.enter_async_context(pod(settings, clock, keys)) for keys in STEPS]
        renter: Person = await pods[0].person("renter")
        for each in pods:
            assert await is_signed_in(each, renter)
            renter = await refreshed(each, renter)
        assert await is_signed_in(pods[-1], renter)
        assert not await is_signed_in(pods[0], renter)  # what the new key alone signs means nothing there


@names
async def test_what_was_sent_by_mail_and_the_next_page_outlive_the_key(
    settings: Settings, clock: Clock, api: Api, before: Keys, after: Keys
) -> None:
    """Neither is signed: a letter's token is a row, and a cursor is what it says."""
    del api
    async with pod(settings, clock, before) as old, pod(settings, clock, after) as new:
        owner = await old.person("owner")
        await new.post("/auth/verify-email", token=_token_to(old, owner, "Verify your e-mail"))
        await old.post("/auth/forgot-password", email=owner.email)
        token = _token_to(old, owner, "Choose a new password")
        spots = [await old.list_spot(owner, title=f"Spot number {number}") for number in range(3)]
        first = await old.client.get("/api/v1/parking-spots/?limit=2")
        rest = await new.client.get(first.links["next"]["url"])
        assert [each["id"] for each in (*first.json(), *rest.json())] == spots[::-1]
        await new.post("/auth/reset-password", token=token, new_password="battery staple")
        await new.sign_in(owner.id, owner.email, "battery staple")


def _token_to(api: Api, who: Person, subject: str) -> str:
    (letter,) = [each for each in api.outbox.letters if (each.to, each.subject) == (who.email, subject)]
    (token,) = re.findall(r"^[\w-]{43}$", letter.text, re.MULTILINE)
    return str(token)


@names
async def test_a_request_with_a_key_is_done_once_though_another_pod_hears_its_repeat(
    settings: Settings, clock: Clock, api: Api, before: Keys, after: Keys
) -> None:
    del api
    async with pod(settings, clock, before) as old, pod(settings, clock, after) as new:
        owner, renter = [await old.person(name) for name in ("owner", "renter")]
        times = {"start_time": old.at(1), "end_time": old.at(2)}
        wish = {"parking_spot_id": await old.list_spot(owner), **times}
        headers = {"Idempotency-Key": "one"}
        first = await old.request("POST", "/bookings/", renter, expect=201, json=wish, headers=headers)
        repeat = await new.request("POST", "/bookings/", renter, expect=201, json=wish, headers=headers)
        assert first.content == repeat.content
