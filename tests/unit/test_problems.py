"""Errors as clients see them: one form for all, whoever raised them."""

from typing import Annotated, Any, cast

import httpx
import pytest
from fastapi import Body, FastAPI, HTTPException, Query
from pydantic import BaseModel, Field
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.requests import ClientDisconnect

from parkingspots.kit import answers
from parkingspots.kit.problems import Conflict, Invalid, NotFound, Unavailable

SECRET = "correct horse"


class DriverError(Exception):
    """What a driver raises, with PostgreSQL's code."""

    def __init__(self, sqlstate: str | None) -> None:
        self.sqlstate = sqlstate
        super().__init__(SECRET)


class Inner(BaseModel):
    pass


class Form(BaseModel):
    name: Annotated[str, Field(min_length=3, max_length=5)] = "name"
    rows: list[int] = []
    inner: Inner = Inner()


async def answer(error: Exception) -> httpx.Response:
    """What a client gets where the endpoint raises `error`."""
    app = FastAPI()
    answers.install(app)

    @app.get("/")
    async def endpoint() -> None:
        raise error

    return await _asked(app, "GET", "/")


async def _asked(app: FastAPI, method: str, path: str, **rest: Any) -> httpx.Response:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://parkingspots.test") as client:
        return await client.request(method, path, **rest)


async def invalid(path: str = "/", **rest: Any) -> list[dict[str, str]]:
    """The field errors of a request that cannot be read."""
    app = FastAPI()
    answers.install(app)

    @app.post("/")
    @app.post("/{number}")
    async def endpoint(form: Annotated[Form, Body()], number: int = 0, limit: Annotated[int, Query(ge=1)] = 1) -> None:
        del form, number, limit

    refusal = await _asked(app, "POST", path, **rest)
    assert refusal.status_code == 422
    assert refusal.headers["content-type"] == "application/problem+json"
    return cast("list[dict[str, str]]", refusal.json()["errors"])


async def test_a_problem_is_a_document_of_four_words() -> None:
    refusal = await answer(NotFound())
    assert refusal.status_code == 404
    assert refusal.headers["content-type"] == "application/problem+json"
    assert refusal.json() == {"type": "about:blank", "title": "Not found", "status": 404, "detail": NotFound.detail}


async def test_a_problem_may_have_a_sentence_of_its_own() -> None:
    assert (await answer(Conflict("Taken already."))).json()["detail"] == "Taken already."


async def test_wrong_fields_are_listed() -> None:
    assert (await answer(Invalid.field("/end_time", "too early"))).json()["errors"] == [
        {"pointer": "/end_time", "detail": "too early"}
    ]
    assert (await answer(Invalid.parameter("cursor", "not ours"))).json()["errors"] == [
        {"parameter": "cursor", "detail": "not ours"}
    ]


async def test_a_service_short_of_something_says_when_to_come_back() -> None:
    refusal = await answer(Unavailable(retry_after=7))
    assert (refusal.status_code, refusal.headers["retry-after"]) == (503, "7")


@pytest.mark.parametrize("code", ["40001", "40P01", "55P03", "57014"])
async def test_whoever_was_in_somebodys_way_may_try_again(code: str) -> None:
    refusal = await answer(DBAPIError(None, None, DriverError(code)))
    assert refusal.status_code == 503
    assert int(refusal.headers["retry-after"]) >= 1
    assert SECRET not in refusal.text


@pytest.mark.parametrize(
    "code", ["08006", "25006", "25P03", "28P01", "3D000", "53300", "57P01", "57P03", "58030", None]
)
async def test_a_database_in_trouble_is_503(code: str | None) -> None:
    refusal = await answer(DBAPIError(None, None, DriverError(code)))
    assert refusal.status_code == 503
    assert "database" in refusal.json()["detail"]


@pytest.mark.parametrize("error", [PoolTimeout(), ConnectionRefusedError(), TimeoutError()])
async def test_a_connection_that_cannot_be_had_is_503(error: Exception) -> None:
    assert (await answer(error)).status_code == 503


@pytest.mark.parametrize("error", [RuntimeError(SECRET), DBAPIError(None, None, DriverError("42P01"))])
async def test_what_nobody_foresaw_is_500_and_tells_nothing(error: Exception) -> None:
    refusal = await answer(error)
    assert refusal.status_code == 500
    assert refusal.headers["content-type"] == "application/problem+json"
    assert SECRET not in refusal.text


async def test_who_is_cut_off_in_mid_request_makes_no_error_of_ours() -> None:
    refusal = await answer(ClientDisconnect())
    assert (refusal.status_code, refusal.headers["content-type"]) == (400, "application/problem+json")


@pytest.mark.parametrize("status", [400, 404, 405, 413, 418])
async def test_the_frameworks_own_errors_have_the_same_form(status: int) -> None:
    refusal = await answer(HTTPException(status, headers={"Allow": "GET"}))
    assert refusal.status_code == status
    assert refusal.headers["content-type"] == "application/problem+json"
    assert refusal.headers["allow"] == ("GET, HEAD" if status == 405 else "GET")
    assert set(refusal.json()) == {"type", "title", "status", "detail"}
    assert refusal.json()["detail"].endswith(".") or status == 418


async def test_a_field_of_a_body_is_named_by_a_json_pointer() -> None:
    assert [error["pointer"] for error in await invalid(json={"rows": [1, "x"]})] == ["/rows/1"]
    assert [error["pointer"] for error in await invalid(json=[])] == [""]
    assert [error["pointer"] for error in await invalid(content=b"{")] == [""]


async def test_a_parameter_is_named_as_such() -> None:
    assert [error["parameter"] for error in await invalid("/x?limit=0", json={})] == ["number", "limit"]


@pytest.mark.parametrize(("name", "says"), [("ab", "at least 3 characters"), ("abcdef", "at most 5 characters")])
async def test_the_length_of_a_text_is_in_characters(name: str, says: str) -> None:
    assert says in (await invalid(json={"name": name}))[0]["detail"]


async def test_an_object_within_a_body_is_asked_for_without_the_bodys_media_type() -> None:
    assert [each["detail"] for each in await invalid(json={"inner": "9-17"})] == ["must be a JSON object"]
    (whole,) = await invalid(content=b"x", headers={"Content-Type": "text/plain"})
    assert whole["detail"] == "must be a JSON object, sent with Content-Type: application/json"


async def test_what_was_sent_is_not_repeated() -> None:
    assert SECRET not in str(await invalid(json={"name": SECRET}))


@pytest.mark.parametrize(("part", "pointer"), [("a/b", "/a~1b"), ("a~b", "/a~0b"), ("\ud800", "/?")])
def test_a_pointer_is_escaped(part: str, pointer: str) -> None:
    error = {"type": "missing", "loc": ("body", part), "msg": "Field required"}
    assert answers._field_error(error) == {"pointer": pointer, "detail": "is required"}
