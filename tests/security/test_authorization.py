"""Bad credentials, at every operation: whoever sends one is nobody, and what is somebody else's is not there."""

import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import httpx
import jwt
import pytest
from jwt.utils import base64url_encode
from sqlalchemy.ext.asyncio import AsyncSession

from contract.matrix_requests import REQUESTS
from contract.test_authorization import ROWS
from contract.world import IDS, NOBODY, PERSON, SECRETS, SESSION, Request, World, token_id
from operations import NOWHERE, OPERATIONS, Operation
from parkingspots.accounts import tokens
from parkingspots.accounts.tokens import Claims, Use
from parkingspots.settings import Settings
from product import Api

VICTIM = "owner"
"""Whom a public page shows more than nobody: the way into their spot."""
CLAIMS = Claims(PERSON[VICTIM], SESSION[VICTIM], token_id(VICTIM))
STRANGERS = ("other_renter", "other_owner")
BY_ID = {operation.id: operation for operation in OPERATIONS}
GUARDED = [operation for operation in OPERATIONS if operation.needs_token]
PUBLIC_READS = [operation for operation in OPERATIONS if not operation.needs_token and operation.method == "GET"]


def genuine(world: World, claims: Claims = CLAIMS, use: Use = "access", age: timedelta = timedelta(0)) -> str:
    return tokens.issue(world.settings, use, claims, world.now - age)


def key_of(world: World) -> str:
    return world.settings.secret_key.get_secret_value()


def signed_anew(world: World, key: str | None = None, algorithm: str = "HS256", **changes: object) -> str:
    """The genuine token's claims with `changes`, by default under the product's own key; None leaves a claim out."""
    said = jwt.decode(genuine(world), options={"verify_signature": False}) | changes
    claims = {name: value for name, value in said.items() if value is not None}
    return jwt.encode(claims, key_of(world) if key is None else key, algorithm)


def signed_by_hand(world: World, key: str, algorithm: str = "HS256", digest: str = "sha256") -> str:
    """The genuine token's claims, as no library would sign them."""
    head = base64url_encode(json.dumps({"alg": algorithm, "typ": "JWT"}).encode())
    signed = head + b"." + genuine(world).split(".")[1].encode()
    return (signed + b"." + base64url_encode(hmac.digest(key.encode(), signed, digest))).decode()


def with_claims_of_another(world: World) -> str:
    """What the victim's token says, under the signature of a stranger's."""
    stranger = Claims(PERSON["other_renter"], SESSION["other_renter"], token_id("other_renter"))
    head, _, signature = genuine(world, stranger).split(".")
    return f"{head}.{genuine(world).split('.')[1]}.{signature}"


def with_a_key_of_its_own(world: World) -> str:
    """A head that says where to find the key that fits."""
    key = "k" * 32
    head = {"kid": "../../../../dev/null", "jku": "https://attacker.example/keys", "jwk": {"kty": "oct", "k": key}}
    return jwt.encode(jwt.decode(genuine(world), options={"verify_signature": False}), key, headers=head)


BEARERS: Mapping[str, Callable[[World], str]] = {
    "expired": lambda world: genuine(world, age=tokens.lifetime(world.settings, "access")),
    "a refresh token": lambda world: genuine(world, use="refresh"),
    "signed by another key": lambda world: signed_anew(world, "k" * 32),
    "signed by an empty key": lambda world: signed_by_hand(world, ""),
    "signed by a key that it brings along": with_a_key_of_its_own,
    "unsigned": lambda world: signed_anew(world, "", "none"),
    "of another algorithm": lambda world: signed_by_hand(world, key_of(world), "HS512", "sha512"),
    "without its signature": lambda world: genuine(world).rpartition(".")[0] + ".",
    "with claims under a stranger's signature": with_claims_of_another,
    "for somebody else": lambda world: signed_anew(world, aud="another"),
    "by somebody else": lambda world: signed_anew(world, iss="another"),
    "without an end": lambda world: signed_anew(world, exp=None),
    "of a session that is not theirs": lambda world: genuine(world, replace(CLAIMS, session_id=SESSION["renter"])),
    "of a session that is over": lambda world: genuine(world, replace(CLAIMS, session_id=uuid4())),
    "of an account that is gone": lambda world: genuine(world, replace(CLAIMS, user_id=uuid4())),
    "empty": lambda _: "",
}
HEADERS: Mapping[str, Callable[[World], Mapping[str, str]]] = {
    "of another scheme": lambda world: {"Authorization": f"Basic {genuine(world)}"},
    "without a scheme": lambda world: {"Authorization": genuine(world)},
    "in a cookie": lambda world: {"Cookie": f"access_token={genuine(world)}; session={genuine(world)}"},
    "in a header of a proxy": lambda world: {
        "X-Forwarded-Authorization": f"Bearer {genuine(world)}",
        "X-Forwarded-User": str(PERSON[VICTIM]),
        "Proxy-Authorization": f"Bearer {genuine(world)}",
    },
}


@pytest.fixture
async def world(api: Api, session: AsyncSession, settings: Settings) -> World:
    world = World(api, session, settings)
    await world.build()
    return world


@pytest.fixture(params=[*BEARERS, *HEADERS])
def credential(request: pytest.FixtureRequest, world: World) -> Mapping[str, str]:
    """The headers of a credential that is no good."""
    if request.param in HEADERS:
        return HEADERS[request.param](world)
    return {"Authorization": f"Bearer {BEARERS[request.param](world)}"}


def asked(operation: Operation, **headers: str) -> Request:
    """What the operation is asked with where it succeeds, and `headers`."""
    request = REQUESTS.get(operation.id) or next(row.request for row in ROWS if row.operation == operation.id)
    return replace(request, headers={**request.headers, **headers})


async def test_the_same_token_untouched_signs_in(world: World) -> None:
    for token in (genuine(world), signed_anew(world)):
        answer = await world.ask(BY_ID["read_me"], Request(headers={"Authorization": f"Bearer {token}"}), NOBODY)
        assert (answer.status_code, answer.json()["id"]) == (200, str(PERSON[VICTIM]))
        shown = await world.ask(BY_ID["read_spot"], Request(headers={"Authorization": f"Bearer {token}"}), NOBODY)
        assert [secret for secret in SECRETS if secret in shown.text] == ["way into the owner's spot"]


async def test_whoever_sends_a_bad_credential_is_nobody(world: World, credential: Mapping[str, str]) -> None:
    before, wrong = await world.digest(), []
    for operation in GUARDED:
        answer = await world.ask(operation, asked(operation, **credential), NOBODY)
        if answer.status_code != 401 or not answer.headers.get("www-authenticate", "").startswith("Bearer"):
            wrong.append(f"{operation.id}: {answer.status_code} {answer.text}")
    for operation in PUBLIC_READS:
        answer = await world.ask(operation, asked(operation, **credential), NOBODY)
        if answer.status_code != 200 or [secret for secret in SECRETS if secret in answer.text]:
            wrong.append(f"{operation.id}: {answer.status_code} {answer.text}")
    assert not wrong, "\n".join(wrong)
    assert await world.digest() == before


@pytest.mark.parametrize("who", STRANGERS)
async def test_what_is_somebody_elses_cannot_be_told_from_what_is_not_there(world: World, who: str) -> None:
    told_apart = []
    for row in (row for row in ROWS if row.answers[who] == 404):
        operation = BY_ID[row.operation]
        theirs = await world.ask(operation, row.request, who)
        nothing = await world.ask(operation, of_nothing(row.request), who)
        if without_ids(theirs) != without_ids(nothing):
            told_apart.append(f"{row.name}: {theirs.text} and {nothing.text}")
    assert not told_apart, "\n".join(told_apart)


def of_nothing(request: Request) -> Request:
    """The same about what nobody has."""
    body = request.body and {
        name: NOWHERE if isinstance(value, UUID) else value for name, value in request.body.items()
    }
    query = dict.fromkeys(request.query, "pi_of_nobody")
    return replace(request, ids=dict.fromkeys(IDS, UUID(NOWHERE)), body=body, query=query)


def without_ids(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, re.sub(r"[0-9a-f-]{36}", "ID", answer.text)


@pytest.mark.parametrize("who", STRANGERS)
async def test_who_guesses_the_etag_of_what_is_somebody_elses_is_told_nothing(world: World, who: str) -> None:
    for name in ("read_booking", "read_any_user"):
        operation = BY_ID[name]
        seen = await world.ask(operation, asked(operation), "admin")
        guessed = asked(operation, **{"If-None-Match": seen.headers["etag"]})
        assert (await world.ask(operation, guessed, "admin")).status_code == 304
        refused = await world.ask(operation, guessed, who)
        assert refused.status_code in {403, 404}
        assert seen.headers["etag"] not in refused.headers.values()


async def test_the_next_page_of_somebody_elses_list_shows_nothing_of_theirs(world: World) -> None:
    for name in ("list_my_bookings", "list_bookings_of_my_spots", "list_my_spots"):
        operation, mine = BY_ID[name], "renter" if name == "list_my_bookings" else "owner"
        first = await world.ask(operation, Request(query={"limit": "1"}), mine)
        cursor = parse_qs(urlsplit(first.links["next"]["url"]).query)["cursor"][0]
        theirs = {each["id"] for each in (await world.ask(operation, Request(query={"limit": "100"}), mine)).json()}
        for who in STRANGERS:
            answer = await world.ask(operation, Request(query={"limit": "100", "cursor": cursor}), who)
            assert answer.status_code in {200, 422}
            assert not theirs & {each["id"] for each in answer.json() if answer.status_code == 200}


@pytest.mark.parametrize("who", [NOBODY, *STRANGERS])
async def test_head_tells_nobody_more_than_get(world: World, who: str) -> None:
    for operation in (operation for operation in OPERATIONS if operation.method == "GET"):
        shown = await world.ask(operation, asked(operation), who)
        head = await world.ask(replace(operation, method="HEAD"), asked(operation), who)
        assert (head.status_code, head.content) == (shown.status_code, b""), operation.id


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
async def test_no_header_makes_another_method_of_a_request(world: World, header: str) -> None:
    before = await world.digest()
    path = BY_ID["read_spot"].url(spot_id=str(IDS["spot_id"]))
    answer = await world.api.client.get(path, headers={header: "DELETE", "Authorization": f"Bearer {genuine(world)}"})
    assert answer.status_code == 200
    assert await world.digest() == before
