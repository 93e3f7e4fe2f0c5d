"""What the load asks for: as a target of HTTP, and as the product understands it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import urlencode

from parkingspots.app import PREFIX
from parkingspots.kit.paging import Page
from parkingspots.seed.towns import ATHENS, a_town
from parkingspots.spots import search
from parkingspots.spots.search import Place, Window, Wishes

SPOTS = f"{PREFIX}/parking-spots"
AN_HOUR = timedelta(hours=1)
ROWS = 20
NEAR, FAR = 10, 50  # km


@dataclass(frozen=True)
class Query:
    """The nearest 20 around a place, maybe free for a time."""

    place: Place
    window: Window | None

    def target(self, rng: Random) -> str:
        """Its path and parameters, these in any order."""
        place: dict[str, object] = {
            "latitude": self.place.latitude,
            "longitude": self.place.longitude,
            "radius_km": self.place.radius_km,
            "limit": ROWS,
        }
        if self.window is None:
            return f"{SPOTS}/?{permuted(rng, place)}"
        times: dict[str, object] = {"start_time": _rendered(self.window.start), "end_time": _rendered(self.window.end)}
        return f"{SPOTS}/search?{permuted(rng, place | times)}"

    def compiled(self) -> tuple[str, list[Any]]:
        """The SQL that the product runs for it, and its arguments."""
        asked = search.parameters(Wishes(), self.place, self.window, Page(ROWS))
        asked = search.parameters(Wishes(), self.place, self.window, Page(ROWS))
        statement = search.statement(frozenset(asked))
        sql, *values = statement.given(**asked)
        return sql, values


Kind = Callable[[Random], Query]


def free_for_an_hour(rng: Random) -> Query:
    start = _now() + timedelta(minutes=15 * rng.randrange(4, 4 * 24 * 21))
    return Query(_place(rng, FAR), Window(start, start + AN_HOUR))


def nearest(rng: Random) -> Query:
    return Query(_place(rng, NEAR), None)


def ever_new(kind: Kind, rng: Random) -> Iterator[Query]:
    """Queries of which none comes twice."""
    seen = set()
    while True:
        query = kind(rng)
        if query not in seen:
            seen.add(query)
            yield query


def one_search(rng: Random, rows: int, count: int) -> list[str]:
    """One search with a place, a time and a wish, as `count` clients write it."""
    start = _now() + timedelta(days=1)
    parameters = {
        "latitude": ATHENS.latitude,
        "longitude": ATHENS.longitude,
        "radius_km": NEAR,
        "start_time": _rendered(start),
        "end_time": _rendered(start + AN_HOUR),
        "vehicle_size": "compact",
        "page": 1,
        "page_size": rows,
    }
    return [f"{SPOTS}/search?{permuted(rng, parameters)}" for _ in range(count)]


def permuted(rng: Random, parameters: Mapping[str, object]) -> str:
    return urlencode(rng.sample(list(parameters.items()), len(parameters)))


def _place(rng: Random, radius_km: float) -> Place:
    return Place(*rng.choice(a_town(rng).areas).point(rng), radius_km)


def _now() -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


def _rendered(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
