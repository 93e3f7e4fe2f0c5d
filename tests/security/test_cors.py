"""Pages of other origins: none may read answers unless it is named, and who is not named learns nothing, ever."""

from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import ValidationError

from operations import NOWHERE
from parkingspots.settings import Settings
from product import Api, Clock, running, until
from security.test_headers import require_protection

NAMED = "https://app.example"
OTHERS = (
    *("null", "", "*", "https://", "https://app.example.evil.example", "https://evilapp.example", "https://app.exampl"),
    *("https://sub.app.example", "http://app.example", "https://app.example:444", "https://app.example:443"),
    *("HTTPS://APP.EXAMPLE", "https://app.example/", "https://app.example/a", "https://app.example, https://e.example"),
    *("https://app.example https://e.example", "https://e@app.example", "https://app.example%60.e.example"),
)
LIST = "/api/v1/parking-spots/"
ASKED = [
    (200, "GET", LIST),
    (200, "GET", f"{LIST}search"),
    (200, "GET", "/livez"),
    (200, "GET", "/docs"),
    (401, "GET", "/api/v1/users/me"),
    (404, "GET", f"{LIST}{NOWHERE}"),
    (404, "GET", "/nowhere"),
    (405, "PATCH", "/livez"),
    (422, "GET", f"{LIST}?page=0"),
    (422, "POST", "/api/v1/auth/login"),
]


@pytest.fixture
async def open_api(keeping: Settings, keeping_api: Api, clock: Clock, spot: str) -> AsyncIterator[Api]:
    """The application where answers are kept, open to one other origin."""
    del keeping_api, spot  # it begins a log, with something in it
    async with running(keeping.model_copy(update={"cors_origins": [NAMED]}), clock) as api:
        await until(api.is_keeping)
        yield api


def told(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


def varies(answer: httpx.Response) -> set[str]:
    return {name.strip().lower() for name in answer.headers["vary"].split(",")}


async def test_an_origin_that_is_named_may_read_every_answer(open_api: Api) -> None:
    for _ in ("loaded", "kept", "at hand"):
        for status, method, path in ASKED:
            answer = await open_api.client.request(method, path, headers={"Origin": NAMED})
            assert answer.status_code == status
            assert told(answer).keys() == {"access-control-allow-origin", "access-control-expose-headers"}
            assert answer.headers.get_list("access-control-allow-origin") == [NAMED]
            assert "origin" in varies(answer)


async def test_no_other_origin_may_however_it_is_written(open_api: Api) -> None:
    unnamed: list[dict[str, str]] = [{}, *({"Origin": origin} for origin in OTHERS)]
    for status, method, path in ASKED:
        await open_api.client.request(method, path, headers={"Origin": NAMED})
        for headers in (*unnamed, {"Origin": OTHERS[0], "If-None-Match": "*"}):
            answer = await open_api.client.request(method, path, headers=headers)
            assert answer.status_code in {status, 304}
            assert told(answer).keys() <= {"access-control-expose-headers"}, headers
            assert "origin" in varies(answer), "a cache would give it to others"


def preflight(origin: str, method: str = "PUT", headers: str = "authorization, content-type") -> dict[str, str]:
    return {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers,
    }


async def test_an_origin_that_is_named_may_ask_ahead(open_api: Api) -> None:
    for path in (LIST, "/api/v1/users/me", "/nowhere"):
        answer = await open_api.client.options(path, headers=preflight(NAMED))
        assert answer.status_code == 200
        assert told(answer)["access-control-allow-origin"] == NAMED
        assert told(answer)["access-control-allow-methods"] == "GET, POST, PUT, DELETE"
        assert "*" not in "".join(told(answer).values())
        assert "access-control-allow-credentials" not in told(answer)
        assert varies(answer) >= {"origin", "access-control-request-method", "access-control-request-headers"}
        require_protection(answer)


async def test_what_is_asked_ahead_in_vain_is_a_problem_like_any_other(open_api: Api) -> None:
    unwanted = (preflight(NAMED, "TRACE"), preflight(NAMED, "*"), preflight(NAMED, "PUT", "x-evil, *"))
    for asked in (*map(preflight, OTHERS), *unwanted):
        answer = await open_api.client.options(LIST, headers=asked)
        assert answer.status_code == 400, asked
        assert answer.headers["content-type"] == "application/problem+json"
        assert "CORS_ORIGINS" in answer.json()["detail"]
        assert not told(answer)
        assert "origin" in varies(answer)
        require_protection(answer)


async def test_by_default_kept_answers_and_refusals_are_for_no_other_origin(keeping_api: Api, spot: str) -> None:
    for path in (LIST, LIST, LIST, f"{LIST}{spot}", "/nowhere"):
        assert not told(await keeping_api.client.get(path, headers={"Origin": NAMED}))
    assert (await keeping_api.client.options(LIST, headers=preflight(NAMED))).status_code == 405


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "https://a.example/",
        "https://a.example/b",
        "https://A.example",
        "a.example",
        "https://*.example",
        "https://a@b",
    ],
)
def test_what_no_browser_calls_an_origin_is_no_setting(origin: str) -> None:
    with pytest.raises(ValidationError, match="use origins such as"):
        Settings(_env_file=None, cors_origins=[NAMED, origin])


def test_every_form_of_an_origin_is_a_setting() -> None:
    origins = ["*", NAMED, "http://localhost:3000", "https://xn--hxajbheg2az3al.example", "http://[::1]:8080"]
    assert Settings(_env_file=None, cors_origins=origins).cors_origins == origins
