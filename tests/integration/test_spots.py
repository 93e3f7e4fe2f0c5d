"""Listing a spot, changing it, taking it back."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo, available_timezones

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.settings import time_zones
from product import SPOT, Api, Person

EVERYTHING: dict[str, Any] = {
    "title": "Υπόγειο γκαράζ στο Σύνταγμα",
    "description": "Ground floor, wide entrance.",
    "spot_type": "garage",
    "vehicle_size": "large",
    "address": "Ermou 12",
    "city": "Αθήνα",
    "prefecture": "Αττική",
    "zip_code": "10563",
    "country": "Ελλάδα",
    "latitude": 37.9755,
    "longitude": 23.7348,
    "hourly_rate": 350,
    "daily_rate": 2000,
    "monthly_rate": 30000,
    "is_covered": True,
    "has_ev_charging": True,
    "has_security": True,
    "has_lighting": True,
    "is_handicap_accessible": True,
    "access_instructions": "The code of the gate is 2468.",
    "operating_hours": {"monday": {"open": "08:00", "close": "20:00"}, "sunday": None},
    "images": ["https://images.example.com/1.jpg", "https://παράδειγμα.gr/εικόνα.jpg"],
    "time_zone": "Asia/Kathmandu",
    "currency": "NPR",
    "cancellation_policy": "strict",
}
IMPOSSIBLE: tuple[tuple[str, Any], ...] = (
    ("title", "four"),
    ("title", "  four  "),
    ("title", "x" * 256),
    ("title", "with a NUL \0"),
    ("address", "four"),
    ("address", "x" * 501),
    ("city", ""),
    ("prefecture", " "),
    ("zip_code", ""),
    ("country", ""),
    ("spot_type", "roof"),
    ("vehicle_size", "Standard"),
    ("latitude", 90.1),
    ("latitude", -91),
    ("longitude", 180.5),
    ("longitude", "east"),
    ("hourly_rate", 0),
    ("hourly_rate", -1),
    ("hourly_rate", 3.5),
    ("hourly_rate", 10**30),
    ("daily_rate", 0),
    ("monthly_rate", -5),
    ("currency", "eur"),
    ("cancellation_policy", "lenient"),
    ("currency", "EURO"),
    ("time_zone", "Athens"),
    ("time_zone", "UTC+2"),
    ("time_zone", "../../etc/passwd"),
    ("images", ["https://images.example.com/1.jpg"] * 21),
    ("images", "https://images.example.com/1.jpg"),
    ("operating_hours", {"monday": {"open": "8:00", "close": "20:00"}}),
    ("operating_hours", {"monday": {"open": "08:00"}}),
    ("operating_hours", {"monday": {"open": "08:00", "close": "24:00"}}),
    ("operating_hours", {"Monday": {"open": "08:00", "close": "20:00"}}),
    ("operating_hours", {"monday": "08:00-20:00"}),
    ("operating_hours", {"monday": {"open": 8, "close": 20}}),
    ("operating_hours", []),
)
NO_IMAGES = (
    "http://images.example.com/1.jpg",
    "javascript:alert(1)",
    "data:image/png;base64,AAAA",
    "//images.example.com/1.jpg",
    "https:///1.jpg",
    "https:images.example.com",
    "https://",
    "https://exa mple.com/1.jpg",
    "https://example.com/a\tb",
    "https://example.com:99999/1.jpg",
    "https://[::1/1.jpg",
    'https://example.com/"onerror="alert(1)',
    "https://example.com/<script>",
    "https://good.example\\@evil.example/",
    "https://example.com/\u202egpj.exe",
    "https://example.com/" + "x" * 2_000,
)
NOBODYS = str(uuid4())


async def test_a_spot_reads_as_it_was_listed(api: Api, owner: Person) -> None:
    listed = await api.post("/parking-spots/", owner, expect=201, **EVERYTHING)
    assert listed == EVERYTHING | {
        "id": listed["id"],
        "owner_id": owner.id,
        "is_active": True,
        "is_available": True,
        "total_bookings": 0,
        "average_rating": 0,
        "total_reviews": 0,
        "created_at": listed["created_at"],
        "updated_at": listed["updated_at"],
    }
    assert await api.get(f"/parking-spots/{listed['id']}", owner) == listed


async def test_what_is_left_out_gets_the_services_defaults(api: Api, owner: Person) -> None:
    spot = await api.post("/parking-spots/", owner, expect=201, **SPOT)
    assert (spot["country"], spot["time_zone"], spot["currency"]) == ("Greece", "Europe/Athens", "EUR")
    assert (spot["daily_rate"], spot["monthly_rate"], spot["operating_hours"], spot["images"]) == (None, None, None, [])
    assert not any(spot[name] for name in spot if name.startswith(("has_", "is_covered", "is_handicap")))


async def test_a_renter_who_lists_a_spot_becomes_an_owner(api: Api, renter: Person) -> None:
    assert (await api.get("/users/me", renter))["role"] == "renter"
    await api.list_spot(renter)
    assert (await api.get("/users/me", renter))["role"] == "owner"


async def test_an_admin_who_lists_a_spot_stays_an_admin(api: Api, admin: Person) -> None:
    await api.list_spot(admin)
    assert (await api.get("/users/me", admin))["role"] == "admin"


async def test_only_who_is_signed_in_lists_changes_and_deletes(api: Api, spot: str) -> None:
    await api.post("/parking-spots/", expect=401, **SPOT)
    await api.put(f"/parking-spots/{spot}", expect=401, hourly_rate=1)
    await api.delete(f"/parking-spots/{spot}", expect=401)
    await api.get("/parking-spots/my-spots", expect=401)


async def test_a_spot_is_its_senders_whatever_ids_the_body_names(api: Api, owner: Person, other_owner: Person) -> None:
    given: dict[str, Any] = {
        "id": NOBODYS,
        "owner_id": other_owner.id,
        "is_active": False,
        "total_bookings": 9,
        "average_rating": 5,
    }
    spot = await api.post("/parking-spots/", owner, expect=201, **SPOT, **given)
    changed = await api.put(f"/parking-spots/{spot['id']}", owner, **given)
    for shown in (spot, changed):
        assert shown["owner_id"] == owner.id
        assert shown["id"] == spot["id"] != NOBODYS
        assert (shown["is_active"], shown["total_bookings"], shown["average_rating"]) == (True, 0, 0)


async def test_anothers_spot_is_not_found_by_who_would_change_it(
    api: Api, spot: str, other_owner: Person, admin: Person
) -> None:
    for stranger in (other_owner, admin):
        await api.put(f"/parking-spots/{spot}", stranger, expect=404, hourly_rate=1)
        await api.delete(f"/parking-spots/{spot}", stranger, expect=404)
    assert (await api.get(f"/parking-spots/{spot}"))["hourly_rate"] == 350


async def test_an_unknown_spot_is_not_found_and_a_malformed_id_is_invalid(api: Api, owner: Person) -> None:
    for method in ("GET", "PUT", "DELETE"):
        await api.request(method, f"/parking-spots/{NOBODYS}", owner, expect=404, json={})
        answer = await api.request(method, "/parking-spots/7", owner, expect=422, json={})
        assert [error["parameter"] for error in answer.json()["errors"]] == ["spot_id"]


async def test_a_partial_update_changes_what_is_sent_only(api: Api, owner: Person) -> None:
    spot = await api.post("/parking-spots/", owner, expect=201, **EVERYTHING)
    changed = await api.put(f"/parking-spots/{spot['id']}", owner, hourly_rate=400, images=[])
    assert changed == spot | {"hourly_rate": 400, "images": [], "updated_at": changed["updated_at"]}
    assert changed["updated_at"] > spot["updated_at"]
    assert await api.get(f"/parking-spots/{spot['id']}", owner) == changed


async def test_each_field_can_be_changed(api: Api, owner: Person, spot: str) -> None:
    for name, value in EVERYTHING.items():
        assert (await api.put(f"/parking-spots/{spot}", owner, **{name: value}))[name] == value


async def test_null_empties_what_may_be_empty(api: Api, owner: Person) -> None:
    spot = await api.list_spot(owner, **EVERYTHING)
    empty: dict[str, Any] = dict.fromkeys(
        ("description", "daily_rate", "monthly_rate", "access_instructions", "operating_hours")
    )
    changed = await api.put(f"/parking-spots/{spot}", owner, **empty)
    assert changed == changed | empty


async def test_null_is_refused_where_a_spot_needs_something(api: Api, owner: Person, spot: str) -> None:
    for name in (
        *SPOT,
        "country",
        "time_zone",
        "currency",
        "images",
        "is_covered",
        "is_available",
        "cancellation_policy",
    ):
        await api.put(f"/parking-spots/{spot}", owner, expect=422, **{name: None})


async def test_what_a_spot_cannot_be_is_refused_with_its_field(api: Api, owner: Person, spot: str) -> None:
    for name, value in IMPOSSIBLE:
        listed = await api.post("/parking-spots/", owner, expect=422, **SPOT | {name: value})
        changed = await api.put(f"/parking-spots/{spot}", owner, expect=422, **{name: value})
        for answer in (listed, changed):
            assert answer["errors"][0]["pointer"].split("/")[1] == name


async def test_a_place_is_a_number(api: Api, owner: Person, spot: str) -> None:
    for number in ("NaN", "Infinity", "1e400"):
        headers, body = {"Content-Type": "application/json"}, json.dumps(SPOT).replace("37.9755", number)
        for method, path in (("POST", "/parking-spots/"), ("PUT", f"/parking-spots/{spot}")):
            await api.request(method, path, owner, expect=422, content=body, headers=headers)


async def test_an_image_is_an_https_url_with_a_host(api: Api, owner: Person) -> None:
    for url in NO_IMAGES:
        answer = await api.post("/parking-spots/", owner, expect=422, **SPOT | {"images": [url]})
        assert answer["errors"][0]["pointer"] == "/images/0"


async def test_operating_hours_come_back_as_they_were_sent(api: Api, owner: Person) -> None:
    for hours in ({}, {"friday": None}, {"monday": {"open": "22:00", "close": "06:00"}, "tuesday": None}):
        spot = await api.list_spot(owner, operating_hours=hours)
        assert (await api.get(f"/parking-spots/{spot}"))["operating_hours"] == hours


async def test_every_time_zone_that_is_taken_means_to_the_database_what_it_means_to_everybody(
    session: AsyncSession,
) -> None:
    """By the offsets of a winter and a summer gone by, which no newer list of zones changes."""
    known = set(await session.scalars(text("SELECT name FROM pg_timezone_names"))) & time_zones()
    assert len(known) > 400
    for month in (1, 7):
        moment = datetime(2019, month, 15, 12, tzinfo=UTC)
        zones = "unnest(cast(:zones AS text[])) AS zone"
        walls = await session.execute(
            text(f"SELECT zone, cast(:moment AS timestamptz) AT TIME ZONE zone AS wall FROM {zones}"),
            {"moment": moment, "zones": list(known)},
        )
        meant = {zone: moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for zone in known}
        assert {row.zone: row.wall for row in walls} == meant


async def test_every_other_time_zone_is_refused(api: Api, owner: Person, session: AsyncSession, spot: str) -> None:
    known = set(await session.scalars(text("SELECT name FROM pg_timezone_names"))) & time_zones()
    for zone in {"CET", "EET", "MET", "WET", "EEST", "europe/athens", *available_timezones()} - known:
        answer = await api.put(f"/parking-spots/{spot}", owner, expect=422, time_zone=zone)
        assert answer["errors"][0]["pointer"] == "/time_zone"


async def test_a_zone_that_the_database_does_not_know_is_refused_when_a_spot_is_listed_too(
    api: Api, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("parkingspots.spots.schemas.time_zones", lambda: {"Atlantis/Capital"})
    answer = await api.post("/parking-spots/", owner, expect=422, **SPOT | {"time_zone": "Atlantis/Capital"})
    assert answer["errors"] == [
        {"pointer": "/time_zone", "detail": "is not known here; use the zone's main name, such as Europe/Athens"}
    ]
    assert await api.get("/parking-spots/my-spots", owner) == []


async def test_my_spots_are_mine_newest_first(api: Api, owner: Person, other_owner: Person) -> None:
    first, second = await api.list_spot(owner), await api.list_spot(owner, access_instructions="Ring twice.")
    await api.list_spot(other_owner)
    mine = await api.get("/parking-spots/my-spots", owner)
    assert [spot["id"] for spot in mine] == [second, first]
    assert mine[0]["access_instructions"] == "Ring twice."
    assert mine[1] == await api.get(f"/parking-spots/{first}", owner)


async def test_an_unavailable_spot_vanishes_from_lists_but_can_be_read(api: Api, owner: Person, spot: str) -> None:
    await api.put(f"/parking-spots/{spot}", owner, is_available=False)
    assert await api.get("/parking-spots/") == await api.get("/parking-spots/search") == []
    assert (await api.get(f"/parking-spots/{spot}"))["is_available"] is False
    assert [mine["id"] for mine in await api.get("/parking-spots/my-spots", owner)] == [spot]
    await api.put(f"/parking-spots/{spot}", owner, is_available=True)
    assert [item["id"] for item in await api.get("/parking-spots/")] == [spot]


async def test_a_deleted_spot_is_nowhere_any_more(api: Api, owner: Person, renter: Person, spot: str) -> None:
    assert "deleted" in (await api.delete(f"/parking-spots/{spot}", owner))["message"]
    for path in (f"/parking-spots/{spot}", f"/parking-spots/{spot}/availability"):
        await api.get(path, owner, expect=404)
    await api.put(f"/parking-spots/{spot}", owner, expect=404, hourly_rate=1)
    await api.delete(f"/parking-spots/{spot}", owner, expect=404)
    await api.book(renter, spot, 1, 2, expect=404)
    for path in ("/parking-spots/", "/parking-spots/search", "/parking-spots/my-spots"):
        assert await api.get(path, owner) == []


async def test_a_spot_with_live_bookings_is_not_deleted(api: Api, owner: Person, renter: Person, spot: str) -> None:
    booking = await api.book(renter, spot, 1, 2)
    answer = await api.delete(f"/parking-spots/{spot}", owner, expect=409)
    assert "Cancel them, or wait for their end" in answer["detail"]
    await api.post(f"/bookings/{booking['id']}/cancel", owner)
    await api.delete(f"/parking-spots/{spot}", owner)


async def test_the_history_still_shows_a_deleted_spot(api: Api, owner: Person, renter: Person, spot: str) -> None:
    booking = await api.book(renter, spot, 1, 2)
    api.clock.pass_by(hours=1.5)
    owner, renter = [await api.sign_in(person.id, person.email) for person in (owner, renter)]
    await api.post(f"/bookings/{booking['id']}/check-out", renter)
    await api.delete(f"/parking-spots/{spot}", owner)
    assert (await api.get(f"/bookings/{booking['id']}", renter))["parking_spot"]["title"] == SPOT["title"]
    for person, path in ((renter, "/bookings/"), (owner, "/bookings/owner")):
        assert [past["parking_spot"]["id"] for past in await api.get(path, person)] == [spot]
