"""What every answer tells a browser, whichever way it came about."""

from typing import Any

import httpx
import pytest

from operations import NOWHERE, OPERATIONS
from parkingspots.settings import Settings
from product import Api, Clock, Person, running, until

OF_ALL = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}
FOR_A_YEAR = "max-age=31536000"
LIST = "/api/v1/parking-spots/"


def require_protection(answer: httpx.Response, but: str | None = None) -> None:
    """Each header once, as it should be; the one of the name `but` may be the answer's own."""
    for name, value in OF_ALL.items():
        assert len(answer.headers.get_list(name)) == 1, (name, answer.url)
        assert name == but or answer.headers[name] == value, answer.url


async def test_every_operation_answers_with_protection_whoever_asks(api: Api, admin: Person) -> None:
    for operation in OPERATIONS:
        for headers in ({}, admin.headers):
            body = operation.body() if operation.takes_body else None
            answer = await api.client.request(operation.method, operation.url(), headers=headers, json=body)
            require_protection(answer)


@pytest.mark.usefixtures("spot")
async def test_a_kept_answer_has_it_each_time_and_in_each_form(keeping_api: Api, renter: Person) -> None:
    forms: list[dict[str, str]] = [{}, {"Accept-Encoding": "gzip"}, renter.headers, {"If-None-Match": "*"}]
    for headers in forms * 3:  # loaded, kept, and at hand
        answer = await keeping_api.client.get(LIST, headers=headers)
        assert answer.status_code == (304 if "If-None-Match" in headers else 200)
        require_protection(answer)


async def test_an_answer_without_a_body_has_it(api: Api, spot: str) -> None:
    for path in (f"{LIST}{spot}", "/api/v1/openapi.json", "/livez"):
        etag = (await api.client.get(path)).headers["etag"]
        same = await api.client.get(path, headers={"If-None-Match": etag})
        assert same.status_code == 304
        for answer in (same, await api.client.head(path)):
            require_protection(answer)


async def test_a_refusal_has_it(settings: Settings, clock: Clock, api: Api) -> None:
    del api  # empties the tables
    own = {"rate_limits_enabled": True, "rate_limit_requests": "6 per hour"}
    async with running(settings.model_copy(update=own), clock) as limited:
        await limited.app.state.cache.client.flushdb()
        refusals: list[tuple[int, str, str, dict[str, Any]]] = [
            (404, "GET", "/nowhere", {}),
            (404, "GET", "/docs/assets/nowhere.js", {}),
            (405, "PATCH", "/livez", {}),
            (422, "GET", f"{LIST}x", {}),
            (401, "GET", "/api/v1/users/me", {}),
            (413, "POST", "/api/v1/auth/login", {"content": b" " * (1 << 21)}),
            (404, "GET", f"{LIST}{NOWHERE}", {}),
            (429, "GET", f"{LIST}{NOWHERE}", {}),
        ]
        for status, method, path, more in refusals:
            answer = await limited.client.request(method, path, **more)
            assert answer.status_code == status
            require_protection(answer)


async def test_an_answer_to_what_went_wrong_has_it(settings: Settings, clock: Clock) -> None:
    async def fail() -> None:
        raise RuntimeError

    async with running(settings, clock) as broken:
        broken.app.add_api_route("/fails", fail)
        transport = httpx.ASGITransport(_front_of(broken), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://parkingspots.test") as client:
            answer = await client.get("/fails")
    assert answer.status_code == 500
    require_protection(answer)


def _front_of(api: Api) -> Any:
    transport = api.client._transport
    assert isinstance(transport, httpx.ASGITransport)
    return transport.app


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
async def test_a_page_has_it_with_a_policy_of_its_own(api: Api, page: str) -> None:
    answer = await api.client.get(page)
    require_protection(answer, but="content-security-policy")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; ")
    require_protection(await api.client.get("/docs/assets/page.css"))


@pytest.mark.parametrize("proxies", [[], ["127.0.0.1"]], ids=["no proxy", "a trusted proxy"])
async def test_whoever_came_by_tls_is_told_to_go_on_with_it_where_somebody_trusted_says_so(
    keeping: Settings, keeping_api: Api, clock: Clock, spot: str, proxies: list[str]
) -> None:
    """A client that may say so itself would tell it to somebody else, through what is kept."""
    del keeping_api  # begins a log
    async with running(keeping.model_copy(update={"trusted_proxies": proxies}), clock) as api:
        await until(api.is_keeping)
        for path in (LIST, f"{LIST}{spot}", "/livez", "/docs", "/nowhere", LIST, LIST):
            for proto, is_told in (("https", bool(proxies)), ("http", False), (None, False), ("https, http", False)):
                headers = {} if proto is None else {"X-Forwarded-Proto": proto}
                answer = await api.client.get(path, headers=headers)
                told = answer.headers.get_list("strict-transport-security")
                assert told == ([FOR_A_YEAR] if is_told else []), (path, proto)


async def test_a_client_that_speaks_tls_with_the_server_itself_is_told_so(api: Api) -> None:
    answer = await api.client.get("https://parkingspots.test/livez")
    assert answer.headers["strict-transport-security"] == FOR_A_YEAR
