"""How PostgreSQL finds spots among 20,000 with 100,000 bookings: by index."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from parkingspots.dev.postgres import PostgresServer
from parkingspots.kit import migrating
from parkingspots.kit.database import Database
from parkingspots.kit.paging import Page
from parkingspots.settings import Settings
from parkingspots.spots.rules import SpotType, VehicleSize
from parkingspots.spots.search import Place, Window, Wishes, parameters, statement

NOON = datetime(2040, 1, 2, 12, tzinfo=UTC)
WINDOW = Window(NOON, NOON + timedelta(hours=2))
PLACE = Place(37.9755, 23.7348, 10)
ANYTHING, FIRST = Wishes(), Page(20)
NOBODYS = UUID("0198c0de-7a10-7000-8000-000000000002")
Explain = Callable[..., Awaitable[list["Plan"]]]
FILLING = (
    "INSERT INTO users (email, password_hash, full_name, role) VALUES ('owner@example.com', '', 'Owner', 'owner')",
    # One in twenty in Athens.
    """
    INSERT INTO spots (owner_id, title, spot_type, vehicle_size, address, city, prefecture, zip_code, country,
        latitude, longitude, hourly_rate, currency, time_zone, created_at)
    SELECT users.id, 'Spot ' || n, 'lot', 'standard', 'Street ' || n, 'City ' || n % 500, 'Attica', '10563', 'Greece',
        CASE n % 20 WHEN 0 THEN 37.9 + n % 997 / 5000.0 ELSE 35 + n % 991 / 165.0 END,
        CASE n % 20 WHEN 0 THEN 23.6 + n % 983 / 4000.0 ELSE 20 + n % 977 / 140.0 END,
        350, 'EUR', 'Europe/Athens', timestamptz '2030-01-01Z' + make_interval(mins => n)
    FROM users, generate_series(1, 20000) AS n
    """,
    "INSERT INTO spot_stats (spot_id) SELECT id FROM spots",
    """
    INSERT INTO bookings (spot_id, user_id, owner_id, start_time, end_time, status, payment_status,
        total_amount, service_fee, owner_payout, currency)
    SELECT spots.id, owner_id, owner_id, starts, starts + interval '4 hours', 'confirmed', 'completed',
        110, 10, 100, 'EUR'
    FROM spots, generate_series(0, 4) AS n, LATERAL (
        SELECT timestamptz '2040-01-01Z'
            + make_interval(days => 2 * n, hours => extract(minute FROM created_at)::integer % 48)
    ) AS moments (starts)
    """,
    "VACUUM ANALYZE",
)


@pytest.fixture(scope="module")
async def country(postgres_server: PostgresServer) -> AsyncIterator[Database]:
    """A database of its own, of a country's size."""
    url = postgres_server.create_database("country")
    own = Settings(_env_file=None, database_url=url, database_statement_timeout_ms=60_000)
    await migrating.upgrade(own)
    database = Database(own)
    async with database.reader() as session:
        for filling in FILLING:
            await session.execute(text(filling))
    yield database
    await database.aclose()
    postgres_server.drop_database("country")


@pytest.fixture
def explain(country: Database) -> Explain:
    """The plans that PostgreSQL may take for a search.

    It plans a prepared statement for its values; after some times for any values, if that is no more expensive.
    """

    async def ask(wishes: Wishes, place: Place | None, window: Window | None, page: Page = FIRST) -> list[Plan]:
        asked = parameters(wishes, place, window, page)
        search = statement(frozenset(asked))
        nulls = ", ".join(["NULL"] * len(search.names))
        async with country.raw() as driver:
            for_its_values = await driver.fetchval(f"EXPLAIN (FORMAT JSON) {search.text}", *search.given(**asked)[1:])
            await driver.execute(f"SET plan_cache_mode = force_generic_plan; PREPARE search AS {search.text}")
            for_any_values = await driver.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE search ({nulls})")
            await driver.execute("DEALLOCATE search; RESET plan_cache_mode")
        custom, generic = [Plan(list(nodes(json.loads(plan)[0]["Plan"]))) for plan in (for_its_values, for_any_values)]
        return [custom] if custom.cost < generic.cost else [custom, generic]

    return ask


@dataclass(frozen=True)
class Plan:
    nodes: Sequence[dict[str, Any]]

    @property
    def cost(self) -> float:
        return float(self.nodes[0]["Total Cost"])

    @property
    def indexes(self) -> set[str]:
        return {node["Index Name"] for node in self.nodes if "Index Name" in node}

    @property
    def read_whole(self) -> set[str]:
        """The tables that are read from end to end."""
        return {node["Relation Name"] for node in self.nodes if node["Node Type"] == "Seq Scan"}

    @property
    def sorts(self) -> bool:
        return any(node["Node Type"] == "Sort" for node in self.nodes)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", []):
        yield from nodes(part)


async def test_nearest_first_walks_the_geographic_index(explain: Explain) -> None:
    for page in (FIRST, Page(20, after=(0.0005, NOBODYS))):
        for plan in await explain(ANYTHING, PLACE, None, page):
            assert "ix_spots_location" in plan.indexes
            assert "spots" not in plan.read_whole


async def test_a_place_and_a_time_read_no_table_from_end_to_end(explain: Explain) -> None:
    every = Wishes(spot_type=SpotType.LOT, vehicle_size=VehicleSize.COMPACT, max_hourly_rate=400, is_covered=False)
    for wishes in (ANYTHING, every):
        for plan in await explain(wishes, PLACE, WINDOW):
            assert plan.indexes >= {"ix_spots_location", "ex_bookings_slot"}
            assert not plan.read_whole & {"spots", "bookings"}


async def test_newest_first_walks_the_index_of_age(explain: Explain) -> None:
    for page in (FIRST, Page(20, after=(NOON, NOBODYS))):
        for plan in await explain(ANYTHING, None, None, page):
            assert "ix_spots_newest" in plan.indexes
            assert not plan.sorts
            assert "spots" not in plan.read_whole


async def test_a_time_without_a_place_looks_bookings_up_by_spot(explain: Explain) -> None:
    for plan in await explain(ANYTHING, None, WINDOW):
        assert plan.indexes >= {"ix_spots_newest", "ex_bookings_slot"}
        assert not plan.read_whole & {"spots", "bookings"}


async def test_rare_words_are_found_by_their_trigrams(explain: Explain) -> None:
    for wishes in (Wishes(words="street 12345"), Wishes(city="city 123"), Wishes(prefecture="nowhere")):
        for plan in await explain(wishes, None, None):
            assert "ix_spots_words" in plan.indexes
            assert "spots" not in plan.read_whole
