"""What the headers of a request mean to a kept answer."""

import time
from uuid import UUID, uuid4

import jwt
import pytest

from parkingspots.kit.footprints import Listed
from parkingspots.reads.asked import wants
from parkingspots.reads.entries import About, Entry

OWNER, STRANGER = uuid4(), uuid4()


def entry(*but_for: UUID) -> Entry:
    about = About(Listed(None, None, None), "1:1:", 0.0, 300.0, 0.01, frozenset(but_for), '"a"', ())
    return Entry(about, b"[]")


def bearer(user: object) -> bytes:
    return f"Bearer {jwt.encode({'sub': str(user)}, 'x' * 32)}".encode()


def may_have(authorization: bytes | None, kept: Entry) -> bool:
    wanted = wants([] if authorization is None else [(b"authorization", authorization)])
    return wanted is not None and wanted.may_have(kept)


@pytest.mark.parametrize(
    "sent", ["gzip", "GZIP", "x-gzip", "br, gzip", "gzip;q=0.5", "gzip ; q = 1.000", "deflate,gzip;q=0.001,*;q=0"]
)
def test_whoever_accepts_gzip_gets_it(sent: str) -> None:
    wanted = wants([(b"accept-encoding", sent.encode())])
    assert wanted is not None
    assert wanted.takes_gzip


@pytest.mark.parametrize("sent", ["", "identity", "*", "br", "gzip;q=0", "gzip; q=0.000", "gzipped", "notgzip", "zip"])
def test_whoever_does_not_gets_it_plain(sent: str) -> None:
    wanted = wants([(b"accept-encoding", sent.encode())])
    assert wanted is not None
    assert not wanted.takes_gzip


def test_a_header_of_blanks_is_read_in_no_time() -> None:
    began = time.process_time()
    for sent in (b"gzip" + b" " * 60_000 + b"x", b"gzip;q=1" + b" " * 60_000 + b"x", b" gzip" * 12_000):
        assert wants([(b"accept-encoding", sent)]) is not None
    assert time.process_time() - began < 1


@pytest.mark.parametrize("sent", ['"a"', 'W/"a"', '"b", "a"', '"b","a-gzip"', "*", 'W/"a-gzip"', ' "a" '])
def test_whoever_has_the_answer_already_is_known(sent: str) -> None:
    wanted = wants([(b"if-none-match", sent.encode())])
    assert wanted is not None
    assert wanted.knows('"a"')


@pytest.mark.parametrize("sent", ["", '"b"', "a", '"A"', '"a', '"b-gzip"', "W/", ","])
def test_whoever_has_another_one_is_not(sent: str) -> None:
    wanted = wants([(b"if-none-match", sent.encode())])
    assert wanted is not None
    assert not wanted.knows('"a"')


def test_tags_in_several_headers_count_together() -> None:
    wanted = wants([(b"if-none-match", b'"b"'), (b"if-none-match", b'"a"')])
    assert wanted is not None
    assert wanted.knows('"a"')
    assert wanted.knows('"b"')


def test_without_headers_nothing_is_wanted_but_the_answer() -> None:
    wanted = wants([])
    assert wanted is not None
    assert not wanted.takes_gzip
    assert not wanted.signed_in
    assert not wanted.knows('"a"')


@pytest.mark.parametrize(
    "header", [(b"content-length", b"2"), (b"content-length", b"x"), (b"transfer-encoding", b"chunked")]
)
def test_a_request_with_a_body_goes_to_its_route(header: tuple[bytes, bytes]) -> None:
    assert wants([header]) is None


def test_an_empty_body_is_none() -> None:
    assert wants([(b"content-length", b"0")]) is not None


def test_whom_an_answer_concerns_goes_to_the_route() -> None:
    assert not may_have(bearer(OWNER), entry(OWNER))
    assert not may_have(bearer(OWNER).replace(b" ", b"  ") + b" ", entry(OWNER)), "as the route reads it"
    assert may_have(bearer(STRANGER), entry(OWNER))
    assert may_have(None, entry(OWNER))
    assert may_have(bearer(OWNER), entry())


@pytest.mark.parametrize(
    "sent", [b"", b"Bearer", b"Bearer x.y.z", b"Bearer \xff\x00", bearer("nobody"), b"Bearer " + b"a" * 60_000]
)
def test_whoever_claims_to_be_nobody_gets_what_strangers_get(sent: bytes) -> None:
    assert may_have(sent, entry(OWNER))
