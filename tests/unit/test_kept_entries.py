"""Kept answers: on their way to Valkey and back, and how many of them a process keeps."""

import random
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as some

from parkingspots.kit.footprints import Area, Footprint, Kind, Listed, Span, Subjects
from parkingspots.reads.entries import OVERHEAD, About, Entry, UnreadableError
from parkingspots.reads.local import Local

PUTS = 100_000
finite = some.floats(allow_nan=False, allow_infinity=False)
spans = some.none() | some.builds(Span, finite, finite)
areas = some.none() | some.builds(Area, finite, finite, some.none() | finite, some.none() | finite)
footprints: some.SearchStrategy[Footprint] = some.one_of(
    some.builds(Subjects, some.frozensets(some.sampled_from(Kind)), some.frozensets(some.uuids(), max_size=4), spans),
    some.builds(Listed, areas, some.none() | finite, spans),
)
abouts = some.builds(
    About,
    footprint=footprints,
    snapshot=some.just("10:20:12,15"),
    loaded_at=finite,
    good_for=finite,
    cost=finite,
    but_for=some.frozensets(some.uuids(), max_size=3),
    etag=some.text(max_size=40),
    headers=some.lists(some.tuples(some.text(max_size=9), some.text(max_size=9)), max_size=3).map(tuple),
)
entries = some.builds(Entry, abouts, some.binary(max_size=200))


def entry(body: bytes = b"[]") -> Entry:
    about = About(Listed(None, None, None), "1:1:", 0.0, 300.0, 0.01, frozenset({uuid4()}), '"a"', (("link", "</x>"),))
    return Entry(about, body)


@given(entries)
def test_an_answer_comes_back_from_valkey_as_it_went(sent: Entry) -> None:
    assert Entry.from_bytes("name", sent.to_bytes("name")) == sent


@given(entries, some.data())
def test_an_answer_with_one_wrong_bit_is_none(sent: Entry, data: some.DataObject) -> None:
    raw = bytearray(sent.to_bytes("name"))
    raw[data.draw(some.integers(0, len(raw) - 1))] ^= 1 << data.draw(some.integers(0, 7))
    with pytest.raises(UnreadableError):
        Entry.from_bytes("name", bytes(raw))


@given(entries, some.data())
def test_a_part_of_an_answer_is_none(sent: Entry, data: some.DataObject) -> None:
    raw = sent.to_bytes("name")
    with pytest.raises(UnreadableError):
        Entry.from_bytes("name", raw[: data.draw(some.integers(0, len(raw) - 1))])
    with pytest.raises(UnreadableError):
        Entry.from_bytes("name", raw + data.draw(some.binary(min_size=1, max_size=5)))


@given(some.binary(max_size=300))
def test_what_others_wrote_is_no_answer(raw: bytes) -> None:
    with pytest.raises(UnreadableError):
        Entry.from_bytes("name", raw)
    with pytest.raises(UnreadableError):
        Entry.from_bytes("name", b"PS1\n" + raw)


@given(entries)
def test_an_answer_under_another_name_is_none(sent: Entry) -> None:
    with pytest.raises(UnreadableError):
        Entry.from_bytes("other", sent.to_bytes("name"))


def test_an_answer_goes_out_compressed_to_whoever_takes_it_and_only_where_it_is_worth_it() -> None:
    small, large = entry(), entry(b"[" + b" " * 5_000 + b"]")
    assert small.form(takes_gzip=True, signed_in=False, secure=False).body == small.body
    packed, plain = (large.form(takes_gzip=takes, signed_in=False, secure=False) for takes in (True, False))
    assert (b"content-encoding", b"gzip") in packed.headers
    assert len(packed.body) < len(plain.body) / 10
    assert dict(packed.headers)[b"etag"] != dict(plain.headers)[b"etag"]
    assert large.form(takes_gzip=True, signed_in=True, secure=False).body is packed.body, "it is compressed once"


def test_answers_to_the_signed_in_are_not_for_caches_that_others_share() -> None:
    assert (b"cache-control", b"private, no-cache") in entry().form(
        takes_gzip=False, signed_in=True, secure=False
    ).headers
    assert (b"cache-control", b"no-cache") in entry().form(takes_gzip=False, signed_in=False, secure=False).headers


def test_however_many_answers_come_those_kept_fit_into_the_room() -> None:
    source, local = random.Random(2040), Local(room=1_000_000)
    answers = [entry(b"x" * size) for size in (2, 600, 6_000, 60_000)]
    for number in range(PUTS):
        answer = source.choice(answers)
        local.put(f"/parking-spots/?page={source.randrange(number + 1)}", answer, 0)
        local.get(f"/parking-spots/?page={source.randrange(number + 1)}")
        assert local.used <= local.room
    assert local.used > local.room / 2
    assert len(local) * OVERHEAD < local.room
    for number in range(PUTS):
        local.drop(f"/parking-spots/?page={number}")
    assert (local.used, len(local)) == (0, 0)


def test_what_is_asked_for_stays_and_what_is_not_goes() -> None:
    local = Local(room=10 * entry().size)
    local.put("wanted", entry(), 0)
    for number in range(100):
        local.put(f"once {number}", entry(), 0)
        assert local.get("wanted") is not None
    assert local.get("once 0") is None
    assert local.get("once 99") is not None


def test_a_flood_that_nobody_repeats_washes_away_nothing_that_was_asked_for_twice() -> None:
    local = Local(room=20 * (entry().size + 100))
    for name in ("one", "two"):
        local.put(name, entry(), 0)
        assert local.get(name) is not None
    for number in range(1_000):
        local.put(f"once {number}", entry(), 0)
    assert local.get("one") is not None
    local.put("two", entry(), 1)  # loaded anew, as something has changed
    for number in range(1_000):
        local.put(f"again {number}", entry(), 0)
    assert local.get("two") is not None


def test_what_was_popular_goes_when_others_are() -> None:
    local = Local(room=10 * (entry().size + 40))
    for number in range(100):
        local.put(f"twice {number}", entry(), 0)
        assert local.get(f"twice {number}") is not None
        assert local.used <= local.room
    assert local.get("twice 0") is None
    assert local.get("twice 99") is not None


def test_an_answer_larger_than_the_room_is_not_kept_and_its_forerunner_neither() -> None:
    local = Local(room=10_000)
    local.put("key", entry(), 0)
    local.put("key", entry(b"x" * 20_000), 0)
    assert local.get("key") is None
    assert local.used == 0
