"""Encodings, repetitions and headers that nobody would send on purpose: never a 5xx, whatever the endpoint."""

import gzip
import json

import httpx
import pytest

from contract.refusals import require_no_failure, require_refusal
from operations import OPERATIONS, Operation
from parkingspots.settings import Settings
from product import Api, Clock, Person, running

GARBAGE = (b"", b"\xff\xfe", b",;=\"' \x01\x7f", b"x" * 8192, b"\xff" * 8192)
IGNORED = (
    *("Accept", "Accept-Charset", "Accept-Encoding", "Accept-Language", "Cookie", "Expect", "Forwarded", "From"),
    *("Host", "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since", "Origin", "Prefer", "Range"),
    *("Referer", "User-Agent", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"),
    "X-HTTP-Method-Override",
)
"""Headers that change nothing about whether a request can be carried out."""
every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
with_body = pytest.mark.parametrize(
    "operation", [each for each in OPERATIONS if each.takes_body], ids=lambda operation: operation.id
)


async def send(
    api: Api, operation: Operation, who: Person, *headers: tuple[str, bytes], content: bytes | None = None
) -> httpx.Response:
    """The answer to the operation's example, or to `content` in its place, with `headers` in the usual ones' place."""
    if content is None and operation.takes_body:
        content = json.dumps(operation.body()).encode()
    usual = {"Authorization": who.headers["Authorization"].encode(), "Content-Type": b"application/json"}
    replaced = {name for name, _ in headers}
    sent = [*((name, value) for name, value in usual.items() if name not in replaced), *headers]
    named = [(name.encode(), value) for name, value in sent]
    return await api.client.request(operation.method, operation.url(), content=content, headers=named)


@every_operation
async def test_headers_that_mean_nothing_change_nothing(api: Api, admin: Person, operation: Operation) -> None:
    usual = await send(api, operation, admin)
    for value in GARBAGE:
        odd = await send(api, operation, admin, *((name, value) for name in IGNORED))
        require_no_failure(odd, value)
        if operation.method == "GET":  # the others may be carried out once only
            assert odd.status_code == usual.status_code, (value, odd.text)


@every_operation
async def test_a_header_that_nobody_can_mean_never_fails(api: Api, admin: Person, operation: Operation) -> None:
    for name in ("Authorization", "If-Match", "Idempotency-Key", "Content-Type", "Content-Encoding"):
        for value in (*GARBAGE, b"Bearer \xff", b'"\xff"'):
            require_no_failure(await send(api, operation, admin, (name, value)), (name, value))
        require_no_failure(await send(api, operation, admin, (name, b"one"), (name, b"other")), name)
    for length in (b"-1", b"x", b"9" * 5000):
        require_no_failure(await send(api, operation, admin, ("Content-Length", length)), length)


NO_ADDRESSES = (b"unknown", b"1.2.3.4:99999", b"[::1", b"fe80::1%eth0", b"1.2.3.4, , \x80", b"::ffff:999.1.1.1")


@pytest.mark.parametrize("path", ["/api/v1/parking-spots/", "/api/v1/users/me/sessions"])
async def test_a_forwarded_address_that_is_none_never_fails_where_a_proxy_is_trusted(
    settings: Settings, clock: Clock, path: str
) -> None:
    trusting = settings.model_copy(update={"trusted_proxies": ["127.0.0.1"], "rate_limits_enabled": True})
    async with running(trusting, clock) as api:
        for value in (*GARBAGE, *NO_ADDRESSES):
            answer = await api.client.get(path, headers=[(b"X-Forwarded-For", value)])
            assert answer.status_code in {200, 401}, (value, answer.text)


@with_body
async def test_a_body_in_another_encoding_than_utf_8_never_fails(api: Api, admin: Person, operation: Operation) -> None:
    text = json.dumps(operation.body())
    for encoding in ("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "utf-7", "cp037"):
        charset = ("Content-Type", f"application/json; charset={encoding}".encode())
        for headers in ((), (charset,)):
            answer = await send(api, operation, admin, *headers, content=text.encode(encoding))
            require_no_failure(answer, (encoding, headers))


@with_body
async def test_a_body_that_is_packed_or_no_text_is_refused(api: Api, admin: Person, operation: Operation) -> None:
    good = json.dumps(operation.body()).encode()
    for encoding in (b"gzip", b"identity", b"br, gzip"):
        packed = await send(api, operation, admin, ("Content-Encoding", encoding), content=gzip.compress(good))
        require_refusal(packed, encoding)
    for unreadable in (b"\xe9", b"\xc3\x28", b"\xf8\x88\x80\x80\x80"):
        content = b'{"' + unreadable + b'": 0, ' + good[1:]
        require_refusal(await send(api, operation, admin, content=content), unreadable)


@with_body
async def test_of_a_field_that_is_sent_twice_the_last_counts(api: Api, admin: Person, operation: Operation) -> None:
    good = json.dumps(operation.body()).encode()
    bad = json.dumps(dict.fromkeys(operation.body(), "a\0b")).encode()
    refused = await send(api, operation, admin, content=good[:-1] + b", " + bad[1:])
    assert refused.status_code == 422
    read = await send(api, operation, admin, content=bad[:-1] + b", " + good[1:])
    assert read.status_code != 422
    require_no_failure(read, "good after bad")
