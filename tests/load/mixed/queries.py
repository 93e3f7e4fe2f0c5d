"""The reads of the mix: popular queries, each by its rank, as the clients of a marketplace send them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from random import Random
from urllib.parse import urlencode
from uuid import UUID

from parkingspots.app import PREFIX
from parkingspots.seed.towns import a_town

SPOTS, REVIEWS = f"{PREFIX}/parking-spots", f"{PREFIX}/reviews/spot"
ROWS = 20
AHEAD = 14  # days

Asked = dict[str, object]
Kind = Callable[[Random, UUID], str]


@dataclass(frozen=True)
class Popular:
    """Queries from the most asked one on; the one of rank n is asked 1/n as often as the first (Zipf, s = 1)."""

    targets: Sequence[str]

    def drawn(self, rng: Random, count: int) -> list[str]:
        weights = list(accumulate(1 / rank for rank in range(1, len(self.targets) + 1)))
        return rng.choices(self.targets, cum_weights=weights, k=count)


def popular(rng: Random, spot_ids: Sequence[UUID], count: int) -> Popular:
    """`count` different queries, of which each kind has its share, in any order."""
    found: dict[str, None] = {}
    while len(found) < count:
        (kind,) = rng.choices(list(SHARES), weights=list(SHARES.values()))
        found[kind(rng, rng.choice(spot_ids))] = None
    return Popular(rng.sample(list(found), count))


def around(latitude: float, longitude: float, **more: object) -> str:
    """The nearest spots that have `more`."""
    return _list({"latitude": latitude, "longitude": longitude, "limit": ROWS, **more})


def free_around(latitude: float, longitude: float, start: datetime, end: datetime) -> str:
    """The nearest spots that are free for [start, end)."""
    return _search({"latitude": latitude, "longitude": longitude, "limit": ROWS, **_during(start, end)})


def page_of(spot_id: UUID) -> str:
    return f"{SPOTS}/{spot_id}"


def _list(asked: Asked) -> str:
    return f"{SPOTS}/?{urlencode(asked)}"


def _search(asked: Asked) -> str:
    return f"{SPOTS}/search?{urlencode(asked)}"


def _during(start: datetime, end: datetime) -> Asked:
    return {"start_time": f"{start:%Y-%m-%dT%H:%M:%SZ}", "end_time": f"{end:%Y-%m-%dT%H:%M:%SZ}"}


def _place(rng: Random) -> Asked:
    latitude, longitude = rng.choice(a_town(rng).areas).point(rng)
    return {"latitude": latitude, "longitude": longitude, "limit": ROWS}


def _time(rng: Random) -> Asked:
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    start = now + timedelta(hours=rng.randrange(2, 24 * AHEAD))
    return _during(start, start + timedelta(hours=rng.randrange(1, 5)))


def _wish(rng: Random) -> Asked:
    wishes: list[Asked] = [
        {"has_ev_charging": "true"},
        {"is_covered": "true"},
        {"vehicle_size": "standard"},
        {"max_hourly_rate": rng.choice((200, 300, 400))},
    ]
    return rng.choice(wishes)


SHARES: Mapping[Kind, int] = {
    lambda rng, _: _list(_place(rng)): 22,
    lambda rng, _: _list(_place(rng) | _wish(rng)): 8,
    lambda rng, _: _search(_place(rng)): 6,  # the next hour
    lambda rng, _: _search(_place(rng) | _time(rng)): 16,
    lambda rng, _: _search(_place(rng) | _time(rng) | _wish(rng)): 6,
    lambda rng, _: _list({"city": a_town(rng).name} | _wish(rng)): 4,
    lambda rng, _: _search({"city": a_town(rng).name} | _time(rng)): 2,
    lambda rng, _: _list({"q": rng.choice(a_town(rng).streets)}): 2,
    lambda _, spot_id: page_of(spot_id): 20,
    lambda _, spot_id: f"{page_of(spot_id)}/availability": 5,
    lambda _, spot_id: f"{REVIEWS}/{spot_id}": 5,
    lambda _, spot_id: f"{REVIEWS}/{spot_id}/summary": 4,
}
"""Of the kinds of queries, in percent."""
