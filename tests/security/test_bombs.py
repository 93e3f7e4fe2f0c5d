"""Bodies that are small to send and dear to read are refused, at about the price of any other body of their size."""

import gzip
import json
from time import process_time

import httpx
import pytest

from parkingspots.kit.bodies import LARGEST
from product import SPOT, Api, Person

FULL = LARGEST - 1_000
"""Bytes."""
TIMES = 12.0
"""A plain body of the same size is one text, which is read in one go; of many small things each is looked at."""
FLOOR = 0.02
"""Seconds of the processor that a request takes whatever its body."""


def filled(begin: bytes, piece: bytes, end: bytes = b"") -> bytes:
    return begin + piece * ((FULL - len(begin) - len(end)) // len(piece)) + end


PLAIN = filled(b'{"title": "', b"x", b'"}')
BOMBS = {
    "open brackets": filled(b"", b"["),
    "open objects": filled(b"", b'{"a":'),
    "brackets that are closed": b"[" * (FULL // 2) + b"]" * (FULL // 2),
    "brackets in a field": b'{"images": ' + b"[" * (FULL // 2 - 20) + b"]" * (FULL // 2 - 20) + b"}",
    "a number of a million digits": filled(b'{"hourly_rate": ', b"9", b"}"),
    "a fraction of a million digits": filled(b'{"latitude": 0.', b"1", b"}"),
    "an exponent of a million digits": filled(b'{"latitude": 1e', b"9", b"}"),
    "many large numbers": filled(b'{"images": [', b"1e308,", b"1]}"),
    "many numbers of 4,300 digits": filled(b'{"images": [', b"9" * 4_300 + b",", b"1]}"),
    "many fields": b"{" + b",".join(b'"%d":0' % number for number in range(FULL // 12)) + b"}",
    "the same field again and again": filled(b"{", b'"title":0,', b'"title":0}'),
    "many images": filled(b'{"images": [', b'"x",', b'"x"]}'),
    "many days": b'{"operating_hours": {' + b",".join(b'"%d":{}' % number for number in range(FULL // 12)) + b"}}",
    "escapes": filled(b'{"title": "', b"\\u0041", b'"}'),
    "lone surrogates": filled(b'{"title": "', b"\\ud800", b'"}'),
    "a quotation that does not end": filled(b'{"title": "', b'\\"'),
    "blanks": filled(b"{", b" ", b"}"),
    "no text": filled(b'{"title": "', b"\xff", b'"}'),
}


async def cost(api: Api, who: Person, content: bytes, **headers: str) -> tuple[float, httpx.Response]:
    """Seconds of the processor, and the answer."""
    headers |= {"Content-Type": "application/json"} | who.headers
    began = process_time()
    answer = await api.client.post("/api/v1/parking-spots/", content=content, headers=headers)
    return process_time() - began, answer


@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "bomb"}], ids=["", "with a key"])
async def test_a_bomb_costs_about_what_a_plain_body_costs(api: Api, owner: Person, key: dict[str, str]) -> None:
    plain = min([(await cost(api, owner, PLAIN, **key))[0] for _ in range(3)])
    for name, content in BOMBS.items():
        assert len(content) < LARGEST
        took: list[float] = []
        while len(took) < 3 and (not took or min(took) >= TIMES * (plain + FLOOR)):  # it may have been held up
            seconds, answer = await cost(api, owner, content, **key)
            took.append(seconds)
            assert answer.status_code in {400, 422}, name
            assert len(answer.content) < 100_000, f"{name}: the answer is a bomb itself"
        assert min(took) < TIMES * (plain + FLOOR), name


async def test_a_packed_body_is_never_unpacked(api: Api, owner: Person) -> None:
    packed = gzip.compress(b'{"title": "' + b" " * (1 << 26) + b'"}', 6)
    assert len(packed) < LARGEST
    plain = min([(await cost(api, owner, PLAIN))[0] for _ in range(3)])
    for coding in ("gzip", "deflate", "gzip, gzip", "x-gzip", "identity"):
        seconds, answer = await cost(api, owner, packed, **{"Content-Encoding": coding})
        assert answer.status_code in {400, 415, 422}
        assert seconds < TIMES * (plain + FLOOR)


async def test_a_good_request_is_answered_after_all_that(api: Api, owner: Person) -> None:
    for content in BOMBS.values():
        await cost(api, owner, content)
    _, answer = await cost(api, owner, json.dumps(SPOT).encode())
    assert answer.status_code == 201
