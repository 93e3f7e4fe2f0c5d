"""What clients may rely on, whatever the endpoint: read off the OpenAPI document and tried on the product."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from operations import DOCUMENT, NOWHERE, OPERATIONS, Operation, examples
from parkingspots.app import create
from parkingspots.settings import Settings
from product import Api, Clock, Person, running

TOO_LARGE = (1 << 20) + 1
PROBLEM = "application/problem+json"
every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
every_operation_with_a_body = pytest.mark.parametrize(
    "operation", [each for each in OPERATIONS if each.takes_body], ids=lambda operation: operation.id
)


def test_the_document_that_is_checked_in_is_the_one_that_is_served() -> None:
    assert create(Settings.model_construct()).openapi() == DOCUMENT, "Look at the change, then run `make openapi`."


async def test_the_document_is_served(api: Api) -> None:
    assert (await api.client.get("/api/v1/openapi.json")).json() == DOCUMENT


def test_every_operation_has_an_id_of_its_own() -> None:
    ids = [operation.id for operation in OPERATIONS]
    assert len(set(ids)) == len(ids)


@every_operation
def test_every_operation_says_what_it_does_by_an_example(operation: Operation) -> None:
    assert operation.described["summary"]
    assert operation.described["description"].endswith(".")
    answers = [answer for status, answer in operation.described["responses"].items() if status.startswith("2")]
    shown = [examples(answer["content"]["application/json"]["schema"]) for answer in answers]
    assert all(shown), "the answer has no example"
    if operation.takes_body:
        assert operation.body()


@every_operation
def test_every_operation_names_its_problems(operation: Operation) -> None:
    responses: dict[str, Any] = operation.described["responses"]
    expected = {"503", "429"} if operation.described["tags"] != ["service"] else set()
    if operation.takes_body:
        expected |= {"400", "413", "422"}
    if operation.parameters("path") or operation.parameters("query"):
        expected |= {"422"}
    assert expected <= set(responses)
    for status, answer in responses.items():
        if int(status) >= 400:
            assert set(answer["content"]) == {PROBLEM}
            for example in answer["content"][PROBLEM]["examples"].values():
                assert example["value"]["status"] == int(status)
                assert isinstance(example["value"]["detail"], str)


@every_operation
def test_what_follows_from_an_answer_exists_and_takes_what_the_answer_names(operation: Operation) -> None:
    targets = {each.id: each for each in OPERATIONS}
    for answer in operation.described["responses"].values():
        for link in answer.get("links", {}).values():
            target = targets[link["operationId"]]
            assert list(link["parameters"]) == target.parameters("path")
            for expression in link["parameters"].values():
                named = examples(answer["content"]["application/json"]["schema"])[0]
                for part in expression.removeprefix("$response.body#/").split("/"):
                    named = named[int(part) if isinstance(named, list) else part]
                UUID(named)


def test_the_bounds_of_numbers_are_told() -> None:
    """Pydantic writes them in its own words, which nobody else reads, where a validator stands before them."""
    assert not re.findall(r'"(?:ge|gt|le|lt)":', json.dumps(DOCUMENT))


@every_operation
def test_a_list_is_a_bare_array(operation: Operation) -> None:
    schema = operation.described["responses"].get("200", {}).get("content", {}).get("application/json", {})
    assert ("list" in operation.id or operation.id == "search_spots") == (
        schema.get("schema", {}).get("type") == "array"
    )


@every_operation
async def test_every_path_answers_with_and_without_the_trailing_slash(
    api: Api, renter: Person, operation: Operation
) -> None:
    bare = operation.url().removesuffix("/")
    headers = {} if operation.id == "delete_me" else renter.headers
    body = {"refresh_token": 5} if operation.takes_body else None
    plain, slashed = [
        await api.client.request(operation.method, url, headers=headers, json=body) for url in (bare or "/", f"{bare}/")
    ]
    assert plain.status_code == slashed.status_code
    assert not plain.is_redirect
    assert plain.status_code != 405
    assert plain.content == slashed.content


@pytest.mark.parametrize(
    "operation", [each for each in OPERATIONS if each.method == "GET"], ids=lambda operation: operation.id
)
async def test_head_is_answered_like_get_without_the_body(api: Api, renter: Person, operation: Operation) -> None:
    got, head = [
        await api.client.request(method, operation.url(), headers=renter.headers) for method in ("GET", "HEAD")
    ]
    assert (head.status_code, head.content) == (got.status_code, b"")
    assert {**head.headers, "x-request-id": ""} == {**got.headers, "x-request-id": ""}


@every_operation
async def test_another_method_is_405_and_told_which_exist(api: Api, operation: Operation) -> None:
    answer = await api.client.request("PATCH", operation.url())
    assert answer.status_code == 405
    assert answer.headers["content-type"] == PROBLEM
    assert set(answer.headers["allow"].split(", ")) >= {method.upper() for method in DOCUMENT["paths"][operation.path]}


@pytest.mark.parametrize(
    "path", ["/nowhere", "/api/v1", "/api/v1/nowhere", "/api/v1/users", "/api/v2/users/me", "/%00"]
)
async def test_an_unknown_path_is_a_problem_too(api: Api, path: str) -> None:
    answer = await api.client.get(f"http://parkingspots.test{path}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == PROBLEM
    assert isinstance(answer.json()["detail"], str)


@pytest.mark.parametrize(
    "operation", [each for each in OPERATIONS if each.needs_token], ids=lambda operation: operation.id
)
async def test_what_needs_a_token_is_401_without(api: Api, operation: Operation) -> None:
    answer = await api.client.request(operation.method, operation.url(), json=_body_of(operation))
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


def _body_of(operation: Operation) -> dict[str, object] | None:
    return operation.body() if operation.takes_body else None


@every_operation_with_a_body
async def test_a_body_that_announces_more_than_a_mebibyte_is_413(
    api: Api, renter: Person, operation: Operation
) -> None:
    for content_type in ["application/json", *(["application/x-www-form-urlencoded"] if operation.takes_form else [])]:
        headers = renter.headers | {"Content-Type": content_type}
        answer = await api.client.request(operation.method, operation.url(), content=b"a" * TOO_LARGE, headers=headers)
        assert answer.status_code == 413
        assert answer.headers["content-type"] == PROBLEM


@every_operation_with_a_body
async def test_a_body_that_turns_out_to_be_more_than_a_mebibyte_is_413(
    api: Api, renter: Person, operation: Operation
) -> None:
    async def piecewise() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield b" " * (1 << 16)

    for content_type in ["application/json", *(["application/x-www-form-urlencoded"] if operation.takes_form else [])]:
        headers = renter.headers | {"Content-Type": content_type}
        answer = await api.client.request(operation.method, operation.url(), content=piecewise(), headers=headers)
        assert answer.status_code == 413
        assert answer.headers["content-type"] == PROBLEM


async def test_a_body_of_a_mebibyte_is_read(api: Api) -> None:
    body = b'{"refresh_token": "x"' + b" " * (TOO_LARGE - 1 - 22) + b"}"
    assert len(body) == TOO_LARGE - 1
    headers = {"Content-Type": "application/json"}
    assert (await api.client.post("/api/v1/auth/refresh", content=body, headers=headers)).status_code == 401


PREFLIGHT = {"Origin": "https://app.example", "Access-Control-Request-Method": "PUT"}


async def test_no_other_origin_may_ask_by_default(api: Api) -> None:
    for answer in (
        await api.client.options(f"/api/v1/parking-spots/{NOWHERE}", headers=PREFLIGHT),
        await api.client.get("/api/v1/parking-spots/", headers={"Origin": "https://app.example"}),
    ):
        assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_an_origin_that_is_configured_may_ask_and_no_other(settings: Settings, clock: Clock, api: Api) -> None:
    del api  # empties the tables
    configured = settings.model_copy(update={"cors_origins": ["https://app.example", "https://b.example"]})
    async with running(configured, clock) as open_api:
        client = open_api.client
        preflight = await client.options(
            f"/api/v1/parking-spots/{NOWHERE}",
            headers=PREFLIGHT | {"Access-Control-Request-Headers": "authorization, content-type, idempotency-key"},
        )
        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == "https://app.example"
        assert "PUT" in preflight.headers["access-control-allow-methods"]

        for asked in (
            client.get("/api/v1/parking-spots", headers={"Origin": "https://app.example"}),
            client.get("/api/v1/users/me", headers={"Origin": "https://app.example"}),
            client.post("/api/v1/auth/login", content=b"a" * TOO_LARGE, headers={"Origin": "https://app.example"}),
        ):
            answer = await asked
            assert answer.headers["access-control-allow-origin"] == "https://app.example"
            assert "Link" in answer.headers["access-control-expose-headers"]
            assert "origin" in answer.headers["vary"].lower()

        for stranger in ("https://c.example", "http://app.example", "https://app.example.evil.example", "null"):
            answer = await client.get("/api/v1/parking-spots", headers={"Origin": stranger})
            assert "access-control-allow-origin" not in answer.headers
