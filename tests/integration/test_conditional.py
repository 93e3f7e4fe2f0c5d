"""Whoever has an answer already is told so in a few bytes; whoever changes what changed meanwhile is told so too."""

import asyncio
import hashlib
from typing import Any

import httpx
import pytest

from operations import OPERATIONS, Operation
from product import Api, Person


async def get(api: Api, path: str, who: Person | None = None, known: str | None = None) -> httpx.Response:
    headers = (who.headers if who else {}) | ({"If-None-Match": known} if known else {})
    return await api.client.get(f"/api/v1{path}", headers=headers)


@pytest.mark.parametrize(
    "operation", [each for each in OPERATIONS if each.method == "GET"], ids=lambda operation: operation.id
)
async def test_every_get_has_a_strong_etag_and_honours_it(
    api: Api, admin: Person, spot: str, operation: Operation
) -> None:
    booking = await api.book(admin, spot, 0, 1)
    await api.post(f"/bookings/{booking['id']}/check-out", admin)
    review = await api.post("/reviews/", admin, expect=201, booking_id=booking["id"], overall_rating=4)
    ids = {"spot_id": spot, "booking_id": booking["id"], "user_id": admin.id, "review_id": review["id"]}
    answer = await api.client.get(operation.url(**ids), headers=admin.headers)
    assert answer.status_code == 200
    tag = answer.headers["etag"]
    assert tag.startswith('"')
    for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        again = await api.client.get(operation.url(**ids), headers=admin.headers | {"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert "content-length" not in again.headers
    other = await api.client.get(operation.url(**ids), headers=admin.headers | {"If-None-Match": '"other"'})
    assert (other.status_code, other.content) == (200, answer.content)


async def test_the_etag_is_of_the_bytes_alone(api: Api, spot: str) -> None:
    answer = await get(api, f"/parking-spots/{spot}")
    assert answer.headers["etag"] == f'"{hashlib.blake2b(answer.content, digest_size=16).hexdigest()}"'


async def test_a_change_gives_another_etag(api: Api, owner: Person, spot: str) -> None:
    tag = (await get(api, f"/parking-spots/{spot}")).headers["etag"]
    await api.put(f"/parking-spots/{spot}", owner, hourly_rate=400)
    answer = await get(api, f"/parking-spots/{spot}", known=tag)
    assert (answer.status_code, answer.json()["hourly_rate"]) == (200, 400)


async def test_no_shared_cache_keeps_what_a_token_may_have_shown(api: Api, owner: Person, spot: str) -> None:
    assert (await get(api, f"/parking-spots/{spot}")).headers["cache-control"] == "no-cache"
    shown = await get(api, f"/parking-spots/{spot}", owner)
    assert (shown.headers["cache-control"], shown.headers["vary"]) == ("private, no-cache", "Authorization")


async def changeable(api: Api, name: str, owner: Person, renter: Person, spot: str) -> tuple[Person, str, str, Any]:
    """Who changes it, where it is read, where it is changed, and a change."""
    if name == "booking":
        booking = await api.book(renter, spot, 1, 2)
        return renter, f"/bookings/{booking['id']}", f"/bookings/{booking['id']}/status", {"status": "cancelled"}
    if name == "review":
        booking = await api.book(renter, spot, 0, 1)
        await api.post(f"/bookings/{booking['id']}/check-out", renter)
        review = await api.post("/reviews/", renter, expect=201, booking_id=booking["id"], overall_rating=4)
        return renter, f"/reviews/{review['id']}", f"/reviews/{review['id']}", {"overall_rating": 5}
    if name == "account":
        return renter, "/users/me", "/users/me", {"full_name": "Rena"}
    return owner, f"/parking-spots/{spot}", f"/parking-spots/{spot}", {"title": "Another title"}


@pytest.mark.parametrize("name", ["account", "spot", "booking", "review"])
async def test_a_change_of_what_i_have_seen_is_made_and_of_anything_else_refused(
    api: Api, owner: Person, renter: Person, spot: str, name: str
) -> None:
    who, path, target, change = await changeable(api, name, owner, renter, spot)
    seen = await get(api, path, who)
    for tag in ('"other"', f"W/{seen.headers['etag']}"):
        refusal = await api.request("PUT", target, who, expect=412, json=change, headers={"If-Match": tag})
        assert "Read it again" in refusal.json()["detail"]
    assert (await get(api, path, who)).content == seen.content
    tags = f'"other", {seen.headers["etag"]}'
    await api.request("PUT", target, who, json=change, headers={"If-Match": tags})
    await api.request("PUT", target, who, expect=412, json=change, headers={"If-Match": tags})


@pytest.mark.parametrize("tag", ["other", "", '"half', "a b", '"one" "two"'])
async def test_what_is_no_etag_is_told_so(api: Api, owner: Person, spot: str, tag: str) -> None:
    refusal = await api.request(
        "PUT", f"/parking-spots/{spot}", owner, expect=422, json={"title": "Another title"}, headers={"If-Match": tag}
    )
    assert [error["parameter"] for error in refusal.json()["errors"]] == ["If-Match"]


async def test_a_star_matches_what_is_there(api: Api, owner: Person, other_owner: Person, spot: str) -> None:
    change: dict[str, Any] = {"json": {"title": "Another title"}, "headers": {"If-Match": "*"}}
    await api.request("PUT", f"/parking-spots/{spot}", owner, **change)
    await api.request("PUT", f"/parking-spots/{spot}", other_owner, expect=404, **change)


async def test_an_owner_who_read_the_public_page_has_seen_the_spot_too(api: Api, owner: Person) -> None:
    spot = await api.list_spot(owner, access_instructions="The code is 2468.")
    tag = (await get(api, f"/parking-spots/{spot}")).headers["etag"]
    assert tag != (await get(api, f"/parking-spots/{spot}", owner)).headers["etag"]
    await api.request("PUT", f"/parking-spots/{spot}", owner, json={"hourly_rate": 9}, headers={"If-Match": tag})
    await api.request(
        "PUT", f"/parking-spots/{spot}", owner, expect=412, json={"hourly_rate": 8}, headers={"If-Match": tag}
    )


async def test_of_two_changes_of_the_same_version_one_is_made(api: Api, owner: Person, spot: str) -> None:
    for round_ in range(10):
        tag = (await get(api, f"/parking-spots/{spot}", owner)).headers["etag"]
        answers = await asyncio.gather(
            *(
                api.client.put(
                    f"/api/v1/parking-spots/{spot}",
                    json={"title": f"Title {round_} {number}"},
                    headers=owner.headers | {"If-Match": tag},
                )
                for number in range(4)
            )
        )
        assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]
