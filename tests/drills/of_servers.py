"""What becomes of the product's servers: they are stopped, slow, locked, and fail now and then."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from drills.crowd import many
from drills.drill import Drill, Promise, where
from drills.sight import Rows, Shown
from drills.stage import Stage
from parkingspots.lines import BOOKINGS, PATIENCE

ASKED_EVERY = 5.0 + 2.0
"""Seconds: a pod asks the database and Valkey that often, and waits so long for an answer."""
MANY = 40
"""People who want one spot: four times as many as a pool has connections."""
LOCK_WAIT = 3.0
"""Seconds that a statement waits for a lock."""
TAKES = 1.3  # seconds
UNTIL_IT_MATTERS = 3600 * 14.4 * 0.001 / 0.05
"""Seconds of 5 % after an hour of none, until 14.4 times what the budget allows for has failed in an hour."""
A_QUARTER_OF_AN_HOUR = 30
"""Scrapes without an error before the first: the budget's hour is not filled by errors alone."""
TWENTY_BOOKINGS = 10
"""Scrapes until there have been so many: fewer may be slow."""
LOCK = "SELECT FROM spots WHERE id = $1 FOR UPDATE"
EACH_FIFTH = """
    CREATE SEQUENCE drill;
    CREATE FUNCTION drill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF nextval('drill') % 5 = 0 THEN RAISE EXCEPTION 'an index is broken' USING ERRCODE = 'XX002'; END IF;
        RETURN NEW;
    END $$
"""
"""Of bookings, which are a fourth of the crowd's requests: five of a hundred fail."""
SLOWLY = f"""
    CREATE FUNCTION drill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        PERFORM pg_sleep({TAKES});
        RETURN NEW;
    END $$
"""
BEFORE_A_BOOKING = "CREATE TRIGGER drill BEFORE INSERT ON bookings FOR EACH ROW EXECUTE FUNCTION drill()"
AS_BEFORE = ("DROP FUNCTION drill CASCADE", "DROP SEQUENCE IF EXISTS drill")


@asynccontextmanager
async def database_stopped(stage: Stage) -> AsyncIterator[None]:
    await stage.database.stop()
    yield
    await stage.database.start()


@asynccontextmanager
async def cache_stopped(stage: Stage) -> AsyncIterator[None]:
    await stage.cache.stop()
    yield
    await stage.cache.start()


@asynccontextmanager
async def spot_locked(stage: Stage) -> AsyncIterator[None]:
    """By a transaction that is open and does nothing, while many want to book that spot."""
    async with stage.connection() as connection, connection.transaction():
        await connection.execute(LOCK, stage.crowd.spots[0])
        async with many(*(stage.crowd.insist() for _ in range(MANY))):
            yield


@asynccontextmanager
async def some_bookings_fail(stage: Stage) -> AsyncIterator[None]:
    await stage.execute(EACH_FIFTH, BEFORE_A_BOOKING)
    yield
    await stage.execute(*AS_BEFORE)


@asynccontextmanager
async def bookings_are_slow(stage: Stage) -> AsyncIterator[None]:
    await stage.execute(SLOWLY, BEFORE_A_BOOKING)
    yield
    await stage.execute(*AS_BEFORE)


DRILLS = (
    Drill(
        "database",
        "PostgreSQL is stopped",
        "ParkingSpotsDatabaseUnreachable",
        {"severity": "critical"},
        Promise(of_product=ASKED_EVERY),
        Shown("overview", "Does the database answer?"),
        Rows({"pod": "parkingspots-api-1"}, equal=0),
        where(database_stopped),
        frozenset({"ParkingSpotsAvailabilityBurns"}),
    ),
    Drill(
        "valkey",
        "Valkey is stopped",
        "ParkingSpotsCacheIsDown",
        {"severity": "warning"},
        Promise(of_product=ASKED_EVERY),
        Shown("cache", "Does Valkey answer?"),
        Rows({"pod": "parkingspots-api-1"}, equal=0),
        where(cache_stopped),
    ),
    Drill(
        "lock",
        f"a transaction holds a spot's row, and {MANY} people book that spot: they are turned away",
        "ParkingSpotsRequestsTurnedAway",
        {"severity": "critical"},
        Promise(of_rule=30, of_product=PATIENCE + LOCK_WAIT),
        Shown("overview", "Requests turned away", Rows({"class": BOOKINGS}, above=0)),
        Rows({"function": "bookings.lock"}, above=1),
        where(spot_locked),
        frozenset(
            {
                *("ParkingSpotsAvailabilityBurns", "ParkingSpotsBookingLatencyBurns"),
                *("ParkingSpotsDatabaseErrors", "ParkingSpotsStatementsAreSlow"),
            }
        ),
    ),
    Drill(
        "errors",
        "5 % of requests fail: each fifth booking, in the database",
        "ParkingSpotsAvailabilityBurns",
        {"severity": "critical", "window": "1h"},
        Promise(of_rule=UNTIL_IT_MATTERS + 30),
        Shown("overview", "How fast budgets burn: last hour"),
        Rows({"method": "POST", "route": "/api/v1/bookings/", "status": "500"}, above=0),
        where(some_bookings_fail),
        frozenset({"ParkingSpotsDatabaseErrors"}),
        calm=A_QUARTER_OF_AN_HOUR,
    ),
    Drill(
        "slow",
        f"each booking takes {TAKES} s in the database",
        "ParkingSpotsStatementsAreSlow",
        {"severity": "warning"},
        Promise(of_rule=30, of_product=TAKES),
        Shown("overview", "Statements: 99 % within"),
        Rows({"function": "bookings.add"}, above=1),
        where(bookings_are_slow),
        frozenset({"ParkingSpotsBookingLatencyBurns"}),
        calm=TWENTY_BOOKINGS,
    ),
)
