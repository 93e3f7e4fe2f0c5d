"""Nothing that a client sends is answered with a 5xx; what cannot be meant is a 4xx; no answer repeats a password."""

import json
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from contract.refusals import require_no_failure, require_refusal
from operations import NOWHERE, OPERATIONS, Operation
from product import Api, Person

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
DEEP = b"[" * 100_000
HUGE = int("9" * 400)
MEGABYTE = "x" * 1_000_000
NEVER_MEANT = ("\x00", "a\x00b", "\ud800", "a\udfffb", HUGE, -HUGE, float("nan"), float("inf"), float("-inf"), MEGABYTE)
"""No field of any body can have these."""
NUMBERS_OF_NO_TYPE = ("9" * 10_000, "1e400", "-1e400", "1" + "0" * 400, "0x10", "01", "1_0", "1.", "+1")
"""As they would stand in the JSON."""
SELDOM_MEANT: tuple[object, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    2**63,
    "",
    " ",
    "0",
    [],
    [[]],
    {},
    {"\ud800": "\ud800"},
    ["\x00"],
    "2030-01-01T10:00:00",
)
"""Some fields can have some of these."""
with_body = pytest.mark.parametrize(
    "operation", [each for each in OPERATIONS if each.takes_body], ids=lambda operation: operation.id
)


async def send(api: Api, operation: Operation, who: Person | None, body: object) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = JSON | (who.headers if who else {})
    return await api.client.request(operation.method, operation.url(), content=content, headers=headers)


@with_body
@pytest.mark.parametrize("signed_in", [False, True], ids=["nobody", "a user"])
async def test_a_body_that_is_no_object_is_refused(
    api: Api, admin: Person, operation: Operation, signed_in: bool
) -> None:
    who = admin if signed_in else None
    for content in (
        b"",
        b" ",
        b"null",
        b"true",
        b"5",
        b"NaN",
        b'"text"',
        b"[]",
        b"[{}]",
        b"{",
        b"{}}",
        b"{'a': 1}",
        b'{"a": 1,}',
        b"\xff\xfe",
        b"\x00",
        DEEP,
        b'{"a":' * 50_000,
        DEEP + b"]" * 100_000,
        b"9" * 10_000,
    ):
        require_refusal(await send(api, operation, who, content), content)


@with_body
async def test_a_good_body_of_another_content_type_is_refused(api: Api, admin: Person, operation: Operation) -> None:
    body = json.dumps(operation.body()).encode()
    for content_type in (
        "text/plain",
        "application/xml",
        "multipart/form-data",
        "application/octet-stream",
        "json",
        "/",
    ):
        headers = admin.headers | {"Content-Type": content_type}
        answer = await api.client.request(operation.method, operation.url(), content=body, headers=headers)
        if operation.id != "login":
            require_refusal(answer, content_type)
        require_no_failure(answer, content_type)


@with_body
async def test_a_field_that_nobody_can_mean_is_refused(api: Api, admin: Person, operation: Operation) -> None:
    good = operation.body()
    for field in good:
        for value in NEVER_MEANT:
            answer = await send(api, operation, admin, good | {field: value})
            require_refusal(answer, (field, value))
            require_no_secret(answer, good)
        for number in NUMBERS_OF_NO_TYPE:
            written = json.dumps(good | {field: "@"}).replace('"@"', number).encode()
            require_refusal(await send(api, operation, admin, written), (field, number))


def require_no_secret(answer: httpx.Response, sent: dict[str, object]) -> None:
    for name, value in sent.items():
        if "password" in name:
            assert str(value) not in answer.text


@with_body
async def test_a_field_of_another_type_never_fails(api: Api, admin: Person, operation: Operation) -> None:
    good = operation.body()
    for field in good:
        for value in SELDOM_MEANT:
            answer = await send(api, operation, admin, good | {field: value})
            require_no_failure(answer, (field, value))
            require_no_secret(answer, {name: sent for name, sent in good.items() if name != field})
        require_no_failure(
            await send(api, operation, admin, {name: sent for name, sent in good.items() if name != field}), field
        )


@with_body
async def test_a_name_of_a_field_that_nobody_can_mean_never_fails(
    api: Api, admin: Person, operation: Operation
) -> None:
    for name in ("\x00", "\ud800", "__proto__", "", MEGABYTE, "a/b~c"):
        require_no_failure(await send(api, operation, admin, operation.body() | {name: name}), name)


async def test_a_name_inside_a_field_that_cannot_be_is_named_as_well_as_it_can(api: Api, admin: Person) -> None:
    operation = next(each for each in OPERATIONS if each.id == "create_spot")
    for name, pointer in (("\ud800", "/operating_hours"), ("a/b~c", "/operating_hours/a~1b~0c")):
        answer = await send(api, operation, admin, operation.body() | {"operating_hours": {name: None}})
        require_refusal(answer, name)
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize("value", ["\x00", "\ud800", MEGABYTE, "", "ü"], ids=ascii)
@pytest.mark.parametrize("field", ["username", "password"])
async def test_a_login_form_takes_no_nonsense(api: Api, admin: Person, field: str, value: str) -> None:
    form = {"username": admin.email, "password": "wrong horse"} | {field: value}
    content = "&".join(f"{name}={quote(text, errors='surrogatepass')}" for name, text in form.items())
    answer = await api.client.post("/api/v1/auth/login", content=content, headers=FORM)
    require_refusal(answer, value)
    assert "wrong horse" not in answer.text


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"username=a",
        b"&" * 5000,
        b"a=1&" * 5000,
        b"username=a&username=b&password=c&password=d",
        b"\xff=\xfe",
        b"%",
        b"%ff%fe=%00",
        b"username[]=a&password[]=b",
        DEEP,
    ],
    ids=lambda content: repr(content[:20]),
)
async def test_a_form_that_is_none_is_refused(api: Api, content: bytes) -> None:
    require_refusal(await api.client.post("/api/v1/auth/login", content=content, headers=FORM), content)


@pytest.mark.parametrize("boundary", ["", "; boundary=", "; boundary=x", f"; boundary={'x' * 300}", "; boundary=\xff"])
async def test_a_multipart_form_that_is_none_is_refused(api: Api, boundary: str) -> None:
    part = b'--x\r\nContent-Disposition: form-data; name="username"; filename="a"\r\n\r\nb\r\n'
    for content in (b"", b"--x--", b"--x\r\n\r\n", part, part + b"--x--\r\n", part * 100):
        headers = [(b"Content-Type", b"multipart/form-data" + boundary.encode("latin-1"))]
        require_refusal(await api.client.post("/api/v1/auth/login", content=content, headers=headers), content)


BAD_IN_A_PATH = (
    "x",
    "0",
    "%00",
    "%FF",
    "%ED%A0%80",
    "%F0%9F%9A%97",
    "%20",
    "-1",
    "null",
    "9" * 5000,
    f"{NOWHERE}0",
    "%2e%2e",
)


@pytest.mark.parametrize(
    "operation", [each for each in OPERATIONS if each.parameters("path")], ids=lambda operation: operation.id
)
@pytest.mark.parametrize("signed_in", [False, True], ids=["nobody", "a user"])
async def test_an_id_that_is_none_is_refused(api: Api, admin: Person, operation: Operation, signed_in: bool) -> None:
    body: Any = operation.body() if operation.takes_body else None
    for name in operation.parameters("path"):
        for value in BAD_IN_A_PATH:
            url = httpx.URL(f"http://parkingspots.test{operation.url(**{name: value})}")
            headers = admin.headers if signed_in else {}
            answer = await api.client.request(operation.method, url, headers=headers, json=body)
            require_refusal(answer, value)


BAD_IN_A_QUERY = (
    *("%00", "a%00b", "%FF", "%ED%A0%80", "", "%20", "NaN", "Infinity", "-Infinity", "1e400", "-1", "0", "1.5", "true"),
    *("9" * 400, "9" * 5000, "x" * 5000, "[]", "{}", "null", "2030-01-01T10:00:00", "2030-01-01T10:00:00Z"),
    *("2030-01-01T10:00:00+03:00", "0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00", "9223372036854775807"),
)
NEVER_MEANT_IN_A_QUERY = ("%00", "a%00b", "x" * 5000, "9" * 5000)


@pytest.mark.parametrize(
    "operation", [each for each in OPERATIONS if each.parameters("query")], ids=lambda operation: operation.id
)
async def test_a_parameter_that_nobody_can_mean_is_refused_or_ignored(
    api: Api, admin: Person, operation: Operation
) -> None:
    for name in operation.parameters("query"):
        for value in BAD_IN_A_QUERY:
            answer = await ask(api, operation, admin, f"{name}={value}")
            require_no_failure(answer, (name, value))
            if value in NEVER_MEANT_IN_A_QUERY:
                require_refusal(answer, (name, value))
        for query in (f"{name}=1&{name}=2", f"{name}=%00&{name}=", f"{name}[]=1", f"{name}[a]=1"):
            require_no_failure(await ask(api, operation, admin, query), query)


async def ask(api: Api, operation: Operation, who: Person, query: str) -> httpx.Response:
    url = httpx.URL(f"http://parkingspots.test{operation.url()}?{query}")
    return await api.client.request(operation.method, url, headers=who.headers)


@pytest.mark.parametrize(
    "query", ["%", "%00", "&&&", "=", "a", "\xff", "page=1&page=2", "%ED%A0%80=1", "x=" + "y" * 60_000]
)
async def test_a_query_that_is_none_never_fails(api: Api, query: str) -> None:
    for path in ("/api/v1/parking-spots", "/api/v1/parking-spots/search", "/api/v1/auth/login", "/readyz"):
        require_no_failure(await api.client.get(httpx.URL(f"http://parkingspots.test{path}?{query}")), query)
