"""How long searches take on many spots, asked through the product's own repository on one connection.

    python tests/load/search_at_scale.py --spots 1000000 --bookings 10000000

Prints the speed of seeding, then for each kind of search the median and the 95th percentile in milliseconds, how many
rows it found on average, and the indexes that its plan uses. With --folder the data is kept there for the next run.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random
from statistics import mean, quantiles
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from parkingspots.dev.postgres import postgres
from parkingspots.kit import migrating
from parkingspots.kit.database import Database, RawConnection
from parkingspots.kit.paging import Page
from parkingspots.seed.listings import NOUN
from parkingspots.seed.service import seed
from parkingspots.seed.towns import a_town
from parkingspots.settings import Settings
from parkingspots.spots import repository, search
from parkingspots.spots.rules import VehicleSize
from parkingspots.spots.search import Place, Window, Wishes

SERVER = {"shared_buffers": "2GB", "max_wal_size": "16GB", "checkpoint_timeout": "30min"}
WARM_UP = 40
LONGEST = 60.0  # seconds of one kind
NO_TIME_OUT = 3_600_000  # ms; for VACUUM
ANYTHING = Wishes()

console = Console(width=150, highlight=False)


@dataclass(frozen=True)
class Query:
    """What the repository is asked."""

    wishes: Wishes
    place: Place | None
    window: Window | None
    page: Page = Page(20)  # noqa: RUF009 - frozen


Kind = Callable[[Random, datetime], Query]


def _place(rng: Random, radius_km: float) -> Place:
    town = a_town(rng)
    return Place(*rng.choice(town.areas).point(rng), radius_km)


def _window(rng: Random, now: datetime, length: timedelta) -> Window:
    start = now + timedelta(minutes=15 * rng.randrange(4 * 24 * 21))
    return Window(start, start + length)


def nearest(rng: Random, _: datetime) -> Query:
    return Query(ANYTHING, _place(rng, 10), None)


def nearest_free_for_an_hour(rng: Random, now: datetime) -> Query:
    return Query(ANYTHING, _place(rng, 50), _window(rng, now, timedelta(hours=1)))


def nearest_free_for_three_days(rng: Random, now: datetime) -> Query:
    return Query(ANYTHING, _place(rng, 50), _window(rng, now, timedelta(days=3)))


def nearest_free_with_filters(rng: Random, now: datetime) -> Query:
    wishes = Wishes(has_ev_charging=True, vehicle_size=VehicleSize.LARGE, max_hourly_rate=400)
    return Query(wishes, _place(rng, 50), _window(rng, now, timedelta(hours=2)))


def map_with_filters(rng: Random, _: datetime) -> Query:
    wishes = Wishes(has_ev_charging=True, is_covered=True, vehicle_size=VehicleSize.STANDARD)
    return Query(wishes, _place(rng, 2), None, Page(200))


def newest(_: Random, __: datetime) -> Query:
    return Query(ANYTHING, None, None)


def newest_in_a_city(rng: Random, _: datetime) -> Query:
    return Query(Wishes(city=a_town(rng).name), None, None)


def newest_free_in_a_city(rng: Random, now: datetime) -> Query:
    return Query(Wishes(city=a_town(rng).name), None, _window(rng, now, timedelta(hours=1)))


def text_street(rng: Random, _: datetime) -> Query:
    return Query(Wishes(words=rng.choice(a_town(rng).streets)), None, None)


def text_rare(rng: Random, _: datetime) -> Query:
    """A kind of spot and an area together: some hundred of a million."""
    town = a_town(rng)
    return Query(Wishes(words=f"{rng.choice(list(NOUN.values()))} in {rng.choice(town.areas).name}, off"), None, None)


def text_unknown(rng: Random, _: datetime) -> Query:
    return Query(Wishes(words="".join(rng.choices("abcdefghij", k=8))), None, None)


def text_near(rng: Random, _: datetime) -> Query:
    return Query(Wishes(words=rng.choice(list(NOUN.values()))), _place(rng, 10), None)


def text_of_elsewhere(rng: Random, _: datetime) -> Query:
    """Words that no spot around the place has: what a filter before the limit fears most."""
    return Query(Wishes(words="Fokionos Negri"), Place(35.3387, 25.1330, 50), None, Page(1 + rng.randrange(20)))


KINDS: dict[str, Kind] = {
    "nearest 20": nearest,
    "nearest 20, free for 1 h": nearest_free_for_an_hour,
    "nearest 20, free for 3 days": nearest_free_for_three_days,
    "nearest 20, 3 filters, free for 2 h": nearest_free_with_filters,
    "200 on a map of 2 km, 3 filters": map_with_filters,
    "newest 20": newest,
    "newest 20 in a city": newest_in_a_city,
    "newest 20 in a city, free for 1 h": newest_free_in_a_city,
    "text: a street": text_street,
    "text: a kind of spot in an area": text_rare,
    "text: found nowhere": text_unknown,
    "text: near a place": text_near,
    "text: only found far from the place": text_of_elsewhere,
}


def main(
    spots: Annotated[int, typer.Option(help="How many spots.")] = 20_000,
    bookings: Annotated[int, typer.Option(help="How many bookings.")] = 200_000,
    queries: Annotated[int, typer.Option(min=2, help="How many of each kind are timed.")] = 300,
    folder: Annotated[Path | None, typer.Option(help="Keeps the data; else it is thrown away.")] = None,
    plans: Annotated[str, typer.Option(help="Print the whole plan of kinds whose name has this.")] = "",
) -> None:
    """Seed a PostgreSQL of this process and time searches on it."""
    with _home(folder) as home, postgres(home, durable=False, settings=SERVER) as server:
        settings = Settings(_env_file=None, database_url=server.url, database_statement_timeout_ms=NO_TIME_OUT)
        asyncio.run(_measure(settings, spots, bookings, queries, plans))


@contextmanager
def _home(folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        yield folder
        return
    with TemporaryDirectory(prefix="search-at-scale-") as temporary:
        yield Path(temporary) / "postgres"


async def _measure(settings: Settings, spots: int, bookings: int, queries: int, plans: str) -> None:
    await migrating.upgrade(settings)
    await _seed(settings, spots, bookings)
    database = Database(settings, pool_size=1)
    table = Table("search", "queries", "p50 ms", "p95 ms", "rows", "indexes")
    async with database.raw() as connection:
        await connection.execute("VACUUM ANALYZE")
        for name, kind in KINDS.items():
            times, rows = await _timed(connection, kind, queries)
            plan = await _plan(connection, kind)
            if plans and plans in name:
                console.print(json.dumps(plan, indent=1), markup=False)
            figures = (_percentile(times, 50), _percentile(times, 95))
            table.add_row(name, str(len(times)), *(f"{ms:.1f}" for ms in figures), f"{rows:.0f}", _indexes(plan))
    await database.aclose()
    console.print(f"{spots:,} spots, {bookings:,} bookings, one connection")
    console.print(table)


async def _seed(settings: Settings, spots: int, bookings: int) -> None:
    began = perf_counter()
    seeded = await seed(
        settings, spots=spots, bookings=bookings, seed=1, now=datetime.now(UTC), progress=lambda *_: None
    )
    if seeded.is_new:
        seconds = perf_counter() - began
        console.print(f"Seeded in {seconds:.0f} s: {bookings / seconds:,.0f} bookings a second")


async def _timed(connection: RawConnection, kind: Kind, queries: int) -> tuple[list[float], float]:
    """Milliseconds of each query after the warm-up, and how many rows there were on average.

    A kind so slow that it would hold up the others ends early.
    """
    times: list[float] = []
    rows: list[int] = []
    deadline = perf_counter() + LONGEST
    for query in islice(_stream(kind), WARM_UP + queries):
        began = perf_counter()
        if began > deadline and len(times) > 2:
            break
        found = await repository.search(connection, query.wishes, query.place, query.window, query.page)
        times.append((perf_counter() - began) * 1_000)
        rows.append(len(found))
    is_whole = len(times) == WARM_UP + queries
    cold = WARM_UP if is_whole else min(WARM_UP, len(times) // 2)
    return times[cold:], mean(rows[cold:])


def _stream(kind: Kind) -> Iterator[Query]:
    rng, now = Random(7), datetime.now(UTC).replace(second=0, microsecond=0)
    while True:
        yield kind(rng, now)


async def _plan(connection: RawConnection, kind: Kind) -> dict[str, Any]:
    query = next(_stream(kind))
    asked = search.parameters(query.wishes, query.place, query.window, query.page)
    statement = search.statement(frozenset(asked))
    explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement.text}"
    explained = await connection.fetchval(explain, *statement.given(**asked)[1:])
    plan: dict[str, Any] = json.loads(explained)[0]["Plan"]
    return plan


def _indexes(plan: dict[str, Any]) -> str:
    """Every index that the plan uses, and the tables it reads whole."""
    names = dict.fromkeys(_nodes(plan))
    return ", ".join(name for name in names if name)


def _nodes(plan: dict[str, Any]) -> Iterator[str]:
    if plan["Node Type"] == "Seq Scan":
        yield f"ALL OF {plan['Relation Name']}"
    yield plan.get("Index Name", "")
    for part in plan.get("Plans", ()):
        yield from _nodes(part)


def _percentile(times: list[float], percent: int) -> float:
    return quantiles(times, n=100)[percent - 1]


if __name__ == "__main__":
    typer.run(main)
