"""Which requests may be answered from what is kept, and that each has one name however it is written."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as some

from parkingspots.reads.targets import LONGEST, MOST_REMEMBERED, Targets
from parkingspots.settings import Settings

LIST, SEARCH = "/api/v1/parking-spots", "/api/v1/parking-spots/search"
ID = "0198c0de-7a10-7000-8000-00000000abcd"
START, END = "2040-01-02T12:00:00Z", "2040-01-02T14:00:00Z"
PLACE = {"latitude": "37.9755", "longitude": "23.7348"}
WINDOW = {"start_time": START, "end_time": END}


class SetClock:
    def __init__(self) -> None:
        self.moment = datetime(2040, 1, 2, 10, 0, 5, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment


CLOCK = SetClock()
TARGETS = Targets(Settings(_env_file=None), CLOCK, "/api/v1")

ALIKE: list[tuple[dict[str, str], dict[str, str]]] = [
    ({}, {"page": "1"}),
    ({}, {"page_size": "20"}),
    ({"page_size": "7"}, {"limit": "7"}),
    ({"max_price": "300"}, {"max_hourly_rate": "300"}),
    ({"q": "Yard"}, {"q": " yARD "}),
    ({}, {"q": ""}),
    ({"city": "ΑΘΗΝΑ"}, {"city": "αθηνα"}),
    ({"is_covered": "true"}, {"is_covered": "1"}),
    ({"has_ev_charging": "no"}, {"has_ev_charging": "False"}),
    (PLACE, PLACE | {"latitude": "37.97550"}),
    (WINDOW, {"start_time": "2040-01-02T14:00:00+02:00", "end_time": "2040-01-02t14:00:00.000z"}),
    ({}, {"radius_km": "7"}),
    ({}, {"utm_source": "mail"}),
]
PARTS: dict[str, list[dict[str, str]]] = {
    "size": [{}, {"page_size": "7"}, {"page_size": "8"}],
    "page": [{}, {"page": "2"}, {"page": "3"}],
    "price": [{}, {"max_price": "300"}, {"max_hourly_rate": "301"}, {"max_price": "0"}],
    "words": [{}, {"q": "yard"}, {"q": "yards"}],
    "city": [{}, {"city": "athens"}],
    "covered": [{}, {"is_covered": "true"}, {"is_covered": "false"}],
    "electric": [{}, {"has_ev_charging": "true"}],
    "kind": [{}, {"spot_type": "garage"}, {"spot_type": "lot"}],
    "vehicle": [{}, {"vehicle_size": "large"}],
    "place": [
        {},
        PLACE,
        PLACE | {"radius_km": "11"},
        PLACE | {"latitude": "37.97550000000001"},
        PLACE | {"longitude": "-23.7348"},
    ],
    "window": [{}, WINDOW, WINDOW | {"end_time": "2040-01-02T14:00:00.000001Z"}],
}
meanings = some.fixed_dictionaries({part: some.integers(0, len(ways) - 1) for part, ways in PARTS.items()})


def written(meaning: dict[str, int]) -> dict[str, str]:
    return {name: value for part, way in meaning.items() for name, value in PARTS[part][way].items()}


def key(path: str = LIST, parameters: Any = (), *, raw: str = "", targets: Targets = TARGETS) -> str | None:
    target = targets.of({"path": path, "query_string": (raw or urlencode(parameters)).encode()})
    return None if target is None else target.key


@pytest.mark.parametrize("path", [LIST, SEARCH])
@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_what_means_the_same_has_one_key(path: str, one: dict[str, str], other: dict[str, str]) -> None:
    assert key(path, one) == key(path, other) is not None


def test_the_radius_that_is_meant_may_be_said() -> None:
    assert key(LIST, PLACE) == key(LIST, PLACE | {"radius_km": "10"})
    assert key(SEARCH, PLACE) == key(SEARCH, PLACE | {"radius_km": "50.0"})
    assert key(LIST, PLACE) != key(LIST, PLACE | {"radius_km": "50"})


def test_a_prefecture_may_be_called_a_state() -> None:
    assert key(SEARCH, {"state": "Attica"}) == key(SEARCH, {"prefecture": "attica"})
    assert key(SEARCH, {"state": "Attica"}) != key(SEARCH)
    assert key(LIST, {"state": "Attica"}) == key(LIST), "the plain list does not know it"


@given(meanings, some.randoms(), some.sampled_from([each for each in ALIKE if each[0] == {}]))
def test_order_defaults_and_unknown_parameters_do_not_matter(
    meaning: dict[str, int], source: random.Random, silent: tuple[dict[str, str], dict[str, str]]
) -> None:
    plain = written(meaning)
    more = list((silent[1] | {"radius_km": "10"} | plain | {"unknown": "1", "Latitude": "x"}).items())
    source.shuffle(more)
    if not {"page_size", "page", "q"} & {*plain} & {*silent[1]}:
        assert key(LIST, plain) == key(LIST, more) is not None


@given(meanings, meanings)
def test_what_means_something_else_has_another_key(one: dict[str, int], other: dict[str, int]) -> None:
    assert (key(LIST, written(one)) == key(LIST, written(other))) is (one == other)


def test_both_searches_and_all_pages_of_a_spot_have_keys_of_their_own() -> None:
    reviews = f"/api/v1/reviews/spot/{ID}"
    paths = [LIST, SEARCH, f"{LIST}/{ID}", f"{LIST}/{ID}/availability", reviews, f"{reviews}/summary"]
    assert len({key(path) for path in paths} - {None}) == len(paths)


def test_a_path_may_end_with_a_slash_and_its_id_be_in_capitals() -> None:
    spot = f"{LIST}/{ID}"
    assert key(spot) == key(f"{spot}/") == key(f"{LIST}/{ID.upper()}") == key(spot, {"unknown": "1"}) is not None


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/health",
        "/api/v1/users/me",
        f"{LIST}/my-spots",
        f"{LIST}/{ID}x",
        f"{LIST}/{ID.replace('-', '')}",
        f"{LIST}//",
        f"/{LIST}",
        f"{LIST}/{ID}/availability/{ID}",
        f"/api/v1/reviews/{ID}",
        f"{LIST}/{ID}\n",
    ],
)
def test_other_paths_go_to_their_route(path: str) -> None:
    assert key(path) is None


@pytest.mark.parametrize(
    "raw",
    [
        "page=1&page=1",
        "q=a&utm=1&q=b",
        "page=0",
        "page=x",
        "page_size=201",
        "limit=0",
        "page=502",
        "latitude=91&longitude=0",
        "latitude=nan&longitude=0",
        "latitude=38",
        "longitude=24",
        "radius_km=501",
        "radius_km=0",
        f"start_time={START}",
        f"end_time={END}",
        f"start_time={END}&end_time={START}",
        f"start_time={START}&end_time=2041-01-02T14:00:00Z",
        "start_time=2040-01-02T12:00:00&end_time=2040-01-02T14:00:00",
        "cursor=x",
        "spot_type=castle",
        "q=%00",
        "max_price=1.5",
        f"unknown={'x' * LONGEST}",
    ],
)
def test_what_the_route_may_refuse_is_not_kept(raw: str) -> None:
    assert key(LIST, raw=raw) is None
    assert key(SEARCH, raw=raw) is None


def test_the_next_hour_has_one_key_in_a_minute_and_another_in_the_next() -> None:
    clock = SetClock()
    targets = Targets(Settings(_env_file=None), clock, "/api/v1")
    first = key(SEARCH, targets=targets)
    clock.moment += timedelta(seconds=54)
    assert key(SEARCH, targets=targets) == first
    listed = key(LIST, targets=targets)
    clock.moment += timedelta(seconds=1)
    assert key(SEARCH, targets=targets) != first
    assert key(LIST, targets=targets) == listed
    said = {"start_time": "2040-01-02T10:01:00Z", "end_time": "2040-01-02T11:01:00Z"}
    assert key(SEARCH, targets=targets) == key(SEARCH, said, targets=targets)


def test_what_is_not_to_be_kept_has_no_key() -> None:
    targets = Targets(Settings(_env_file=None, cache_search_seconds=0), CLOCK, "/api/v1")
    assert key(LIST, targets=targets) is None
    assert key(f"{LIST}/{ID}", targets=targets) is not None


def test_however_many_queries_come_few_and_short_ones_are_remembered() -> None:
    targets = Targets(Settings(_env_file=None), CLOCK, "/api/v1")
    for number in range(100_000):
        path, query = (f"/{number}", "") if number % 20 else (LIST, f"q={number}{'x' * (number % (2 * LONGEST))}")
        targets.of({"path": path, "query_string": query.encode()})
        assert len(targets._remembered) <= MOST_REMEMBERED
    assert max(len(path) + len(query) for path, query in targets._remembered) <= LONGEST


def test_a_query_that_is_asked_again_and_again_is_remembered_through_a_flood_of_others() -> None:
    targets = Targets(Settings(_env_file=None), CLOCK, "/api/v1")
    popular = {"path": LIST, "query_string": b"q=popular"}
    targets.of(popular)
    for number in range(10 * MOST_REMEMBERED):
        targets.of({"path": LIST, "query_string": f"q={number}".encode()})
        if number % (MOST_REMEMBERED // 2) == 0:
            assert targets.known(popular) is not None
    assert targets.known({"path": LIST, "query_string": b"q=0"}) is None
