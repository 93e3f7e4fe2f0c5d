"""Whatever bytes a request is made of, an application that keeps answers says what one says that keeps none."""

import asyncio
import gzip
import os
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, Phase, example, given
from hypothesis import settings as given_settings
from hypothesis import strategies as some
from starlette.types import ASGIApp

from conftest import SetClock
from parkingspots.front import front
from parkingspots.reads.asked import wants
from parkingspots.reads.targets import Targets
from parkingspots.settings import Settings
from product import Api

CASES = int(os.environ.get("BYTES_CASES", "60"))
SPOT = b"0198c0de-7a10-7000-8000-000000000001"
OF_THE_FORM = {b"content-encoding", b"content-length", b"vary", b"x-request-id"}
"""Headers that a compressed answer has otherwise, and the request's own name."""
QUICKLY = (Phase.explicit, Phase.generate)
"""What was found can be read as it is; making it shorter takes a while."""
Headers = list[tuple[bytes, bytes]]

PATHS = (b"/api/v1/parking-spots", b"/api/v1/parking-spots/search", b"/api/v1/parking-spots/" + SPOT)
MORE_PATHS = (
    b"/availability",
    b"/my-spots",
    b"/summary",
    b"/",
    b"//",
    b"/.",
    b"/..",
    b"/%2e%2e/",
    b";a",
    b"%2F",
    b"%00",
)
WORDS = (
    b"page=1",
    b"page=2",
    b"limit=1",
    b"q=a",
    b"q=%CE%B1",
    b"city=Athens",
    b"latitude=37.9755",
    b"longitude=23.7348",
)
MORE_WORDS = (
    b"&",
    b"=",
    b";",
    b"%",
    b"+",
    b"%00",
    b"%ff",
    b"page_size=1",
    b"radius_km=5",
    b"max_price=300",
    b"cursor=",
)
NAMES = (
    b"if-none-match",
    b"accept-encoding",
    b"authorization",
    b"x-request-id",
    b"host",
    b"origin",
    b"cookie",
    b"range",
)
VALUES = (b"*", b'"a"', b"W/", b"gzip", b";q=0", b"Bearer ", b"e30.e30.", b"bytes=0-1", b"text/html", b"evil.example")

noise = some.binary(max_size=12)
letters = some.text(some.characters(max_codepoint=127), max_size=12).map(str.encode)
"""What may stand in a target; a connection ends where others do."""


def made_of(*known: bytes, other: some.SearchStrategy[bytes] = letters) -> some.SearchStrategy[bytes]:
    """Bytes with something in them that is understood."""
    return some.lists(some.sampled_from(known) | other, max_size=6).map(b"".join)


paths = some.one_of(
    some.sampled_from(PATHS),
    some.builds(lambda path, rest: path + rest, some.sampled_from(PATHS), made_of(*MORE_PATHS)),
    made_of(*PATHS, *MORE_PATHS).map(lambda path: b"/" + path),
)
queries = some.one_of(
    some.just(b""), some.lists(some.sampled_from(WORDS), max_size=3).map(b"&".join), made_of(*WORDS, *MORE_WORDS)
)
headers = some.lists(
    some.tuples(some.sampled_from(NAMES), some.one_of(made_of(*VALUES, other=noise), noise)), max_size=4
)


def scope_of(path: bytes, query: bytes, headers: Headers, method: str = "GET") -> dict[str, Any]:
    """What a server makes of a request; it refuses more of them than this does."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path.decode("latin-1")),
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": list(headers),
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 8000),
        "state": {},
    }


async def told(app: ASGIApp, scope: dict[str, Any]) -> tuple[int, set[Any], bytes]:
    """The answer, without what a form of it has otherwise; an exception is nobody's answer."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    headers = dict(sent[0]["headers"])
    body = b"".join(message.get("body", b"") for message in sent[1:])
    is_packed = headers.get(b"content-encoding") == b"gzip"
    return sent[0]["status"], without_form(headers), gzip.decompress(body) if is_packed and body else body


def without_form(headers: dict[bytes, bytes]) -> set[tuple[bytes, bytes]]:
    return {(name, value.replace(b'-gzip"', b'"')) for name, value in headers.items() if name not in OF_THE_FORM}


@pytest.mark.usefixtures("spot")
async def test_what_is_kept_and_what_is_not_answer_the_same_bytes_alike(api: Api, keeping_api: Api) -> None:
    loop = asyncio.get_running_loop()

    @given_settings(max_examples=CASES, suppress_health_check=list(HealthCheck), phases=QUICKLY)
    @given(paths, queries, headers, some.sampled_from(("GET", "GET", "GET", "HEAD", "POST", "OPTIONS")))
    @example(b"/api/v1/parking-spots", b"", [], "GET")
    @example(b"/api/v1/parking-spots%2F", b"q=%ff", [(b"accept-encoding", b"gzip;q=9" * 9)], "GET")
    @example(b"/api/v1/parking-spots", b"page=%D9%A1", [(b"authorization", b"Bearer \xff.\xff.\xff")], "GET")
    def ask(path: bytes, query: bytes, headers: Headers, method: str) -> None:
        asyncio.run_coroutine_threadsafe(compared(path, query, headers, method), loop).result()

    async def compared(path: bytes, query: bytes, headers: Headers, method: str) -> None:
        truth = await told(front(api.app), scope_of(path, query, headers, method))
        assert truth[0] < 500
        for _ in ("loaded", "kept", "at hand"):
            assert await told(front(keeping_api.app), scope_of(path, query, headers, method)) == truth

    await asyncio.to_thread(ask)


TARGETS = Targets(Settings(_env_file=None), SetClock(), "/api/v1")


@given_settings(max_examples=500)
@given(paths | some.binary(max_size=60), queries | some.binary(max_size=60))
def test_no_bytes_of_a_target_are_too_much_for_the_short_way(path: bytes, query: bytes) -> None:
    scope = scope_of(path, query, [])
    target = TARGETS.of(scope)
    assert target == TARGETS.of(scope) == TARGETS.known(scope) or len(path) > 1_000
    assert target is None or target.path.isascii()
    assert target is None or TARGETS.template_of(scope) == target.template


@given_settings(max_examples=500)
@given(headers | some.lists(some.tuples(some.binary(max_size=9), some.binary(max_size=60)), max_size=4))
def test_no_bytes_of_a_header_are_too_much_for_the_short_way(headers: Headers) -> None:
    wanted = wants(headers)
    assert wanted is None or wanted.signed_in is any(name == b"authorization" for name, _ in headers)
    assert wanted is None or wanted.knows('"a"') in {True, False}
    assert wants([*headers, (b"transfer-encoding", b"chunked")]) is None
