"""Finding spots by what they are and where they are."""

from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from distances import haversine
from product import SPOT, Api, Person

BOTH = pytest.mark.parametrize("path", ["/parking-spots/", "/parking-spots/search"])
SEARCH = "/parking-spots/search"
ALIKE = (
    ("Αθήνα", "αθηνα"),
    ("ΑΘΗΝΑ", "Αθή"),
    ("Αθηνά", "ΑΘΉΝΑ"),
    ("Πύργος", "ΠΥΡΓΟΣ"),
    ("ΠΥΡΓΟΣ", "πυργος"),
    ("Πύργος Ηλείας", "πυργοσ"),
    ("Καλαμάτα", "λαμα"),
    ("Μαΐστρος", "μαιστροσ"),
    ("A\u0301thens", "áthens"),
    ("Straße", "STRA"),
    ("Łódź", "ŁÓD"),
    ("İzmir", "izmir"),
    ("São Paulo", "sao paulo"),
)
NEIGHBOURS = (
    (0, 0, 0.01, -0.01),
    (0, 179.99, 0, -179.99),
    (10, 180, 10, -180),
    (89.99, 0, 89.99, 180),
    (90, 12, 90, -100),
    (-90, 0, -89.95, 77),
    (64.1, -21.9, 64.15, -21.8),
)
SIZES = ("motorcycle", "compact", "standard", "large", "oversized")


async def found(api: Api, path: str = "/parking-spots/", **asked: Any) -> list[str]:
    """The ids of the spots found, in their order."""
    return [item["id"] for item in await api.get(path, **asked)]


async def test_a_list_shows_what_the_contract_names(api: Api, owner: Person) -> None:
    details = {"daily_rate": 2000, "monthly_rate": 30000, "images": ["https://images.example.com/1.jpg"]}
    spot = await api.post("/parking-spots/", owner, expect=201, **SPOT | details)
    names = (
        "id title address city prefecture latitude longitude hourly_rate daily_rate monthly_rate currency spot_type"
        " vehicle_size is_covered has_ev_charging has_security has_lighting is_handicap_accessible is_available"
        " average_rating total_reviews images"
    )
    item = {name: spot[name] for name in names.split()} | {"distance_km": None}
    assert await api.get("/parking-spots/") == await api.get(SEARCH) == [item]


@BOTH
async def test_each_filter_leaves_what_fits(api: Api, owner: Person, path: str) -> None:
    plain = await api.list_spot(owner, hourly_rate=500)
    garage = await api.list_spot(
        owner, spot_type="garage", has_ev_charging=True, is_covered=True, hourly_rate=200, zip_code="54621"
    )
    assert await found(api, path) == [garage, plain]
    assert await found(api, path, spot_type="garage") == [garage]
    assert await found(api, path, spot_type="covered") == [plain]
    for name in ("has_ev_charging", "is_covered"):
        assert await found(api, path, **{name: "true"}) == [garage]
        assert await found(api, path, **{name: "false"}) == [plain]
    assert await found(api, path, spot_type="garage", is_covered="false") == []


@BOTH
@pytest.mark.parametrize("name", ["max_hourly_rate", "max_price"])
async def test_a_price_is_the_most_that_an_hour_may_cost(api: Api, owner: Person, path: str, name: str) -> None:
    cheap, dear = await api.list_spot(owner, hourly_rate=200), await api.list_spot(owner, hourly_rate=201)
    assert await found(api, path, **{name: 201}) == [dear, cheap]
    assert await found(api, path, **{name: 200}) == [cheap]
    assert await found(api, path, **{name: 0}) == []


@BOTH
async def test_a_vehicle_size_finds_spots_of_at_least_this_size(api: Api, owner: Person, path: str) -> None:
    spots = [await api.list_spot(owner, vehicle_size=size) for size in SIZES]
    for number, size in enumerate(SIZES):
        assert await found(api, path, vehicle_size=size) == spots[number:][::-1]


async def test_the_search_knows_prefecture_and_state_and_zip_code(api: Api, owner: Person) -> None:
    attica = await api.list_spot(owner)
    crete = await api.list_spot(owner, prefecture="Ηράκλειο", zip_code="71202")
    assert await found(api, SEARCH, prefecture="attic") == await found(api, SEARCH, state="attic") == [attica]
    assert await found(api, SEARCH, prefecture="ηρακλειο") == [crete]
    assert await found(api, SEARCH, zip_code="71202") == [crete]
    assert await found(api, SEARCH, zip_code="7120") == []


async def test_an_empty_wish_asks_for_nothing(api: Api, spot: str) -> None:
    for path in ("/parking-spots/", SEARCH):
        assert await found(api, path, q="", city=" ") == [spot]
    assert await found(api, SEARCH, prefecture="", zip_code="") == [spot]


async def test_case_and_accents_do_not_matter(api: Api, owner: Person) -> None:
    for written, asked in ALIKE:
        spot = await api.list_spot(owner, city=written, prefecture=written)
        assert await found(api, city=asked) == await found(api, q=asked) == [spot], asked
        assert await found(api, SEARCH, prefecture=asked) == [spot]
        await api.delete(f"/parking-spots/{spot}", owner)


async def test_words_match_parts_of_title_description_address_and_city_only(api: Api, owner: Person) -> None:
    spot = await api.list_spot(
        owner,
        title="Quiet yard",
        description="Behind the bakery",
        address="Ermou 12",
        city="Volos",
        prefecture="Magnesia",
        access_instructions="The key is under the stone.",
    )
    for part in ("iet ya", "BAKERY", "mou 1", "olo"):
        assert await found(api, q=part) == [spot]
    for part in ("magnesia", "stone", "10563", "bakery yard"):
        assert await found(api, q=part) == []


@BOTH
async def test_wildcards_are_letters_like_others(api: Api, owner: Person, path: str) -> None:
    plain = await api.list_spot(owner, title="Nothing special", city="Abc")
    special = await api.list_spot(owner, title="100 % shade_d \\ here \uff05", city="A%b_c\\d")
    for part in ("%", "_", "\\", "\uff05", "100 %", "e_d", "d \\ h"):
        assert await found(api, path, q=part) == [special]
    for part in ("%", "_", "\\", "a%b", "b_c\\"):
        assert await found(api, path, city=part) == [special]
    assert await found(api, path, q="special") == [plain]
    assert await found(api, path, city="a_c") == []


async def test_words_are_only_words(api: Api, spot: str) -> None:
    for words in ("'; DROP TABLE spots; --", "\ufffd\u0301", "😀" * 50, "$1", "(?!)"):
        assert await found(api, q=words) == []
    assert await found(api) == [spot]


@BOTH
async def test_with_a_place_the_nearest_come_first_with_their_distance(api: Api, owner: Person, path: str) -> None:
    places = [(37.99, 23.73), (37.9755, 23.7348), (38.02, 23.80), (37.9756, 23.7348)]
    spots = [await api.list_spot(owner, latitude=lat, longitude=lon) for lat, lon in places]
    items = await api.get(path, latitude=37.9755, longitude=23.7348)
    assert [item["id"] for item in items] == [spots[number] for number in (1, 3, 0, 2)]
    for item in items:
        expected = haversine(37.9755, 23.7348, item["latitude"], item["longitude"])
        assert item["distance_km"] == pytest.approx(expected, rel=0.001, abs=0.0006)


async def test_without_a_place_the_newest_come_first(api: Api, owner: Person) -> None:
    spots = [await api.list_spot(owner) for _ in range(4)]
    assert await found(api) == await found(api, SEARCH) == spots[::-1]


async def test_equal_spots_come_in_the_order_of_their_ids(api: Api, owner: Person, session: AsyncSession) -> None:
    spots = [await api.list_spot(owner) for _ in range(6)]
    await session.execute(text("UPDATE spots SET created_at = '2030-01-01Z'"))
    for path in ("/parking-spots/", SEARCH):
        assert await found(api, path) == sorted(spots)
        assert await found(api, path, latitude=37.9, longitude=23.7) == sorted(spots)


async def test_a_place_is_found_wherever_it_is(api: Api, owner: Person) -> None:
    for latitude, longitude, other_latitude, other_longitude in NEIGHBOURS:
        spot = await api.list_spot(owner, latitude=other_latitude, longitude=other_longitude)
        (item,) = await api.get("/parking-spots/", latitude=latitude, longitude=longitude)
        expected = haversine(latitude, longitude, other_latitude, other_longitude)
        assert item["id"] == spot
        assert item["distance_km"] == pytest.approx(expected, rel=0.001, abs=0.0006)
        await api.delete(f"/parking-spots/{spot}", owner)


async def test_a_radius_bounds_the_search_ten_or_fifty_kilometres_by_default(api: Api, owner: Person) -> None:
    """A thousandth of a degree of latitude is 111 metres."""
    at = {number: await api.list_spot(owner, latitude=number / 111.195, longitude=0) for number in (9, 11, 49, 51, 499)}
    here: dict[str, Any] = {"latitude": 0, "longitude": 0}
    assert await found(api, **here) == [at[9]]
    assert await found(api, SEARCH, **here) == [at[9], at[11], at[49]]
    for path in ("/parking-spots/", SEARCH):
        assert await found(api, path, radius_km=500, **here) == list(at.values())
        assert await found(api, path, radius_km=10.999, **here) == [at[9]]
        assert await found(api, path, radius_km=11.001, **here) == [at[9], at[11]]


async def test_the_radius_is_a_circle_not_a_box(api: Api, owner: Person) -> None:
    await api.list_spot(owner, latitude=0.08, longitude=0.08)  # 12.6 km away, within 10 km by each axis
    assert await found(api, latitude=0, longitude=0, radius_km=10) == []


@BOTH
async def test_filters_come_before_the_limit(api: Api, owner: Person, path: str) -> None:
    wanted = await api.list_spot(owner, spot_type="garage", latitude=38.0, longitude=23.8)
    for _ in range(5):
        await api.list_spot(owner)
    assert await found(api, path, spot_type="garage", limit=1) == [wanted]
    assert await found(api, path, spot_type="garage", limit=1, latitude=37.9755, longitude=23.7348) == [wanted]


async def test_every_item_is_at_least_as_far_as_the_one_before(api: Api, owner: Person) -> None:
    for number in range(12):
        await api.list_spot(owner, latitude=38 + (number * 7 % 12) / 100, longitude=24 - (number * 5 % 12) / 100)
    items = await api.get("/parking-spots/", latitude=38, longitude=24, radius_km=30)
    assert len(items) == 12
    assert all(one["distance_km"] <= other["distance_km"] for one, other in pairwise(items))


NONSENSE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("latitude", {"longitude": 23}),
    ("longitude", {"latitude": 0}),
    ("latitude", {"latitude": 90.1, "longitude": 0}),
    ("latitude", {"latitude": "NaN", "longitude": 0}),
    ("longitude", {"latitude": 0, "longitude": -181}),
    ("longitude", {"latitude": 0, "longitude": "inf"}),
    ("radius_km", {"radius_km": 0}),
    ("radius_km", {"radius_km": -1}),
    ("radius_km", {"radius_km": 500.1}),
    ("radius_km", {"radius_km": "nan"}),
    ("limit", {"limit": 0}),
    ("limit", {"limit": 201}),
    ("page_size", {"page_size": 0}),
    ("page_size", {"page_size": 201}),
    ("page", {"page": 0}),
    ("page", {"page": 10**30}),
    ("max_hourly_rate", {"max_hourly_rate": -1}),
    ("max_price", {"max_price": "cheap"}),
    ("max_price", {"max_price": 10**30}),
    ("spot_type", {"spot_type": "roof"}),
    ("vehicle_size", {"vehicle_size": "bus"}),
    ("has_ev_charging", {"has_ev_charging": "perhaps"}),
    ("q", {"q": "a\0b"}),
    ("q", {"q": "x" * 201}),
    ("city", {"city": "\x1b"}),
)


@BOTH
async def test_nonsense_is_refused_with_its_parameter(api: Api, path: str) -> None:
    for name, asked in NONSENSE:
        answer = await api.get(path, expect=422, **asked)
        assert [error["parameter"] for error in answer["errors"]] == [name], asked
