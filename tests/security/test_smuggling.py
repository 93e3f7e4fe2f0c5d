"""What a proxy and the server might read in two ways is one request or none: nothing hides in it or waits for it."""

from collections.abc import Iterator

import pytest

from e2e.test_journey import served
from parkingspots.kit.connection import LARGEST, MOST_HEADERS
from parkingspots.settings import Settings
from security.raw import Answer, exchange, last, request

LOGIN = b"POST /api/v1/auth/login HTTP/1.1"
CHUNKED = b"Transfer-Encoding: chunked"
JSON = b"Content-Type: application/json"
HIDDEN = request("hidden")
END = b"0\r\n\r\n"
HOST = b"Host: parkingspots.test\r\n"


def login(*fields: bytes, body: bytes = b"") -> bytes:
    return request("outer", LOGIN, *fields, body=body)


def get(target: bytes, *fields: bytes, body: bytes = b"") -> bytes:
    return request("outer", b"GET " + target + b" HTTP/1.1", *fields, body=body)


def chunks(body: bytes, *fields: bytes) -> bytes:
    return login(CHUNKED, JSON, *fields, body=body)


REFUSED = {
    "two hosts": get(b"/livez", b"Host: evil.example"),
    "the same host twice": get(b"/livez", HOST.strip()),
    "two hosts in HTTP/1.0": get(b"/livez", b"Host: evil.example").replace(b"1.1", b"1.0"),
    "no host": get(b"/livez").replace(HOST, b""),
    "a length and chunks": login(b"Content-Length: 5", CHUNKED, body=END + HIDDEN),
    "chunks and a length": login(CHUNKED, b"Content-Length: 5", body=END + HIDDEN),
    "two lengths": login(b"Content-Length: 0", b"Content-Length: %d" % len(HIDDEN), body=HIDDEN),
    "the same length twice": login(b"Content-Length: 2", b"Content-Length: 2", body=b"{}"),
    "a list of lengths": login(b"Content-Length: 2, 2", body=b"{}"),
    "a length with a sign": login(b"Content-Length: +2", body=b"{}"),
    "a negative length": login(b"Content-Length: -1", body=b"{}"),
    "a hexadecimal length": login(b"Content-Length: 0x2", body=b"{}"),
    "a length beyond 64 bits": login(b"Content-Length: 18446744073709551618", body=b"{}"),
    "an empty length": login(b"Content-Length:"),
    "a space before the colon of a length": login(b"Content-Length : 2", body=b"{}"),
    "a space before the colon of chunks": login(b"Transfer-Encoding : chunked", b"Content-Length: 2", body=b"{}"),
    "chunks on a folded line": login(b"Transfer-Encoding:\r\n chunked", body=END + HIDDEN),
    "chunks behind a vertical tab": login(b"Transfer-Encoding: \x0bchunked", body=END + HIDDEN),
    "what is not quite chunked": login(b"Transfer-Encoding: xchunked", body=END + HIDDEN),
    "an identity and a length": login(b"Transfer-Encoding: identity", b"Content-Length: 2", body=b"{}"),
    "chunks that are not the last coding": login(b"Transfer-Encoding: chunked, identity", body=END + HIDDEN),
    "chunks twice": login(CHUNKED, CHUNKED, body=END + HIDDEN),
    "a chunk's length with 0x": chunks(b"0x2\r\n{}\r\n" + END),
    "a chunk's length with a sign": chunks(b"-2\r\n{}\r\n" + END),
    "a chunk's length with a space": chunks(b"2 \r\n{}\r\n" + END),
    "a chunk's length beyond 64 bits": chunks(b"10000000000000002\r\n{}\r\n" + END),
    "a chunk's length with a bare line feed": chunks(b"2\n{}\r\n" + END),
    "a chunk's extension with a bare line feed": chunks(b"2;\n{}\r\n" + END),
    "a chunk with a bare line feed": chunks(b"2\r\n{}\n" + END),
    "a field behind the chunks": chunks(b"2\r\n{}\r\n0\r\nAuthorization: Bearer x\r\n\r\n"),
    "the end of the connection behind the chunks": chunks(b"2\r\n{}\r\n0\r\nConnection: close\r\n\r\n"),
    "a length behind the chunks": chunks(b"2\r\n{}\r\n0\r\nContent-Length: 9\r\n\r\n"),
    "lines that end with a line feed": request("outer").replace(b"\r\n", b"\n"),
    "one line that ends with a line feed": request("outer").replace(b"test\r\n", b"test\n"),
    "an empty line with a line feed alone": request("outer").removesuffix(b"\r\n") + b"\n",
    "a carriage return in a field": get(b"/livez", b"A: b\rC: d"),
    "a folded field": get(b"/livez", b"A: b\r\n c: d"),
    "a field that begins with a space": get(b"/livez", b" A: b"),
    "a NUL in a field": get(b"/livez", b"A: b\x00c"),
    "a NUL in a field's name": get(b"/livez", b"A\x00B: c"),
    "an escape sequence in a field": get(b"/livez", b"A: \x1b[31mred"),
    "a letter beyond ASCII in a field's name": get(b"/livez", b"\xc3\x84: b"),
    "a field without a colon": get(b"/livez", b"A"),
    "a field without a name": get(b"/livez", b": b"),
    "a target that is no path": get(b"livez"),
    "a target that is a query": get(b"?a=b"),
    "a target that is an authority": get(b"evil.example:80"),
    "a target with a backslash": get(b"\\livez"),
    "a target with a space": get(b"/livez HTTP/1.1 /readyz"),
    "a target with raw letters beyond ASCII": get(b"/livez/\xc3\xbc"),
    "a target with a raw byte that is no UTF-8": get(b"/livez/\xff"),
    "a query with raw letters beyond ASCII": get(b"/api/v1/parking-spots?q=\xc3\xbc"),
    "a query with a raw byte that is no UTF-8": get(b"/api/v1/parking-spots?page_size=1&q=\xff"),
    "a target with a NUL": get(b"/livez\x00"),
    "a tunnel": request("outer", b"CONNECT evil.example:80 HTTP/1.1"),
    "a method in small letters": request("outer", b"get /livez HTTP/1.1"),
    "a method of nobody": request("outer", b"SMUGGLE /livez HTTP/1.1"),
    "a tab behind the method": request("outer", b"GET\t/livez HTTP/1.1"),
    "a version of nobody": request("outer", b"GET /livez HTTP/1.2"),
    "no version": b"GET /livez\r\n",
    "the beginning of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}
ONE_REQUEST = {
    "a body to a GET": (200, get(b"/livez", b"Content-Length: %d" % len(HIDDEN), body=HIDDEN)),
    "chunks to a GET": (200, get(b"/livez", CHUNKED, body=b"%x\r\n%s\r\n%s" % (len(HIDDEN), HIDDEN, END))),
    "a body to what is not there": (404, get(b"/x", b"Content-Length: %d" % len(HIDDEN), body=HIDDEN)),
    "a body to a method that is not taken": (
        405,
        request("outer", b"PATCH /livez HTTP/1.1", b"Content-Length: %d" % len(HIDDEN), body=HIDDEN),
    ),
    "a length with a space behind it": (422, login(JSON, b"Content-Length: 2 ", body=b"{}")),
    "an extension of a chunk": (422, chunks(b"2;a=b\r\n{}\r\n" + END)),
    "a host of somebody else": (200, get(b"/livez").replace(b"parkingspots.test", b"evil.example")),
    "a host that is none": (200, get(b"/livez").replace(b"parkingspots.test", b"a b@c/d?e")),
    "an empty host": (200, get(b"/livez").replace(b" parkingspots.test", b"")),
    "a whole URL": (200, get(b"http://evil.example/livez")),
    "a whole URL with a port and a query": (200, get(b"https://evil.example:99/livez?a")),
    "a fragment": (200, get(b"/livez#/readyz")),
    "two spaces behind the method": (200, get(b" /livez")),
    "an encoded letter": (200, get(b"/%6civez")),
    "a letter that is encoded twice": (404, get(b"/%256civez")),
    "an encoded NUL": (404, get(b"/livez%00")),
    "an encoded line end": (404, get(b"/livez%0d%0aX-Request-ID:%20hidden")),
    "an escape that is none": (404, get(b"/livez%zz%")),
    "an overlong encoding": (404, get(b"/%c0%ae%c0%ae/livez")),
    "a way up": (404, get(b"/x/../livez")),
    "an encoded way up": (404, get(b"/x/%2e%2e/livez")),
    "a way up with a backslash": (404, get(b"/x\\..\\livez")),
    "a dot": (404, get(b"/./livez")),
    "an encoded slash": (404, get(b"/%2flivez")),
    "two slashes": (404, get(b"//livez")),
    "two slashes and a host": (404, get(b"//evil.example/livez")),
    "a parameter of a path": (404, get(b"/livez;a=b")),
    "an asterisk": (404, request("outer", b"OPTIONS * HTTP/1.1")),
    "another method in a field": (200, get(b"/livez", b"X-HTTP-Method-Override: DELETE", b"X-Method-Override: PUT")),
    "another path in a field": (200, get(b"/livez", b"X-Original-URL: /metrics", b"X-Rewrite-URL: /metrics")),
    "a trace": (405, request("outer", b"TRACE /livez HTTP/1.1")),
    "an expectation of nobody": (422, login(JSON, b"Expect: the-unexpected", b"Content-Length: 2", body=b"{}")),
    "an expectation without a body": (200, get(b"/livez", b"Expect: 100-continue")),
    "empty lines ahead": (200, b"\r\n\r\n" + get(b"/livez")),
    "a field that names another as its connection's": (200, get(b"/livez", b"Connection: x-request-id")),
}
LAST = {
    "an upgrade to WebSocket": get(
        b"/livez", b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Key: AAAA"
    ),
    "an upgrade to HTTP/2": get(b"/livez", b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c"),
    "an upgrade with a body": login(b"Connection: Upgrade", b"Upgrade: h2c", b"Content-Length: 2", body=b"{}"),
    "HTTP/1.0": request("outer", b"GET /livez HTTP/1.0"),
    "HTTP/1.0 without a host": request("outer", b"GET /livez HTTP/1.0").replace(HOST, b""),
    "HTTP/1.0 with chunks": request("outer", LOGIN.replace(b"1.1", b"1.0"), CHUNKED, body=END + HIDDEN),
    "the end of the connection, and more": get(b"/livez", b"Connection: close", body=HIDDEN),
}
A_MEGABYTE = b"a" * (1 << 20)
ENDLESS = {
    "a field": b"GET /livez HTTP/1.1\r\nA: " + A_MEGABYTE,
    "a field's name": b"GET /livez HTTP/1.1\r\n" + A_MEGABYTE,
    "a path": b"GET /" + A_MEGABYTE,
    "fields": b"GET /livez HTTP/1.1\r\n" + b"A: b\r\n" * 100_000,
    "a chunk's extension": chunks(b"2;" + A_MEGABYTE),
    "fields behind the chunks": chunks(b"2\r\n{}\r\n0\r\n" + b"A: b\r\n" * 100_000),
    "a field behind the chunks": chunks(b"2\r\n{}\r\n0\r\nA: " + A_MEGABYTE),
}


@pytest.fixture(scope="module", params=[(), ("--workers", "2")], ids=["one process", "two workers"])
def server(
    request: pytest.FixtureRequest, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    with served(settings, tmp_path_factory.mktemp("server") / "log", *request.param) as (url, _):
        yield url


def names(answers: list[Answer]) -> list[str | None]:
    return [answer.name for answer in answers]


def require_refusal(answer: Answer, *statuses: int) -> None:
    assert answer.status in statuses
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["connection"] == "close"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("case", REFUSED)
def test_what_could_be_read_in_two_ways_is_refused_with_all_that_follows(server: str, case: str) -> None:
    (answer,) = exchange(server, REFUSED[case] + last())
    require_refusal(answer, 400)


@pytest.mark.parametrize("case", ONE_REQUEST)
def test_what_is_merely_odd_is_one_request_and_the_next_begins_behind_it(server: str, case: str) -> None:
    status, odd = ONE_REQUEST[case]
    first, second = exchange(server, odd + last())
    assert (first.status, first.name) == (status, "outer")
    assert (second.status, second.name) == (200, "after")


@pytest.mark.parametrize("case", LAST)
def test_where_nothing_more_is_read_the_connection_ends_with_the_answer(server: str, case: str) -> None:
    """A proxy that kept it would wait for the answer to somebody else's request."""
    (answer,) = exchange(server, LAST[case], HIDDEN)
    assert answer.name == "outer"
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("case", ENDLESS)
def test_what_has_no_end_is_not_read_to_it(server: str, case: str) -> None:
    answers = exchange(server, ENDLESS[case] * 8)
    for answer in answers:  # which this machine may have dropped, as it was still sending
        require_refusal(answer, 400, 431)
    assert len(answers) <= 1


def test_a_head_may_be_as_large_as_is_said_and_no_larger(server: str) -> None:
    small, large = (get(b"/livez", b"A: " + b"a" * size, b"Connection: close") for size in (LARGEST - 200, LARGEST))
    (answer,) = exchange(server, small)
    assert answer.status == 200
    (answer,) = exchange(server, large)
    require_refusal(answer, 431)


def test_there_are_as_many_headers_as_is_said_and_no_more(server: str) -> None:
    last_of_all = b"Connection: close"
    has = get(b"/livez", last_of_all).count(b": ")
    (answer,) = exchange(server, get(b"/livez", *[b"a: b"] * (MOST_HEADERS - has), last_of_all))
    assert answer.status == 200
    (answer,) = exchange(server, get(b"/livez", *[b"a: b"] * (MOST_HEADERS + 1 - has), last_of_all))
    require_refusal(answer, 431)
    (answer,) = exchange(server, get(b"/livez", *[b"a:"] * MOST_HEADERS).removesuffix(b"\r\n"))  # and has no end
    require_refusal(answer, 431)


def test_a_request_that_was_answered_is_not_answered_again_when_its_body_turns_out_bad(server: str) -> None:
    begun = request("outer", b"POST /nowhere HTTP/1.1", CHUNKED, body=b"2\r\n{}\r\n")
    answers = exchange(server, begun, last().replace(b"GET", b"ZZZ"))
    assert [(answer.status, answer.name) for answer in answers] in ([(404, "outer")], [(400, None)])


def test_what_is_bad_behind_a_good_request_is_not_answered_in_its_place(server: str) -> None:
    answers = exchange(server, request("one") + request("two") + b"\0\r\n\r\n")
    assert names(answers) in (["one", "two"], ["one", "two", None])


def test_requests_in_one_piece_are_answered_in_their_order(server: str) -> None:
    asked = [f"request-{number}" for number in range(50)]
    answers = exchange(server, b"".join(map(request, asked)) + last())
    assert names(answers) == [*asked, "after"]


def test_a_body_that_waits_to_be_asked_for_is_asked_for_once(server: str) -> None:
    expecting = login(JSON, b"Expect: 100-continue", b"Content-Length: 2")
    first, second, third = exchange(server, expecting, b"{}", last())
    assert [first.status, second.status, third.status] == [100, 422, 200]
    assert names([first, second, third]) == [None, "outer", "after"]


EVIL = (
    b"X-Forwarded-Host: evil.example",
    b"X-Forwarded-Prefix: /evil",
    b"X-Forwarded-Proto: https",
    b"Forwarded: host=evil.example;proto=https",
    b"X-Original-URL: /evil",
    b"Origin: https://evil.example",
)


def test_nothing_odd_about_a_request_gets_into_what_others_are_given(server: str) -> None:
    target = b"/api/v1/parking-spots?max_price=77"
    odd = [
        get(b"http://evil.example" + target, b"Connection: close"),
        get(target, b"Connection: close").replace(b"parkingspots.test", b"evil.example"),
        *(get(target, field, b"Connection: close") for field in EVIL),
    ]
    plain = get(target, b"Connection: close")
    for asked in (*odd, plain, *odd, plain):  # loaded for one of them, kept, and at hand
        (answer,) = exchange(server, asked)
        assert answer.status == 200
        assert "evil" not in f"{answer.headers} {answer.body!r}"
        assert "strict-transport-security" not in answer.headers
        assert answer.headers["etag"] == exchange(server, plain)[0].headers["etag"]
